#include "block/dense.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double square(extended x) {
  return (double)(x * x);
}

/* One Householder reflection for column c, of the rows that are not zero there; `end` is one past the last
 * entry of each row that is not zero, for a band stays one if its rows stand in order. */
static void reflect(dense_factor *factor, int32_t c, int32_t *end) {
  const int32_t M = factor->rows, N = factor->columns;
  int32_t *active = factor->active + factor->first[c], count = 0, reach = 0;
  extended *v = factor->reflector + factor->first[c], norm2 = 0, product = 0;
  for (int32_t i = c; i < M; i++)
    if (i == c || factor->a[(int64_t)i * N + c] != 0) active[count++] = i;
  factor->first[c + 1] = factor->first[c] + count;
  for (int32_t i = 0; i < count; i++) {
    v[i] = factor->a[(int64_t)active[i] * N + c];
    norm2 += v[i] * v[i];
    if (end[active[i]] > reach) reach = end[active[i]];
  }
  if (norm2 == 0) return;
  v[0] += v[0] < 0 ? -sqrtl(norm2) : sqrtl(norm2);
  for (int32_t i = 0; i < count; i++) product += v[i] * v[i];
  for (int32_t i = 0; i < count; i++) v[i] *= sqrtl(2 / product);
  for (int32_t j = c; j < reach; j++) {
    extended sum = 0;
    for (int32_t i = 0; i < count; i++) sum += v[i] * factor->a[(int64_t)active[i] * N + j];
    for (int32_t i = 0; i < count; i++) factor->a[(int64_t)active[i] * N + j] -= sum * v[i];
  }
  for (int32_t i = 0; i < count; i++) end[active[i]] = reach;
  for (int32_t i = 1; i < count; i++) factor->a[(int64_t)active[i] * N + c] = 0;
}

/* QR of a, in place: R is left in the upper triangle. */
static void factorise(dense_factor *factor) {
  const int32_t M = factor->rows, N = factor->columns;
  int32_t *end = calloc((size_t)M, sizeof *end);
  for (int32_t i = 0; i < M; i++)
    for (int32_t c = 0; c < N; c++)
      if (factor->a[(int64_t)i * N + c] != 0) end[i] = c + 1;
  for (int32_t c = 0; c < N; c++) reflect(factor, c, end);
  free(end);
}

/* y [M][R] becomes Q^T y. */
static void turn_rows(const dense_factor *factor, extended *y, int32_t R) {
  for (int32_t c = 0; c < factor->columns; c++)
    for (int32_t r = 0; r < R; r++) {
      extended sum = 0;
      for (int64_t i = factor->first[c]; i < factor->first[c + 1]; i++)
        sum += factor->reflector[i] * y[factor->active[i] * R + r];
      for (int64_t i = factor->first[c]; i < factor->first[c + 1]; i++)
        y[factor->active[i] * R + r] -= sum * factor->reflector[i];
    }
}

/* R x = y or, with `transposed`, R^T x = y; in place in y [N][R]. */
static void triangle(const extended *a, extended *y, int32_t N, int32_t R, bool transposed) {
  for (int32_t r = 0; r < R; r++)
    for (int32_t i = 0; i < N; i++) {
      const int32_t c = transposed ? i : N - 1 - i;
      for (int32_t j = transposed ? 0 : c + 1; j < (transposed ? c : N); j++)
        y[c * R + r] -= (transposed ? a[(int64_t)j * N + c] : a[(int64_t)c * N + j]) * y[j * R + r];
      y[c * R + r] /= a[(int64_t)c * N + c];
    }
}

double dense_scale(const dense_system *dense, int32_t column) {
  const test_batch *batch = dense->batch;
  const bool slack = batch->formulation.slack && column == dense->unknowns - 1;
  return slack ? 1 : pow(batch->formulation.nominal_step, column % (batch->shape.order + 1));
}

double dense_matrix_norm(const dense_system *dense, const extended *x) {
  double sum = 0;
  for (int32_t c = 0; c < dense->unknowns; c++)
    for (int32_t i = 0; i < dense->rows; i++)
      if (x[(int64_t)i * dense->unknowns + c] != 0)
        sum += square(x[(int64_t)i * dense->unknowns + c] / (extended)dense_scale(dense, c));
  return sqrt(sum);
}

