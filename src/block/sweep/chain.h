/* The chain of joints: where time is cut into pieces, what is left to solve for when each has been swept
 * (docs/math.md, section 2). In double precision, whatever the pieces are swept in. */
#ifndef NEURLP_BLOCK_CHAIN_H
#define NEURLP_BLOCK_CHAIN_H

#include "block/sweep/job.h"

#include <math.h>
#include <string.h>

/* What a piece leaves, an end, is one record of numbers, in scaled unknowns; absent entries are 0:
 *   [n][n | n | R] the triangle of its last step, entries for its first step, right-hand side (of a normal
 *                  equation: what is left of its source, [n][R] in that place)
 *   [n][n | R]     the triangle of its first step, right-hand side (or source)
 *   [n]            squared norms, without these triangles, of the columns of its last step
 *   [n]            and of its first. */
typedef struct neurlp_end_layout {
  int64_t unknowns, columns;
  int64_t last_row;         /* numbers of a row of the first part */
  int64_t first, first_row; /* where the second part begins, numbers of a row */
  int64_t last_square, first_square;
  int64_t numbers;
} neurlp_end_layout;

NEURLP_ANYWHERE neurlp_end_layout neurlp_end_layout_of(int64_t n, int64_t R) {
  const int64_t last_row = 2 * n + R, first_row = n + R, first = n * last_row,
                squares = first + n * first_row;
  return (neurlp_end_layout){.unknowns = n,
                             .columns = R,
                             .last_row = last_row,
                             .first = first,
                             .first_row = first_row,
                             .last_square = squares,
                             .first_square = squares + n,
                             .numbers = squares + 2 * n};
}

/* Of each joint: n rows of its triangle, of what ties it to the next one, and right-hand sides. */
typedef struct chain {
  neurlp_end_layout z;
  int64_t row; /* numbers of a kept row: n, n, R */
  double *kept;
  double *work; /* [3n][row] rows to be eliminated: the carried triangle, then those of a piece */
  double tolerance;
  neurlp_status status;
} chain;

/* Numbers of workspace for a chain of so many joints. */
NEURLP_ANYWHERE int64_t neurlp_chain_numbers(neurlp_end_layout layout, int64_t joints) {
  return (joints + 3) * layout.unknowns * (2 * layout.unknowns + layout.columns);
}

NEURLP_ANYWHERE double *chain_joint(const chain *c, int64_t joint) {
  return c->kept + joint * c->z.unknowns * c->row;
}

/* Makes column `column` of rows [first, last) zero by one reflection, whose pivot is in row `top`; the rows
 * have `width` numbers that count. */
NEURLP_ANYWHERE void chain_reflect(chain *c, int64_t top, int64_t first, int64_t last, int64_t column,
                                   int64_t width) {
  double tail = 0, *pivot_row = c->work + top * c->row;
  for (int64_t i = first; i < last; i++) tail += c->work[i * c->row + column] * c->work[i * c->row + column];
  const double alpha = pivot_row[column], norm = copysign(sqrt(alpha * alpha + tail), alpha);
  const double head = alpha + norm;
  if (tail == 0 || fabs(norm * head) < 0x1p-1000) return;
  for (int64_t j = column + 1; j < width; j++) {
    double sum = head * pivot_row[j];
    for (int64_t i = first; i < last; i++) sum += c->work[i * c->row + column] * c->work[i * c->row + j];
    sum /= norm * head;
    pivot_row[j] -= sum * head;
    for (int64_t i = first; i < last; i++) c->work[i * c->row + j] -= sum * c->work[i * c->row + column];
  }
  pivot_row[column] = -norm;
  for (int64_t i = first; i < last; i++) c->work[i * c->row + column] = 0;
}

