/* The orthogonal sweep over the steps (docs/math.md, section 2): at each step
 *
 *   1. the equation and soft initial-value rows are eliminated into the carried triangle,
 *   2. the smoothness rows that lead to the next steps are eliminated into it, a triangle on a triangle;
 *      now the triangle's rows are final, R_t, S_t, A_t, G_t and y_t, and are kept,
 *   3. what is left of the smoothness rows is made triangular: the next carry.
 *
 * Then the steps are solved from the last to the first. Central rows reach one step further: the carried
 * triangle then has rows, too, for what they reach of the step after. Global unknowns come last of all: their
 * triangle is carried from the first step to the end. */
#ifndef NEURLP_BLOCK_SWEEP_H
#define NEURLP_BLOCK_SWEEP_H

#include "block/householder.h"
#include "block/rows.h"

#include <float.h>
#include <string.h>

/* Row c of the triangle says that an unknown has a given value: scaled initial value, or 0 if it is global.
 */
NEURLP_INLINE void sweep_absent_row(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                    int32_t k, int32_t j) {
  const int32_t c = k * z.derivatives + j, rhs = sizes_rhs_column(z);
  lanes *row = tile->top + c * tile->stride;
  rows_clear(row, rhs + columns);
  row[c] = lanes_all(1.0);
  if (!tile_known(tile, t, j)) return;
  for (int32_t r = 0; r < columns; r++)
    row[rhs + r] = tile_initial_value(tile, z, t, k, j, r) * lanes_all(tile->problem->scale[j]);
}

/* The triangle before the first step: nothing but what is known. */
NEURLP_INLINE void sweep_begin(const neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  const int32_t rows = sizes_unknowns(z) + sizes_ahead(z) + sizes_globals(z);
  rows_clear(tile->top, (int64_t)rows * tile->stride);
  rows_clear(tile->square, rows);
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      if (tile_absent(tile, z, 0, j)) sweep_absent_row(tile, z, columns, 0, k, j);
      if (z.first && tile_known(tile, 0, j))
        tile_global_row(tile, z, k * z.derivatives + j)[0] = lanes_all(1.0);
    }
}

/* Eliminates rows without entries for this step and the next into the triangle of the global unknowns. */
NEURLP_INLINE void sweep_global_rows(const neurlp_tile *tile, sweep_sizes z, int32_t columns, lanes *low,
                                     int32_t rows) {
  const int32_t first = sizes_global_column(z), end = sizes_rhs_column(z) + columns;
  for (int32_t q = 0; q < sizes_globals(z); q++) {
    lanes *row = tile_global_row(tile, z, q) - first - q;
    const reflector h = reflector_make(&row[first + q], low + first + q, rows, tile->stride);
    reflector_apply(h, low + first + q, row, low, rows, tile->stride, first + q + 1, end);
  }
}

/* Eliminates the first `rows` low rows, which have no entries for this step any more, into the carried rows
 * for the step after. */
NEURLP_INLINE void sweep_ahead_rows(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t rows) {
  const int32_t n = sizes_unknowns(z), stride = tile->stride, global = sizes_global_column(z);
  for (int32_t k = 0; k < sizes_ahead(z); k++) {
    const int32_t c = n + (k + 1) * z.derivatives - 2;
    lanes *row = tile->top + (n + k) * stride;
    const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
    reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, 2 * n);
    reflector_apply(h, tile->low + c, row, tile->low, rows, stride, global, sizes_rhs_column(z) + columns);
  }
}

/* Part 1 of a step. Soft values take part from their column on, but where periodic rows follow them. Entries
 * for the next step are still zero and stay so, but for central rows. */
