/* Adjoint and tangent against the solver itself, and against each other.
 *
 * Dot products: the solution is linear in (rhs, values), so that for any direction p in them and any g in the
 * solution, <g, u(p)> = <adjoint(g), p> but for rounding; and for any direction p in all inputs,
 * <g, tangent(p)> = <adjoint(g), p>. Taylor remainders: L = |u|^2 / 2, |L(x + a p) - L(x) - a <dL/dx, p>| is
 * of order a^2 for every input x, and so is |u(x + a p) - u(x) - a tangent(p)| for all inputs at once. */
#include "block/batch.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Seeds without options, and as many with them. */
enum { DOTS = 60, TAYLORS = 20 };
static uint64_t seed_of(int64_t i, int64_t each) {
  return (uint64_t)(i < each ? i + 1 : BATCH_PLAIN_SEEDS + 1 + i - each);
}

static double dot(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
  return sum;
}

static int64_t numbers_of(const test_batch *batch) {
  return batch->shape.systems * batch->size_solution;
}

/* Well-conditioned systems of all formulations: as many equations as dimensions, a step of about 1, and
 * weights of order 1. (The dense test goes through ill-conditioned ones, with bounds that follow from the
 * condition number.) */
static void open(test_batch *batch, uint64_t seed, neurlp_initial initial, neurlp_precision most) {
  test_case drawn = batch_random(seed);
  neurlp_formulation *f = &drawn.formulation;
  neurlp_shape *z = &drawn.shape;
  z->equations = z->dimensions;
  z->initial_steps = 2;
  z->initial_derivatives = z->order;
  if (z->precision == NEURLP_SINGLE) z->precision = most;
  f->weight_equation = f->weight_initial = f->weight_smoothness = 1;
  f->nominal_step = 1;
  f->leading_derivative = 1;
  f->alpha = 0; /* or the solution would not be linear in the inputs */
  f->initial = initial;
  f->weight_top = 0.3;
  batch_open(batch, &drawn, seed);
}

static bool run(test_batch *batch, int32_t wanted, uint64_t seed) {
  const neurlp_status status = batch_run(batch, 1, wanted);
  if (status == NEURLP_SUCCESS) return true;
  printf("%s: ", neurlp_status_name(status));
  batch_print(batch, seed);
  return false;
}

/* Relative difference of the two sides for one seed: linear inputs, or the tangent. In units of epsilon of
 * double precision. What is not given past a system's length is 0 in solution, tangent and gradients. */
static double dot_difference(uint64_t seed, neurlp_initial initial, bool tangent) {
  test_batch batch;
  open(&batch, seed, initial, NEURLP_SINGLE);
  const int64_t all = numbers_of(&batch);
  const double *u = tangent ? batch.tangent : batch.solution;
  if (!run(&batch, BATCH_ADJOINT | (tangent ? BATCH_TANGENT : 0), seed)) return NAN;
  const double left = dot(batch.grad_output, u, all);
  double right = 0, size = sqrt(dot(batch.grad_output, batch.grad_output, all) * dot(u, u, all));
  for (int32_t i = 0; i < ARRAYS; i++) {
    const test_array *a = &batch.arrays[i];
    const double *p = tangent ? a->direction : a->numbers;
    if (!tangent && (i == COEFFICIENTS || i == STEPS)) continue;
    right += dot(a->gradient, p, batch_count(a));
    size += sqrt(dot(a->gradient, a->gradient, batch_count(a)) * dot(p, p, batch_count(a)));
  }
  const double epsilon = batch.shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON;
  const double difference = fabs(left - right) / size * (DBL_EPSILON / epsilon);
  if (!(difference < 1e-12)) {
    printf("dot products %.17g and %.17g, relative difference in epsilons %g: ", left, right,
           difference / DBL_EPSILON);
    batch_print(&batch, seed);
  }
  batch_close(&batch);
  return difference;
}

static double half_square(const test_batch *batch) {
  return dot(batch->solution, batch->solution, numbers_of(batch)) / 2;
}

/* Slope of the Taylor remainder in one input between two lengths of step. */
static double taylor_slope(test_batch *batch, test_array *input, bool relative, uint64_t seed) {
  const int64_t count = batch_count(input);
  const size_t bytes = (size_t)count * sizeof(double);
  double *start = malloc(bytes), *direction = malloc(bytes), *gradient = malloc(bytes);
  memcpy(start, input->numbers, bytes);
  memcpy(gradient, input->gradient, bytes);
  const double value = half_square(batch);
  for (int64_t i = 0; i < count; i++)
    direction[i] = batch_uniform(seed + 1000, i, -1, 1) * (relative ? fabs(start[i]) : 1);
  const double slope = dot(gradient, direction, count);
  double remainder[2] = {NAN, NAN};
  for (int32_t level = 0; level < 2; level++) {
    const double a = level == 0 ? 0x1p-11 : 0x1p-13;
    for (int64_t i = 0; i < count; i++) input->numbers[i] = start[i] + a * direction[i];
    if (run(batch, BATCH_SOLVE, seed)) remainder[level] = fabs(half_square(batch) - value - a * slope);
  }
  memcpy(input->numbers, start, bytes);
  free(start);
  free(direction);
  free(gradient);
  return log2(remainder[0] / remainder[1]) / 2;
}