/* Squared norm of column q of the joint: of the columns of all rows of A behind it. */
NEURLP_ANYWHERE double chain_column_square(const chain *c, const double *before, const double *after,
                                           int64_t q) {
  const neurlp_end_layout *z = &c->z;
  double sum = before[z->last_square + q];
  for (int64_t i = 0; i <= q; i++) sum += before[i * z->last_row + q] * before[i * z->last_row + q];
  if (!after) return sum;
  sum += after[z->first_square + q];
  for (int64_t i = 0; i < z->unknowns; i++) {
    const double last = after[i * z->last_row + z->unknowns + q];
    const double first = i <= q ? after[z->first + i * z->first_row + q] : 0;
    sum += last * last + first * first;
  }
  return sum;
}

/* The same measure of a pivot as within a piece (sweep.h), for the rows of a joint that are done. */
NEURLP_ANYWHERE void chain_test_pivots(chain *c, const double *rows, const double *before,
                                       const double *after) {
  for (int64_t q = 0; q < c->z.unknowns && c->status == NEURLP_SUCCESS; q++) {
    const double pivot = rows[q * c->row + q], square = chain_column_square(c, before, after, q);
    if (!isfinite(pivot) || !isfinite(square))
      c->status = NEURLP_NOT_FINITE;
    else if (!(pivot * pivot > c->tolerance * c->tolerance * square))
      c->status = NEURLP_SINGULAR;
  }
}

/* The last part of a record, without entries for the piece's first step, becomes the carried triangle. */
NEURLP_ANYWHERE void chain_carry_first(chain *c, const double *end) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t i = 0; i < n; i++) {
    memcpy(c->work + i * c->row, end + i * c->z.last_row, (size_t)n * sizeof(double));
    memset(c->work + i * c->row + n, 0, (size_t)n * sizeof(double));
    memcpy(c->work + i * c->row + 2 * n, end + i * c->z.last_row + 2 * n, (size_t)R * sizeof(double));
  }
}

/* The rows of a piece below the carried ones. */
NEURLP_ANYWHERE void chain_stack_piece(chain *c, const double *end) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t i = 0; i < n; i++) {
    double *row = c->work + (n + i) * c->row;
    const double *first = end + c->z.first + i * c->z.first_row, *last = end + i * c->z.last_row;
    memset(row, 0, (size_t)(2 * n) * sizeof(double));
    memcpy(row + i, first + i, (size_t)(n - i) * sizeof(double));
    memcpy(row + 2 * n, first + n, (size_t)R * sizeof(double));
    row += n * c->row;
    memcpy(row, last + n, (size_t)n * sizeof(double));
    memset(row + n, 0, (size_t)n * sizeof(double));
    memcpy(row + n + i, last + i, (size_t)(n - i) * sizeof(double));
    memcpy(row + 2 * n, last + 2 * n, (size_t)R * sizeof(double));
  }
}

/* What is left below the joint that is done: the triangle of the next one. */
NEURLP_ANYWHERE void chain_carry_next(chain *c) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t q = 0; q < n; q++) chain_reflect(c, n + q, n + q + 1, 3 * n, n + q, c->row);
  for (int64_t i = 0; i < n; i++) {
    double *row = c->work + i * c->row;
    const double *from = c->work + (n + i) * c->row;
    memset(row, 0, (size_t)(2 * n) * sizeof(double));
    memcpy(row + i, from + n + i, (size_t)(n - i) * sizeof(double));
    memcpy(row + 2 * n, from + 2 * n, (size_t)R * sizeof(double));
  }
}

/* Triangularises all joints, right-hand sides along. */
NEURLP_ANYWHERE void chain_factorise(chain *c, const double *before, const double *ends, int64_t count) {
  const int64_t n = c->z.unknowns;
  chain_carry_first(c, before);
  for (int64_t joint = 0; joint < count; joint++) {
    const double *end = joint == 0 ? before : ends + (joint - 1) * c->z.numbers;
    const double *next = joint + 1 < count ? ends + joint * c->z.numbers : NULL;
    if (next) {
      chain_stack_piece(c, next);
      for (int64_t q = 0; q < n; q++) chain_reflect(c, q, q + 1, 3 * n, q, c->row);
    }
    memcpy(chain_joint(c, joint), c->work, (size_t)(n * c->row) * sizeof(double));
    if (next) chain_carry_next(c);
    chain_test_pivots(c, chain_joint(c, joint), end, next);
  }
}

