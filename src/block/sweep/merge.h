/* Neighbouring pieces of time become one: the joints between them are eliminated, and what is left has the
 * form of one piece's end. Merging is associative, so that many threads can merge runs of pieces, then runs
 * of what that gives, until a chain is left that is short. */
#ifndef NEURLP_BLOCK_MERGE_H
#define NEURLP_BLOCK_MERGE_H

#include "block/sweep/chain.h"

/* A row of a joint that has been eliminated: n columns of the joint, of the next one, of the run's first. */
NEURLP_ANYWHERE int64_t merge_row(neurlp_end_layout z) {
  return 3 * z.unknowns + z.columns;
}

/* Numbers of what is kept of a joint, and of workspace. */
NEURLP_ANYWHERE int64_t merge_kept_numbers(neurlp_end_layout z) {
  return z.unknowns * merge_row(z);
}
NEURLP_ANYWHERE int64_t merge_work_numbers(neurlp_end_layout z) {
  return 4 * z.unknowns * merge_row(z);
}

/* Rows of a record's last step: those columns and those of its first step go where they belong in a row. */
NEURLP_ANYWHERE void merge_put_last(const chain *c, const double *end, int64_t last, int64_t first,
                                    double *rows) {
  const int64_t n = c->z.unknowns;
  for (int64_t i = 0; i < n; i++) {
    const double *from = end + i * c->z.last_row;
    for (int64_t j = 0; j < n; j++) {
      rows[i * c->row + last + j] = from[j];
      rows[i * c->row + first + j] = from[n + j];
    }
    for (int64_t r = 0; r < c->z.columns; r++) rows[i * c->row + 3 * n + r] = from[2 * n + r];
  }
}

/* The same for rows of its first step alone. */
NEURLP_ANYWHERE void merge_put_first(const chain *c, const double *end, int64_t first, double *rows) {
  const int64_t n = c->z.unknowns;
  for (int64_t i = 0; i < n; i++) {
    const double *from = end + c->z.first + i * c->z.first_row;
    for (int64_t j = 0; j < n; j++) rows[i * c->row + first + j] = from[j];
    for (int64_t r = 0; r < c->z.columns; r++) rows[i * c->row + 3 * n + r] = from[n + r];
  }
}

/* Back from the rows: those of the last step from row n on, of the first from 3n on. */
NEURLP_ANYWHERE void merge_take(const chain *c, double *end) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t i = 0; i < n; i++) {
    const double *last = c->work + (n + i) * c->row, *first = c->work + (3 * n + i) * c->row;
    double *to = end + i * c->z.last_row;
    for (int64_t j = 0; j < 2 * n; j++) to[j] = last[n + j];
    for (int64_t r = 0; r < R; r++) to[2 * n + r] = last[3 * n + r];
    to = end + c->z.first + i * c->z.first_row;
    for (int64_t j = 0; j < n; j++) to[j] = first[2 * n + j];
    for (int64_t r = 0; r < R; r++) to[n + r] = first[3 * n + r];
  }
}

/* Squared norms go on as in a sweep: entries of rows that are done count for the columns that are not. */
NEURLP_ANYWHERE void merge_squares(const chain *c, const double *kept, const double *next, double *end) {
  const int64_t n = c->z.unknowns;
  for (int64_t j = 0; j < n; j++) {
    double last = next[c->z.last_square + j], first = end[c->z.first_square + j];
    for (int64_t i = 0; i < n; i++) {
      const double *row = kept + i * c->row;
      last += row[n + j] * row[n + j];
      first += row[2 * n + j] * row[2 * n + j];
    }
    end[c->z.last_square + j] = last;
    end[c->z.first_square + j] = first;
  }
}

