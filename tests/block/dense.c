#include "block/dense.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EQUATION = 0, SOFT_VALUE = 1, SMOOTHNESS = 2, PERIODIC = 3 };

/* What dense_open passes around while it writes rows. */
typedef struct writer {
  dense_system *dense;
  const neurlp_shape *shape;
  const neurlp_formulation *formulation;
  const neurlp_inputs *inputs;
  int64_t s;
  int32_t length;
  int32_t row;
} writer;

static int32_t column(const neurlp_shape *shape, int32_t t, int32_t k, int32_t j) {
  return (t * shape->dimensions + k) * (shape->order + 1) + j;
}

static extended equation_weight(const neurlp_formulation *f) {
  return f->weight_equation != 0 ? (extended)f->weight_equation
                                 : powl((extended)f->nominal_step, f->leading_derivative);
}

/* Step sizes of this system. */
static const double *own_steps(const writer *w) {
  const int32_t H = w->shape->steps_per_dimension ? w->shape->dimensions : 1;
  return (const double *)w->inputs->steps + w->s * (w->shape->steps - 1) * H;
}

static extended *new_row(writer *w, int32_t family, int32_t kind) {
  w->dense->family[w->row] = family;
  w->dense->kind[w->row] = kind;
  w->dense->second[w->row] = -1;
  return w->dense->matrix + (int64_t)w->row++ * w->dense->unknowns;
}

static void write_equations(writer *w) {
  const neurlp_shape *z = w->shape;
  const int32_t D = z->dimensions, d = z->order, E = z->equations, R = z->columns;
  const extended weight = equation_weight(w->formulation);
  const double *c = w->inputs->coefficients, *b = w->inputs->rhs;
  for (int32_t t = 0; t < w->length; t++)
    for (int32_t e = 0; e < E; e++) {
      const int64_t index = (w->s * z->steps + t) * E + e;
      extended *row = new_row(w, EQUATION, t * E + e);
      for (int32_t k = 0; k < D; k++)
        for (int32_t j = 0; j <= d; j++)
          row[column(z, t, k, j)] = weight * (extended)c[(index * D + k) * (d + 1) + j];
      for (int32_t r = 0; r < R; r++)
        w->dense->rhs[(w->row - 1) * R + r] = weight * (extended)b[index * R + r];
    }
}

static void write_initial_values(writer *w) {
  const neurlp_shape *z = w->shape;
  const int32_t D = z->dimensions, J = z->initial_derivatives, R = z->columns;
  const int64_t each = (int64_t)z->initial_steps * D * J;
  for (int32_t i = 0; i < each; i++) {
    const int32_t c = column(z, i / (D * J), i / J % D, i % J);
    const double *value = (const double *)w->inputs->initial_values + (w->s * each + i) * R;
    if (w->formulation->initial == NEURLP_INITIAL_HARD) {
      w->dense->known[c] = 1 + i;
      for (int32_t r = 0; r < R; r++) w->dense->solution[c * R + r] = (extended)value[r];
    } else {
      const extended weight = (extended)w->formulation->weight_initial;
      new_row(w, SOFT_VALUE, i)[c] = weight;
      for (int32_t r = 0; r < R; r++) w->dense->rhs[(w->row - 1) * R + r] = weight * (extended)value[r];
    }
  }
}

/* a_q = (2m-q)! m! / ((2m)! q! (m-q)!), by its recursion a_(q+1) = a_q (m-q) / ((2m-q) (q+1)). */
static extended hermite(int32_t m, int32_t q) {
  extended a = 1;
  for (int32_t i = 0; i < q; i++) a *= (extended)(m - i) / ((extended)(2 * m - i) * (i + 1));
  return a;
}

