/* What the adjoint, the tangent and the slack see of a solution while they pass over the steps: a window of
 * three, and places for what belongs to a step. All in the tile's scratch. */
#ifndef NEURLP_BLOCK_LOCAL_H
#define NEURLP_BLOCK_LOCAL_H

#include "block/sweep/products.h"

typedef struct local_view {
  tile_input solved; /* in the caller's units */
  vector_window solution;
  vector_window normal; /* rows of A^T A lambda; of the tangent, changes of exact values */
  wide_cell *row;       /* [n] coefficients of one equation */
  wide_cell *grad_row;  /* [n] their gradient, or change */
  wide_cell *central;   /* [D] gradient of h[t] from the central rows with centre t */
  wide_cell *slack;     /* [R] value of the slack */
  wide_cell *sums;      /* [E (n + R) + D] gradients that are summed over time */
} local_view;

NEURLP_ANYWHERE void local_open(local_view *view, const neurlp_tile *tile, const void *solved) {
  const neurlp_shape *shape = &tile->problem->shape;
  const int64_t size = tile_unknowns_step(tile->problem), n = tile->problem->unknowns;
  view->solved = tile_point(tile, solved, NEURLP_ARRAY_SOLUTION);
  view->row = tile->scratch; /* where refinement has its row, too */
  view->grad_row = view->row + n;
  view->solution = (vector_window){view->grad_row + n, 2 * size};
  view->normal = (vector_window){view->grad_row + n + size, 2 * size};
  view->central = view->grad_row + n + 6 * size;
  view->slack = view->central + shape->dimensions;
  view->sums = view->slack + shape->columns;
}

/* Solution of step t, scaled, and zeros beside it. */
NEURLP_INLINE void local_load(const neurlp_tile *tile, const local_view *view, sweep_sizes z, int32_t t) {
  wide_cell *solution = window_step(view->solution, t), *normal = window_step(view->normal, t);
  EACH (c, 0, sizes_unknowns(z))
    EACH (r, 0, z.columns) {
      const wide u = tile_load(tile, z, &view->solved, t, c * (int64_t)z.columns + r);
      solution[c * z.columns + r] = u * wide_all(tile->problem->scale[c % z.derivatives]);
      normal[c * z.columns + r] = wide_all(0.0);
    }
}

#endif
