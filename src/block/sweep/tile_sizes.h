/* How much workspace a tile needs, in numbers for each lane. */
#ifndef NEURLP_BLOCK_TILE_SIZES_H
#define NEURLP_BLOCK_TILE_SIZES_H

#include "block/sweep/job.h"

/* Rows that may stand below the carried triangle at one time. */
NEURLP_ANYWHERE int64_t tile_low_rows(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  const int64_t soft = problem->soft_steps > 0 ? (int64_t)shape->dimensions * shape->initial_derivatives : 0;
  const int64_t final = (int64_t)shape->dimensions * problem->final;
  const int64_t periodic = problem->formulation.periodic ? (int64_t)shape->dimensions * shape->order : 0;
  return problem->smoothness_rows + problem->ahead + shape->equations + soft + final + periodic;
}

/* Rows of the carried triangle: one for each column of step t, of step t+1 as far as it is reached, and for
 * each global one. */
NEURLP_ANYWHERE int32_t tile_top_rows(const neurlp_problem *problem) {
  return problem->unknowns + problem->ahead + problem->globals;
}

/* Numbers in a row: n columns of step t, n of step t+1, those of step t+2, global ones, R right-hand sides.
 */
NEURLP_ANYWHERE int32_t tile_stride(const neurlp_problem *problem) {
  return problem->unknowns + tile_top_rows(problem) + problem->shape.columns;
}

/* Numbers that the factor keeps of one step: row c of R_t from the pivot on, and of S_t, A_t, G_t. */
NEURLP_ANYWHERE int64_t tile_factor_step(const neurlp_problem *problem) {
  const int64_t n = problem->unknowns;
  return (2 * n + problem->ahead + problem->globals) * n - n * (n - 1) / 2;
}

/* Inner numbers: the factor of all steps, the rows being eliminated, the squared norms of columns. */
NEURLP_ANYWHERE int64_t tile_inner(const neurlp_problem *problem) {
  const int64_t rows = tile_top_rows(problem) + tile_low_rows(problem);
  return problem->shape.steps * tile_factor_step(problem) + rows * tile_stride(problem) +
         tile_top_rows(problem);
}

/* Outer numbers of one step's right-hand sides, or of its solution. */
NEURLP_ANYWHERE int64_t tile_unknowns_step(const neurlp_problem *problem) {
  return (int64_t)problem->unknowns * problem->shape.columns;
}

/* A vector of unknowns: those of all steps, then the global ones. */
NEURLP_ANYWHERE int64_t tile_vector_numbers(const neurlp_problem *problem) {
  return problem->shape.steps * tile_unknowns_step(problem) +
         (int64_t)problem->globals * problem->shape.columns;
}

/* Whether answers are refined: then there are three such vectors instead of one. */
NEURLP_ANYWHERE bool tile_refines(const neurlp_problem *problem) {
  return problem->shape.precision == NEURLP_MIXED || problem->one_factor;
}

/* Inner numbers of what is kept of a tile: the factor of all steps, and of the global unknowns. */
NEURLP_ANYWHERE int64_t tile_store_inner(const neurlp_problem *problem) {
  return problem->shape.steps * tile_factor_step(problem) + problem->globals * (int64_t)tile_stride(problem);
}

/* Outer numbers: the status, and where time is cut, one vector. */
NEURLP_ANYWHERE int64_t tile_store_outer(const neurlp_problem *problem, bool cut) {
  return 1 + (cut ? tile_vector_numbers(problem) : 0);
}

/* Scratch: three windows of three steps [n][R], two rows, two numbers for each dimension and one for each
 * right-hand side, and sums of gradients over time: of the equations of a step, and of its step sizes. */
NEURLP_ANYWHERE int64_t tile_scratch(const neurlp_problem *problem) {
  const neurlp_shape *shape = &problem->shape;
  return 9 * tile_unknowns_step(problem) + 2 * (int64_t)problem->unknowns + 2 * shape->dimensions +
         shape->columns + shape->equations * ((int64_t)problem->unknowns + shape->columns) +
         shape->dimensions;
}

NEURLP_ANYWHERE int64_t tile_outer(const neurlp_problem *problem) {
  return (tile_refines(problem) ? 3 : 1) * tile_vector_numbers(problem) + tile_scratch(problem);
}

#endif
