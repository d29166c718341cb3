#include "bench/competitors.h"

#include <lapacke.h>

#include <stdlib.h>
#include <string.h>

bool bench_banded_open(bench_banded *banded, const bench_rows *rows) {
  const size_t R = (size_t)rows->batch->shape.columns, all = (size_t)rows->unknowns * R;
  memset(banded, 0, sizeof *banded);
  banded->rows = rows;
  banded->below = rows->n + rows->derivatives - 1;
  banded->band = calloc((size_t)rows->free_unknowns * (size_t)(banded->below + 1), sizeof(double));
  banded->x = calloc((size_t)rows->free_unknowns * R, sizeof(double));
  banded->solution = calloc(all, sizeof(double));
  banded->lambda = calloc(all, sizeof(double));
  banded->products = calloc(2 * R, sizeof(double));
  return bench_row_open(&banded->row, rows) && banded->band && banded->x && banded->solution &&
         banded->lambda && banded->products;
}

void bench_banded_close(bench_banded *banded) {
  bench_row_close(&banded->row);
  free(banded->band);
  free(banded->x);
  free(banded->solution);
  free(banded->lambda);
  free(banded->products);
}

/* A^T A and A^T r of system s, row by row. */
static void assemble(bench_banded *banded, int64_t s) {
  const bench_rows *rows = banded->rows;
  const bench_row *row = &banded->row;
  const int32_t R = rows->batch->shape.columns, N = rows->free_unknowns;
  memset(banded->band, 0, (size_t)N * (size_t)(banded->below + 1) * sizeof(double));
  memset(banded->x, 0, (size_t)N * (size_t)R * sizeof(double));
  for (int32_t i = 0; i < rows->count; i++) {
    bench_row_write(rows, s, i, &banded->row);
    bench_row_move_known(rows, s, &banded->row);
    for (int32_t p = 0; p < row->entries; p++) {
      double *column =
          banded->band + (int64_t)row->column[p] * (banded->below + 1) - row->column[p]; /* by row */
      for (int32_t q = p; q < row->entries; q++) column[row->column[q]] += row->value[p] * row->value[q];
      for (int32_t r = 0; r < R; r++)
        banded->x[(int64_t)r * N + row->column[p]] += row->value[p] * row->rhs[r];
    }
  }
}

static int factorise_and_solve(bench_banded *banded, int64_t s) {
  const int32_t N = banded->rows->free_unknowns, R = banded->rows->batch->shape.columns;
  assemble(banded, s);
  return (int)LAPACKE_dpbsv_work(LAPACK_COL_MAJOR, 'L', N, banded->below, R, banded->band, banded->below + 1,
                                 banded->x, N);
}

int bench_banded_forward(bench_banded *banded, int64_t s, const bench_outputs *outputs) {
  const bench_rows *rows = banded->rows;
  const int info = factorise_and_solve(banded, s);
  bench_unscale_solution(rows, s, banded->x, rows->free_unknowns,
                         bench_output(rows->batch, outputs, BENCH_SOLUTION, s));
  return info;
}

/* Keeps the scaled solution, and puts g, in scaled unknowns, in its place. */
static void gradient_of_loss(bench_banded *banded, int64_t s) {
  const bench_rows *rows = banded->rows;
  const int32_t R = rows->batch->shape.columns, N = rows->free_unknowns;
  const double *g = (const double *)rows->batch->grad_output + s * rows->batch->size[BENCH_SOLUTION];
  for (int32_t c = 0; c < rows->unknowns; c++) {
    const int32_t place = rows->place[c];
    for (int32_t r = 0; r < R; r++) {
      double *kept = &banded->solution[(int64_t)c * R + r];
      if (place < 0) {
        *kept = bench_known_value(rows, s, c, r);
        continue;
      }
      double *x = &banded->x[(int64_t)r * N + place];
      *kept = *x;
      *x = g[(int64_t)c * R + r] / rows->scale[c % rows->derivatives];
    }
  }
}

static void spread_lambda(bench_banded *banded) {
  const bench_rows *rows = banded->rows;
  const int32_t R = rows->batch->shape.columns, N = rows->free_unknowns;
  for (int32_t c = 0; c < rows->unknowns; c++)
    for (int32_t r = 0; r < R; r++)
      banded->lambda[(int64_t)c * R + r] =
          rows->place[c] < 0 ? 0 : banded->x[(int64_t)r * N + rows->place[c]];
}

