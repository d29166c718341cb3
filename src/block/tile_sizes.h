/* How much workspace a tile needs; the same for every instruction set. */
#ifndef NEURLP_BLOCK_TILE_SIZES_H
#define NEURLP_BLOCK_TILE_SIZES_H

#include "block/kernels.h"

/* Rows that may stand below the carried triangle at one time. */
static inline int64_t tile_low_rows(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  const int64_t soft = problem->soft_steps > 0 ? (int64_t)shape->dimensions * shape->initial_derivatives : 0;
  const int64_t periodic = problem->first ? (int64_t)shape->dimensions * shape->order : 0;
  const int64_t local = shape->equations + soft + periodic,
                joining = problem->smoothness_rows + problem->ahead;
  return local > joining ? local : joining;
}

/* Rows of the carried triangle: one for each column of step t, of step t+1 as far as it is reached, and for
 * each global one. */
static inline int32_t tile_top_rows(const neurlp_problem *problem) {
  return problem->unknowns + problem->ahead + problem->globals;
}

/* Numbers in a row: n columns of step t, n of step t+1, those of step t+2, global ones, R right-hand sides.
 */
static inline int32_t tile_stride(const neurlp_problem *problem) {
  return problem->unknowns + tile_top_rows(problem) + problem->shape.columns;
}

/* Numbers that the factor keeps of one step: row c of R_t from the pivot on, and of S_t, A_t, G_t. */
static inline int64_t tile_factor_step(const neurlp_problem *problem) {
  const int64_t n = problem->unknowns;
  return (2 * n + problem->ahead + problem->globals) * n - n * (n - 1) / 2;
}

/* Numbers of one step's right-hand sides, or of its solution. */
static inline int64_t tile_unknowns_step(const neurlp_problem *problem) {
  return (int64_t)problem->unknowns * problem->shape.columns;
}

/* Numbers that the adjoint needs beside them: three pairs of [n][R], two rows, a number for each dimension
 * and for each right-hand side. */
static inline int64_t tile_scratch(const neurlp_problem *problem) {
  return 6 * tile_unknowns_step(problem) + 2 * (int64_t)problem->unknowns + problem->shape.dimensions +
         problem->shape.columns;
}

/* Numbers of workspace for each lane of a tile. */
static inline int64_t tile_workspace(const neurlp_problem *problem) {
  const int64_t rows = tile_top_rows(problem) + tile_low_rows(problem);
  return problem->shape.steps * (tile_factor_step(problem) + tile_unknowns_step(problem)) +
         rows * tile_stride(problem) + (int64_t)problem->globals * problem->shape.columns +
         tile_top_rows(problem) + tile_scratch(problem);
}

#endif