NEURLP_INLINE void sweep_equations(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), stride = tile->stride, global = sizes_global_column(z);
  const bool soft = t < tile->problem->soft_steps;
  int32_t rows = z.equations;
  rows_equations(tile, z, columns, t);
  if (soft) rows_soft_values(tile, z, columns, t);
  const int32_t given = soft ? z.dimensions * tile->problem->shape.initial_derivatives : 0;
  const bool periodic = z.first && t + 1 >= tile->shortest;
  if (periodic) {
    rows_periodic(tile, z, columns, t, tile->low + (rows + given) * stride);
    rows += given + z.dimensions * (z.derivatives - 1);
  }
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      const int32_t c = k * z.derivatives + j;
      lanes *row = tile->top + c * stride;
      if (soft && !periodic && j < tile->problem->shape.initial_derivatives) rows++;
      if (tile_absent(tile, z, t, j)) continue;
      const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, z.central ? 2 * n : n);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, global, sizes_rhs_column(z) + columns);
    }
  sweep_ahead_rows(tile, z, columns, rows);
  sweep_global_rows(tile, z, columns, tile->low, rows);
}

/* Smoothness rows that begin at (k, j) or before. */
NEURLP_INLINE int32_t sweep_begun(sweep_sizes z, int32_t k, int32_t j) {
  const int32_t all = sizes_two_point_rows(z), begun = z.twin * (j + 1);
  return k * sizes_smoothness_rows(z) + (begun < all ? begun : all) +
         (j + 2 >= z.derivatives ? z.central : 0);
}

/* Part 2. A smoothness row takes part from the column on that it begins at. It reaches no further than the
 * last column of its dimension in the next step, but where central rows have filled the triangle there. */
NEURLP_INLINE void sweep_smoothness(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), stride = tile->stride, global = sizes_global_column(z);
  rows_smoothness(tile, z, columns, t);
  for (int32_t k = 0; k < z.dimensions; k++)
    for (int32_t j = 0; j < z.derivatives; j++) {
      if (tile_absent(tile, z, t, j)) continue;
      const int32_t c = k * z.derivatives + j, rows = sweep_begun(z, k, j);
      const int32_t reach = z.central ? global : n + (k + 1) * z.derivatives;
      lanes *row = tile->top + c * stride;
      const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, n);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, n, reach);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, global, sizes_rhs_column(z) + columns);
    }
}

/* A pivot must be more than a rounding error of its column of A, whose squared norm is `square`. */
NEURLP_INLINE void sweep_test_pivot(neurlp_tile *tile, sweep_sizes z, lanes pivot, lanes square) {
  const int32_t n = sizes_unknowns(z);
  const lanes tolerance = lanes_all(64.0 * n * n * DBL_EPSILON * DBL_EPSILON);
  const lane_mask large = lanes_greater(pivot * pivot, tolerance * square);
  tile_fail(tile, ~(lanes_finite(pivot) & lanes_finite(square)), NEURLP_NOT_FINITE);
  tile_fail(tile, ~large, NEURLP_SINGULAR);
}

/* Moves on the squared norms of columns, after the n that are done: from R_t, S_(t-1) and A_(t-2) to those of
 * the next step. */
NEURLP_INLINE void sweep_squares(const neurlp_tile *tile, sweep_sizes z) {
  const int32_t n = sizes_unknowns(z), ahead = sizes_ahead(z);
  rows_clear(tile->square, n);
  for (int32_t k = 0; k < ahead; k++) {
    tile->square[(k + 1) * z.derivatives - 2] = tile->square[n + k];
    tile->square[n + k] = lanes_all(0.0);
  }
  for (int32_t c = 0; c < n; c++)
    for (int32_t j = 0; j < n + ahead + sizes_globals(z); j++) {
      const lanes x = tile->top[c * tile->stride + n + j];
      tile->square[j] += x * x;
    }
}

/* Keeps rows c of R_t, S_t, A_t, G_t, y_t, with the pivots inverted, and tests the pivots. The squares of a
 * column of the whole factor add up to the squared norm of that column of A. */
NEURLP_INLINE void sweep_keep(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), width = sizes_rhs_column(z);
  for (int32_t c = 0; c < n; c++) {
    const lanes *row = tile->top + c * tile->stride + c;
    lanes *kept = tile_factor_row(tile, z, t, c);
    for (int32_t j = 0; j < width - c; j++) kept[j] = row[j];
    for (int32_t r = 0; r < columns; r++) tile_unknowns(tile, z, t)[c * columns + r] = row[width - c + r];
    for (int32_t j = c; j < n; j++) tile->square[j] += row[j - c] * row[j - c];
    sweep_test_pivot(tile, z, row[0], tile->square[c]);
    kept[0] = lanes_all(1.0) / row[0];
  }
  sweep_squares(tile, z);
}

