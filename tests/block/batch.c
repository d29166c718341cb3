#include "block/batch.h"

#include "core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double batch_uniform(uint64_t seed, int64_t index, double from, double to) {
  return from + (to - from) * neurlp_random_uniform(seed, NEURLP_RANDOM_TEST, -1, index);
}

int32_t batch_integer(uint64_t seed, int64_t index, int32_t from, int32_t to) {
  return from + (int32_t)floor(batch_uniform(seed, index, 0, to - from + 1));
}

/* Half of them hermite, the others taylor rows, taylor and central rows, or these with the slack. */
static void random_family(uint64_t seed, neurlp_formulation *formulation) {
  const int32_t family = batch_integer(seed, 20, 0, 5);
  *formulation = family < 3    ? neurlp_formulation_default()
                 : family == 5 ? neurlp_formulation_mnn()
                               : neurlp_formulation_smnn();
  formulation->central = family >= 4;
  formulation->periodic = batch_integer(seed, 21, 0, 3) == 0;
}

static void random_weights(uint64_t seed, neurlp_formulation *formulation) {
  formulation->weight_equation = pow(10, batch_uniform(seed, 16, -1, 0)) *
                                 pow(formulation->nominal_step, formulation->leading_derivative);
  formulation->weight_initial = pow(10, batch_uniform(seed, 17, -1, 1));
  formulation->weight_smoothness = pow(10, batch_uniform(seed, 18, -1, 1));
  formulation->weight_top = pow(10, batch_uniform(seed, 19, -3, 0));
}

/* Final values at the step after the last initial ones, at the earliest: the same unknown is not given twice.
 */
static void random_options(uint64_t seed, test_case *drawn) {
  neurlp_shape *z = &drawn->shape;
  if (batch_integer(seed, 30, 0, 1)) z->final_derivatives = batch_integer(seed, 31, 1, z->order + 1);
  if (z->final_derivatives > 0 && z->initial_steps == z->steps) z->initial_steps--;
  if (batch_integer(seed, 32, 0, 1)) {
    z->coefficients_sharing = (neurlp_sharing)batch_integer(seed, 33, 0, 3);
    z->rhs_sharing = (neurlp_sharing)batch_integer(seed, 34, 0, 3);
    z->steps_sharing = (neurlp_sharing)batch_integer(seed, 35, 0, 3);
    z->values_sharing = (neurlp_sharing)batch_integer(seed, 36, 0, 1);
  }
  drawn->prepared = batch_integer(seed, 37, 0, 3) == 0;
  if (drawn->prepared) {
    drawn->ragged = false;
    z->coefficients_sharing = batch_integer(seed, 38, 0, 1) ? NEURLP_SHARED : NEURLP_SHARED_CONSTANT;
    z->steps_sharing = batch_integer(seed, 39, 0, 1) ? NEURLP_SHARED : NEURLP_SHARED_CONSTANT;
  }
  const int32_t precision = batch_integer(seed, 40, 0, 5);
  z->precision = precision == 4 ? NEURLP_SINGLE : precision == 5 ? NEURLP_MIXED : NEURLP_DOUBLE;
}

test_case batch_random(uint64_t seed) {
  test_case drawn = {0};
  neurlp_formulation *f = &drawn.formulation;
  /* High orders in one dimension only, to keep the dense matrices small. */
  const int32_t D = batch_integer(seed, 1, 1, 3), d = batch_integer(seed, 0, 1, D == 1 ? 6 : 4);
  /* More equations than dimensions, as many, or fewer; those with fewer are given values at every step. */
  const int32_t E = batch_integer(seed, 2, 0, 3) == 0 ? batch_integer(seed, 3, 0, D + 2) : D;
  const bool fewer = E < D;
  drawn.shape =
      (neurlp_shape){.systems = batch_integer(seed, 4, 1, 19),
                     .steps = batch_integer(seed, 5, 4, 9),
                     .dimensions = D,
                     .order = d,
                     .equations = E,
                     .initial_steps = batch_integer(seed, 6, 1, 3),
                     .initial_derivatives = batch_integer(seed, 7, 1, d + 1),
                     .columns = batch_integer(seed, 8, 0, 2) == 0 ? batch_integer(seed, 9, 2, 5) : 1,
                     .steps_per_dimension = batch_integer(seed, 10, 0, 1) == 1};
  drawn.ragged = !fewer && batch_integer(seed, 11, 0, 1) == 1;
  if (fewer) drawn.shape.initial_steps = drawn.shape.steps;
  random_family(seed, f);
  f->initial = batch_integer(seed, 12, 0, 1) ? NEURLP_INITIAL_SOFT : NEURLP_INITIAL_HARD;
  f->nominal_step = pow(10, batch_uniform(seed, 13, -2, 0.5));
  f->leading_derivative = batch_integer(seed, 14, 1, d);
  /* Fewer values than the leading derivative leave high orders undetermined but for rounding. */
  if (d > 4 && drawn.shape.initial_derivatives < f->leading_derivative)
    drawn.shape.initial_derivatives = f->leading_derivative;
  if (batch_integer(seed, 15, 0, 1)) random_weights(seed, f);
  if (seed > BATCH_PLAIN_SEEDS) random_options(seed, &drawn);
  if (batch_integer(seed, 41, 0, 1)) drawn.shape.piece_intervals = batch_integer(seed, 42, 1, 4);
  drawn.shape.keep_factors = batch_integer(seed, 43, 0, 1) == 1;
  return drawn;
}

