#include "bench/batch.h"

#include "core/random.h"

#include <stdlib.h>
#include <string.h>

static const double STEP = 0.1;

/* Oscillators have a leading derivative of 2; with d = 1 they decay. */
static int32_t leading(int32_t order) {
  return order < 2 ? order : 2;
}

neurlp_shape bench_shape(int64_t systems, int32_t steps, int32_t dimensions, int32_t order, int32_t columns) {
  return (neurlp_shape){.systems = systems,
                        .steps = steps,
                        .dimensions = dimensions,
                        .order = order,
                        .equations = dimensions,
                        .initial_steps = 1,
                        .initial_derivatives = leading(order),
                        .columns = columns};
}

void bench_share(neurlp_shape *shape) {
  shape->coefficients_sharing = shape->steps_sharing = NEURLP_SHARED;
}

bool bench_is_shared(const neurlp_shape *shape) {
  return shape->coefficients_sharing == NEURLP_SHARED;
}

size_t bench_number_bytes(const neurlp_shape *shape) {
  return shape->precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
}

static void set_sizes(bench_batch *batch, const neurlp_shape *shape) {
  const int64_t T = shape->steps, D = shape->dimensions, n = D * (shape->order + 1);
  const int64_t E = shape->equations, R = shape->columns;
  batch->shape = *shape;
  batch->size[BENCH_COEFFICIENTS] = T * E * n;
  batch->size[BENCH_RHS] = T * E * R;
  batch->size[BENCH_INITIAL_VALUES] = shape->initial_steps * D * shape->initial_derivatives * R;
  batch->size[BENCH_STEPS] = T - 1;
  batch->size[BENCH_SOLUTION] = T * n * R;
}

int64_t bench_input_systems(const bench_batch *batch, int32_t array) {
  const bool may_be_shared = array == BENCH_COEFFICIENTS || array == BENCH_STEPS;
  return may_be_shared && bench_is_shared(&batch->shape) ? 1 : batch->shape.systems;
}

double bench_batch_bytes(const neurlp_shape *shape) {
  bench_batch sizes;
  double numbers = 0;
  set_sizes(&sizes, shape);
  for (int32_t i = 0; i < BENCH_INPUTS; i++)
    numbers += 2 * (double)(bench_input_systems(&sizes, i) * sizes.size[i]);
  numbers += 2 * (double)(shape->systems * sizes.size[BENCH_SOLUTION]);
  return numbers * (double)bench_number_bytes(shape);
}

static void store(const bench_batch *batch, void *array, int64_t i, double value) {
  if (batch->shape.precision == NEURLP_SINGLE)
    ((float *)array)[i] = (float)value;
  else
    ((double *)array)[i] = value;
}

/* Each thread fills the systems that it will later solve, so that pages lie next to it. */
static void fill(bench_batch *batch, void *x, int64_t systems, int64_t size, int64_t stream, double mean,
                 double spread) {
#pragma omp parallel for schedule(static)
  for (int64_t s = 0; s < systems; s++)
    for (int64_t i = 0; i < size; i++) {
      const double random = neurlp_random_uniform(1, NEURLP_RANDOM_TEST, s, (stream << 40) + i);
      store(batch, x, s * size + i, mean + spread * (2 * random - 1));
    }
}

/* u_e^(kappa) + sum over j < kappa of (1 +- 0.2) u_e^(j) + (+- 0.1) of each other dimension. */
static void fill_coefficients(bench_batch *batch) {
  const neurlp_shape *z = &batch->shape;
  const int32_t kappa = batch->formulation.leading_derivative, derivatives = z->order + 1;
  const int64_t size = batch->size[BENCH_COEFFICIENTS];
#pragma omp parallel for schedule(static)
  for (int64_t s = 0; s < bench_input_systems(batch, BENCH_COEFFICIENTS); s++)
    for (int64_t i = 0; i < size; i++) {
      const int64_t j = i % derivatives, k = i / derivatives % z->dimensions;
      const bool own = k == i / (derivatives * z->dimensions) % z->equations;
      const double random = 2 * neurlp_random_uniform(1, NEURLP_RANDOM_TEST, s, i) - 1;
      const double lower = own ? 1 + 0.2 * random : 0.1 * random;
      store(batch, batch->input[BENCH_COEFFICIENTS], s * size + i, j < kappa ? lower : own && j == kappa);
    }
}

static void *numbers(const bench_batch *batch, int64_t count) {
  return calloc((size_t)count + 1, bench_number_bytes(&batch->shape));
}

