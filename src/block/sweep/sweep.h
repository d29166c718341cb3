/* The orthogonal sweep over the steps (docs/math.md, section 2): at each step
 *
 *   1. the rows that are left of the steps before, and those of this step alone, equations and given values,
 *      are made a triangle,
 *   2. the smoothness rows that lead to the next steps are eliminated into it, a triangle on a triangle;
 *      now the triangle's rows are final, R_t, S_t, A_t, G_t and y_t, and are kept; what is left of the
 *      smoothness rows is carried to the next step.
 *
 * Then the steps are solved from the last to the first. Central rows reach one step further: the carried
 * triangle then has rows, too, for what they reach of the step after. Global unknowns come last of all: their
 * triangle is carried from the first step to the end. Solving with the factor is in substitution.h. */
#ifndef NEURLP_BLOCK_SWEEP_H
#define NEURLP_BLOCK_SWEEP_H

#include "block/sweep/householder.h"
#include "block/sweep/joint.h"
#include "block/sweep/rows.h"

/* Row c of the triangle says that an unknown has a given value: scaled initial value, or 0 if it is global.
 */
NEURLP_INLINE void sweep_absent_row(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                    int32_t k, int32_t j) {
  const int32_t c = k * z.derivatives + j, rhs = sizes_rhs_column(z);
  work_cell *row = tile->top + c * sizes_stride(z);
  rows_clear(row, rhs + columns);
  row[c] = lanes_all(1.0);
  if (!tile_known(tile, z, t, j)) return;
  EACH (r, 0, columns)
    row[rhs + r] = narrow(tile_initial_value(tile, z, t, k, j, r) * wide_all(tile->problem->scale[j]));
}

/* The triangle before the first step: nothing but what is known. */
NEURLP_INLINE void sweep_begin(const neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  const int32_t rows = sizes_unknowns(z) + sizes_ahead(z) + sizes_globals(z);
  rows_clear(tile->top, rows * sizes_stride(z));
  rows_clear(tile->square, rows);
  EACH (k, 0, z.dimensions)
    EACH (j, 0, z.derivatives) {
      if (tile_absent(tile, z, 0, j)) sweep_absent_row(tile, z, columns, 0, k, j);
      if (z.first && tile_known(tile, z, 0, j))
        tile_global_row(tile, z, k * z.derivatives + j)[0] = lanes_all(1.0);
    }
}

/* Eliminates rows without entries for this step and the next into the triangle of the global unknowns. */
NEURLP_INLINE void sweep_global_rows(const neurlp_tile *tile, sweep_sizes z, int32_t columns, work_cell *low,
                                     int32_t rows) {
  const int32_t first = sizes_global_column(z), end = sizes_rhs_column(z) + columns;
  EACH (q, 0, sizes_globals(z)) {
    work_cell *row = tile_global_row(tile, z, q) - first - q;
    const reflector h = reflector_make(&row[first + q], low + first + q, rows, sizes_stride(z));
    reflector_apply(h, low + first + q, row, low, rows, sizes_stride(z), first + q + 1, end);
  }
}

/* Eliminates the first `rows` low rows, which have no entries for this step any more, into the carried rows
 * for the step after. */
NEURLP_INLINE void sweep_ahead_rows(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t rows) {
  const int32_t n = sizes_unknowns(z), stride = sizes_stride(z), global = sizes_global_column(z);
  EACH (k, 0, sizes_ahead(z)) {
    const int32_t c = n + (k + 1) * z.derivatives - 2;
    work_cell *row = tile->top + (n + k) * stride;
    const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
    reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, 2 * n);
    reflector_apply(h, tile->low + c, row, tile->low, rows, stride, global, sizes_rhs_column(z) + columns);
  }
}

/* All rows that belong to step t alone, into rows from `row` on: equations and, at the edges, given values
 * and periodic rows. Returns how many there are. */
NEURLP_INLINE int32_t sweep_own_rows(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t first,
                                     int32_t t, work_cell *row) {
  const neurlp_problem *problem = tile->problem;
  const int32_t stride = sizes_stride(z), D = z.dimensions;
  const bool last = z.edge && t + 1 >= tile->shortest; /* of some lanes */
  int32_t rows = z.equations;
  rows_equations(tile, z, columns, first, t, row);
  if (z.edge && t < problem->soft_steps) {
    rows_soft_values(tile, z, columns, first, t, row + rows * stride);
    rows += D * problem->shape.initial_derivatives;
  }
  if (last && z.final && !problem->hard) {
    rows_soft_final(tile, z, columns, first, t, row + rows * stride);
    rows += D * z.final;
  }
  if (last && problem->formulation.periodic) {
    rows_periodic(tile, z, columns, first, t, row + rows * stride);
    rows += D * (z.derivatives - 1);
  }
  return rows;
}