/* The same for the global unknowns, after the last step; their factor stays where it is. The slack, the last
 * of all, has the linear term: R^T R x = A^T r + gamma alpha e, and R^-T e is 1 / pivot in the last place. */
NEURLP_INLINE void sweep_keep_globals(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  lanes *square = tile->square + sizes_unknowns(z) + sizes_ahead(z);
  const int32_t globals = sizes_globals(z);
  for (int32_t q = 0; q < globals; q++) {
    lanes *row = tile_global_row(tile, z, q);
    for (int32_t r = 0; r < columns; r++) tile->global[q * columns + r] = row[globals - q + r];
    for (int32_t j = q; j < globals; j++) square[j] += row[j - q] * row[j - q];
    sweep_test_pivot(tile, z, row[0], square[q]);
    row[0] = lanes_all(1.0) / row[0];
  }
  const neurlp_formulation *f = &tile->problem->formulation;
  for (int32_t r = 0; r < columns && z.slack; r++)
    tile->global[(globals - 1) * columns + r] +=
        lanes_all(f->gamma * f->alpha) * tile_global_row(tile, z, globals - 1)[0];
}

/* Past a lane's length row c of the triangle says that the unknown is 0. */
NEURLP_INLINE void sweep_cut(const neurlp_tile *tile, int32_t width, int32_t t, int32_t c) {
  const lane_mask within = tile_within(tile, t);
  lanes *row = tile->top + c * tile->stride;
  for (int32_t j = c; j < width; j++) row[j] = lanes_select(within, row[j], lanes_all(j == c ? 1.0 : 0.0));
}

/* Row c of the triangle for the next step, from the low row that has become triangular: what stands before
 * its pivot has been eliminated, but not cleared. */
NEURLP_INLINE void sweep_shift(sweep_sizes z, int32_t columns, int32_t c, const lanes *low, lanes *row) {
  const int32_t n = sizes_unknowns(z), global = sizes_global_column(z);
  for (int32_t i = c; i < n; i++) row[i] = low[n + i];
  for (int32_t i = n; i < global; i++) row[i] = lanes_all(0.0);
  for (int32_t k = c < n ? 0 : c - n; k < sizes_ahead(z); k++)
    row[n + (k + 1) * z.derivatives - 2] = low[2 * n + k];
  for (int32_t i = global; i < sizes_rhs_column(z) + columns; i++) row[i] = low[i];
}

/* Lanes that end at step t have nothing ahead: what those rows hold belongs to the global unknowns. */
NEURLP_INLINE void sweep_end_ahead(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), width = sizes_rhs_column(z) + columns, stride = tile->stride;
  const lane_mask go_on = tile_within(tile, t + 1);
  for (int32_t k = 0; k < sizes_ahead(z); k++)
    for (int32_t i = 0; i < width; i++) {
      lanes *x = &tile->top[(n + k) * stride + i];
      tile->low[k * stride + i] = lanes_select(go_on, lanes_all(0.0), *x);
      *x = lanes_select(go_on, *x, lanes_all(0.0));
    }
  sweep_global_rows(tile, z, columns, tile->low, sizes_ahead(z));
}

/* Part 3: the triangle of step t. Absent columns are zero in the rows that are left and take none of them. */
NEURLP_INLINE void sweep_carry(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), ahead = sizes_ahead(z), stride = tile->stride;
  const int32_t width = sizes_rhs_column(z) + columns;
  int32_t rows = z.dimensions * sizes_smoothness_rows(z);
  lanes *low = tile->low;
  for (int32_t k = 0; k < ahead; k++, rows++)
    for (int32_t i = 0; i < width; i++) low[rows * stride + i] = tile->top[(n + k) * stride + i];
  for (int32_t c = 0; c < n + ahead; c++) {
    const bool local = c < n;
    const int32_t k = local ? c / z.derivatives : c - n, j = local ? c % z.derivatives : z.derivatives - 2;
    lanes *row = tile->top + c * stride;
    if (tile_known(tile, local ? t : t + 1, j)) {
      if (local)
        sweep_absent_row(tile, z, columns, t, k, j);
      else
        rows_clear(row, width);
      continue;
    }
    lanes *below = low + stride;
    const reflector h = reflector_make(&low[n + c], below + n + c, --rows, stride);
    reflector_apply(h, below + n + c, low, below, rows, stride, n + c + 1, width);
    sweep_shift(z, columns, c, low, row);
    if (local && t >= tile->shortest) sweep_cut(tile, width, t, c);
    low = below;
  }
  sweep_global_rows(tile, z, columns, low, rows);
  if (ahead > 0 && sizes_globals(z) > 0 && t + 1 >= tile->shortest) sweep_end_ahead(tile, z, columns, t);
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
  sweep_keep_globals(tile, z, columns);
}

