/* The rows of the least-squares problem for one step, written into the rows to be eliminated (docs/math.md,
 * section 1). Unknown (k, j) of a step is column c = k (d+1) + j, in scaled unknowns unit^j u. Columns of
 * values that are given exactly move to the right-hand side. With columns = 0 right-hand sides are left out.
 */
#ifndef NEURLP_BLOCK_ROWS_H
#define NEURLP_BLOCK_ROWS_H

#include "block/sweep/tile.h"

NEURLP_INLINE void rows_clear(work_cell *rows, int32_t numbers) {
  EACH (i, 0, numbers) rows[i] = lanes_all(0.0);
}

/* rhs -= coefficient * value, where the scaled unknown (t, k, j) is exactly `value`. */
NEURLP_INLINE void rows_move_known(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                   int32_t k, int32_t j, wide coefficient, work_cell *rhs) {
  const wide scaled = coefficient * wide_all(tile->problem->scale[j]);
  EACH (r, 0, columns) rhs[r] -= narrow(scaled * tile_initial_value(tile, z, t, k, j, r));
}

/* The same for a final value, in the lanes that end at step t; what is left of the coefficient. */
NEURLP_INLINE wide rows_move_final(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                   int32_t k, int32_t j, wide coefficient, work_cell *rhs) {
  const wide zero = wide_all(0.0);
  const wide_mask ends = tile_ends(tile, t);
  const wide scaled = wide_select(ends, coefficient * wide_all(tile->problem->scale[j]), zero);
  EACH (r, 0, columns) rhs[r] -= narrow(scaled * tile_final_value(tile, z, k, j, r));
  return wide_select(ends, zero, coefficient);
}

/* Writes coefficient x of unknown (t, k, j) into a row: into `column`, or where that unknown stands instead.
 */
NEURLP_INLINE void rows_put(const neurlp_tile *tile, sweep_sizes z, int32_t columns, work_cell *row,
                            int32_t column, int32_t t, int32_t k, int32_t j, wide x) {
  if (tile_known(tile, z, t, j)) {
    rows_move_known(tile, z, columns, t, k, j, x, row + sizes_rhs_column(z));
    return;
  }
  if (tile_known_final(tile, z, t, j))
    x = rows_move_final(tile, z, columns, t, k, j, x, row + sizes_rhs_column(z));
  if (z.edge && z.first && t == 0)
    row[sizes_global_column(z) + k * z.derivatives + j] = narrow(x);
  else
    row[column] = narrow(x);
}

/* Clears a row that belongs to one step alone, as far as elimination reads it. The step's columns begin at
 * `first`: at 0 for step t, at n for the step after it. */
NEURLP_INLINE void rows_clear_local(const sweep_sizes z, work_cell *row, int32_t first) {
  const int32_t n = sizes_unknowns(z);
  rows_clear(row + first, n);
  if (z.central) rows_clear(row + n, n + sizes_ahead(z));
  rows_clear(row + sizes_global_column(z), sizes_globals(z));
}

/* The factor by which coefficients of column c come into a row. */
NEURLP_INLINE wide rows_equation_weight(const neurlp_tile *tile, sweep_sizes z, int32_t c) {
  return wide_all(tile->problem->weight_equation * tile->problem->inverse_scale[c % z.derivatives]);
}

/* Equation rows of step t, docs/math.md, equation 1, into rows from `row` on, columns from `first` on. */
NEURLP_INLINE void rows_equations(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t first,
                                  int32_t t, work_cell *row) {
  const wide weight = wide_all(tile->problem->weight_equation);
  UNROLLED for (int32_t e = 0; e < z.equations; e++, row += sizes_stride(z)) {
    work_cell *rhs = row + sizes_rhs_column(z);
    rows_clear_local(z, row, first);
    EACH (r, 0, columns) rhs[r] = narrow(tile_rhs(tile, z, t, e, r) * weight);
    EACH (k, 0, z.dimensions)
      EACH (j, 0, z.derivatives) {
        const int32_t c = k * z.derivatives + j;
        rows_put(tile, z, columns, row, first + c, t, k, j,
                 tile_coefficient(tile, z, t, e, c) * rows_equation_weight(tile, z, c));
      }
  }
}

