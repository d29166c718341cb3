/* The orthogonal sweep over the steps (docs/math.md, section 2): at each step
 *
 *   1. the equation and soft initial-value rows are eliminated into the carried triangle,
 *   2. the smoothness rows that lead to the next step are eliminated into it, a triangle on a triangle;
 *      now the triangle's rows are final, R_t, S_t and y_t, and are kept,
 *   3. what is left of the smoothness rows is made triangular: the next carry.
 *
 * Then the steps are solved from the last to the first. */
#ifndef NEURLP_BLOCK_SWEEP_H
#define NEURLP_BLOCK_SWEEP_H

#include "block/householder.h"
#include "block/rows.h"

#include <float.h>
#include <string.h>

/* Row c of the triangle says that an unknown has a given value: scaled initial value, or 0 past the end. */
NEURLP_INLINE void sweep_known_row(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                   int32_t k, int32_t j) {
  const int32_t n = z.dimensions * z.derivatives;
  const int32_t c = k * z.derivatives + j;
  lanes *row = tile->top + c * tile->stride;
  rows_clear(row, 2 * n + columns);
  row[c] = lanes_all(1.0);
  for (int32_t r = 0; r < columns; r++)
    row[2 * n + r] = tile_initial_value(tile, z, t, k, j, r) * lanes_all(tile->problem->scale[j]);
}

/* The triangle before the first step: nothing but known values. */
NEURLP_INLINE void sweep_begin(const neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  const int32_t n = z.dimensions * z.derivatives;
  rows_clear(tile->top, (int64_t)n * tile->stride);
  rows_clear(tile->square, n);
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++)
      if (tile_known(tile, 0, j)) sweep_known_row(tile, z, columns, 0, k, j);
}

/* Part 1 of a step. Entries for the next step are still zero and stay so. */
NEURLP_INLINE void sweep_equations(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = z.dimensions * z.derivatives, stride = tile->stride;
  const bool soft = t < tile->problem->soft_steps;
  int32_t rows = z.equations;
  rows_equations(tile, z, columns, t);
  if (soft) rows_soft_values(tile, z, columns, t);
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      const int32_t c = k * z.derivatives + j;
      lanes *row = tile->top + c * stride;
      if (soft && j < tile->problem->shape.initial_derivatives) rows++;
      if (tile_known(tile, t, j)) continue;
      const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, n);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, 2 * n, 2 * n + columns);
    }
}

/* Part 2. Smoothness row c takes part from column c on, so that the first c+1 rows do at column c, and they
 * reach no further than the last column of its dimension in the next step. */
NEURLP_INLINE void sweep_smoothness(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = z.dimensions * z.derivatives, stride = tile->stride;
  rows_smoothness(tile, z, columns, t);
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      if (tile_known(tile, t, j)) continue;
      const int32_t c = k * z.derivatives + j, reach = n + (k + 1) * z.derivatives;
      lanes *row = tile->top + c * stride;
      const reflector h = reflector_make(&row[c], tile->low + c, c + 1, stride);
      reflector_apply(h, tile->low + c, row, tile->low, c + 1, stride, c + 1, n);
      reflector_apply(h, tile->low + c, row, tile->low, c + 1, stride, n, reach);
      reflector_apply(h, tile->low + c, row, tile->low, c + 1, stride, 2 * n, 2 * n + columns);
    }
}

/* Keeps rows c of R_t, S_t, y_t, with the pivots inverted, and tests the pivots. The squares of a column of
 * R_t and of S_(t-1) add up to the squared norm of that column of A, of which a pivot must be more than a
 * rounding error. */
NEURLP_INLINE void sweep_keep(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = z.dimensions * z.derivatives;
  const lanes tolerance = lanes_all(64.0 * n * n * DBL_EPSILON * DBL_EPSILON);
  for (int32_t c = 0; c < n; c++) {
    const lanes *row = tile->top + c * tile->stride + c;
    lanes *kept = tile_factor_row(tile, n, t, c);
    for (int32_t j = 0; j < 2 * n - c; j++) kept[j] = row[j];
    for (int32_t r = 0; r < columns; r++) tile_unknowns(tile, z, t)[c * columns + r] = row[2 * n - c + r];
    for (int32_t j = c; j < n; j++) tile->square[j] += row[j - c] * row[j - c];
    const lanes pivot = row[0];
    const lane_mask large = lanes_greater(pivot * pivot, tolerance * tile->square[c]);
    tile_fail(tile, ~(lanes_finite(pivot) & lanes_finite(tile->square[c])), NEURLP_NOT_FINITE);
    tile_fail(tile, ~large, NEURLP_SINGULAR);
    kept[0] = lanes_all(1.0) / pivot;
  }
  rows_clear(tile->square, n);
  for (int32_t c = 0; c < n; c++)
    for (int32_t j = 0; j < n; j++) {
      const lanes x = tile->top[c * tile->stride + n + j];
      tile->square[j] += x * x;
    }
}