static void write_pair(writer *w, int32_t t, int32_t k, int32_t j, extended coefficient, extended sign,
                       extended h) {
  const extended value = coefficient * powl(h, j), slope = j > 0 ? coefficient * j * powl(h, j - 1) : 0;
  extended *row = w->dense->matrix + (int64_t)(w->row - 1) * w->dense->unknowns;
  extended *derivative = w->dense->derivative + (int64_t)(w->row - 1) * w->dense->unknowns;
  row[column(w->shape, t, k, j)] = value;
  row[column(w->shape, t + 1, k, j)] = -sign * value;
  derivative[column(w->shape, t, k, j)] = slope;
  derivative[column(w->shape, t + 1, k, j)] = -sign * slope;
}

static void write_hermite(writer *w) {
  const neurlp_shape *z = w->shape;
  const int32_t D = z->dimensions, d = z->order, H = z->steps_per_dimension ? D : 1;
  const extended weight = (extended)w->formulation->weight_smoothness;
  for (int32_t t = 0; t + 1 < w->length; t++)
    for (int32_t k = 0; k < D; k++) {
      const int32_t index = t * H + (H > 1 ? k : 0);
      const extended h = (extended)own_steps(w)[index];
      for (int32_t i = 0; i < d; i++) {
        new_row(w, SMOOTHNESS, index);
        for (int32_t q = 0; q <= d - i; q++)
          write_pair(w, t, k, i + q, weight * hermite(d - i, q), q % 2 ? -1 : 1, h);
      }
      new_row(w, SMOOTHNESS, index);
      write_pair(w, t, k, d, weight * (extended)w->formulation->weight_top, 1, h);
    }
}

/* coefficient h^power, and its derivative, into one place of the last row. */
static void write_entry(writer *w, int32_t t, int32_t k, int32_t j, extended coefficient, int32_t power,
                        extended h) {
  const int64_t place = (int64_t)(w->row - 1) * w->dense->unknowns + column(w->shape, t, k, j);
  w->dense->matrix[place] = coefficient * powl(h, power);
  w->dense->derivative[place] = power == 0 ? 0 : coefficient * power * powl(h, power - 1);
}

static extended *new_smoothness_row(writer *w, int32_t index) {
  extended *row = new_row(w, SMOOTHNESS, index);
  if (w->formulation->slack) row[w->dense->unknowns - 1] = (extended)w->formulation->weight_smoothness;
  return row;
}

static void write_taylor(writer *w) {
  const neurlp_shape *z = w->shape;
  const int32_t D = z->dimensions, d = z->order, H = z->steps_per_dimension ? D : 1;
  const extended weight = (extended)w->formulation->weight_smoothness;
  for (int32_t t = 0; t + 1 < w->length; t++)
    for (int32_t k = 0; k < D; k++)
      for (int32_t i = 0; i <= (w->formulation->central ? d - 1 : d); i++) {
        const int32_t index = t * H + (H > 1 ? k : 0);
        const extended h = (extended)own_steps(w)[index];
        for (int32_t back = 0; back < 2; back++) {
          const extended sign = back ? -1 : 1;
          extended factorial = 1;
          new_smoothness_row(w, index);
          for (int32_t j = i; j <= d; factorial *= ++j - i)
            write_entry(w, t + back, k, j, weight * powl(sign, j) / factorial, j, h);
          write_entry(w, t + 1 - back, k, i, -weight * powl(sign, i), i, h);
        }
      }
}

static void write_central(writer *w) {
  const neurlp_shape *z = w->shape;
  const int32_t D = z->dimensions, d = z->order, H = z->steps_per_dimension ? D : 1;
  const extended weight = (extended)w->formulation->weight_smoothness;
  for (int32_t t = 1; t + 1 < w->length; t++)
    for (int32_t k = 0; k < D; k++) {
      const int32_t index = (t - 1) * H + (H > 1 ? k : 0);
      const double *h = own_steps(w) + index;
      const extended s = (extended)h[0] + (extended)h[H];
      new_smoothness_row(w, index);
      w->dense->second[w->row - 1] = index + H;
      write_entry(w, t + 1, k, d - 1, weight, d - 2, s);
      write_entry(w, t - 1, k, d - 1, -weight, d - 2, s);
      write_entry(w, t, k, d, -weight, d - 1, s);
    }
}

