/* The rows of docs/math.md, section 1, as a user would write them for LAPACK: one after the other, as lists
 * of entries. Written from the formulas; shares no code with the library. Unknown (t, k, j) is column t n + k
 * (d+1) + j and stands for unit^j u, with unit the power of two next to the nominal step. The batch has to be
 * in double precision. */
#ifndef TESTS_BENCH_ROWS_H
#define TESTS_BENCH_ROWS_H

#include "bench/batch.h"

enum { BENCH_MAX_DERIVATIVES = 8 };

/* What all systems of a batch share. */
typedef struct bench_rows {
  const bench_batch *batch;
  int32_t n, derivatives; /* D (d+1), d+1 */
  int32_t count;          /* rows of a system: those of step t, equations first, then those of step t+1 */
  int32_t unknowns;       /* T n */
  int32_t free_unknowns;  /* those that are not given as initial values */
  int32_t *place;         /* [T n] index among the free unknowns, or -1 */
  double weight_equation;
  double scale[BENCH_MAX_DERIVATIVES]; /* unit^j */
  double hermite[BENCH_MAX_DERIVATIVES][BENCH_MAX_DERIVATIVES];
} bench_rows;

/* One weighted row: sum of value x over its entries = rhs. */
typedef struct bench_row {
  int32_t entries;
  int32_t *column; /* ascending */
  int32_t *power;  /* of h, that is in value; 0 in equations */
  double *value;
  double *rhs;   /* [R] */
  double step;   /* h of a smoothness row, 0 in equations */
  int64_t index; /* t E + e of an equation, t of a smoothness row */
} bench_row;

bool bench_rows_open(bench_rows *rows, const bench_batch *batch);
void bench_rows_close(bench_rows *rows);

bool bench_row_open(bench_row *row, const bench_rows *rows);
void bench_row_close(bench_row *row);

/* Writes row i of system s. */
void bench_row_write(const bench_rows *rows, int64_t s, int32_t i, bench_row *row);

/* The scaled value of a known unknown of system s, for right-hand side r. */
double bench_known_value(const bench_rows *rows, int64_t s, int32_t column, int32_t r);

/* Keeps the entries of free unknowns, with column now their place among these; the rest goes to the rhs. */
void bench_row_move_known(const bench_rows *rows, int64_t s, bench_row *row);

/* u of system s, in the caller's units, from the scaled free unknowns x[r * stride + place]. */
void bench_unscale_solution(const bench_rows *rows, int64_t s, const double *x, int64_t stride, double *u);

#endif