/* Past a lane's length row c of the triangle says that the unknown is 0. */
NEURLP_INLINE void sweep_cut(const neurlp_tile *tile, int32_t n, int32_t columns, int32_t t, int32_t c) {
  const lane_mask within = tile_within(tile, t);
  lanes *row = tile->top + c * tile->stride;
  for (int32_t j = c; j < n; j++) row[j] = lanes_select(within, row[j], lanes_all(j == c ? 1.0 : 0.0));
  for (int32_t r = 0; r < columns; r++) row[2 * n + r] = lanes_select(within, row[2 * n + r], lanes_all(0.0));
}

/* Part 3: the triangle of step t. Known columns are zero in the rows that are left and take none of them. */
NEURLP_INLINE void sweep_carry(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = z.dimensions * z.derivatives, stride = tile->stride;
  lanes *low = tile->low;
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      const int32_t c = k * z.derivatives + j;
      if (tile_known(tile, t, j)) {
        sweep_known_row(tile, z, columns, t, k, j);
        continue;
      }
      lanes *below = low + stride;
      const int32_t rows = (int32_t)(tile->low + n * stride - below) / stride;
      const reflector h = reflector_make(&low[n + c], below + n + c, rows, stride);
      reflector_apply(h, below + n + c, low, below, rows, stride, n + c + 1, 2 * n + columns);
      lanes *row = tile->top + c * stride;
      for (int32_t i = c; i < n; i++) row[i] = low[n + i];
      for (int32_t i = n; i < 2 * n; i++) row[i] = lanes_all(0.0);
      for (int32_t i = 2 * n; i < 2 * n + columns; i++) row[i] = low[i];
      if (t >= tile->shortest) sweep_cut(tile, n, columns, t, c);
      low = below;
    }
}

/* Factorises all steps. columns: right-hand sides that go along, R or 0. */
NEURLP_INLINE void sweep_factorise(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  sweep_begin(tile, z, columns);
  for (int32_t t = 0; t < tile->steps; t++) {
    if (t > 0) sweep_carry(tile, z, columns, t);
    sweep_equations(tile, z, columns, t);
    if (t + 1 < tile->steps) sweep_smoothness(tile, z, columns, t);
    sweep_keep(tile, z, columns, t);
  }
}

/* Solves row c for `width` right-hand sides from r on. */
NEURLP_INLINE void sweep_solve_row(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t c, int32_t r,
                                   int32_t width) {
  const int32_t n = z.dimensions * z.derivatives, R = z.columns;
  const lanes *row = tile_factor_row(tile, n, t, c);
  lanes *here = tile_unknowns(tile, z, t) + r;
  const lanes *next = tile_unknowns(tile, z, t + 1) + r;
  lanes x[REFLECTOR_BLOCK];
  for (int32_t q = 0; q < width; q++) x[q] = here[c * R + q];
  for (int32_t j = 0; j < n && t + 1 < tile->steps; j++)
    for (int32_t q = 0; q < width; q++) x[q] -= row[n - c + j] * next[j * R + q];
  for (int32_t j = c + 1; j < n; j++)
    for (int32_t q = 0; q < width; q++) x[q] -= row[j - c] * here[j * R + q];
  for (int32_t q = 0; q < width; q++) here[c * R + q] = x[q] * row[0];
}

/* R_t x_t = y_t - S_t x_(t+1), in place. */
NEURLP_INLINE void sweep_solve_step(const neurlp_tile *tile, sweep_sizes z, int32_t t) {
  const int32_t n = z.dimensions * z.derivatives;
  for (int32_t c = n - 1; c >= 0; c--) {
    int32_t r = 0;
    for (; r + REFLECTOR_BLOCK <= z.columns; r += REFLECTOR_BLOCK)
      sweep_solve_row(tile, z, t, c, r, REFLECTOR_BLOCK);
    for (; r < z.columns; r++) sweep_solve_row(tile, z, t, c, r, 1);
  }
}

#endif
