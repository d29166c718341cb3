#include "block/compare.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

/* Norms and error bounds of one system, in scaled unknowns. */
typedef struct bounds {
  double epsilon, condition;
  double delta;
  double x, r, lambda, image, slope, g; /* norms; slope: of dA/dh; g: of dLoss/dx */
  double dx, dr, dlambda, dimage, dtangent;
} bounds;

static double norm(const extended *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)(x[i] * x[i]);
  return sqrt(sum);
}

/* Norm of unknowns in scaled ones. */
static double scaled(const dense_system *dense, const extended *x) {
  double sum = 0;
  for (int32_t i = 0; i < dense->unknowns * dense->columns; i++)
    sum += pow((double)x[i] * dense_scale(dense, i / dense->columns), 2);
  return sqrt(sum);
}

static double delta_of(const test_batch *batch) {
  const neurlp_formulation *f = &batch->formulation;
  const neurlp_shape *z = &batch->shape;
  const int32_t n = z->dimensions * (z->order + 1);
  double rows = (f->smoothness == NEURLP_SMOOTHNESS_TAYLOR ? 4 : 3) * n + z->equations;
  if (z->final_derivatives > 0) rows += n;
  if (z->piece_intervals != 0) rows *= 2;
  if (f->slack || f->periodic || z->piece_intervals != 0) rows += z->steps;
  if (z->precision == NEURLP_MIXED) rows *= 4;
  return rows * (z->precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON);
}

/* The part of the tangent that solves A z = dr - dA x, and mu = (A^T A)^-1 dA^T r, each with errors of its
 * own and of what it is made of. */
static double tangent_bound(const dense_system *dense, const bounds *b) {
  const double smallest = dense->smallest;
  const double own =
      b->delta * b->condition *
      (dense->forced + dense->forced_rest / smallest + dense->turned + dense->turned_image / smallest);
  const double made = dense->turn * (b->dx / smallest + b->dr / (smallest * smallest));
  const double rounding = b->delta * ((dense->force + dense->turn * b->x) / smallest +
                                      dense->turn * b->r / (smallest * smallest));
  return own + made + rounding;
}

/* What products with the map from right-hand sides to solutions add. */
static void add_products(const dense_system *dense, bounds *b) {
  const bool hard = dense->batch->formulation.initial == NEURLP_INITIAL_HARD;
  const double known = hard ? b->x : 0; /* no less than the norm of known unknowns */
  const double given = norm(dense->rhs, (int64_t)dense->rows * dense->columns) + known;
  const double spread = sqrt(dense->rows + dense->unknowns); /* of a 1-norm over the 2-norm */
  const double column =
      b->delta * (spread * (1 + dense->largest) / dense->smallest + b->condition * dense->map);
  b->dx += column * given;
  b->dr += dense->largest * column * given;
  b->dtangent += column * dense->force;
  b->dimage += b->dimage + b->delta * spread * dense->map * b->g;
}

static bounds bounds_of(const dense_system *dense) {
  const test_batch *batch = dense->batch;
  const int32_t R = dense->columns, own = dense->unknowns - batch->formulation.slack;
  const double A = dense->largest, smallest = dense->smallest, kappa = A / smallest;
  bounds b = {.delta = delta_of(batch), .condition = kappa};
  b.epsilon = batch->shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON;
  b.x = scaled(dense, dense->solution);
  b.lambda = scaled(dense, dense->multiplier);
  b.r = norm(dense->residual, (int64_t)dense->rows * R);
  b.image = norm(dense->image, (int64_t)dense->rows * R);
  b.slope = dense_matrix_norm(dense, dense->derivative);
  for (int32_t i = 0; i < own * R; i++)
    b.g += pow(batch->grad_output[dense->s * batch->size_solution + i] / dense_scale(dense, i / R), 2);
  b.g = sqrt(b.g);
  b.dx = b.delta * kappa * (b.x + b.r / smallest);
  b.dr = b.delta * (A * b.x + kappa * b.r);
  b.dlambda = b.delta * kappa * (b.lambda + b.image / smallest);
  b.dimage = b.delta * (A * b.lambda + kappa * b.image);
  b.dtangent = 0;
  if (batch->prepared) add_products(dense, &b);
  b.dtangent += tangent_bound(dense, &b);
  return b;
}