/* Eliminates the first `rows` low rows, of step t alone, into the triangle. Entries for the next step are
 * still zero and stay so, but for central rows. */
NEURLP_INLINE void sweep_eliminate_own(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t,
                                       int32_t rows) {
  const int32_t n = sizes_unknowns(z), stride = sizes_stride(z), global = sizes_global_column(z);
  EACH (k, 0, z.dimensions)
    EACH (j, 0, z.derivatives) {
      const int32_t c = k * z.derivatives + j;
      work_cell *row = tile->top + c * stride;
      if (tile_absent(tile, z, t, j)) continue;
      const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, z.central ? 2 * n : n);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, global, sizes_rhs_column(z) + columns);
    }
}

/* Part 1 where it is done in two, at the first step and with central rows: the step's own rows. */
NEURLP_INLINE void sweep_equations(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t rows = sweep_own_rows(tile, z, columns, 0, t, tile->low);
  sweep_eliminate_own(tile, z, columns, t, rows);
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
  const int32_t n = sizes_unknowns(z), stride = sizes_stride(z), global = sizes_global_column(z);
  rows_smoothness(tile, z, columns, t);
  EACH (k, 0, z.dimensions)
    EACH (j, 0, z.derivatives) {
      if (tile_absent(tile, z, t, j)) continue;
      const int32_t c = k * z.derivatives + j, rows = sweep_begun(z, k, j);
      const int32_t reach = z.central ? global : n + (k + 1) * z.derivatives;
      work_cell *row = tile->top + c * stride;
      const reflector h = reflector_make(&row[c], tile->low + c, rows, stride);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, c + 1, n);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, n, reach);
      reflector_apply(h, tile->low + c, row, tile->low, rows, stride, global, sizes_rhs_column(z) + columns);
    }
}

/* Whether pivots are more than rounding errors of their columns of A, whose squared norms are `square`. Where
 * answers are refined a factor may be worse than that: whether it is good enough, refinement finds out. */
typedef struct pivot_test {
  lane_mask finite, large;
} pivot_test;

NEURLP_INLINE pivot_test pivot_test_begin(void) {
  const lane_mask all = lanes_equal(lanes_all(0.0), lanes_all(0.0));
  return (pivot_test){all, all};
}

NEURLP_INLINE void pivot_test_add(pivot_test *test, sweep_sizes z, lanes pivot, lanes square) {
  const int32_t n = sizes_unknowns(z);
  const double operations = sizeof(inner) < sizeof(outer) ? 1 : 8 * n;
  const lanes tolerance = lanes_all(operations * operations * INNER_EPSILON * INNER_EPSILON);
  test->finite &= lanes_finite(pivot) & lanes_finite(square);
  test->large &= lanes_greater(pivot * pivot, tolerance * square);
}

/* With factors in lower precision than the answers a vanishing pivot only says that they are of no use. */
NEURLP_INLINE void pivot_test_end(neurlp_tile *tile, pivot_test test) {
  const neurlp_status vanished = sizeof(inner) < sizeof(outer) ? NEURLP_NOT_CONVERGED : NEURLP_SINGULAR;
  tile_fail(tile, ~widen_mask(test.finite), NEURLP_NOT_FINITE);
  tile_fail(tile, ~widen_mask(test.large), vanished);
}

/* Moves on the squared norms of columns, after the n that are done: from R_t, S_(t-1) and A_(t-2) to those of
 * the next step. */
NEURLP_INLINE void sweep_squares(const neurlp_tile *tile, sweep_sizes z) {
  const int32_t n = sizes_unknowns(z), ahead = sizes_ahead(z);
  rows_clear(tile->square, n);
  EACH (k, 0, ahead) {
    tile->square[(k + 1) * z.derivatives - 2] = tile->square[n + k];
    tile->square[n + k] = lanes_all(0.0);
  }
  EACH (c, 0, n)
    EACH (j, 0, n + ahead + sizes_globals(z)) {
      const lanes x = tile->top[c * sizes_stride(z) + n + j];
      tile->square[j] = lanes_fma(x, x, tile->square[j]);
    }
}