int64_t batch_steps(const test_batch *batch, int32_t array, int64_t s) {
  const int64_t whole = batch->arrays[array].whole;
  const bool cut = array == COEFFICIENTS || array == RHS || array == STEPS;
  return cut ? whole - (batch->shape.steps - batch->lengths[s]) : whole;
}

static double *new_numbers(int64_t count) {
  return calloc((size_t)count + 1, sizeof(double));
}

static test_array new_array(const char *name, int64_t S, int64_t whole, int64_t each,
                            neurlp_sharing sharing) {
  const bool shared = sharing == NEURLP_SHARED || sharing == NEURLP_SHARED_CONSTANT;
  const bool constant = sharing == NEURLP_CONSTANT || sharing == NEURLP_SHARED_CONSTANT;
  test_array a = {.name = name, .whole = whole, .each = each};
  a.systems = shared ? 1 : S;
  a.steps = constant ? 1 : whole;
  a.step_stride = constant ? 0 : each;
  a.system_stride = shared ? 0 : a.steps * each;
  a.numbers = new_numbers(batch_count(&a));
  a.gradient = new_numbers(batch_count(&a));
  a.direction = new_numbers(batch_count(&a));
  return a;
}

static void new_arrays(test_batch *batch) {
  const neurlp_shape *z = &batch->shape;
  const int64_t S = z->systems, T = z->steps, D = z->dimensions, R = z->columns;
  test_array *a = batch->arrays;
  a[COEFFICIENTS] =
      new_array("coefficients", S, T, z->equations * D * (z->order + 1), z->coefficients_sharing);
  a[RHS] = new_array("rhs", S, T, z->equations * R, z->rhs_sharing);
  a[INITIAL_VALUES] =
      new_array("initial values", S, z->initial_steps, D * z->initial_derivatives * R, z->values_sharing);
  a[FINAL_VALUES] = new_array("final values", S, 1, D * z->final_derivatives * R, z->values_sharing);
  a[STEPS] = new_array("steps", S, T - 1, z->steps_per_dimension ? D : 1, z->steps_sharing);
}

/* Normal numbers; number i of a system depends on the system's index and i. */
static void fill(double *x, int64_t systems, int64_t size, uint64_t seed, int64_t offset) {
  for (int64_t s = 0; s < systems; s++)
    for (int64_t i = 0; i < size; i++)
      x[s * size + i] = neurlp_random_normal(seed, NEURLP_RANDOM_TEST, s, offset + i);
}

/* c_e = normal numbers / h^j, and the leading derivative of dimension e gets 2 / h^kappa more. */
static void shape_coefficients(test_batch *batch) {
  const neurlp_shape *z = &batch->shape;
  const int32_t per = z->dimensions * (z->order + 1), kappa = batch->formulation.leading_derivative;
  const double h = batch->formulation.nominal_step;
  test_array *a = &batch->arrays[COEFFICIENTS];
  for (int64_t i = 0; i < batch_count(a); i++) {
    const int64_t c = i % per, e = i / per % z->equations;
    const int32_t k = (int32_t)c / (z->order + 1), j = (int32_t)c % (z->order + 1);
    a->numbers[i] *= 0.5 * pow(h, j - kappa);
    if (j == kappa && k == e % z->dimensions) a->numbers[i] += 2;
  }
}