bool bench_outputs_open(bench_outputs *outputs, const bench_batch *batch) {
  bool good = true;
  for (int32_t i = 0; i < BENCH_ARRAYS; i++) {
    outputs->array[i] = numbers(batch, batch->shape.systems * batch->size[i]);
    good = good && outputs->array[i];
  }
  return good;
}

void bench_outputs_close(bench_outputs *outputs) {
  for (int32_t i = 0; i < BENCH_ARRAYS; i++) free(outputs->array[i]);
}

/* Everything that open and widen have in common. */
static bool allocate(bench_batch *batch, const neurlp_shape *shape, bool tangent) {
  memset(batch, 0, sizeof *batch);
  set_sizes(batch, shape);
  const int64_t S = shape->systems, size = batch->size[BENCH_SOLUTION];
  bool good = bench_outputs_open(&batch->outputs, batch);
  for (int32_t i = 0; i < BENCH_INPUTS; i++) {
    const int64_t count = bench_input_systems(batch, i) * batch->size[i];
    batch->input[i] = numbers(batch, count);
    if (tangent) batch->direction[i] = numbers(batch, count);
    good = good && batch->input[i] && (!tangent || batch->direction[i]);
  }
  batch->grad_output = numbers(batch, S * size);
  if (tangent) batch->tangent = numbers(batch, S * size);
  batch->status = calloc((size_t)S + 1, sizeof *batch->status);
  return good && batch->grad_output && (!tangent || batch->tangent) && batch->status;
}

bool bench_batch_open(bench_batch *batch, const neurlp_shape *shape, bool tangent) {
  if (!allocate(batch, shape, tangent)) return false;
  batch->formulation = neurlp_formulation_default();
  batch->formulation.nominal_step = STEP;
  batch->formulation.leading_derivative = leading(shape->order);
  fill_coefficients(batch);
  for (int32_t i = BENCH_RHS; i < BENCH_INPUTS; i++)
    fill(batch, batch->input[i], bench_input_systems(batch, i), batch->size[i], i,
         i == BENCH_STEPS ? STEP : 0, i == BENCH_STEPS ? 0.2 * STEP : 1);
  fill(batch, batch->grad_output, shape->systems, batch->size[BENCH_SOLUTION], BENCH_SOLUTION, 0, 1);
  for (int32_t i = 0; i < BENCH_INPUTS && tangent; i++)
    fill(batch, batch->direction[i], bench_input_systems(batch, i), batch->size[i], BENCH_ARRAYS + i, 0,
         i == BENCH_STEPS ? STEP : 1);
  return true;
}

void bench_batch_close(bench_batch *batch) {
  for (int32_t i = 0; i < BENCH_INPUTS; i++) {
    free(batch->input[i]);
    free(batch->direction[i]);
  }
  free(batch->grad_output);
  free(batch->tangent);
  free(batch->status);
  bench_outputs_close(&batch->outputs);
}

static void widen(const bench_batch *batch, const void *from, int64_t count, void *to) {
  double *target = to;
  for (int64_t i = 0; i < count && from; i++)
    target[i] = batch->shape.precision == NEURLP_SINGLE ? (double)((const float *)from)[i]
                                                        : ((const double *)from)[i];
}

bool bench_batch_widen(const bench_batch *batch, bench_batch *wide) {
  const int64_t S = batch->shape.systems;
  neurlp_shape shape = batch->shape;
  shape.precision = NEURLP_DOUBLE;
  if (!allocate(wide, &shape, batch->tangent != NULL)) return false;
  wide->formulation = batch->formulation;
  for (int32_t i = 0; i < BENCH_INPUTS; i++) {
    const int64_t count = bench_input_systems(batch, i) * batch->size[i];
    widen(batch, batch->input[i], count, wide->input[i]);
    widen(batch, batch->direction[i], count, wide->direction[i]);
  }
  for (int32_t i = 0; i < BENCH_ARRAYS; i++)
    widen(batch, batch->outputs.array[i], S * batch->size[i], wide->outputs.array[i]);
  widen(batch, batch->grad_output, S * batch->size[BENCH_SOLUTION], wide->grad_output);
  widen(batch, batch->tangent, S * batch->size[BENCH_SOLUTION], wide->tangent);
  return true;
}

const double *bench_input(const bench_batch *batch, int32_t array, int64_t s) {
  const int64_t own = bench_input_systems(batch, array) == 1 ? 0 : s;
  return (const double *)batch->input[array] + own * batch->size[array];
}

double *bench_output(const bench_batch *batch, const bench_outputs *outputs, int32_t array, int64_t s) {
  return (double *)outputs->array[array] + s * batch->size[array];
}
