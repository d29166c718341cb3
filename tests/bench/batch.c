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

static void set_sizes(bench_batch *batch, const neurlp_shape *shape) {
  const int64_t T = shape->steps, D = shape->dimensions, n = D * (shape->order + 1);
  const int64_t E = shape->equations, R = shape->columns;
  batch->size_coefficients = T * E * n;
  batch->size_rhs = T * E * R;
  batch->size_initial_values = shape->initial_steps * D * shape->initial_derivatives * R;
  batch->size_steps = T - 1;
  batch->size_solution = T * n * R;
}

double bench_batch_bytes(const neurlp_shape *shape) {
  bench_batch sizes;
  set_sizes(&sizes, shape);
  const int64_t inputs =
      sizes.size_coefficients + sizes.size_rhs + sizes.size_initial_values + sizes.size_steps;
  return (double)shape->systems * (double)(2 * inputs + 2 * sizes.size_solution) * sizeof(double);
}

/* Each thread fills the systems that it will later solve, so that pages lie next to it. */
static void fill(double *x, int64_t systems, int64_t size, int64_t array, double mean, double spread) {
#pragma omp parallel for schedule(static)
  for (int64_t s = 0; s < systems; s++)
    for (int64_t i = 0; i < size; i++)
      x[s * size + i] =
          mean + spread * (2 * neurlp_random_uniform(1, NEURLP_RANDOM_TEST, s, (array << 40) + i) - 1);
}

/* u_e^(kappa) + sum over j < kappa of (1 +- 0.2) u_e^(j) + (+- 0.1) of each other dimension. */
static void shape_coefficients(bench_batch *batch) {
  const neurlp_shape *z = &batch->shape;
  const int32_t kappa = batch->formulation.leading_derivative;
  double *c = batch->coefficients;
  for (int64_t i = 0; i < z->systems * z->steps * z->equations; i++)
    for (int32_t k = 0; k < z->dimensions; k++)
      for (int32_t j = 0; j <= z->order; j++, c++) {
        const bool own = k == i % z->equations;
        const double random = *c;
        if (j < kappa)
          *c = own ? 1 + 0.2 * random : 0.1 * random;
        else
          *c = own && j == kappa ? 1 : 0;
      }
}

static double *numbers(int64_t systems, int64_t size) {
  return calloc((size_t)(systems * size) + 1, sizeof(double));
}

bool bench_outputs_open(bench_outputs *outputs, const bench_batch *batch) {
  const int64_t S = batch->shape.systems;
  outputs->solution = numbers(S, batch->size_solution);
  outputs->gradients = (neurlp_gradients){.coefficients = numbers(S, batch->size_coefficients),
                                          .rhs = numbers(S, batch->size_rhs),
                                          .initial_values = numbers(S, batch->size_initial_values),
                                          .steps = numbers(S, batch->size_steps)};
  return outputs->solution && outputs->gradients.coefficients && outputs->gradients.rhs &&
         outputs->gradients.initial_values && outputs->gradients.steps;
}

void bench_outputs_close(bench_outputs *outputs) {
  free(outputs->solution);
  free(outputs->gradients.coefficients);
  free(outputs->gradients.rhs);
  free(outputs->gradients.initial_values);
  free(outputs->gradients.steps);
}

bool bench_batch_open(bench_batch *batch, const neurlp_shape *shape) {
  const int64_t S = shape->systems;
  memset(batch, 0, sizeof *batch);
  batch->shape = *shape;
  batch->formulation = neurlp_formulation_default();
  batch->formulation.nominal_step = STEP;
  batch->formulation.leading_derivative = leading(shape->order);
  set_sizes(batch, shape);
  batch->coefficients = numbers(S, batch->size_coefficients);
  batch->rhs = numbers(S, batch->size_rhs);
  batch->initial_values = numbers(S, batch->size_initial_values);
  batch->steps = numbers(S, batch->size_steps);
  batch->grad_output = numbers(S, batch->size_solution);
  batch->status = calloc((size_t)S + 1, sizeof *batch->status);
  if (!bench_outputs_open(&batch->outputs, batch) || !batch->coefficients || !batch->rhs ||
      !batch->initial_values || !batch->steps || !batch->grad_output || !batch->status)
    return false;
  fill(batch->coefficients, S, batch->size_coefficients, 0, 0, 1);
  fill(batch->rhs, S, batch->size_rhs, 1, 0, 1);
  fill(batch->initial_values, S, batch->size_initial_values, 2, 0, 1);
  fill(batch->steps, S, batch->size_steps, 3, STEP, 0.2 * STEP);
  fill(batch->grad_output, S, batch->size_solution, 4, 0, 1);
  shape_coefficients(batch);
  batch->inputs = (neurlp_inputs){.systems = S,
                                  .coefficients = batch->coefficients,
                                  .rhs = batch->rhs,
                                  .initial_values = batch->initial_values,
                                  .steps = batch->steps};
  return true;
}

void bench_batch_close(bench_batch *batch) {
  free(batch->coefficients);
  free(batch->rhs);
  free(batch->initial_values);
  free(batch->steps);
  free(batch->grad_output);
  free(batch->status);
  bench_outputs_close(&batch->outputs);
}