/* Bound of one number of a gradient, of unknowns' derivative j where that matters. */
static double gradient_bound(const dense_system *dense, const bounds *b, int32_t array, int32_t j) {
  const test_batch *batch = dense->batch;
  const double product = b->r * b->dlambda + b->dr * b->lambda + b->dimage * b->x + b->image * b->dx;
  const double scale = pow(batch->formulation.nominal_step, j);
  switch (array) {
  case COEFFICIENTS:
    return product * dense_equation_weight(batch) / scale;
  case RHS:
    return dense_equation_weight(batch) * b->dimage;
  case STEPS:
    return product * b->slope;
  default:
    /* A column of the matrix is no longer than |A| where it is not known; where it is, its entries are
     * alike. */
    return batch->formulation.initial == NEURLP_INITIAL_SOFT
               ? batch->formulation.weight_initial * b->dimage
               : (4 * dense->largest * (b->dimage + b->epsilon * b->image) + 4 * b->epsilon * b->g) * scale;
  }
}

static void note(ratio_table *ratios, int32_t quantity, const test_batch *batch, uint64_t seed, int64_t where,
                 double error, double bound) {
  const double ratio = error == 0 ? 0 : error / bound; /* where lambda is 0, so is the bound */
  if (!(ratio <= 1)) {
    printf("%s, %s %lld: error %.3e, bound %.3e: ", compare_name(quantity),
           quantity < ARRAYS ? "place" : "system", (long long)where, error, bound);
    batch_print(batch, seed);
  }
  if (isnan(ratios->worst[quantity]) || ratio <= ratios->worst[quantity]) return;
  ratios->worst[quantity] = ratio;
  ratios->seed[quantity] = seed;
}

/* Error of a system's solution or tangent in scaled unknowns; infinite if anything stands past its length. */
static double distance(const dense_system *dense, const double *got, const extended *expected) {
  const test_batch *batch = dense->batch;
  const int64_t R = dense->columns, own = (dense->unknowns - batch->formulation.slack) * R;
  double sum = 0;
  for (int64_t i = 0; i < own; i++)
    sum += pow((double)((extended)got[i] - expected[i]) * dense_scale(dense, (int32_t)(i / R)), 2);
  for (int64_t i = own; i < batch->size_solution; i++)
    if (!(got[i] == 0)) sum = INFINITY;
  return sqrt(sum);
}

/* The slack counts as an unknown of the solution. */
static void compare_unknowns(ratio_table *ratios, const dense_system *dense, const bounds *b, uint64_t seed,
                             int32_t wanted) {
  const test_batch *batch = dense->batch;
  const int64_t s = dense->s, R = dense->columns;
  double error = distance(dense, batch->solution + s * batch->size_solution, dense->solution);
  for (int64_t r = 0; r < R && batch->formulation.slack; r++)
    error = hypot(
        error, (double)((extended)batch->slack[s * R + r] - dense->solution[(dense->unknowns - 1) * R + r]));
  note(ratios, SOLUTION, batch, seed, s, error, b->dx);
  if (wanted & BATCH_TANGENT)
    note(ratios, TANGENT, batch, seed, s,
         distance(dense, batch->tangent + s * batch->size_solution, dense->tangent), b->dtangent);
}

/* What a gradient should be, by its places. */
typedef struct expected {
  extended *sum;
  double *bound, *magnitude;
  int32_t *terms;
} expected;

typedef struct collector {
  const dense_system *dense;
  const bounds *bounds;
  expected *arrays;
} collector;

static void collect(void *to, int32_t array, int64_t place, int32_t derivative, extended part) {
  const collector *c = to;
  expected *e = &c->arrays[array];
  e->sum[place] += part;
  e->bound[place] += gradient_bound(c->dense, c->bounds, array, derivative);
  e->magnitude[place] += fabs((double)part);
  e->terms[place]++;
}

/* A failed system's places are not known, nor are those that it shares. */
static void collect_failed(void *to, int32_t array, int64_t place, int32_t derivative, extended part) {
  const collector *c = to;
  (void)derivative, (void)part;
  c->arrays[array].bound[place] = INFINITY;
}

