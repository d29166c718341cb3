/* The adjoint against the solver itself.
 *
 * Dot products: the solution is linear in (rhs, initial values), so that for any direction p in them and any
 * g in the solution, <g, u(p)> = <adjoint(g), p> but for rounding. Taylor remainders: L = |u|^2 / 2, |L(x + a
 * p) - L(x) - a <dL/dx, p>| is of order a^2 for every input x. */
#include "block/batch.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static double dot(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
  return sum;
}

/* Well-conditioned systems of all formulations: as many equations as dimensions, a step of about 1, and
 * weights of order 1. (The dense test goes through ill-conditioned ones, with bounds that follow from the
 * condition number.) */
static void open(test_batch *batch, uint64_t seed, neurlp_initial initial) {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged;
  batch_random_shape(seed, &shape, &formulation, &ragged);
  shape.equations = shape.dimensions;
  shape.initial_steps = 2;
  shape.initial_derivatives = shape.order;
  formulation.weight_equation = formulation.weight_initial = formulation.weight_smoothness = 1;
  formulation.nominal_step = 1;
  formulation.leading_derivative = 1;
  formulation.alpha = 0; /* or the solution would not be linear in the inputs */
  formulation.initial = initial;
  formulation.weight_top = 0.3;
  batch_open(batch, &shape, &formulation, ragged, seed);
}

/* Relative difference of the two sides, summed over the batch, for one seed. */
static double dot_difference(uint64_t seed, neurlp_initial initial) {
  test_batch batch;
  open(&batch, seed, initial);
  const int64_t S = batch.shape.systems;
  if (batch_run(&batch, 1, true) != NEURLP_SUCCESS) return NAN;
  double worst = 0;
  for (int64_t s = 0; s < S; s++) {
    const int32_t length = batch.inputs.lengths ? batch.lengths[s] : batch.shape.steps;
    const int64_t u = s * batch.size_solution, b = s * batch.size_rhs, v = s * batch.size_initial_values;
    const int64_t used = batch.size_solution / batch.shape.steps * length;
    const int64_t rhs = batch.size_rhs / batch.shape.steps * length;
    const double left = dot(batch.grad_output + u, batch.solution + u, used);
    const double right = dot((const double *)batch.gradients.rhs + b, batch.rhs + b, rhs) +
                         dot((const double *)batch.gradients.initial_values + v, batch.initial_values + v,
                             batch.size_initial_values);
    const double size = sqrt(dot(batch.grad_output + u, batch.grad_output + u, used) *
                             dot(batch.solution + u, batch.solution + u, used));
    worst = worse(worst, fabs(left - right) / size);
  }
  batch_close(&batch);
  return worst;
}

static double half_square(const test_batch *batch) {
  return dot(batch->solution, batch->solution, batch->shape.systems * batch->size_solution) / 2;
}

/* Slope of the Taylor remainder in one input between two lengths of step. */
static double taylor_slope(test_batch *batch, double *input, const double *gradient, int64_t size,
                           bool relative, uint64_t seed) {
  const int64_t count = batch->shape.systems * size;
  double *start = malloc((size_t)count * sizeof *start),
         *direction = malloc((size_t)count * sizeof *direction);
  memcpy(start, input, (size_t)count * sizeof *start);
  const double value = half_square(batch);
  for (int64_t i = 0; i < count; i++)
    direction[i] = batch_uniform(seed, i, -1, 1) * (relative ? fabs(start[i]) : 1);
  const double slope = dot(gradient, direction, count);
  double remainder[2];
  for (int32_t level = 0; level < 2; level++) {
    const double a = level == 0 ? 0x1p-11 : 0x1p-13;
    for (int64_t i = 0; i < count; i++) input[i] = start[i] + a * direction[i];
    if (batch_run(batch, 1, false) != NEURLP_SUCCESS) return NAN;
    remainder[level] = fabs(half_square(batch) - value - a * slope);
  }
  memcpy(input, start, (size_t)count * sizeof *start);
  free(start);
  free(direction);
  return log2(remainder[0] / remainder[1]) / 2;
}

/* Returns how far the worst slope is from 2. */
static void taylor(uint64_t seed, neurlp_initial initial, double farthest[4]) {
  test_batch batch;
  open(&batch, seed, initial);
  const int64_t all = batch.shape.systems * batch.size_solution;
  if (batch_run(&batch, 1, false) != NEURLP_SUCCESS) check_true("solve", false);
  memcpy(batch.grad_output, batch.solution, (size_t)all * sizeof(double));
  if (batch_run(&batch, 1, true) != NEURLP_SUCCESS) check_true("adjoint", false);
  double *inputs[4] = {batch.coefficients, batch.rhs, batch.initial_values, batch.steps};
  double *gradients[4] = {batch.gradients.coefficients, batch.gradients.rhs, batch.gradients.initial_values,
                          batch.gradients.steps};
  const int64_t sizes[4] = {batch.size_coefficients, batch.size_rhs, batch.size_initial_values,
                            batch.size_steps};
  for (int32_t i = 0; i < 4; i++) {
    if (batch_run(&batch, 1, false) != NEURLP_SUCCESS) check_true("solve", false);
    const double slope =
        taylor_slope(&batch, inputs[i], gradients[i], sizes[i], i == 0 || i == 3, seed + 1000);
    farthest[i] = worse(farthest[i], fabs(slope - 2));
    if (!(fabs(slope - 2) < 0.1)) {
      printf("input %d, slope %g: ", i, slope);
      batch_print(&batch, seed);
    }
  }
  batch_close(&batch);
}

int main(void) {
  static const char *const names[4] = {"coefficients", "rhs", "initial values", "steps"};
  for (int32_t initial = 0; initial < 2; initial++) {
    const char *kind = initial == NEURLP_INITIAL_HARD ? "hard" : "soft";
    double worst = 0, farthest[4] = {0};
    char what[80];
    for (uint64_t seed = 1; seed <= 60; seed++)
      worst = worse(worst, dot_difference(seed, (neurlp_initial)initial));
    snprintf(what, sizeof what, "dot products, %s initial values, relative", kind);
    check_below(what, worst, 1e-12);
    for (uint64_t seed = 1; seed <= 20; seed++) taylor(seed, (neurlp_initial)initial, farthest);
    for (int32_t i = 0; i < 4; i++) {
      snprintf(what, sizeof what, "Taylor remainder, %s, %s initial values: |slope - 2|", names[i], kind);
      check_below(what, farthest[i], 0.1);
    }
  }
  return check_verdict();
}