/* Keeps rows c of R_t, S_t, A_t, G_t, y_t, with the pivots inverted, and tests the pivots. The squares of a
 * column of the whole factor add up to the squared norm of that column of A. */
NEURLP_INLINE void sweep_keep(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), width = sizes_rhs_column(z);
  pivot_test test = pivot_test_begin();
  EACH (c, 0, n) {
    const work_cell *row = tile->top + c * sizes_stride(z) + c;
    lane_cell *kept = tile_factor_row(tile, z, t, c);
    EACH (j, 0, width - c) kept[j] = row[j];
    EACH (r, 0, columns) vector_step(tile->x, z, t)[c * columns + r] = widen(row[width - c + r]);
    EACH (j, c, n) tile->square[j] = lanes_fma(row[j - c], row[j - c], tile->square[j]);
    pivot_test_add(&test, z, row[0], tile->square[c]);
    kept[0] = lanes_all(1.0) / row[0];
  }
  pivot_test_end(tile, test);
  sweep_squares(tile, z);
}

/* The same for the global unknowns, after the last step; their factor stays where it is. */
NEURLP_INLINE void sweep_keep_globals(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  work_cell *square = tile->square + sizes_unknowns(z) + sizes_ahead(z);
  const int32_t globals = sizes_globals(z);
  pivot_test test = pivot_test_begin();
  EACH (q, 0, globals) {
    work_cell *row = tile_global_row(tile, z, q);
    EACH (r, 0, columns) tile->x.global[q * columns + r] = widen(row[globals - q + r]);
    EACH (j, q, globals) square[j] = lanes_fma(row[j - q], row[j - q], square[j]);
    pivot_test_add(&test, z, row[0], square[q]);
    row[0] = lanes_all(1.0) / row[0];
  }
  pivot_test_end(tile, test);
}

/* Past a lane's length row c of the triangle says that the unknown is 0. */
NEURLP_INLINE void sweep_cut(const neurlp_tile *tile, sweep_sizes z, int32_t width, int32_t t, int32_t c) {
  const lane_mask within = narrow_mask(tile_within(tile, t));
  work_cell *row = tile->top + c * sizes_stride(z);
  EACH (j, c, width) row[j] = lanes_select(within, row[j], lanes_all(j == c ? 1.0 : 0.0));
}

/* Row c of the triangle for the next step, from the low row that has become triangular: what stands before
 * its pivot has been eliminated, but not cleared. */
NEURLP_INLINE void sweep_shift(sweep_sizes z, int32_t columns, int32_t c, const work_cell *low,
                               work_cell *row) {
  const int32_t n = sizes_unknowns(z), global = sizes_global_column(z);
  EACH (i, c, n) row[i] = low[n + i];
  EACH (i, n, global) row[i] = lanes_all(0.0);
  EACH (k, c < n ? 0 : c - n, sizes_ahead(z)) row[n + (k + 1) * z.derivatives - 2] = low[2 * n + k];
  EACH (i, global, sizes_rhs_column(z) + columns) row[i] = low[i];
}

/* Lanes that end at step t have nothing ahead: what those rows hold belongs to the global unknowns. */
NEURLP_INLINE void sweep_end_ahead(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), width = sizes_rhs_column(z) + columns, stride = sizes_stride(z);
  const lane_mask go_on = narrow_mask(tile_within(tile, t + 1));
  EACH (k, 0, sizes_ahead(z))
    EACH (i, 0, width) {
      work_cell *x = &tile->top[(n + k) * stride + i];
      tile->low[k * stride + i] = lanes_select(go_on, lanes_all(0.0), *x);
      *x = lanes_select(go_on, *x, lanes_all(0.0));
    }
  sweep_global_rows(tile, z, columns, tile->low, sizes_ahead(z));
}

/* Whether the rows of step t are eliminated together with those that are carried to it. */
NEURLP_INLINE bool sweep_merges(sweep_sizes z, int32_t t) {
  return !z.central && t > 0;
}