/* Equation 12. `image` is the row times lambda, `residual` its rhs minus the row times x. */
static void equation_gradients(const bench_banded *banded, int64_t s, const double *image,
                               const double *residual, const bench_outputs *outputs) {
  const bench_rows *rows = banded->rows;
  const bench_batch *batch = rows->batch;
  const bench_row *row = &banded->row;
  const int32_t R = batch->shape.columns;
  double *c = bench_output(batch, outputs, BENCH_COEFFICIENTS, s) + row->index * rows->n;
  double *b = bench_output(batch, outputs, BENCH_RHS, s) + row->index * R;
  for (int32_t r = 0; r < R; r++) b[r] = rows->weight_equation * image[r];
  for (int32_t i = 0; i < row->entries; i++) {
    const double *x = banded->solution + (int64_t)row->column[i] * R;
    const double *lambda = banded->lambda + (int64_t)row->column[i] * R;
    double sum = 0;
    for (int32_t r = 0; r < R; r++) sum += residual[r] * lambda[r] - image[r] * x[r];
    c[i] = rows->weight_equation * sum / rows->scale[i % rows->derivatives];
  }
}

/* Equation 13; slopes are derivatives with respect to h. */
static double step_gradient(const bench_banded *banded, const double *image, const double *residual) {
  const bench_row *row = &banded->row;
  const int32_t R = banded->rows->batch->shape.columns;
  double sum = 0;
  for (int32_t i = 0; i < row->entries; i++) {
    const double slope = row->value[i] * row->power[i] / row->step;
    const double *x = banded->solution + (int64_t)row->column[i] * R;
    const double *lambda = banded->lambda + (int64_t)row->column[i] * R;
    for (int32_t r = 0; r < R; r++) sum += slope * (residual[r] * lambda[r] - image[r] * x[r]);
  }
  return sum;
}

/* Equation 14: what the row adds to the gradient of initial values. */
static void initial_gradients(const bench_banded *banded, const double *image, double *v) {
  const bench_rows *rows = banded->rows;
  const bench_row *row = &banded->row;
  const neurlp_shape *z = &rows->batch->shape;
  for (int32_t i = 0; i < row->entries; i++) {
    if (rows->place[row->column[i]] >= 0) continue;
    const int32_t j = row->column[i] % rows->derivatives, tk = row->column[i] / rows->derivatives;
    double *at = v + ((int64_t)tk * z->initial_derivatives + j) * z->columns;
    for (int32_t r = 0; r < z->columns; r++) at[r] -= row->value[i] * rows->scale[j] * image[r];
  }
}

/* dLoss/du at the known unknowns: the direct part of equation 14. */
static void start_initial_gradients(const bench_rows *rows, int64_t s, double *v) {
  const neurlp_shape *z = &rows->batch->shape;
  const double *g = (const double *)rows->batch->grad_output + s * rows->batch->size[BENCH_SOLUTION];
  for (int32_t tk = 0; tk < z->initial_steps * z->dimensions; tk++)
    for (int32_t jr = 0; jr < z->initial_derivatives * z->columns; jr++)
      v[tk * z->initial_derivatives * z->columns + jr] = g[(int64_t)tk * rows->derivatives * z->columns + jr];
}

static void write_gradients(bench_banded *banded, int64_t s, const bench_outputs *outputs) {
  const bench_rows *rows = banded->rows;
  const bench_batch *batch = rows->batch;
  const bench_row *row = &banded->row;
  const int32_t R = batch->shape.columns;
  double *image = banded->products, *residual = image + R;
  double *v = bench_output(batch, outputs, BENCH_INITIAL_VALUES, s);
  double *h = bench_output(batch, outputs, BENCH_STEPS, s);
  memset(h, 0, (size_t)batch->size[BENCH_STEPS] * sizeof(double));
  start_initial_gradients(rows, s, v);
  for (int32_t i = 0; i < rows->count; i++) {
    bench_row_write(rows, s, i, &banded->row);
    for (int32_t r = 0; r < R; r++) image[r] = 0, residual[r] = row->rhs[r];
    for (int32_t p = 0; p < row->entries; p++)
      for (int32_t r = 0; r < R; r++) {
        image[r] += row->value[p] * banded->lambda[(int64_t)row->column[p] * R + r];
        residual[r] -= row->value[p] * banded->solution[(int64_t)row->column[p] * R + r];
      }
    if (row->step == 0)
      equation_gradients(banded, s, image, residual, outputs);
    else
      h[row->index] += step_gradient(banded, image, residual);
    if (row->column[0] / rows->n < batch->shape.initial_steps) initial_gradients(banded, image, v);
  }
}

int bench_banded_both(bench_banded *banded, int64_t s, const bench_outputs *outputs) {
  const bench_rows *rows = banded->rows;
  const int32_t N = rows->free_unknowns, R = rows->batch->shape.columns;
  int info = bench_banded_forward(banded, s, outputs);
  if (info != 0) return info;
  gradient_of_loss(banded, s);
  info = (int)LAPACKE_dpbtrs_work(LAPACK_COL_MAJOR, 'L', N, banded->below, R, banded->band, banded->below + 1,
                                  banded->x, N);
  spread_lambda(banded);
  write_gradients(banded, s, outputs);
  return info;
}
