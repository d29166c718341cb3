/* The rows of docs/math.md, section 1, as they stand there. */
#include "block/dense.h"

#include <math.h>

/* What dense_write_rows passes around. */
typedef struct writer {
  dense_system *dense;
  const test_batch *batch;
  const neurlp_shape *shape;
  const neurlp_formulation *formulation;
  int32_t row;
} writer;

static int32_t column(const neurlp_shape *shape, int32_t t, int32_t k, int32_t j) {
  return (t * shape->dimensions + k) * (shape->order + 1) + j;
}

static extended number(const writer *w, int32_t array, int64_t t, int64_t i) {
  const test_array *a = &w->batch->arrays[array];
  return (extended)a->numbers[batch_place(a, w->dense->s, t, i)];
}

double dense_equation_weight(const test_batch *batch) {
  const neurlp_formulation *f = &batch->formulation;
  return f->weight_equation != 0 ? f->weight_equation : pow(f->nominal_step, f->leading_derivative);
}

/* The same, not rounded to double. */
static extended equation_weight(const neurlp_formulation *f) {
  return f->weight_equation != 0 ? (extended)f->weight_equation
                                 : powl((extended)f->nominal_step, f->leading_derivative);
}

static extended *new_row(writer *w, int32_t array, int32_t t, int32_t i) {
  w->dense->source[w->row] = (dense_source){array, t, i};
  return w->dense->matrix + (int64_t)w->row++ * w->dense->unknowns;
}

static void write_equations(writer *w) {
  const neurlp_shape *z = w->shape;
  const int32_t n = z->dimensions * (z->order + 1), R = z->columns;
  const extended weight = equation_weight(w->formulation);
  for (int32_t t = 0; t < w->dense->length; t++)
    for (int32_t e = 0; e < z->equations; e++) {
      extended *row = new_row(w, RHS, t, e * R);
      for (int32_t c = 0; c < n; c++) row[t * n + c] = weight * number(w, COEFFICIENTS, t, e * n + c);
      for (int32_t r = 0; r < R; r++)
        w->dense->rhs[(w->row - 1) * R + r] = weight * number(w, RHS, t, e * R + r);
    }
}

/* Values at step t of an array for J derivatives of the unknowns of step `at`. */
static void write_values(writer *w, int32_t array, int32_t t, int32_t J, int32_t at) {
  const int32_t R = w->shape->columns;
  const extended weight = (extended)w->formulation->weight_initial;
  for (int32_t k = 0; k < w->shape->dimensions; k++)
    for (int32_t j = 0; j < J; j++) {
      const int32_t c = column(w->shape, at, k, j), i = (k * J + j) * R;
      if (w->formulation->initial == NEURLP_INITIAL_HARD) {
        w->dense->known[c] = (dense_source){array, t, i};
        for (int32_t r = 0; r < R; r++) w->dense->solution[c * R + r] = number(w, array, t, i + r);
      } else {
        new_row(w, array, t, i)[c] = weight;
        for (int32_t r = 0; r < R; r++)
          w->dense->rhs[(w->row - 1) * R + r] = weight * number(w, array, t, i + r);
      }
    }
}

/* a_q = (2m-q)! m! / ((2m)! q! (m-q)!), by its recursion a_(q+1) = a_q (m-q) / ((2m-q) (q+1)). */
static extended hermite(int32_t m, int32_t q) {
  extended a = 1;
  for (int32_t i = 0; i < q; i++) a *= (extended)(m - i) / ((extended)(2 * m - i) * (i + 1));
  return a;
}

/* coefficient h^power, and its derivative, into one place of the last row. */
static void write_entry(writer *w, int32_t t, int32_t k, int32_t j, extended coefficient, int32_t power,
                        extended h) {
  const int64_t place = (int64_t)(w->row - 1) * w->dense->unknowns + column(w->shape, t, k, j);
  w->dense->matrix[place] = coefficient * powl(h, power);
  w->dense->derivative[place] = power == 0 ? 0 : coefficient * power * powl(h, power - 1);
}

/* A step's number for dimension k. */
static int32_t step_index(const writer *w, int32_t k) {
  return w->shape->steps_per_dimension ? k : 0;
}