static void open_expected(expected arrays[ARRAYS], const test_batch *batch) {
  for (int32_t i = 0; i < ARRAYS; i++) {
    const size_t count = (size_t)batch_count(&batch->arrays[i]) + 1;
    arrays[i] = (expected){calloc(count, sizeof(extended)), calloc(count, sizeof(double)),
                           calloc(count, sizeof(double)), calloc(count, sizeof(int32_t))};
  }
}

static void compare_gradients(ratio_table *ratios, const test_batch *batch, expected arrays[ARRAYS],
                              uint64_t seed, bool failed) {
  const double epsilon = batch->shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON;
  for (int32_t i = 0; i < ARRAYS; i++) {
    const test_array *a = &batch->arrays[i];
    expected *e = &arrays[i];
    double error = 0, bound = 1;
    int64_t place = 0;
    for (int64_t p = 0; p < batch_count(a); p++) {
      if (a->unwanted || (failed && a->system_stride == 0) || isinf(e->bound[p])) continue;
      if (failed && e->terms[p] == 0) continue; /* it may be past the failed one's length, and NaN */
      const double own = fabs((double)((extended)a->gradient[p] - e->sum[p]));
      const double rounding = (e->terms[p] > 1 ? e->terms[p] : 0) * epsilon * e->magnitude[p];
      if (own == 0 || own / (e->bound[p] + rounding) <= error / bound || isnan(error / bound)) continue;
      error = own, bound = e->bound[p] + rounding, place = p;
    }
    note(ratios, i, batch, seed, place, error, bound);
  }
}

/* Whether the system's numbers can be compared; counts it. */
static bool usable(ratio_table *ratios, const test_batch *batch, int64_t s, const bounds *b, uint64_t seed) {
  const neurlp_status status = batch->status[s];
  const neurlp_precision precision = batch->shape.precision;
  ratios->condition = worse(ratios->condition, b->condition);
  if (precision == NEURLP_SINGLE && b->delta * b->condition > 0.05) {
    ratios->left_out++;
    return false;
  }
  if (status == NEURLP_SUCCESS) {
    ratios->compared++;
    return true;
  }
  if (precision == NEURLP_MIXED && status == NEURLP_NOT_CONVERGED && FLT_EPSILON * b->condition > 0.001) {
    ratios->not_converged++;
    return false;
  }
  ratios->wrong_status++;
  printf("system %lld is %s, condition number %.1e: ", (long long)s, neurlp_status_name(status),
         b->condition);
  batch_print(batch, seed);
  return false;
}

void compare_batch(ratio_table *ratios, const test_batch *batch, const dense_system *dense, uint64_t seed,
                   int32_t wanted) {
  expected arrays[ARRAYS];
  bool failed = false;
  open_expected(arrays, batch);
  for (int64_t s = 0; s < batch->systems; s++) {
    const bounds b = bounds_of(&dense[s]);
    collector to = {&dense[s], &b, arrays};
    const bool good = usable(ratios, batch, s, &b, seed);
    failed = failed || !good;
    if (good) compare_unknowns(ratios, &dense[s], &b, seed, wanted);
    dense_gradients(&dense[s], good ? collect : collect_failed, &to);
  }
  if (wanted & BATCH_ADJOINT) compare_gradients(ratios, batch, arrays, seed, failed);
  for (int32_t i = 0; i < ARRAYS; i++) {
    free(arrays[i].sum);
    free(arrays[i].bound);
    free(arrays[i].magnitude);
    free(arrays[i].terms);
  }
}

dense_system *compare_open(const test_batch *batch) {
  dense_system *dense = calloc((size_t)batch->shape.systems + 1, sizeof *dense);
  for (int64_t s = 0; s < batch->shape.systems; s++) dense_open(&dense[s], batch, s);
  return dense;
}

void compare_close(dense_system *dense, int64_t systems) {
  for (int64_t s = 0; s < systems; s++) dense_close(&dense[s]);
  free(dense);
}

const char *compare_name(int32_t quantity) {
  static const char *const names[QUANTITIES] = {"gradient of coefficients",
                                                "gradient of rhs",
                                                "gradient of initial values",
                                                "gradient of final values",
                                                "gradient of steps",
                                                "solution",
                                                "tangent"};
  return names[quantity];
}
