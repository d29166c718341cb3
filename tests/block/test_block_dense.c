/* Random batches against the dense oracle: solutions and all gradients.
 *
 * With kappa the condition number of the matrix in scaled unknowns, r its residual, and factors R that differ
 * from the exact ones by a relative error delta, first-order perturbation theory gives |dx|        <= delta (
 * kappa |x| + kappa |r| / sigma_min ) |dr|        <= delta ( |A| |x| + kappa |r| ) |dlambda|   <= delta kappa
 * ( |lambda| + |A lambda| / sigma_min ) |dA lambda| <= delta ( |A| |lambda| + kappa |A lambda| ) and the
 * gradients' errors follow by the product rule. Householder QR is stable by columns: delta is epsilon times
 * the number of operations that an entry goes through: a step's rows (at most 3n + E of them) take part in
 * two eliminations of n reflections. delta = (3n + E) epsilon is well below that worst case. Taylor rows are
 * n more; what is left of each step's rows goes into global columns, T times over.
 *
 * NEURLP_ISA chooses the instruction set; a machine that lacks it skips the test.
 * usage: test_block_dense [SEED]   all cases, or one */
#include "block/batch.h"
#include "block/dense.h"
#include "block/kernels.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>

/* The worst ratio of an error to its bound, by quantity. */
enum { SOLUTION, COEFFICIENTS, RHS, INITIAL_VALUES, STEPS, QUANTITIES };
typedef struct ratio_table {
  double worst[QUANTITIES];
  uint64_t seed[QUANTITIES];
  double condition; /* largest met */
} ratio_table;

/* Norms and error bounds of one system, in scaled unknowns. */
typedef struct bounds {
  double x, r, lambda, image, slope; /* 2-norms, and of the derivative of A with respect to steps */
  double dx, dr, dlambda, dimage;
} bounds;

static double power(const test_batch *batch, int32_t j) {
  return pow(batch->formulation.nominal_step, j);
}

static bounds bounds_of(const test_batch *batch, const dense_system *dense) {
  const int32_t d1 = batch->shape.order + 1, n = batch->shape.dimensions * d1, R = dense->columns;
  const neurlp_formulation *f = &batch->formulation;
  const int32_t rows = (f->smoothness == NEURLP_SMOOTHNESS_TAYLOR ? 4 : 3) * n + batch->shape.equations;
  const double delta = (rows + (f->slack || f->periodic ? batch->shape.steps : 0)) * DBL_EPSILON;
  const double A = dense->largest, smallest = dense->smallest, kappa = A / smallest;
  bounds b = {0};
  for (int32_t i = 0; i < dense->unknowns * R; i++) {
    const double scale = power(batch, i / R % d1);
    b.x += pow((double)dense->solution[i] * scale, 2);
    b.lambda += pow((double)dense->multiplier[i] * scale, 2);
  }
  for (int32_t i = 0; i < dense->rows * R; i++) {
    b.r += pow((double)dense->residual[i], 2);
    b.image += pow((double)dense->image[i], 2);
  }
  for (int32_t i = 0; i < dense->rows * dense->unknowns; i++)
    b.slope += pow((double)dense->derivative[i] / power(batch, i % dense->unknowns % d1), 2);
  b.x = sqrt(b.x), b.r = sqrt(b.r), b.lambda = sqrt(b.lambda), b.image = sqrt(b.image),
  b.slope = sqrt(b.slope);
  b.dx = delta * kappa * (b.x + b.r / smallest);
  b.dr = delta * (A * b.x + kappa * b.r);
  b.dlambda = delta * kappa * (b.lambda + b.image / smallest);
  b.dimage = delta * (A * b.lambda + kappa * b.image);
  return b;
}

static void note(ratio_table *ratios, int32_t quantity, uint64_t seed, double error, double bound) {
  const double ratio = error == 0 ? 0 : error / bound; /* where lambda is 0, so is the bound */
  if (isnan(ratios->worst[quantity]) || ratio <= ratios->worst[quantity]) return;
  ratios->worst[quantity] = ratio;
  ratios->seed[quantity] = seed;
}

static void compare_solution(ratio_table *ratios, uint64_t seed, const test_batch *batch,
                             const dense_system *dense, int64_t s, const bounds *b) {
  const double *u = batch->solution + s * batch->size_solution;
  double sum = 0;
  const int32_t R = dense->columns, own = dense->unknowns - batch->formulation.slack;
  for (int64_t i = 0; i < own * R; i++) {
    const double scale = power(batch, (int32_t)(i / dense->columns) % (batch->shape.order + 1));
    sum += pow((double)((extended)u[i] - dense->solution[i]) * scale, 2);
  }
  for (int32_t r = 0; r < R && batch->formulation.slack; r++)
    sum += pow((double)((extended)batch->slack[s * R + r] - dense->solution[own * R + r]), 2);
  note(ratios, SOLUTION, seed, sqrt(sum), b->dx);
}

static double farthest(const double *x, const extended *y, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++) {
    largest = worse(largest, fabs((double)((extended)x[i] - y[i])));
  }
  return largest;
}

