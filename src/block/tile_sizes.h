/* How much workspace a tile needs; the same for every instruction set. */
#ifndef NEURLP_BLOCK_TILE_SIZES_H
#define NEURLP_BLOCK_TILE_SIZES_H

#include "block/kernels.h"

/* Rows that may stand below the carried triangle at one time. */
static inline int64_t tile_low_rows(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  const int64_t soft = problem->soft_steps > 0 ? (int64_t)shape->dimensions * shape->initial_derivatives : 0;
  const int64_t rows = shape->equations + soft;
  return rows > problem->unknowns ? rows : problem->unknowns;
}

/* Numbers in a row: n columns of step t, n of step t+1, R right-hand sides. */
static inline int32_t tile_stride(const neurlp_problem *problem) {
  return 2 * problem->unknowns + problem->shape.columns;
}

/* Numbers that the factor keeps of one step: row c of R_t from the pivot on, and of S_t. */
static inline int64_t tile_factor_step(const neurlp_problem *problem) {
  const int64_t n = problem->unknowns;
  return 2 * n * n - n * (n - 1) / 2;
}

/* Numbers of one step's right-hand sides, or of its solution. */
static inline int64_t tile_unknowns_step(const neurlp_problem *problem) {
  return (int64_t)problem->unknowns * problem->shape.columns;
}

/* Numbers that the adjoint needs beside them: two pairs of [n][R], and two rows. */
static inline int64_t tile_scratch(const neurlp_problem *problem) {
  return 4 * tile_unknowns_step(problem) + 2 * (int64_t)problem->unknowns;
}

/* Numbers of workspace for each lane of a tile. */
static inline int64_t tile_workspace(const neurlp_problem *problem) {
  const int64_t rows = problem->unknowns + tile_low_rows(problem);
  return problem->shape.steps * (tile_factor_step(problem) + tile_unknowns_step(problem)) +
         rows * tile_stride(problem) + problem->unknowns + tile_scratch(problem);
}

#endif