/* Of the factor, in scaled unknowns: they are those of the matrix. */
static void singular_values(dense_system *dense, const extended *a) {
  const int32_t N = dense->kept_count;
  double *copy = calloc((size_t)N * (size_t)N, sizeof *copy);
  double *values = calloc((size_t)N, sizeof *values), *rest = calloc((size_t)N, sizeof *rest);
  for (int32_t i = 0; i < N; i++)
    for (int32_t c = i; c < N; c++)
      copy[(int64_t)i * N + c] =
          (double)(a[(int64_t)i * N + c] / (extended)dense_scale(dense, dense->kept[c]));
  LAPACKE_dgesvd(LAPACK_ROW_MAJOR, 'N', 'N', N, N, copy, N, values, NULL, 1, NULL, 1, rest);
  dense->largest = values[0];
  dense->smallest = values[N - 1];
  free(copy);
  free(values);
  free(rest);
}

/* Rows in the order of their first unknown that is not known; sorts by counting. */
static void order_rows(const dense_system *dense, int32_t *order) {
  const int32_t M = dense->rows, N = dense->kept_count;
  int32_t *first = calloc((size_t)M, sizeof *first), count = 0;
  for (int32_t i = 0; i < M; i++)
    while (first[i] < N && dense->matrix[(int64_t)i * dense->unknowns + dense->kept[first[i]]] == 0)
      first[i]++;
  for (int32_t c = 0; c <= N; c++)
    for (int32_t i = 0; i < M; i++)
      if (first[i] == c) order[count++] = i;
  free(first);
}

/* Factor of the columns of unknowns that are not known. */
static void open_factor(dense_system *dense) {
  const int32_t M = dense->rows, N = dense->kept_count;
  const size_t all = (size_t)M * (size_t)N + 1;
  dense_factor *factor = &dense->factor;
  *factor = (dense_factor){.rows = M, .columns = N};
  factor->order = calloc((size_t)M, sizeof *factor->order);
  factor->a = calloc(all, sizeof *factor->a);
  factor->reflector = calloc(all, sizeof *factor->reflector);
  factor->active = calloc(all, sizeof *factor->active);
  factor->first = calloc((size_t)N + 1, sizeof *factor->first);
  order_rows(dense, factor->order);
  for (int32_t i = 0; i < M; i++)
    for (int32_t c = 0; c < N; c++)
      factor->a[(int64_t)i * N + c] =
          dense->matrix[(int64_t)factor->order[i] * dense->unknowns + dense->kept[c]];
  factorise(factor);
  if (N > 0)
    singular_values(dense, factor->a);
  else
    dense->largest = dense->smallest = dense_matrix_norm(dense, dense->matrix);
}

static void close_factor(dense_factor *factor) {
  free(factor->order);
  free(factor->a);
  free(factor->reflector);
  free(factor->active);
  free(factor->first);
}

/* The x with A^T A x = A^T b + g in the unknowns that are not known: R x = Q^T b + R^-T g. b [M][R] and g
 * [N][R] may be NULL for zeros; x [N][R] has 0 for known unknowns. */
static void least_squares(const dense_system *dense, const extended *b, const extended *g, extended *x) {
  const dense_factor *factor = &dense->factor;
  const int32_t M = dense->rows, N = dense->kept_count, R = dense->columns;
  extended *y = calloc((size_t)M * (size_t)R, sizeof *y), *q = calloc((size_t)N * (size_t)R + 1, sizeof *q);
  for (int32_t i = 0; i < M * R && b; i++) y[i] = b[factor->order[i / R] * R + i % R];
  if (b) turn_rows(factor, y, R);
  for (int32_t i = 0; i < N * R && g; i++) q[i] = g[dense->kept[i / R] * R + i % R];
  if (g) triangle(factor->a, q, N, R, true);
  for (int32_t i = 0; i < N * R; i++) q[i] += y[i];
  triangle(factor->a, q, N, R, false);
  memset(x, 0, (size_t)dense->unknowns * (size_t)R * sizeof *x);
  for (int32_t i = 0; i < N * R; i++) x[dense->kept[i / R] * R + i % R] = q[i];
  free(y);
  free(q);
}