/* Directions change coefficients and steps by a part of themselves, so that they suit any unit of time. */
static void fill_arrays(test_batch *batch, uint64_t seed) {
  static const int64_t offset[ARRAYS] = {0, 1 << 20, 2 << 20, 6 << 20, 4 << 20};
  for (int32_t i = 0; i < ARRAYS; i++) {
    test_array *a = &batch->arrays[i];
    const int64_t size = a->steps * a->each;
    if (i == STEPS)
      for (int64_t p = 0; p < batch_count(a); p++)
        a->numbers[p] =
            batch->formulation.nominal_step *
            exp2(2 * neurlp_random_uniform(seed, NEURLP_RANDOM_TEST, p / size, offset[i] + p % size) - 1);
    else
      fill(a->numbers, a->systems, size, seed, offset[i]);
  }
  shape_coefficients(batch);
  for (int32_t i = 0; i < ARRAYS; i++) {
    test_array *a = &batch->arrays[i];
    fill(a->direction, a->systems, a->steps * a->each, seed, (8 + i) << 20);
    for (int64_t p = 0; p < batch_count(a) && (i == COEFFICIENTS || i == STEPS); p++)
      a->direction[p] *= 0.1 * a->numbers[p];
  }
}

static void round_to_float(double *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = (double)(float)x[i];
}

void batch_open(test_batch *batch, const test_case *drawn, uint64_t seed) {
  const neurlp_shape *z = &drawn->shape;
  const int64_t S = z->systems, T = z->steps;
  *batch = (test_batch){.shape = *z,
                        .formulation = drawn->formulation,
                        .ragged = drawn->ragged,
                        .prepared = drawn->prepared,
                        .systems = S};
  batch->size_solution = T * z->dimensions * (z->order + 1) * z->columns;
  new_arrays(batch);
  batch->grad_output = new_numbers(S * batch->size_solution);
  batch->solution = new_numbers(S * batch->size_solution);
  batch->tangent = new_numbers(S * batch->size_solution);
  batch->slack = new_numbers(S * z->columns);
  batch->lengths = calloc((size_t)S + 1, sizeof(int32_t));
  batch->status = calloc((size_t)S + 1, sizeof(neurlp_status));
  fill_arrays(batch, seed);
  fill(batch->grad_output, S, batch->size_solution, seed, 3 << 20);
  const int32_t given = z->initial_steps + (z->final_derivatives > 0), least = given > 4 ? given : 4;
  for (int64_t s = 0; s < S; s++) {
    const double u = neurlp_random_uniform(seed, NEURLP_RANDOM_TEST, s, 5 << 20);
    batch->lengths[s] = drawn->ragged ? least + (int32_t)(u * (double)(T - least + 1)) : (int32_t)T;
  }
  if (z->precision != NEURLP_SINGLE) return;
  round_to_float(batch->grad_output, S * batch->size_solution);
  for (int32_t i = 0; i < ARRAYS; i++) {
    round_to_float(batch->arrays[i].numbers, batch_count(&batch->arrays[i]));
    round_to_float(batch->arrays[i].direction, batch_count(&batch->arrays[i]));
  }
}

void batch_close(test_batch *batch) {
  for (int32_t i = 0; i < ARRAYS; i++) {
    free(batch->arrays[i].numbers);
    free(batch->arrays[i].gradient);
    free(batch->arrays[i].direction);
  }
  free(batch->grad_output);
  free(batch->solution);
  free(batch->tangent);
  free(batch->slack);
  free(batch->lengths);
  free(batch->status);
}

static const char *initial_name(const neurlp_formulation *f) {
  return f->initial == NEURLP_INITIAL_HARD ? "hard" : "soft";
}

void batch_print(const test_batch *batch, uint64_t seed) {
  static const char *const precisions[] = {"double", "single", "mixed"};
  const neurlp_shape *z = &batch->shape;
  const neurlp_formulation *f = &batch->formulation;
  printf("seed %llu: S %lld T %d D %d d %d E %d K %d J %d JF %d R %d per dimension %d ragged %d %s%s%s%s %s ",
         (unsigned long long)seed, (long long)z->systems, z->steps, z->dimensions, z->order, z->equations,
         z->initial_steps, z->initial_derivatives, z->final_derivatives, z->columns, z->steps_per_dimension,
         batch->ragged, f->smoothness == NEURLP_SMOOTHNESS_TAYLOR ? "taylor" : "hermite",
         f->central ? " central" : "", f->slack ? " slack" : "", f->periodic ? " periodic" : "",
         initial_name(f));
  printf("%s pieces of %d%s%s sharing %d %d %d %d h %g kappa %d weights %g %g %g %g\n",
         precisions[z->precision], z->piece_intervals, z->keep_factors ? " kept" : "",
         batch->prepared ? " prepared" : "", z->coefficients_sharing, z->rhs_sharing, z->steps_sharing,
         z->values_sharing, f->nominal_step, f->leading_derivative, f->weight_equation, f->weight_initial,
         f->weight_smoothness, f->weight_top);
}
