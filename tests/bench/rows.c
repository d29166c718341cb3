#include "bench/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Is the unknown in this column given as an initial value? */
static bool known(const bench_rows *rows, int32_t column) {
  const neurlp_shape *z = &rows->batch->shape;
  return column / rows->n < z->initial_steps && column % rows->derivatives < z->initial_derivatives;
}

/* Equation 3: a_0 = 1, and a_(q+1) = a_q (m-q) / ((2m-q) (q+1)). Equation 4 is row d. */
static void write_hermite(bench_rows *rows) {
  const int32_t d = rows->batch->shape.order;
  for (int32_t i = 0; i < d; i++) {
    const int32_t m = d - i;
    double a = 1;
    for (int32_t q = 0; q <= m; q++) {
      rows->hermite[i][i + q] = a;
      a *= (double)(m - q) / ((2 * m - q) * (q + 1));
    }
  }
  rows->hermite[d][d] = rows->batch->formulation.weight_top;
}

bool bench_rows_open(bench_rows *rows, const bench_batch *batch) {
  const neurlp_shape *z = &batch->shape;
  const neurlp_formulation *f = &batch->formulation;
  memset(rows, 0, sizeof *rows);
  rows->batch = batch;
  rows->derivatives = z->order + 1;
  rows->n = z->dimensions * rows->derivatives;
  rows->count = z->steps * z->equations + (z->steps - 1) * rows->n;
  rows->unknowns = z->steps * rows->n;
  rows->weight_equation =
      f->weight_equation != 0 ? f->weight_equation : pow(f->nominal_step, f->leading_derivative);
  const int exponent = (int)lrint(log2(f->nominal_step));
  for (int32_t j = 0; j < rows->derivatives; j++) rows->scale[j] = ldexp(1.0, j * exponent);
  write_hermite(rows);
  rows->place = malloc((size_t)rows->unknowns * sizeof *rows->place);
  if (!rows->place) return false;
  for (int32_t c = 0; c < rows->unknowns; c++) rows->place[c] = known(rows, c) ? -1 : rows->free_unknowns++;
  return true;
}

void bench_rows_close(bench_rows *rows) {
  free(rows->place);
}

bool bench_row_open(bench_row *row, const bench_rows *rows) {
  const size_t most = (size_t)(rows->n + 2 * rows->derivatives);
  row->column = calloc(most, sizeof *row->column);
  row->power = calloc(most, sizeof *row->power);
  row->value = calloc(most, sizeof *row->value);
  row->rhs = calloc((size_t)rows->batch->shape.columns, sizeof *row->rhs);
  return row->column && row->power && row->value && row->rhs;
}

void bench_row_close(bench_row *row) {
  free(row->column);
  free(row->power);
  free(row->value);
  free(row->rhs);
}

static void write_equation(const bench_rows *rows, int64_t s, int32_t t, int32_t e, bench_row *row) {
  const bench_batch *batch = rows->batch;
  const neurlp_shape *z = &batch->shape;
  const int64_t index = (int64_t)t * z->equations + e;
  const double *c = bench_input(batch, BENCH_COEFFICIENTS, s) + index * rows->n;
  const double *b = bench_input(batch, BENCH_RHS, s) + index * z->columns;
  row->entries = rows->n;
  row->index = index;
  row->step = 0;
  for (int32_t k = 0, i = 0; k < z->dimensions; k++)
    for (int32_t j = 0; j < rows->derivatives; j++, i++) {
      row->column[i] = t * rows->n + i;
      row->power[i] = 0;
      row->value[i] = rows->weight_equation * c[i] / rows->scale[j];
    }
  for (int32_t r = 0; r < z->columns; r++) row->rhs[r] = rows->weight_equation * b[r];
}

static void write_smoothness(const bench_rows *rows, int64_t s, int32_t t, int32_t k, int32_t i,
                             bench_row *row) {
  const bench_batch *batch = rows->batch;
  const int32_t d = batch->shape.order, half = d - i + 1;
  const double h = bench_input(batch, BENCH_STEPS, s)[t];
  double power = batch->formulation.weight_smoothness;
  for (int32_t p = 0; p < i; p++) power *= h;
  row->entries = 2 * half;
  row->index = t;
  row->step = h;
  for (int32_t p = i, at = 0; p <= d; p++, at++, power *= h) {
    const double value = rows->hermite[i][p] * power / rows->scale[p];
    const int32_t column = t * rows->n + k * rows->derivatives + p;
    row->column[at] = column;
    row->column[half + at] = column + rows->n;
    row->power[at] = row->power[half + at] = p;
    row->value[at] = value;
    row->value[half + at] = (p - i) % 2 == 0 ? -value : value;
  }
  for (int32_t r = 0; r < batch->shape.columns; r++) row->rhs[r] = 0;
}

void bench_row_write(const bench_rows *rows, int64_t s, int32_t i, bench_row *row) {
  const int32_t E = rows->batch->shape.equations, t = i / (E + rows->n), within = i % (E + rows->n);
  if (within < E)
    write_equation(rows, s, t, within, row);
  else
    write_smoothness(rows, s, t, (within - E) / rows->derivatives, (within - E) % rows->derivatives, row);
}

double bench_known_value(const bench_rows *rows, int64_t s, int32_t column, int32_t r) {
  const bench_batch *batch = rows->batch;
  const neurlp_shape *z = &batch->shape;
  const int32_t j = column % rows->derivatives, tk = column / rows->derivatives;
  const int64_t at = ((int64_t)tk * z->initial_derivatives + j) * z->columns + r;
  return rows->scale[j] * bench_input(batch, BENCH_INITIAL_VALUES, s)[at];
}

void bench_row_move_known(const bench_rows *rows, int64_t s, bench_row *row) {
  int32_t kept = 0;
  for (int32_t i = 0; i < row->entries; i++) {
    const int32_t place = rows->place[row->column[i]];
    if (place < 0) {
      for (int32_t r = 0; r < rows->batch->shape.columns; r++)
        row->rhs[r] -= row->value[i] * bench_known_value(rows, s, row->column[i], r);
    } else {
      row->column[kept] = place;
      row->value[kept++] = row->value[i];
    }
  }
  row->entries = kept;
}

void bench_unscale_solution(const bench_rows *rows, int64_t s, const double *x, int64_t stride, double *u) {
  const int32_t R = rows->batch->shape.columns;
  for (int32_t c = 0; c < rows->unknowns; c++) {
    const int32_t place = rows->place[c];
    const double scale = rows->scale[c % rows->derivatives];
    for (int32_t r = 0; r < R; r++)
      u[(int64_t)c * R + r] = (place < 0 ? bench_known_value(rows, s, c, r) : x[r * stride + place]) / scale;
  }
}