/* product [M][R] = B x, or its negative added to what is there. */
static void multiply(const dense_system *dense, const extended *b, const extended *x, extended *product) {
  for (int32_t i = 0; i < dense->rows; i++)
    for (int32_t c = 0; c < dense->unknowns; c++) {
      const extended entry = b[(int64_t)i * dense->unknowns + c];
      for (int32_t r = 0; r < dense->columns && entry != 0; r++)
        product[i * dense->columns + r] += entry * x[c * dense->columns + r];
    }
}

static extended *numbers(int64_t rows, int64_t columns) {
  return calloc((size_t)rows * (size_t)columns + 1, sizeof(extended));
}

/* y - B x */
static extended *rest_of(const dense_system *dense, const extended *y, const extended *b, const extended *x) {
  extended *rest = numbers(dense->rows, dense->columns);
  multiply(dense, b, x, rest);
  for (int32_t i = 0; i < dense->rows * dense->columns; i++) rest[i] = y[i] - rest[i];
  return rest;
}

static void solve(dense_system *dense) {
  const neurlp_formulation *f = &dense->batch->formulation;
  const int32_t R = dense->columns;
  extended *moved = rest_of(dense, dense->rhs, dense->matrix, dense->solution);
  extended *linear = numbers(dense->unknowns, R), *x = numbers(dense->unknowns, R);
  for (int32_t r = 0; r < R && f->slack; r++)
    linear[(dense->unknowns - 1) * R + r] = (extended)f->gamma * (extended)f->alpha;
  least_squares(dense, moved, linear, x);
  for (int32_t i = 0; i < dense->unknowns * R; i++) dense->solution[i] += x[i];
  dense->residual = rest_of(dense, dense->rhs, dense->matrix, dense->solution);
  free(moved);
  free(linear);
  free(x);
}

static void solve_adjoint(dense_system *dense) {
  const int32_t R = dense->columns, own = dense->unknowns - dense->batch->formulation.slack;
  const double *grad = dense->batch->grad_output + dense->s * dense->batch->size_solution;
  extended *g = numbers(dense->unknowns, R);
  for (int32_t i = 0; i < own * R; i++) g[i] = (extended)grad[i];
  least_squares(dense, NULL, g, dense->multiplier);
  multiply(dense, dense->matrix, dense->multiplier, dense->image);
  free(g);
}

static extended direction(const dense_system *dense, int32_t array, int64_t t, int64_t i) {
  const test_array *a = &dense->batch->arrays[array];
  return a->fixed ? 0 : (extended)a->direction[batch_place(a, dense->s, t, i)];
}

/* dA [M][N] and dr [M][R] along the direction. */
static void turn(dense_system *dense, extended *change, extended *force) {
  const neurlp_shape *z = &dense->batch->shape;
  const int32_t n = z->dimensions * (z->order + 1), R = dense->columns, N = dense->unknowns;
  const extended equation = (extended)dense_equation_weight(dense->batch);
  for (int32_t i = 0; i < dense->rows; i++) {
    const dense_source own = dense->source[i];
    extended weight = own.array == RHS ? equation : (extended)dense->batch->formulation.weight_initial;
    if (own.array == NO_ARRAY) continue;
    if (own.array == STEPS) {
      extended h = direction(dense, STEPS, own.t, own.i);
      if (dense->central[i]) h += direction(dense, STEPS, own.t + 1, own.i);
      for (int32_t c = 0; c < N; c++) change[(int64_t)i * N + c] = h * dense->derivative[(int64_t)i * N + c];
      continue;
    }
    for (int32_t c = 0; c < n && own.array == RHS; c++)
      change[(int64_t)i * N + own.t * n + c] =
          weight * direction(dense, COEFFICIENTS, own.t, own.i / R * n + c);
    for (int32_t r = 0; r < R; r++) force[i * R + r] = weight * direction(dense, own.array, own.t, own.i + r);
  }
}

static double norm(const extended *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += square(x[i]);
  return sqrt(sum);
}

/* Of unknowns [N][R], in scaled ones. */
static double scaled_norm(const dense_system *dense, const extended *x) {
  double sum = 0;
  for (int32_t i = 0; i < dense->unknowns * dense->columns; i++)
    sum += square(x[i] * (extended)dense_scale(dense, i / dense->columns));
  return sqrt(sum);
}

/* A^T A dx = A^T (dr - dA x) + dA^T (r - A x), and dx = dv where it is known; in two parts, whose errors
 * differ. */