static void write_periodic(writer *w) {
  for (int32_t k = 0; k < w->shape->dimensions; k++)
    for (int32_t j = 0; j < w->shape->order; j++) {
      extended *row = new_row(w, PERIODIC, 0);
      row[column(w->shape, 0, k, j)] = 1;
      row[column(w->shape, w->length - 1, k, j)] = -1;
    }
}

/* Householder QR of a [M][N] in place, applied to b [M][R] too; R is left in the upper triangle. */
static void factorise(extended *a, extended *b, int32_t M, int32_t N, int32_t R) {
  extended *v = calloc((size_t)M, sizeof *v);
  for (int32_t c = 0; c < N; c++) {
    extended norm2 = 0, product = 0;
    for (int32_t i = c; i < M; i++) norm2 += a[i * N + c] * a[i * N + c];
    if (norm2 == 0) continue;
    for (int32_t i = c; i < M; i++) v[i] = a[i * N + c];
    v[c] += a[c * N + c] < 0 ? -sqrtl(norm2) : sqrtl(norm2);
    for (int32_t i = c; i < M; i++) product += v[i] * v[i];
    for (int32_t j = c; j < N + R; j++) {
      extended *x = j < N ? a + j : b + (j - N), sum = 0;
      const int32_t step = j < N ? N : R;
      for (int32_t i = c; i < M; i++) sum += v[i] * x[i * step];
      for (int32_t i = c; i < M; i++) x[i * step] -= 2 * sum / product * v[i];
    }
  }
  free(v);
}

/* R x = y or, with `transposed`, R^T x = y; in place in y [N][R]. */
static void triangle(const extended *a, extended *y, int32_t N, int32_t R, bool transposed) {
  for (int32_t r = 0; r < R; r++)
    for (int32_t i = 0; i < N; i++) {
      const int32_t c = transposed ? i : N - 1 - i;
      for (int32_t j = transposed ? 0 : c + 1; j < (transposed ? c : N); j++)
        y[c * R + r] -= (transposed ? a[j * N + c] : a[c * N + j]) * y[j * R + r];
      y[c * R + r] /= a[c * N + c];
    }
}

static void singular_values(dense_system *dense, const extended *a, const extended *scale, int32_t N) {
  const int32_t M = dense->rows;
  double *copy = calloc((size_t)M * (size_t)N, sizeof *copy);
  double *values = calloc((size_t)N, sizeof *values), *rest = calloc((size_t)N, sizeof *rest);
  for (int32_t i = 0; i < M; i++)
    for (int32_t c = 0; c < N; c++) copy[i * N + c] = (double)(a[i * N + c] / scale[c]);
  LAPACKE_dgesvd(LAPACK_ROW_MAJOR, 'N', 'N', M, N, copy, N, values, NULL, 1, NULL, 1, rest);
  dense->largest = values[0];
  dense->smallest = values[N - 1];
  free(copy);
  free(values);
  free(rest);
}

/* product [M][R] = A x. */
static void multiply(const dense_system *dense, const extended *x, extended *product) {
  for (int32_t i = 0; i < dense->rows; i++)
    for (int32_t r = 0; r < dense->columns; r++) {
      extended sum = 0;
      for (int32_t c = 0; c < dense->unknowns; c++)
        sum += dense->matrix[(int64_t)i * dense->unknowns + c] * x[c * dense->columns + r];
      product[i * dense->columns + r] = sum;
    }
}

