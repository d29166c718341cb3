#include "block/sweep/chain.h"

#include <math.h>
#include <string.h>

/* Of each joint: n rows of its triangle, of what ties it to the next one, and right-hand sides. */
typedef struct chain {
  neurlp_end_layout z;
  int64_t row; /* numbers of a kept row: n, n, R */
  double *kept;
  double *work; /* [3n][row] rows to be eliminated: the carried triangle, then those of a piece */
  double tolerance;
  neurlp_status status;
} chain;

int64_t neurlp_chain_numbers(neurlp_end_layout layout, int64_t joints) {
  return (joints + 3) * layout.unknowns * (2 * layout.unknowns + layout.columns);
}

static double *chain_joint(const chain *c, int64_t joint) {
  return c->kept + joint * c->z.unknowns * c->row;
}

/* Makes column `column` of the rows from `top` on zero below that row, by one reflection. */
static void reflect(chain *c, int64_t top, int64_t rows, int64_t column) {
  double tail = 0, *pivot_row = c->work + top * c->row;
  for (int64_t i = top + 1; i < rows; i++)
    tail += c->work[i * c->row + column] * c->work[i * c->row + column];
  const double alpha = pivot_row[column], norm = copysign(sqrt(alpha * alpha + tail), alpha);
  const double head = alpha + norm;
  if (tail == 0 || fabs(norm * head) < 0x1p-1000) return;
  for (int64_t j = column + 1; j < c->row; j++) {
    double sum = head * pivot_row[j];
    for (int64_t i = top + 1; i < rows; i++) sum += c->work[i * c->row + column] * c->work[i * c->row + j];
    sum /= norm * head;
    pivot_row[j] -= sum * head;
    for (int64_t i = top + 1; i < rows; i++) c->work[i * c->row + j] -= sum * c->work[i * c->row + column];
  }
  pivot_row[column] = -norm;
  for (int64_t i = top + 1; i < rows; i++) c->work[i * c->row + column] = 0;
}

/* Squared norm of column q of the joint: of the columns of all rows of A behind it. */
static double column_square(const chain *c, const double *before, const double *after, int64_t q) {
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

/* The same measure of a pivot as within a piece (sweep.h). */
static void test_pivots(chain *c, int64_t joint, const double *before, const double *after) {
  const int64_t n = c->z.unknowns;
  for (int64_t q = 0; q < n && c->status == NEURLP_SUCCESS; q++) {
    const double pivot = chain_joint(c, joint)[q * c->row + q], square = column_square(c, before, after, q);
    if (!isfinite(pivot) || !isfinite(square))
      c->status = NEURLP_NOT_FINITE;
    else if (!(pivot * pivot > c->tolerance * c->tolerance * square))
      c->status = NEURLP_SINGULAR;
  }
}

/* The last part of a record, without entries for the piece's first step, becomes the carried triangle. */
static void carry_first(chain *c, const double *end) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t i = 0; i < n; i++) {
    memcpy(c->work + i * c->row, end + i * c->z.last_row, (size_t)n * sizeof(double));
    memset(c->work + i * c->row + n, 0, (size_t)n * sizeof(double));
    memcpy(c->work + i * c->row + 2 * n, end + i * c->z.last_row + 2 * n, (size_t)R * sizeof(double));
  }
}

/* The rows of a piece below the carried ones. */
static void stack_piece(chain *c, const double *end) {
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
static void carry_next(chain *c) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t q = 0; q < n; q++) reflect(c, n + q, 3 * n, n + q);
  for (int64_t i = 0; i < n; i++) {
    double *row = c->work + i * c->row;
    const double *from = c->work + (n + i) * c->row;
    memset(row, 0, (size_t)(2 * n) * sizeof(double));
    memcpy(row + i, from + n + i, (size_t)(n - i) * sizeof(double));
    memcpy(row + 2 * n, from + 2 * n, (size_t)R * sizeof(double));
  }
}

/* Triangularises all joints, right-hand sides along. */
static void factorise(chain *c, const double *before, const double *ends, int64_t count) {
  const int64_t n = c->z.unknowns;
  carry_first(c, before);
  for (int64_t joint = 0; joint < count; joint++) {
    const double *end = joint == 0 ? before : ends + (joint - 1) * c->z.numbers;
    const double *next = joint + 1 < count ? ends + joint * c->z.numbers : NULL;
    if (next) {
      stack_piece(c, next);
      for (int64_t q = 0; q < n; q++) reflect(c, q, 3 * n, q);
    }
    memcpy(chain_joint(c, joint), c->work, (size_t)(n * c->row) * sizeof(double));
    if (next) carry_next(c);
    test_pivots(c, joint, end, next);
  }
}

/* Sources of the joints, into the places of right-hand sides. */
static void place_sources(chain *c, const double *before, const double *ends, int64_t count) {
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
static void solve_transposed(chain *c, int64_t count) {
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
static void solve_back(const chain *c, int64_t count, double *x) {
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

neurlp_status neurlp_chain_solve(neurlp_end_layout layout, const double *before, const double *ends,
                                 int64_t count, bool normal, double epsilon, double *workspace,
                                 double *joints) {
  const int64_t n = layout.unknowns, row = 2 * n + layout.columns;
  chain c = {.z = layout,
             .row = row,
             .kept = workspace,
             .work = workspace + count * n * row,
             .tolerance = 8 * (double)n * epsilon};
  factorise(&c, before, ends, count);
  if (c.status != NEURLP_SUCCESS) return c.status;
  if (normal) {
    place_sources(&c, before, ends, count);
    solve_transposed(&c, count);
  }
  solve_back(&c, count, joints);
  return NEURLP_SUCCESS;
}