/* Soft initial values of step t, equation 2, ordered by their column, into rows from `row` on. */
NEURLP_INLINE void rows_soft_values(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t first,
                                    int32_t t, work_cell *row) {
  const neurlp_problem *problem = tile->problem;
  const double weight = problem->formulation.weight_initial;
  EACH (k, 0, z.dimensions)
    UNROLLED for (int32_t j = 0; j < problem->shape.initial_derivatives; j++, row += sizes_stride(z)) {
      rows_clear_local(z, row, first);
      rows_put(tile, z, columns, row, first + k * z.derivatives + j, t, k, j,
               wide_all(weight * problem->inverse_scale[j]));
      EACH (r, 0, columns)
        row[sizes_rhs_column(z) + r] = narrow(tile_initial_value(tile, z, t, k, j, r) * wide_all(weight));
    }
}

/* Soft final values, equation 2a; zeros in lanes that do not end at step t. */
NEURLP_INLINE void rows_soft_final(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t first,
                                   int32_t t, work_cell *row) {
  const wide weight =
      wide_select(tile_ends(tile, t), wide_all(tile->problem->formulation.weight_initial), wide_all(0.0));
  EACH (k, 0, z.dimensions) UNROLLED for (int32_t j = 0; j < z.final; j++, row += sizes_stride(z)) {
      rows_clear_local(z, row, first);
      rows_put(tile, z, columns, row, first + k * z.derivatives + j, t, k, j,
               weight * wide_all(tile->problem->inverse_scale[j]));
      EACH (r, 0, columns) row[sizes_rhs_column(z) + r] = narrow(tile_final_value(tile, z, k, j, r) * weight);
    }
}

/* Hard final values of the lanes that end at the step whose columns begin at `first`: rows 1 x = value that
 * stand alone in their columns, so that elimination only moves them into the triangle. */
NEURLP_INLINE void rows_hard_final(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t first,
                                   int32_t t, work_cell *row) {
  const wide_mask ends = tile_ends(tile, t);
  const wide one = wide_select(ends, wide_all(1.0), wide_all(0.0));
  EACH (k, 0, z.dimensions) UNROLLED for (int32_t j = 0; j < z.final; j++, row += sizes_stride(z)) {
      rows_clear(row, sizes_rhs_column(z) + columns);
      row[first + k * z.derivatives + j] = narrow(one);
      EACH (r, 0, columns) {
        const wide value = tile_final_value(tile, z, k, j, r) * wide_all(tile->problem->scale[j]);
        row[sizes_rhs_column(z) + r] = narrow(wide_select(ends, value, wide_all(0.0)));
      }
    }
}

/* Periodic rows, equation 4c, into rows from `row` on; zeros in lanes that do not end at step t. */
NEURLP_INLINE void rows_periodic(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t first,
                                 int32_t t, work_cell *row) {
  const wide_mask ends = tile_ends(tile, t);
  EACH (k, 0, z.dimensions) UNROLLED for (int32_t j = 0; j + 1 < z.derivatives; j++, row += sizes_stride(z)) {
      const wide one = wide_all(tile->problem->inverse_scale[j]);
      const wide x = wide_select(ends, one, wide_all(0.0));
      rows_clear(row, sizes_rhs_column(z) + columns);
      rows_put(tile, z, columns, row, 0, 0, k, j, x);
      rows_put(tile, z, columns, row, first + k * z.derivatives + j, t, k, j, -x);
    }
}

/* Powers 0 to d of the step of interval t over the unit. A step that is not positive or not finite is a
 * failure of its system. */
