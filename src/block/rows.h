/* The rows of the least-squares problem for one step, written into the rows to be eliminated (docs/math.md,
 * section 1). Unknown (k, j) of a step is column c = k (d+1) + j, in scaled unknowns unit^j u. Columns of
 * values that are given exactly move to the right-hand side. With columns = 0 right-hand sides are left out.
 */
#ifndef NEURLP_BLOCK_ROWS_H
#define NEURLP_BLOCK_ROWS_H

#include "block/tile.h"

NEURLP_INLINE void rows_clear(lanes *rows, int64_t numbers) {
  for (int64_t i = 0; i < numbers; i++) rows[i] = lanes_all(0.0);
}

/* rhs -= coefficient * value, where the scaled unknown (t, k, j) is exactly `value`. */
NEURLP_INLINE void rows_move_known(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                   int32_t k, int32_t j, lanes coefficient, lanes *rhs) {
  const lanes scaled = coefficient * lanes_all(tile->problem->scale[j]);
  for (int32_t r = 0; r < columns; r++) rhs[r] -= scaled * tile_initial_value(tile, z, t, k, j, r);
}

/* Equation rows of step t, docs/math.md, equation 1. Entries for step t+1 are neither read nor written. */
NEURLP_INLINE void rows_equations(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const neurlp_problem *problem = tile->problem;
  const int32_t n = z.dimensions * z.derivatives;
  for (int32_t e = 0; e < z.equations; e++) {
    lanes *row = tile->low + e * tile->stride;
    lanes *rhs = row + 2 * n;
    for (int32_t r = 0; r < columns; r++)
      rhs[r] = tile_rhs(tile, z, t, e, r) * lanes_all(problem->weight_equation);
    for (int32_t k = 0; k < z.dimensions; k++)
      for (int32_t j = 0; j < z.derivatives; j++) {
        const int32_t c = k * z.derivatives + j;
        const lanes weight = lanes_all(problem->weight_equation * problem->inverse_scale[j]);
        const lanes x = tile_coefficient(tile, z, t, e, c) * weight;
        const bool known = tile_known(tile, t, j);
        if (known) rows_move_known(tile, z, columns, t, k, j, x, rhs);
        row[c] = known ? lanes_all(0.0) : x;
      }
  }
}

/* Soft initial values of step t, equation 2, below the equation rows, ordered by their column. */
NEURLP_INLINE void rows_soft_values(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const neurlp_problem *problem = tile->problem;
  const int32_t n = z.dimensions * z.derivatives;
  lanes *row = tile->low + z.equations * tile->stride;
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < problem->shape.initial_derivatives; j++, row += tile->stride) {
      const double weight = problem->formulation.weight_initial;
      rows_clear(row, n);
      row[k * z.derivatives + j] = lanes_all(weight * problem->inverse_scale[j]);
      for (int32_t r = 0; r < columns; r++)
        row[2 * n + r] = tile_initial_value(tile, z, t, k, j, r) * lanes_all(weight);
    }
}

/* Powers 0 to d of the step of interval t over the unit. A step that is not positive or not finite is a
 * failure of its system. */
NEURLP_INLINE void rows_step_powers(neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k, lanes *power) {
  const lanes h = tile_step(tile, z, t, k);
  tile_fail(tile, ~lanes_finite(h), NEURLP_NOT_FINITE);
  tile_fail(tile, ~lanes_greater(h, lanes_all(0.0)), NEURLP_SINGULAR);
  power[0] = lanes_all(1.0);
  for (int32_t p = 1; p < z.derivatives; p++)
    power[p] = power[p - 1] * h * lanes_all(1 / tile->problem->unit);
}

/* +1 or -1: of the entry for step t+1 in column p of smoothness row i. */
NEURLP_INLINE double rows_next_sign(int32_t i, int32_t p) {
  return (p - i) % 2 == 0 ? -1.0 : 1.0;
}

/* Smoothness rows of interval t, equations 3 and 4: row c = (k, i) begins at column c. */
NEURLP_INLINE void rows_smoothness(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const neurlp_problem *problem = tile->problem;
  const int32_t n = z.dimensions * z.derivatives;
  const lanes weight = tile_smoothness(tile, t);
  lanes power[NEURLP_MAX_DERIVATIVES];
  for (int32_t k = 0; k < z.dimensions; k++) {
    if (k == 0 || problem->shape.steps_per_dimension) rows_step_powers(tile, z, t, k, power);
    for (int32_t i = 0; i < z.derivatives; i++) {
      lanes *row = tile->low + (k * z.derivatives + i) * tile->stride;
      rows_clear(row, 2 * n + columns);
      for (int32_t p = i; p < z.derivatives; p++) {
        const int32_t c = k * z.derivatives + p;
        const lanes here = weight * power[p] * lanes_all(problem->hermite[i][p]);
        const lanes next = here * lanes_all(rows_next_sign(i, p));
        if (tile_known(tile, t, p))
          rows_move_known(tile, z, columns, t, k, p, here, row + 2 * n);
        else
          row[c] = here;
        if (tile_known(tile, t + 1, p))
          rows_move_known(tile, z, columns, t + 1, k, p, next, row + 2 * n);
        else
          row[n + c] = next;
      }
    }
  }
}

#endif