static void compare_gradients(ratio_table *ratios, uint64_t seed, const test_batch *batch,
                              const dense_system *dense, int64_t s, const bounds *b) {
  const neurlp_shape *z = &batch->shape;
  const int32_t length = batch->inputs.lengths ? batch->lengths[s] : z->steps;
  const int32_t d1 = z->order + 1, n = z->dimensions * d1;
  const double A = dense->largest;
  const double w = batch->formulation.weight_equation != 0
                       ? batch->formulation.weight_equation
                       : power(batch, batch->formulation.leading_derivative);
  extended *c = calloc((size_t)batch->size_coefficients + 1, sizeof *c);
  extended *rhs = calloc((size_t)batch->size_rhs + 1, sizeof *rhs);
  extended *v = calloc((size_t)batch->size_initial_values + 1, sizeof *v);
  extended *steps = calloc((size_t)batch->size_steps + 1, sizeof *steps);
  dense_gradients(dense, z, &batch->formulation, length, batch->grad_output + s * batch->size_solution, c,
                  rhs, v, steps);
  const double *got = (const double *)batch->gradients.coefficients + s * batch->size_coefficients;
  const double *got_rhs = (const double *)batch->gradients.rhs + s * batch->size_rhs;
  const double *got_values = (const double *)batch->gradients.initial_values + s * batch->size_initial_values;
  const double *got_steps = (const double *)batch->gradients.steps + s * batch->size_steps;
  double worst = 0;
  for (int64_t i = 0; i < (int64_t)length * z->equations * n; i++) {
    const double error = fabs((double)((extended)got[i] - c[i])) / w * power(batch, (int32_t)(i % d1));
    worst = worse(worst, error);
  }
  note(ratios, COEFFICIENTS, seed, worst,
       b->r * b->dlambda + b->dr * b->lambda + b->dimage * b->x + b->image * b->dx);
  note(ratios, RHS, seed, farthest(got_rhs, rhs, (int64_t)length * z->equations * z->columns), w * b->dimage);
  const bool hard = batch->formulation.initial == NEURLP_INITIAL_HARD;

  double worst_value = 0;
  for (int64_t i = 0; i < batch->size_initial_values; i++) {
    const int32_t j = (int32_t)(i / z->columns) % z->initial_derivatives;
    const double scale = hard ? 1 / power(batch, j) : 1;
    const double error = fabs((double)((extended)got_values[i] - v[i])) * scale;
    worst_value = worse(worst_value, error);
  }
  /* A column of the matrix is no longer than |A| where it is not known; where it is, its entries are alike.
   */
  note(ratios, INITIAL_VALUES, seed, worst_value,
       hard ? 4 * A * b->dimage + 4 * DBL_EPSILON * b->image * A
            : batch->formulation.weight_initial * b->dimage);
  note(ratios, STEPS, seed,
       farthest(got_steps, steps, (length - 1) * (z->steps_per_dimension ? z->dimensions : 1)),
       b->slope * (b->r * b->dlambda + b->dr * b->lambda + b->dimage * b->x + b->image * b->dx));
  free(c);
  free(rhs);
  free(v);
  free(steps);
}

static void run_case(ratio_table *ratios, uint64_t seed, bool show) {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged;
  test_batch batch;
  batch_random_shape(seed, &shape, &formulation, &ragged);
  batch_open(&batch, &shape, &formulation, ragged, seed);
  const neurlp_status status = batch_run(&batch, 2, true);
  if (show || status != NEURLP_SUCCESS) batch_print(&batch, seed);
  if (status != NEURLP_SUCCESS) check_equal("status", status, NEURLP_SUCCESS);
  for (int64_t s = 0; s < shape.systems; s++) {
    dense_system dense;
    dense_open(&dense, &shape, &formulation, &batch.inputs, s, batch.grad_output);
    if (dense.largest > 0) {
      ratios->condition = worse(ratios->condition, dense.largest / dense.smallest);
      const bounds b = bounds_of(&batch, &dense);
      compare_solution(ratios, seed, &batch, &dense, s, &b);
      compare_gradients(ratios, seed, &batch, &dense, s, &b);
    }
    dense_close(&dense);
  }
  batch_close(&batch);
}

/* Exit status that CTest takes for "skipped". */
enum { SKIPPED = 77 };

int main(int argc, char **argv) {
  static const char *const names[QUANTITIES] = {"solution", "gradient of coefficients", "gradient of rhs",
                                                "gradient of initial values", "gradient of steps"};
  ratio_table ratios = {0};
  if (!neurlp_kernels_choose(NEURLP_DOUBLE)) {
    printf("skipped: this machine or this build has no %s\n", getenv("NEURLP_ISA"));
    return SKIPPED;
  }
  if (argc > 1)
    run_case(&ratios, strtoull(argv[1], NULL, 10), true);
  else
    for (uint64_t seed = 1; seed <= 300; seed++) run_case(&ratios, seed, false);
  printf("largest condition number %.1e\n", ratios.condition);
  for (int32_t i = 0; i < QUANTITIES; i++) {
    char what[80];
    snprintf(what, sizeof what, "%s, error over bound, worst at seed %llu", names[i],
             (unsigned long long)ratios.seed[i]);
    check_below(what, ratios.worst[i], 1.0);
  }
  return check_verdict();
}
