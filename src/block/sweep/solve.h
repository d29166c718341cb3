/* One tile from inputs to solution. */
#ifndef NEURLP_BLOCK_SOLVE_H
#define NEURLP_BLOCK_SOLVE_H

#include "block/sweep/joint.h"
#include "block/sweep/refine.h"
#include "block/sweep/sweep.h"

/* Writes step t of a vector in the caller's units. A number that is not finite fails its system. */
NEURLP_INLINE void solve_write_step(neurlp_tile *tile, sweep_sizes z, int32_t t, outer *const target[LANES]) {
  const int32_t n = sizes_unknowns(z);
  wide_mask finite = wide_equal(wide_all(0.0), wide_all(0.0));
  EACH (c, 0, n)
    EACH (r, 0, z.columns) {
      const wide x = vector_step(tile->x, z, t)[c * z.columns + r];
      const wide u = x * wide_all(tile->problem->inverse_scale[c % z.derivatives]);
      finite &= wide_finite(u);
      tile_scatter(tile, z, u, target, t, ((int64_t)t * n + c) * z.columns + r);
    }
  tile_fail(tile, ~finite, NEURLP_NOT_FINITE);
}

/* Writes the whole of x, but for a first step that belongs to the piece before it, and the statuses. */
NEURLP_INLINE void solve_write(neurlp_tile *tile, sweep_sizes z, void *array, neurlp_status *status) {
  outer *target[LANES];
  tile_point_out(tile, tile->shape, array, NEURLP_ARRAY_SOLUTION, target);
  for (int32_t t = tile->cut; t < tile->steps; t++) solve_write_step(tile, z, t, target);
  tile_fill(tile, NEURLP_ARRAY_SOLUTION, tile->shape->steps, false, target);
  tile_report(tile, status);
}

/* The slack, the last of all unknowns, has the linear term: R^T R x = A^T r + gamma alpha e, and R^-T e is
 * 1 / pivot in the last place. */
NEURLP_INLINE void solve_linear_term(const neurlp_tile *tile, sweep_sizes z) {
  const neurlp_formulation *f = &tile->problem->formulation;
  const int32_t last = sizes_globals(z) - 1;
  if (!z.slack) return;
  EACH (r, 0, z.columns)
    tile->x.global[last * z.columns + r] +=
        wide_all(f->gamma * f->alpha) * widen(tile_global_factor(tile, z, last)[0]);
}

/* Hard final values have gone through one reflection: they are put in as they were given. */
NEURLP_INLINE void solve_place_final(const neurlp_tile *tile, sweep_sizes z) {
  for (int32_t t = tile->shortest - 1; t < tile->steps && z.final && tile->problem->hard; t++)
    EACH (k, 0, z.dimensions)
      EACH (j, 0, z.final)
        EACH (r, 0, z.columns) {
          wide_cell *x = vector_step(tile->x, z, t) + (k * z.derivatives + j) * z.columns + r;
          const wide value = tile_final_value(tile, z, k, j, r) * wide_all(tile->problem->scale[j]);
          *x = wide_select(tile_ends(tile, t), value, *x);
        }
}

NEURLP_INLINE void solve_tile(const neurlp_tile_job *job, sweep_sizes z, sweep_function factorise) {
  neurlp_tile tile;
  tile_open(&tile, job);
  if (job->kept || sizeof(inner) < sizeof(outer)) {
    if (!job->kept) sweep_obtain(&tile, z, 0, factorise);
    refine_solution(&tile, z);
  } else {
    sweep_obtain(&tile, z, z.columns, factorise);
    if (joint_reached(&tile, z, false)) return;
    solve_linear_term(&tile, z);
    joint_place(&tile, z);
    substitute(&tile, tile.x, z);
    solve_place_final(&tile, z);
  }
  solve_write(&tile, z, job->solution, job->status);
}

/* Leaves a factor in the workspace. */
NEURLP_INLINE void factorise_tile(const neurlp_tile_job *job, sweep_sizes z, sweep_function factorise) {
  neurlp_tile tile;
  tile_open(&tile, job);
  factorise(&tile, z, 0);
  tile_report(&tile, job->status);
}

#endif