/* Sources of a normal equation, R^T q = g: those of the joint are solved for, and taken from the others. */
NEURLP_ANYWHERE void merge_sources(const chain *c, const double *end, const double *next, double *kept,
                                   double *last, double *first) {
  const int64_t n = c->z.unknowns, R = c->z.columns;
  for (int64_t i = 0; i < n; i++)
    for (int64_t r = 0; r < R; r++) {
      double q = end[i * c->z.last_row + 2 * n + r] + next[c->z.first + i * c->z.first_row + n + r];
      for (int64_t p = 0; p < i; p++) q -= kept[p * c->row + i] * kept[p * c->row + 3 * n + r];
      kept[i * c->row + 3 * n + r] = q / kept[i * c->row + i];
    }
  for (int64_t j = 0; j < n; j++)
    for (int64_t r = 0; r < R; r++) {
      double after = next[j * c->z.last_row + 2 * n + r],
             before = end[c->z.first + j * c->z.first_row + n + r];
      for (int64_t i = 0; i < n; i++) {
        const double *row = kept + i * c->row;
        after -= row[n + j] * row[3 * n + r];
        before -= row[2 * n + j] * row[3 * n + r];
      }
      last[j * c->row + 3 * n + r] = after;
      first[j * c->row + 3 * n + r] = before;
    }
}

/* Merges `next` into `end`; what is kept of the joint between them goes to `kept`. */
NEURLP_ANYWHERE void merge_next(chain *c, double *end, const double *next, bool normal, double *kept) {
  const int64_t n = c->z.unknowns, width = normal ? 3 * n : c->row;
  double *last = c->work + n * c->row, *first = c->work + 3 * n * c->row;
  memset(c->work, 0, (size_t)(4 * n * c->row) * sizeof(double));
  merge_put_last(c, end, 0, 2 * n, c->work);
  merge_put_first(c, next, 0, c->work + n * c->row);
  merge_put_last(c, next, n, 0, c->work + 2 * n * c->row);
  merge_put_first(c, end, 2 * n, first);
  for (int64_t q = 0; q < n; q++) chain_reflect(c, q, q + 1, 3 * n, q, width);
  memcpy(kept, c->work, (size_t)(n * c->row) * sizeof(double));
  chain_test_pivots(c, kept, end, next);
  for (int64_t q = 0; q < n; q++) chain_reflect(c, n + q, n + q + 1, 3 * n, n + q, width);
  for (int64_t q = 0; q < n; q++) chain_reflect(c, 3 * n + q, 2 * n, 3 * n, 2 * n + q, width);
  merge_squares(c, kept, next, end);
  if (normal) merge_sources(c, end, next, kept, last, first);
  merge_take(c, end);
}

NEURLP_ANYWHERE chain merge_chain(neurlp_end_layout z, double epsilon, double *work) {
  return (chain){.z = z,
                 .row = merge_row(z),
                 .kept = NULL,
                 .work = work,
                 .tolerance = 8 * (double)z.unknowns * epsilon,
                 .status = NEURLP_SUCCESS};
}

/* Merges `count` records, ends [count][numbers], into `merged`. Of each joint between them is kept what
 * merge_spread needs. Returns NEURLP_SUCCESS, NEURLP_SINGULAR or NEURLP_NOT_FINITE. */
NEURLP_ANYWHERE neurlp_status merge_run(neurlp_end_layout z, const double *ends, int64_t count, bool normal,
                                        double epsilon, double *work, double *kept, double *merged) {
  chain c = merge_chain(z, epsilon, work);
  memcpy(merged, ends, (size_t)z.numbers * sizeof(double));
  for (int64_t i = 1; i < count; i++)
    merge_next(&c, merged, ends + i * z.numbers, normal, kept + (i - 1) * merge_kept_numbers(z));
  return c.status;
}

/* The unknowns [n][R] of one joint, from those of the next one and of the run's first. */
NEURLP_ANYWHERE void merge_solve(neurlp_end_layout z, const double *kept, const double *next,
                                 const double *first, double *x) {
  const int64_t n = z.unknowns, R = z.columns, row = merge_row(z);
  for (int64_t i = n - 1; i >= 0; i--)
    for (int64_t r = 0; r < R; r++) {
      const double *own = kept + i * row;
      double sum = own[3 * n + r];
      for (int64_t j = 0; j < n; j++) sum -= own[n + j] * next[j * R + r] + own[2 * n + j] * first[j * R + r];
      for (int64_t j = i + 1; j < n; j++) sum -= own[j] * x[j * R + r];
      x[i * R + r] = sum / own[i];
    }
}

#endif