NEURLP_INLINE void rows_step_powers(neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k, wide *power) {
  const wide h = tile_step(tile, z, t, k);
  tile_fail(tile, ~wide_finite(h), NEURLP_NOT_FINITE);
  tile_fail(tile, ~wide_greater(h, wide_all(0.0)), NEURLP_SINGULAR);
  power[0] = wide_all(1.0);
  EACH (p, 1, z.derivatives) power[p] = power[p - 1] * h * wide_all(1 / tile->problem->unit);
}

/* The central row with centre t+1 in scaled unknowns, without w_s, equation 4b: `side` times the difference
 * between u[t+2][d-1] and u[t][d-1], less `middle` times u[t+1][d]. s = h[t] + h[t+1]. */
typedef struct central_row {
  wide side, middle;
  wide side_slope, middle_slope; /* d/ds */
} central_row;

NEURLP_INLINE central_row rows_central(const neurlp_tile *tile, sweep_sizes z, int32_t t, int32_t k) {
  const int32_t d = z.derivatives - 1;
  const wide inverse = wide_all(1 / tile->problem->unit);
  const wide s = (tile_step(tile, z, t, k) + tile_step(tile, z, t + 1, k)) * inverse;
  wide middle = inverse;
  EACH (p, 1, d) middle *= s;
  const wide side = middle / s, next = side / s;
  return (central_row){.side = side,
                       .middle = middle,
                       .side_slope = wide_all(d - 2) * next * inverse,
                       .middle_slope = wide_all(d - 1) * side * inverse};
}

/* Writes the central row with centre t+1; zeros where that is the last step. */
NEURLP_INLINE void rows_write_central(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                      int32_t k, work_cell *row) {
  const int32_t n = sizes_unknowns(z), first = k * z.derivatives, d = z.derivatives - 1;
  rows_clear(row, sizes_rhs_column(z) + columns);
  if (t + 2 >= tile->steps) return;
  const wide weight = tile_smoothness(tile, z, t + 1);
  const central_row central = rows_central(tile, z, t, k);
  rows_put(tile, z, columns, row, first + d - 1, t, k, d - 1, -weight * central.side);
  rows_put(tile, z, columns, row, n + first + d, t + 1, k, d, -weight * central.middle);
  rows_put(tile, z, columns, row, 2 * n + k, t + 2, k, d - 1, weight * central.side);
  if (z.slack) row[sizes_rhs_column(z) - 1] = narrow(weight);
}

/* Two-point smoothness row q of dimension k, equations 3 to 4a. */
NEURLP_INLINE void rows_write_two_point(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                        int32_t k, int32_t q, wide weight, const wide *power,
                                        work_cell *row) {
  const neurlp_problem *problem = tile->problem;
  const int32_t n = sizes_unknowns(z);
  rows_clear(row, sizes_rhs_column(z) + columns);
  EACH (p, q / z.twin, z.derivatives) {
    const int32_t c = k * z.derivatives + p;
    const wide size = weight * power[p];
    rows_put(tile, z, columns, row, c, t, k, p, size * wide_all(problem->here[q][p]));
    rows_put(tile, z, columns, row, n + c, t + 1, k, p, size * wide_all(problem->next[q][p]));
  }
  if (z.slack) row[sizes_rhs_column(z) - 1] = narrow(weight);
}

/* Smoothness rows of interval t, ordered within a dimension by the column they begin at, then its central
 * row.
 */
NEURLP_INLINE void rows_smoothness(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const wide weight = tile_smoothness(tile, z, t);
  wide power[NEURLP_MAX_DERIVATIVES];
  work_cell *row = tile->low;
  EACH (k, 0, z.dimensions) {
    if (k == 0 || tile->problem->shape.steps_per_dimension) rows_step_powers(tile, z, t, k, power);
    UNROLLED for (int32_t q = 0; q < sizes_two_point_rows(z); q++, row += sizes_stride(z))
        rows_write_two_point(tile, z, columns, t, k, q, weight, power, row);
    if (!z.central) continue;
    rows_write_central(tile, z, columns, t, k, row);
    row += sizes_stride(z);
  }
}

#endif