/* Returns how far the worst slope is from 2, for each input. */
static void taylor(uint64_t seed, neurlp_initial initial, double farthest[ARRAYS]) {
  test_batch batch;
  open(&batch, seed, initial, NEURLP_DOUBLE);
  if (!run(&batch, BATCH_SOLVE, seed)) check_true("solve", false);
  memcpy(batch.grad_output, batch.solution, (size_t)numbers_of(&batch) * sizeof(double));
  for (int32_t i = 0; i < ARRAYS; i++) {
    if (batch_count(&batch.arrays[i]) == 0) continue;
    if (!run(&batch, BATCH_ADJOINT, seed)) check_true("adjoint", false);
    const double slope = taylor_slope(&batch, &batch.arrays[i], i == COEFFICIENTS || i == STEPS, seed);
    farthest[i] = worse(farthest[i], fabs(slope - 2));
    if (!(fabs(slope - 2) < 0.1)) {
      printf("%s, slope %g: ", batch.arrays[i].name, slope);
      batch_print(&batch, seed);
    }
  }
  batch_close(&batch);
}

/* |u(x + a p) - u(x) - a tangent(p)|, all inputs moved at once. */
static double tangent_remainder(test_batch *moved, const test_batch *batch, double a, uint64_t seed) {
  double sum = 0;
  for (int32_t i = 0; i < ARRAYS; i++)
    for (int64_t p = 0; p < batch_count(&batch->arrays[i]); p++)
      moved->arrays[i].numbers[p] = batch->arrays[i].numbers[p] + a * batch->arrays[i].direction[p];
  if (!run(moved, BATCH_SOLVE, seed)) return NAN;
  for (int64_t i = 0; i < numbers_of(batch); i++)
    sum += pow(moved->solution[i] - batch->solution[i] - a * batch->tangent[i], 2);
  return sqrt(sum);
}

static double taylor_tangent(uint64_t seed, neurlp_initial initial) {
  test_batch batch, moved;
  open(&batch, seed, initial, NEURLP_DOUBLE);
  open(&moved, seed, initial, NEURLP_DOUBLE);
  double slope = NAN;
  if (run(&batch, BATCH_TANGENT, seed))
    slope = log2(tangent_remainder(&moved, &batch, 0x1p-11, seed) /
                 tangent_remainder(&moved, &batch, 0x1p-13, seed)) /
            2;
  if (!(fabs(slope - 2) < 0.1)) {
    printf("tangent, slope %g: ", slope);
    batch_print(&batch, seed);
  }
  batch_close(&batch);
  batch_close(&moved);
  return fabs(slope - 2);
}

static void check_all(neurlp_initial initial) {
  static const char *const names[ARRAYS] = {"coefficients", "rhs", "initial values", "final values", "steps"};
  const char *kind = initial == NEURLP_INITIAL_HARD ? "hard" : "soft";
  double linear = 0, tangent = 0, remainder = 0, farthest[ARRAYS] = {0};
  char what[80];
  for (int64_t i = 0; i < 2 * DOTS; i++) {
    linear = worse(linear, dot_difference(seed_of(i, DOTS), initial, false));
    tangent = worse(tangent, dot_difference(seed_of(i, DOTS), initial, true));
  }
  snprintf(what, sizeof what, "dot products, solution and adjoint, %s values, relative", kind);
  check_below(what, linear, 1e-12);
  snprintf(what, sizeof what, "dot products, tangent and adjoint, %s values, relative", kind);
  check_below(what, tangent, 1e-12);
  for (int64_t i = 0; i < 2 * TAYLORS; i++) {
    taylor(seed_of(i, TAYLORS), initial, farthest);
    remainder = worse(remainder, taylor_tangent(seed_of(i, TAYLORS), initial));
  }
  for (int32_t i = 0; i < ARRAYS; i++) {
    snprintf(what, sizeof what, "Taylor remainder, %s, %s values: |slope - 2|", names[i], kind);
    check_below(what, farthest[i], 0.1);
  }
  snprintf(what, sizeof what, "Taylor remainder, tangent, %s values: |slope - 2|", kind);
  check_below(what, remainder, 0.1);
}

int main(void) {
  check_all(NEURLP_INITIAL_HARD);
  check_all(NEURLP_INITIAL_SOFT);
  return check_verdict();
}
