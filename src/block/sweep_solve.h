/* One tile from inputs to solution. */
#ifndef NEURLP_BLOCK_SWEEP_SOLVE_H
#define NEURLP_BLOCK_SWEEP_SOLVE_H

#include "block/sweep.h"

/* Writes step t in the caller's units. A number that is not finite fails its system. */
NEURLP_INLINE void solve_write_step(neurlp_tile *tile, sweep_sizes z, int32_t t,
                                    double *const target[LANES]) {
  const int32_t n = z.dimensions * z.derivatives;
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      const int32_t c = k * z.derivatives + j;
      const lanes *x = tile_unknowns(tile, z, t) + c * z.columns;
      for (int32_t r = 0; r < z.columns; r++) {
        const lanes u = x[r] * lanes_all(tile->problem->inverse_scale[j]);
        tile_fail(tile, ~lanes_finite(u), NEURLP_NOT_FINITE);
        lanes_scatter(u, target, ((int64_t)t * n + c) * z.columns + r, tile->count);
      }
    }
}

NEURLP_INLINE void solve_tile(const neurlp_tile_job *job, sweep_sizes z) {
  neurlp_tile tile;
  double *target[LANES];
  const int64_t step = (int64_t)z.dimensions * z.derivatives * z.columns;
  const int64_t whole = step * job->problem->shape.steps;
  tile_open(&tile, job);
  tile_point_out(&tile, job->solution, whole, target);
  sweep_factorise(&tile, z, z.columns);
  sweep_solve_globals(&tile, z);
  for (int32_t t = tile.steps - 1; t >= 0; t--) {
    sweep_solve_step(&tile, z, t);
    solve_write_step(&tile, z, t, target);
  }
  tile_fill(&tile, target, step * tile.steps, whole, 0.0, false);
  tile_fill(&tile, target, 0, whole, NAN, true);
  tile_report(&tile, job->status);
}

#endif