/* Sources of the joints, into the places of right-hand sides. */
NEURLP_ANYWHERE void chain_place_sources(chain *c, const double *before, const double *ends, int64_t count) {
  const neurlp_end_layout *z = &c->z;
  const int64_t n = z->unknowns, R = z->columns;
  for (int64_t joint = 0; joint < count; joint++) {
    const double *end = joint == 0 ? before : ends + (joint - 1) * z->numbers;
    const double *next = joint + 1 < count ? ends + joint * z->numbers : NULL;
    for (int64_t i = 0; i < n; i++)
      for (int64_t r = 0; r < R; r++)
        chain_joint(c, joint)[i * c->row + 2 * n + r] =
            end[i * z->last_row + 2 * n + r] + (next ? next[z->first + i * z->first_row + n + r] : 0);
  }
}

/* R^T q = source, in place. */
NEURLP_ANYWHERE void chain_solve_transposed(chain *c, int64_t count) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t joint = 0; joint < count; joint++)
    for (int64_t i = 0; i < n; i++) {
      double *row = chain_joint(c, joint) + i * c->row, *next = chain_joint(c, joint + 1);
      for (int64_t r = 2 * n; r < 2 * n + R; r++) {
        row[r] /= row[i];
        for (int64_t j = i + 1; j < n; j++) row[(j - i) * c->row + r] -= row[j] * row[r];
        for (int64_t j = 0; j < n && joint + 1 < count; j++) next[j * c->row + r] -= row[n + j] * row[r];
      }
    }
}

/* R x = y. */
NEURLP_ANYWHERE void chain_solve_back(const chain *c, int64_t count, double *x) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t joint = count - 1; joint >= 0; joint--) {
    double *here = x + joint * n * R, *next = here + n * R;
    for (int64_t i = n - 1; i >= 0; i--) {
      const double *row = chain_joint(c, joint) + i * c->row;
      for (int64_t r = 0; r < R; r++) {
        double sum = row[2 * n + r];
        for (int64_t j = 0; j < n && joint + 1 < count; j++) sum -= row[n + j] * next[j * R + r];
        for (int64_t j = i + 1; j < n; j++) sum -= row[j] * here[j * R + r];
        here[i * R + r] = sum / row[i];
      }
    }
  }
}

/* Solves for the unknowns at the joints of one system: joints [count][n][R]. Joint i lies between `before`,
 * the end of the first piece, for i = 0, or record i-1 of `ends`, and record i; the last piece ends in a
 * joint, too, so that `ends` has count - 1 records. `normal`: ends hold sources of normal equations. epsilon:
 * that of the precision of the pieces. Returns NEURLP_SUCCESS, NEURLP_SINGULAR or NEURLP_NOT_FINITE. */
NEURLP_ANYWHERE neurlp_status neurlp_chain_solve(neurlp_end_layout layout, const double *before,
                                                 const double *ends, int64_t count, bool normal,
                                                 double epsilon, double *workspace, double *joints) {
  const int64_t n = layout.unknowns, row = 2 * n + layout.columns;
  chain c = {.z = layout,
             .row = row,
             .kept = workspace,
             .work = workspace + count * n * row,
             .tolerance = 8 * (double)n * epsilon,
             .status = NEURLP_SUCCESS};
  chain_factorise(&c, before, ends, count);
  if (c.status != NEURLP_SUCCESS) return c.status;
  if (normal) {
    chain_place_sources(&c, before, ends, count);
    chain_solve_transposed(&c, count);
  }
  chain_solve_back(&c, count, joints);
  return NEURLP_SUCCESS;
}

#endif