/* Part 1: the triangle of step t. Absent columns are zero in the rows that are left and take none of them. */
NEURLP_INLINE void sweep_carry(const neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  const int32_t n = sizes_unknowns(z), ahead = sizes_ahead(z), stride = sizes_stride(z);
  const int32_t width = sizes_rhs_column(z) + columns;
  int32_t rows = z.dimensions * sizes_smoothness_rows(z);
  work_cell *low = tile->low;
  UNROLLED for (int32_t k = 0; k < ahead; k++, rows++) EACH (i, 0, width) low[rows * stride + i] =
      tile->top[(n + k) * stride + i];
  if (tile_known_final(tile, z, t, 0)) {
    rows_hard_final(tile, z, columns, n, t, low + rows * stride);
    rows += z.dimensions * z.final;
  }
  if (sweep_merges(z, t)) rows += sweep_own_rows(tile, z, columns, n, t, low + rows * stride);
  EACH (c, 0, n + ahead) {
    const bool local = c < n;
    const int32_t k = local ? c / z.derivatives : c - n, j = local ? c % z.derivatives : z.derivatives - 2;
    work_cell *row = tile->top + c * stride;
    if (tile_known(tile, z, local ? t : t + 1, j)) {
      if (local)
        sweep_absent_row(tile, z, columns, t, k, j);
      else
        rows_clear(row, width);
      continue;
    }
    work_cell *below = low + stride;
    if (--rows > 0) {
      const reflector h = reflector_make(&low[n + c], below + n + c, rows, stride);
      reflector_apply(h, below + n + c, low, below, rows, stride, n + c + 1, width);
    }
    sweep_shift(z, columns, c, low, row);
    if (z.edge && local && t >= tile->shortest) sweep_cut(tile, z, width, t, c);
    low = below;
  }
  sweep_global_rows(tile, z, columns, low, rows);
  if (z.edge && ahead > 0 && sizes_globals(z) > 0 && t + 1 >= tile->shortest)
    sweep_end_ahead(tile, z, columns, t);
}

/* Step t, on the triangle that step t-1 has left. */
NEURLP_INLINE void sweep_step(neurlp_tile *tile, sweep_sizes z, int32_t columns, int32_t t) {
  if (t > 0) sweep_carry(tile, z, columns, t);
  const bool others = z.edge && tile->cut && t == 0; /* belongs to the piece before */
  if (!sweep_merges(z, t) && !others) sweep_equations(tile, z, columns, t);
  if (!z.edge || t + 1 < tile->steps) sweep_smoothness(tile, z, columns, t);
  if (z.edge && tile->job->pieces && t + 1 >= tile->shortest) joint_leave_last(tile, z, columns, t);
  sweep_keep(tile, z, columns, t);
}

/* Factorises all steps. columns: right-hand sides that go along, R or 0. */
NEURLP_INLINE void sweep_factorise(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
  sweep_sizes edge = z, inside = z;
  edge.edge = 1;
  inside.edge = 0;
  sweep_begin(tile, edge, columns);
  for (int32_t t = 0; t < tile->steps; t++)
    if (tile_inside(tile, z, t))
      sweep_step(tile, inside, columns, t);
    else
      sweep_step(tile, edge, columns, t);
  if (tile->cut)
    joint_leave_first(tile, z, columns);
  else
    sweep_keep_globals(tile, z, columns);
}

/* A function that does that. */
typedef void (*sweep_function)(neurlp_tile *tile, sweep_sizes z, int32_t columns);

/* The triangle of the global unknowns goes to the store, or comes from there. */
NEURLP_INLINE void sweep_move_globals(const neurlp_tile *tile, sweep_sizes z, bool to_store) {
  lane_cell *rows = tile->globals + (sizes_unknowns(z) + sizes_ahead(z)) * sizes_stride(z);
  EACH (i, 0, sizes_globals(z) * sizes_stride(z))
    if (to_store)
      tile->kept_top[i] = rows[i];
    else
      rows[i] = tile->kept_top[i];
}

/* The factor: made now, and kept if there is a store; or what an earlier call, or pass, has kept. */
NEURLP_INLINE void sweep_obtain(neurlp_tile *tile, sweep_sizes z, int32_t columns, sweep_function factorise) {
  if (tile->job->stored) {
    sweep_move_globals(tile, z, false);
    tile->status = wide_select(wide_equal(tile->status, wide_all(0.0)), *tile->store, tile->status);
    return;
  }
  factorise(tile, z, columns);
  if (!tile->store) return;
  sweep_move_globals(tile, z, true);
  *tile->store = tile->status;
}

/* Whether this is a second pass over pieces that goes on where the first one stopped. */
NEURLP_INLINE bool sweep_resumes(const neurlp_tile *tile) {
  return tile->store && tile->job->joints;
}

#endif