/* Solves row c for `width` right-hand sides from r on. */
NEURLP_INLINE void sweep_solve_row(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t c, int32_t r,
                                   int32_t width) {
  const int32_t n = sizes_unknowns(z), R = z.columns;
  const lanes *row = tile_factor_row(tile, z, t, c);
  const lanes *ahead = row + 2 * n - c, *global = row + sizes_global_column(z) - c;
  lanes *here = tile_unknowns(tile, z, t) + r;
  const lanes *next = tile_unknowns(tile, z, t + 1) + r, *after = tile_unknowns(tile, z, t + 2) + r;
  lanes x[REFLECTOR_BLOCK];
  for (int32_t q = 0; q < width; q++) x[q] = here[c * R + q];
  for (int32_t j = 0; j < sizes_globals(z); j++)
    for (int32_t q = 0; q < width; q++) x[q] -= global[j] * tile->global[j * R + r + q];
  for (int32_t k = 0; k < sizes_ahead(z) && t + 2 < tile->steps; k++)
    for (int32_t q = 0; q < width; q++) x[q] -= ahead[k] * after[((k + 1) * z.derivatives - 2) * R + q];
  for (int32_t j = 0; j < n && t + 1 < tile->steps; j++)
    for (int32_t q = 0; q < width; q++) x[q] -= row[n - c + j] * next[j * R + q];
  for (int32_t j = c + 1; j < n; j++)
    for (int32_t q = 0; q < width; q++) x[q] -= row[j - c] * here[j * R + q];
  for (int32_t q = 0; q < width; q++) here[c * R + q] = x[q] * row[0];
}

/* Those unknowns of step 0 that are global take their place. */
NEURLP_INLINE void sweep_place_first(const neurlp_tile *tile, sweep_sizes z) {
  for (int32_t c = 0; c < sizes_unknowns(z); c++)
    for (int32_t r = 0; r < z.columns && !tile_known(tile, 0, c % z.derivatives); r++)
      tile_unknowns(tile, z, 0)[c * z.columns + r] = tile->global[c * z.columns + r];
}

/* R_t x_t = y_t - S_t x_(t+1) - A_t x_(t+2) - G_t x_global, in place. */
NEURLP_INLINE void sweep_solve_step(const neurlp_tile *tile, sweep_sizes z, int32_t t) {
  for (int32_t c = sizes_unknowns(z) - 1; c >= 0; c--) {
    int32_t r = 0;
    for (; r + REFLECTOR_BLOCK <= z.columns; r += REFLECTOR_BLOCK)
      sweep_solve_row(tile, z, t, c, r, REFLECTOR_BLOCK);
    for (; r < z.columns; r++) sweep_solve_row(tile, z, t, c, r, 1);
  }
  if (z.first && t == 0) sweep_place_first(tile, z);
}

/* The triangle of the global unknowns, in place; before any step. */
NEURLP_INLINE void sweep_solve_globals(const neurlp_tile *tile, sweep_sizes z) {
  const int32_t R = z.columns;
  for (int32_t q = sizes_globals(z) - 1; q >= 0; q--) {
    const lanes *row = tile_global_row(tile, z, q);
    for (int32_t r = 0; r < R; r++) {
      lanes x = tile->global[q * R + r];
      for (int32_t j = q + 1; j < sizes_globals(z); j++) x -= row[j - q] * tile->global[j * R + r];
      tile->global[q * R + r] = x * row[0];
    }
  }
}

#endif