/* Leaves out known columns, solves, and puts the rest of solution and multiplier in place. */
static void solve(dense_system *dense, const neurlp_shape *shape, const neurlp_formulation *f,
                  const double *grad) {
  const int32_t M = dense->rows, R = dense->columns;
  int32_t N = 0;
  int32_t *kept = calloc((size_t)dense->unknowns, sizeof *kept);
  for (int32_t c = 0; c < dense->unknowns; c++)
    if (!dense->known[c]) kept[N++] = c;
  extended *a = calloc((size_t)M * (size_t)N + 1, sizeof *a), *scale = calloc((size_t)N + 1, sizeof *scale);
  extended *b = calloc((size_t)M * (size_t)R, sizeof *b), *g = calloc((size_t)N * (size_t)R + 1, sizeof *g);
  multiply(dense, dense->solution, b);
  for (int32_t i = 0; i < M * R; i++) b[i] = dense->rhs[i] - b[i];
  for (int32_t c = 0; c < N; c++) {
    const bool slack = f->slack && kept[c] == dense->unknowns - 1;
    scale[c] = slack ? 1 : powl((extended)f->nominal_step, kept[c] % (shape->order + 1));
    for (int32_t i = 0; i < M; i++) a[i * N + c] = dense->matrix[(int64_t)i * dense->unknowns + kept[c]];
    for (int32_t r = 0; r < R && grad && !slack; r++) g[c * R + r] = (extended)grad[kept[c] * R + r];
  }
  if (N > 0) singular_values(dense, a, scale, N);
  factorise(a, b, M, N, R);
  for (int32_t r = 0; r < R && f->slack; r++) /* R^T R x = A^T r + gamma alpha e */
    b[(N - 1) * R + r] += (extended)f->gamma * (extended)f->alpha / a[N * N - 1];
  triangle(a, b, N, R, false);
  triangle(a, g, N, R, true);
  triangle(a, g, N, R, false);
  for (int32_t i = 0; i < N * R; i++) {
    dense->solution[kept[i / R] * R + i % R] = b[i];
    dense->multiplier[kept[i / R] * R + i % R] = g[i];
  }
  free(kept);
  free(a);
  free(scale);
  free(b);
  free(g);
}

static int32_t smoothness_rows(const neurlp_shape *shape, const neurlp_formulation *f, int32_t length) {
  const int32_t D = shape->dimensions, d = shape->order;
  if (f->smoothness == NEURLP_SMOOTHNESS_HERMITE) return (length - 1) * D * (d + 1);
  return f->central ? D * ((length - 1) * 2 * d + length - 2) : (length - 1) * D * 2 * (d + 1);
}

void dense_open(dense_system *dense, const neurlp_shape *shape, const neurlp_formulation *formulation,
                const neurlp_inputs *inputs, int64_t s, const double *grad_output) {
  const int32_t length = inputs->lengths ? inputs->lengths[s] : shape->steps;
  const int32_t n = shape->dimensions * (shape->order + 1), R = shape->columns;
  const int32_t soft = formulation->initial == NEURLP_INITIAL_SOFT
                           ? shape->initial_steps * shape->dimensions * shape->initial_derivatives
                           : 0;
  const int32_t M = length * shape->equations + soft + smoothness_rows(shape, formulation, length) +
                    (formulation->periodic ? shape->dimensions * shape->order : 0);
  const int32_t N = length * n + formulation->slack;
  const size_t m = (size_t)M, u = (size_t)N, r = (size_t)R;
  memset(dense, 0, sizeof *dense);
  dense->rows = M;
  dense->unknowns = N;
  dense->columns = R;
  dense->matrix = calloc(m * u, sizeof(extended));
  dense->derivative = calloc(m * u, sizeof(extended));
  dense->rhs = calloc(m * r, sizeof(extended));
  dense->kind = calloc(m, sizeof(int32_t));
  dense->second = calloc(m, sizeof(int32_t));
  dense->family = calloc(m, sizeof(int32_t));
  dense->known = calloc(u, sizeof(int32_t));
  dense->solution = calloc(u * r, sizeof(extended));
  dense->multiplier = calloc(u * r, sizeof(extended));
  dense->image = calloc(m * r, sizeof(extended));
  dense->residual = calloc(m * r, sizeof(extended));
  writer w = {dense, shape, formulation, inputs, s, length, 0};
  write_equations(&w);
  write_initial_values(&w);
  if (formulation->smoothness == NEURLP_SMOOTHNESS_HERMITE) write_hermite(&w);
  if (formulation->smoothness == NEURLP_SMOOTHNESS_TAYLOR) write_taylor(&w);
  if (formulation->central) write_central(&w);
  if (formulation->periodic) write_periodic(&w);
  solve(dense, shape, formulation, grad_output ? grad_output + s * shape->steps * n * R : NULL);
  multiply(dense, dense->multiplier, dense->image);
  multiply(dense, dense->solution, dense->residual);
  for (int32_t i = 0; i < M * R; i++) dense->residual[i] = dense->rhs[i] - dense->residual[i];
}