static void write_hermite(writer *w, int32_t t, int32_t k) {
  const int32_t d = w->shape->order, index = step_index(w, k);
  const extended weight = (extended)w->formulation->weight_smoothness, h = number(w, STEPS, t, index);
  for (int32_t i = 0; i < d; i++) {
    new_row(w, STEPS, t, index);
    for (int32_t q = 0; q <= d - i; q++) {
      const extended a = weight * hermite(d - i, q);
      write_entry(w, t, k, i + q, a, i + q, h);
      write_entry(w, t + 1, k, i + q, q % 2 ? a : -a, i + q, h);
    }
  }
  new_row(w, STEPS, t, index);
  write_entry(w, t, k, d, weight * (extended)w->formulation->weight_top, d, h);
  write_entry(w, t + 1, k, d, -weight * (extended)w->formulation->weight_top, d, h);
}

static void new_smoothness_row(writer *w, int32_t t, int32_t index) {
  extended *row = new_row(w, STEPS, t, index);
  if (w->formulation->slack) row[w->dense->unknowns - 1] = (extended)w->formulation->weight_smoothness;
}

static void write_taylor(writer *w, int32_t t, int32_t k) {
  const int32_t d = w->shape->order, index = step_index(w, k);
  const extended weight = (extended)w->formulation->weight_smoothness, h = number(w, STEPS, t, index);
  for (int32_t i = 0; i <= (w->formulation->central ? d - 1 : d); i++)
    for (int32_t back = 0; back < 2; back++) {
      const extended sign = back ? -1 : 1;
      extended factorial = 1;
      new_smoothness_row(w, t, index);
      for (int32_t j = i; j <= d; factorial *= ++j - i)
        write_entry(w, t + back, k, j, weight * powl(sign, j) / factorial, j, h);
      write_entry(w, t + 1 - back, k, i, -weight * powl(sign, i), i, h);
    }
}

/* The row whose centre is step t + 1. */
static void write_central(writer *w, int32_t t, int32_t k) {
  const int32_t d = w->shape->order, index = step_index(w, k);
  const extended weight = (extended)w->formulation->weight_smoothness;
  const extended s = number(w, STEPS, t, index) + number(w, STEPS, t + 1, index);
  new_smoothness_row(w, t, index);
  w->dense->central[w->row - 1] = true;
  write_entry(w, t + 2, k, d - 1, weight, d - 2, s);
  write_entry(w, t, k, d - 1, -weight, d - 2, s);
  write_entry(w, t + 1, k, d, -weight, d - 1, s);
}

static void write_periodic(writer *w) {
  for (int32_t k = 0; k < w->shape->dimensions; k++)
    for (int32_t j = 0; j < w->shape->order; j++) {
      extended *row = new_row(w, NO_ARRAY, 0, 0);
      row[column(w->shape, 0, k, j)] = 1;
      row[column(w->shape, w->dense->length - 1, k, j)] = -1;
    }
}

void dense_write_rows(dense_system *dense) {
  const test_batch *batch = dense->batch;
  const neurlp_formulation *f = &batch->formulation;
  const neurlp_shape *z = &batch->shape;
  writer w = {dense, batch, z, f, 0};
  for (int32_t c = 0; c < dense->unknowns; c++) dense->known[c].array = NO_ARRAY;
  write_equations(&w);
  for (int32_t t = 0; t < z->initial_steps; t++)
    write_values(&w, INITIAL_VALUES, t, z->initial_derivatives, t);
  write_values(&w, FINAL_VALUES, 0, z->final_derivatives, dense->length - 1);
  for (int32_t t = 0; t + 1 < dense->length; t++)
    for (int32_t k = 0; k < z->dimensions; k++) {
      if (f->smoothness == NEURLP_SMOOTHNESS_HERMITE) write_hermite(&w, t, k);
      if (f->smoothness == NEURLP_SMOOTHNESS_TAYLOR) write_taylor(&w, t, k);
      if (f->central && t + 2 < dense->length) write_central(&w, t, k);
    }
  if (f->periodic) write_periodic(&w);
}

int32_t dense_count_rows(const test_batch *batch, int32_t length) {
  const neurlp_formulation *f = &batch->formulation;
  const neurlp_shape *z = &batch->shape;
  const int32_t D = z->dimensions, d = z->order;
  const int32_t soft = z->initial_steps * z->initial_derivatives + z->final_derivatives;
  int32_t rows = length * z->equations + (f->initial == NEURLP_INITIAL_SOFT ? D * soft : 0);
  if (f->smoothness == NEURLP_SMOOTHNESS_HERMITE) rows += (length - 1) * D * (d + 1);
  if (f->smoothness == NEURLP_SMOOTHNESS_TAYLOR) rows += (length - 1) * D * 2 * (f->central ? d : d + 1);
  if (f->central) rows += (length - 2) * D;
  return rows + (f->periodic ? D * d : 0);
}