static void solve_tangent(dense_system *dense) {
  const int32_t M = dense->rows, N = dense->unknowns, R = dense->columns;
  extended *change = numbers(M, N), *force = numbers(M, R), *known = numbers(N, R), *linear = numbers(N, R);
  extended *z = numbers(N, R), *mu = numbers(N, R), *image = numbers(M, R), *still = numbers(M, R);
  turn(dense, change, force);
  for (int32_t c = 0; c < N; c++)
    for (int32_t r = 0; r < R && dense->known[c].array != NO_ARRAY; r++)
      known[c * R + r] = direction(dense, dense->known[c].array, dense->known[c].t, dense->known[c].i + r);
  extended *without = rest_of(dense, force, change, dense->solution);
  extended *p = rest_of(dense, without, dense->matrix, known);
  for (int32_t i = 0; i < M; i++)
    for (int32_t c = 0; c < N; c++)
      for (int32_t r = 0; r < R && change[(int64_t)i * N + c] != 0; r++)
        linear[c * R + r] += change[(int64_t)i * N + c] * dense->residual[i * R + r];
  least_squares(dense, p, NULL, z);
  least_squares(dense, NULL, linear, mu);
  multiply(dense, dense->matrix, mu, image);
  extended *rest = rest_of(dense, p, dense->matrix, z);
  multiply(dense, dense->matrix, known, still);
  for (int32_t i = 0; i < N * R; i++) dense->tangent[i] = z[i] + mu[i] + known[i];
  dense->forced = scaled_norm(dense, z) + scaled_norm(dense, known);
  dense->forced_rest = norm(rest, (int64_t)M * R);
  dense->turned = scaled_norm(dense, mu);
  dense->turned_image = norm(image, (int64_t)M * R);
  dense->force = norm(force, (int64_t)M * R) + norm(still, (int64_t)M * R);
  dense->turn = dense_matrix_norm(dense, change);
  extended *const all[] = {change, force, known, linear, z, mu, image, still, without, p, rest};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Square of the norm of the solution for one right-hand side [M]. */
static double map_column(const dense_system *dense, const extended *b) {
  dense_system one = *dense;
  extended *x = numbers(dense->unknowns, 1);
  one.columns = 1;
  least_squares(&one, b, NULL, x);
  const double norm2 = pow(scaled_norm(&one, x), 2);
  free(x);
  return norm2;
}

/* Given are the right-hand sides of rows, weighted, and known unknowns, scaled. */
static double map_norm(const dense_system *dense) {
  extended *b = numbers(dense->rows, 1);
  double sum = 0;
  for (int32_t i = 0; i < dense->rows; i++) {
    if (dense->source[i].array == STEPS || dense->source[i].array == NO_ARRAY) continue;
    b[i] = 1;
    sum += map_column(dense, b);
    b[i] = 0;
  }
  for (int32_t c = 0; c < dense->unknowns; c++) {
    if (dense->known[c].array == NO_ARRAY) continue;
    for (int32_t i = 0; i < dense->rows; i++)
      b[i] = dense->matrix[(int64_t)i * dense->unknowns + c] / (extended)dense_scale(dense, c);
    sum += 1 + map_column(dense, b);
  }
  free(b);
  return sqrt(sum);
}

void dense_open(dense_system *dense, const test_batch *batch, int64_t s) {
  const neurlp_shape *z = &batch->shape;
  const int32_t length = batch->lengths[s], R = z->columns, M = dense_count_rows(batch, length);
  const int32_t N = length * z->dimensions * (z->order + 1) + batch->formulation.slack;
  const size_t m = (size_t)M + 1, u = (size_t)N;
  *dense = (dense_system){.batch = batch, .s = s, .length = length, .rows = M, .unknowns = N, .columns = R};
  dense->matrix = numbers(M, N);
  dense->derivative = numbers(M, N);
  dense->rhs = numbers(M, R);
  dense->source = calloc(m, sizeof *dense->source);
  dense->central = calloc(m, sizeof *dense->central);
  dense->known = calloc(u, sizeof *dense->known);
  dense->kept = calloc(u, sizeof *dense->kept);
  dense->solution = numbers(N, R);
  dense->multiplier = numbers(N, R);
  dense->image = numbers(M, R);
  dense->tangent = numbers(N, R);
  dense_write_rows(dense);
  for (int32_t c = 0; c < N; c++)
    if (dense->known[c].array == NO_ARRAY) dense->kept[dense->kept_count++] = c;
  open_factor(dense);
  solve(dense);
  solve_adjoint(dense);
  solve_tangent(dense);
  if (batch->prepared) dense->map = map_norm(dense);
}

void dense_close(dense_system *dense) {
  free(dense->matrix);
  free(dense->derivative);
  free(dense->rhs);
  free(dense->source);
  free(dense->central);
  free(dense->known);
  free(dense->kept);
  free(dense->solution);
  free(dense->residual);
  free(dense->multiplier);
  free(dense->image);
  free(dense->tangent);
  close_factor(&dense->factor);
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

/* Where visits go. */
typedef struct visit {
  const dense_system *dense;
  dense_visitor visit;
  void *to;
} visit;

static void give(const visit *v, int32_t array, int64_t t, int64_t i, int32_t derivative, extended part) {
  const int64_t place = batch_place(&v->dense->batch->arrays[array], v->dense->s, t, i);
  v->visit(v->to, array, place, derivative, part);
}

/* Of an equation's row: coefficients and right-hand sides. */
static void equation_gradients(const visit *v, int32_t i) {
  const dense_system *dense = v->dense;
  const neurlp_shape *z = &dense->batch->shape;
  const int32_t n = z->dimensions * (z->order + 1), R = dense->columns;
  const dense_source own = dense->source[i];
  const extended weight = (extended)dense_equation_weight(dense->batch);
  for (int32_t c = 0; c < n; c++)
    give(v, COEFFICIENTS, own.t, own.i / R * n + c, c % (z->order + 1),
         weight * matrix_gradient(dense, i, own.t * n + c));
  for (int32_t r = 0; r < R; r++) give(v, RHS, own.t, own.i + r, 0, weight * dense->image[i * R + r]);
}

static void soft_value_gradients(const visit *v, int32_t i) {
  const int32_t R = v->dense->columns;
  const dense_source own = v->dense->source[i];
  const extended weight = (extended)v->dense->batch->formulation.weight_initial;
  for (int32_t r = 0; r < R; r++)
    give(v, own.array, own.t, own.i + r, 0, weight * v->dense->image[i * R + r]);
}

static void hard_value_gradients(const visit *v) {
  const dense_system *dense = v->dense;
  const int32_t R = dense->columns;
  const double *grad = dense->batch->grad_output + dense->s * dense->batch->size_solution;
  for (int32_t c = 0; c < dense->unknowns; c++)
    for (int32_t r = 0; r < R && dense->known[c].array != NO_ARRAY; r++) {
      extended sum = (extended)grad[c * R + r];
      for (int32_t i = 0; i < dense->rows; i++)
        sum -= dense->matrix[(int64_t)i * dense->unknowns + c] * dense->image[i * R + r];
      give(v, dense->known[c].array, dense->known[c].t, dense->known[c].i + r,
           c % (dense->batch->shape.order + 1), sum);
    }
}

/* Many rows contain the same step: summed first, so that each is visited once. */
static void step_gradients(const visit *v) {
  const dense_system *dense = v->dense;
  const int64_t each = dense->batch->arrays[STEPS].each;
  extended *sum = numbers(dense->length, each);
  for (int32_t i = 0; i < dense->rows; i++) {
    const dense_source own = dense->source[i];
    for (int32_t c = 0; c < dense->unknowns && own.array == STEPS; c++) {
      const extended slope = dense->derivative[(int64_t)i * dense->unknowns + c];
      if (slope == 0) continue;
      const extended part = slope * matrix_gradient(dense, i, c);
      sum[own.t * each + own.i] += part;
      if (dense->central[i]) sum[(own.t + 1) * each + own.i] += part;
    }
  }
  for (int64_t i = 0; i < (dense->length - 1) * each; i++) give(v, STEPS, i / each, i % each, 0, sum[i]);
  free(sum);
}

void dense_gradients(const dense_system *dense, dense_visitor visit_one, void *to) {
  const visit v = {dense, visit_one, to};
  for (int32_t i = 0; i < dense->rows; i++) {
    const int32_t array = dense->source[i].array;
    if (array == RHS) equation_gradients(&v, i);
    if (array == INITIAL_VALUES || array == FINAL_VALUES) soft_value_gradients(&v, i);
  }
  hard_value_gradients(&v);
  step_gradients(&v);
}
