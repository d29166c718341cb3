/* The slack of a solution (docs/math.md, equation 7b). */
#ifndef NEURLP_BLOCK_SLACK_H
#define NEURLP_BLOCK_SLACK_H

#include "block/sweep/local.h"

/* Takes the products of the smoothness rows that join at step t and of dimension k off the slack; `count` is
 * their number so far. */
NEURLP_INLINE void slack_rows(const neurlp_tile *tile, const local_view *view, sweep_sizes z, int32_t t,
                              int32_t k, const wide *power, wide *count) {
  const int32_t R = z.columns, first = k * z.derivatives * R, side = product_central_place(z, k);
  const wide_cell *here = window_step(view->solution, t), *next = window_step(view->solution, t + 1),
                  *after = window_step(view->solution, t + 2);
  const wide zero = wide_all(0.0), two_point = wide_all(sizes_two_point_rows(z));
  for (int32_t q = 0; q < sizes_two_point_rows(z); q++)
    for (int32_t r = 0; r < R; r++) {
      const row_product x = product_two_point(tile, z, q, power, here + first + r, next + first + r);
      view->slack[r] -= wide_select(tile_within(tile, t + 1), x.value, zero);
    }
  *count += wide_select(tile_within(tile, t + 1), two_point, zero);
  if (!z.central || t + 2 >= tile->steps) return;
  const central_row row = rows_central(tile, z, t, k);
  for (int32_t r = 0; r < R; r++) {
    const row_product x = product_central(row, here[side + r], next[side + R + r], after[side + r]);
    view->slack[r] -= wide_select(tile_within(tile, t + 2), x.value, zero);
  }
  *count += wide_select(tile_within(tile, t + 2), wide_all(1.0), zero);
}

/* The derivative of what is minimised with respect to the slack is 0. */
NEURLP_INLINE void slack_find(neurlp_tile *tile, const local_view *view, sweep_sizes z) {
  const neurlp_formulation *f = &tile->problem->formulation;
  wide power[NEURLP_MAX_DERIVATIVES], count = wide_all(0.0);
  wide_clear(view->slack, z.columns);
  local_load(tile, view, z, 0);
  local_load(tile, view, z, 1);
  for (int32_t t = 0; t + 1 < tile->steps; t++) {
    if (t + 2 < tile->steps) local_load(tile, view, z, t + 2);
    for (int32_t k = 0; k < z.dimensions; k++) {
      rows_step_powers(tile, z, t, k, power);
      slack_rows(tile, view, z, t, k, power, &count);
    }
  }
  const double drive = f->gamma * f->alpha / (f->weight_smoothness * f->weight_smoothness);
  for (int32_t r = 0; r < z.columns; r++) view->slack[r] = (view->slack[r] + wide_all(drive)) / count;
}

/* One tile from solution to slack. */
NEURLP_INLINE void slack_tile(const neurlp_tile_job *job, sweep_sizes z) {
  neurlp_tile tile;
  local_view view;
  outer *target[LANES];
  tile_open(&tile, job);
  local_open(&view, &tile, job->solved);
  tile_point_out(&tile, tile.shape, job->slack, NEURLP_ARRAY_SLACK, target);
  slack_find(&tile, &view, z);
  for (int32_t r = 0; r < z.columns; r++) wide_scatter(view.slack[r], target, r, tile.count);
}

#endif