void dense_close(dense_system *dense) {
  free(dense->matrix);
  free(dense->derivative);
  free(dense->rhs);
  free(dense->kind);
  free(dense->second);
  free(dense->family);
  free(dense->known);
  free(dense->solution);
  free(dense->multiplier);
  free(dense->image);
  free(dense->residual);
}

/* Entry (i, c) of dLoss/dA = (r - A x) lambda^T - (A lambda) x^T. */
static extended matrix_gradient(const dense_system *dense, int32_t i, int32_t c) {
  const int32_t R = dense->columns;
  extended sum = 0;
  for (int32_t r = 0; r < R; r++)
    sum += dense->residual[i * R + r] * dense->multiplier[c * R + r] -
           dense->image[i * R + r] * dense->solution[c * R + r];
  return sum;
}

static void hard_value_gradients(const dense_system *dense, const double *grad, extended *initial_values) {
  const int32_t R = dense->columns;
  for (int32_t c = 0; c < dense->unknowns; c++)
    for (int32_t r = 0; r < R && dense->known[c]; r++) {
      extended sum = (extended)grad[c * R + r];
      for (int32_t i = 0; i < dense->rows; i++)
        sum -= dense->matrix[(int64_t)i * dense->unknowns + c] * dense->image[i * R + r];
      initial_values[(dense->known[c] - 1) * R + r] = sum;
    }
}

void dense_gradients(const dense_system *dense, const neurlp_shape *shape,
                     const neurlp_formulation *formulation, int32_t length, const double *grad_output,
                     extended *coefficients, extended *rhs, extended *initial_values, extended *steps) {
  const int32_t R = dense->columns, n = shape->dimensions * (shape->order + 1);
  const extended weight = equation_weight(formulation);
  for (int32_t i = 0; i < (length - 1) * (shape->steps_per_dimension ? shape->dimensions : 1); i++)
    steps[i] = 0;
  for (int32_t i = 0; i < dense->rows; i++) {
    const int32_t kind = dense->kind[i];
    if (dense->family[i] == EQUATION) {
      const int32_t t = kind / shape->equations;
      for (int32_t c = 0; c < n; c++)
        coefficients[(int64_t)kind * n + c] = weight * matrix_gradient(dense, i, t * n + c);
      for (int32_t r = 0; r < R; r++) rhs[kind * R + r] = weight * dense->image[i * R + r];
    } else if (dense->family[i] == SOFT_VALUE) {
      for (int32_t r = 0; r < R; r++)
        initial_values[kind * R + r] = (extended)formulation->weight_initial * dense->image[i * R + r];
    } else if (dense->family[i] == SMOOTHNESS) {
      for (int32_t c = 0; c < dense->unknowns; c++) {
        const extended slope = dense->derivative[(int64_t)i * dense->unknowns + c];
        if (slope == 0) continue;
        const extended part = slope * matrix_gradient(dense, i, c);
        steps[kind] += part;
        if (dense->second[i] >= 0) steps[dense->second[i]] += part;
      }
    }
  }
  if (formulation->initial == NEURLP_INITIAL_HARD) hard_value_gradients(dense, grad_output, initial_values);
}
