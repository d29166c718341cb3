#include "block/batch.h"

#include "core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

void batch_random_shape(uint64_t seed, neurlp_shape *shape, neurlp_formulation *formulation, bool *ragged) {
  /* High orders in one dimension only, to keep the dense matrices small. */
  const int32_t D = batch_integer(seed, 1, 1, 3), d = batch_integer(seed, 0, 1, D == 1 ? 6 : 4);
  /* More equations than dimensions, as many, or fewer; those with fewer are given values at every step. */
  const int32_t E = batch_integer(seed, 2, 0, 3) == 0 ? batch_integer(seed, 3, 0, D + 2) : D;
  const bool fewer = E < D;
  *shape = (neurlp_shape){.systems = batch_integer(seed, 4, 1, 19),
                          .steps = batch_integer(seed, 5, 4, 9),
                          .dimensions = D,
                          .order = d,
                          .equations = E,
                          .initial_steps = batch_integer(seed, 6, 1, 3),
                          .initial_derivatives = batch_integer(seed, 7, 1, d + 1),
                          .columns = batch_integer(seed, 8, 0, 2) == 0 ? batch_integer(seed, 9, 2, 5) : 1,
                          .steps_per_dimension = batch_integer(seed, 10, 0, 1) == 1};
  *ragged = !fewer && batch_integer(seed, 11, 0, 1) == 1;
  if (fewer) shape->initial_steps = shape->steps;
  random_family(seed, formulation);
  formulation->initial = batch_integer(seed, 12, 0, 1) ? NEURLP_INITIAL_SOFT : NEURLP_INITIAL_HARD;
  formulation->nominal_step = pow(10, batch_uniform(seed, 13, -2, 0.5));
  formulation->leading_derivative = batch_integer(seed, 14, 1, d);
  /* Fewer values than the leading derivative leave high orders undetermined but for rounding. */
  if (d > 4 && shape->initial_derivatives < formulation->leading_derivative)
    shape->initial_derivatives = formulation->leading_derivative;
  if (batch_integer(seed, 15, 0, 1)) {
    formulation->weight_equation = pow(10, batch_uniform(seed, 16, -1, 0)) *
                                   pow(formulation->nominal_step, formulation->leading_derivative);
    formulation->weight_initial = pow(10, batch_uniform(seed, 17, -1, 1));
    formulation->weight_smoothness = pow(10, batch_uniform(seed, 18, -1, 1));
    formulation->weight_top = pow(10, batch_uniform(seed, 19, -3, 0));
  }
}

static double *numbers(int64_t count) {
  return calloc((size_t)count + 1, sizeof(double));
}

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
  for (int64_t i = 0; i < z->systems * z->steps * z->equations; i++)
    for (int32_t c = 0; c < per; c++) {
      const int32_t k = c / (z->order + 1), j = c % (z->order + 1);
      double *x = &batch->coefficients[i * per + c];
      *x = 0.5 * *x * pow(h, j - kappa);
      if (j == kappa && k == i % z->equations % z->dimensions) *x += 2;
    }
}

void batch_open(test_batch *batch, const neurlp_shape *shape, const neurlp_formulation *formulation,
                bool ragged, uint64_t seed) {
  const int64_t S = shape->systems, T = shape->steps, D = shape->dimensions, n = D * (shape->order + 1);
  const int64_t E = shape->equations, R = shape->columns;
  batch->shape = *shape;
  batch->formulation = *formulation;
  batch->size_coefficients = T * E * n;
  batch->size_rhs = T * E * R;
  batch->size_initial_values = shape->initial_steps * D * shape->initial_derivatives * R;
  batch->size_steps = (T - 1) * (shape->steps_per_dimension ? D : 1);
  batch->size_solution = T * n * R;
  batch->coefficients = numbers(S * batch->size_coefficients);
  batch->rhs = numbers(S * batch->size_rhs);
  batch->initial_values = numbers(S * batch->size_initial_values);
  batch->steps = numbers(S * batch->size_steps);
  batch->grad_output = numbers(S * batch->size_solution);
  batch->solution = numbers(S * batch->size_solution);
  batch->slack = numbers(S * R);
  batch->gradients = (neurlp_gradients){.coefficients = numbers(S * batch->size_coefficients),
                                        .rhs = numbers(S * batch->size_rhs),
                                        .initial_values = numbers(S * batch->size_initial_values),
                                        .steps = numbers(S * batch->size_steps)};
  batch->lengths = calloc((size_t)S + 1, sizeof(int32_t));
  batch->status = calloc((size_t)S + 1, sizeof(neurlp_status));
  fill(batch->coefficients, S, batch->size_coefficients, seed, 0);
  fill(batch->rhs, S, batch->size_rhs, seed, 1 << 20);
  fill(batch->initial_values, S, batch->size_initial_values, seed, 2 << 20);
  fill(batch->grad_output, S, batch->size_solution, seed, 3 << 20);
  for (int64_t s = 0; s < S; s++) {
    const int32_t least = shape->initial_steps > 4 ? shape->initial_steps : 4;
    const double u = neurlp_random_uniform(seed, NEURLP_RANDOM_TEST, s, 5 << 20);
    batch->lengths[s] = ragged ? least + (int32_t)(u * (double)(T - least + 1)) : (int32_t)T;
    for (int64_t i = 0; i < batch->size_steps; i++)
      batch->steps[s * batch->size_steps + i] =
          formulation->nominal_step *
          exp2(2 * neurlp_random_uniform(seed, NEURLP_RANDOM_TEST, s, (4 << 20) + i) - 1);
  }
  shape_coefficients(batch);
  batch->inputs = (neurlp_inputs){.systems = S,
                                  .coefficients = batch->coefficients,
                                  .rhs = batch->rhs,
                                  .initial_values = batch->initial_values,
                                  .steps = batch->steps,
                                  .lengths = ragged ? batch->lengths : NULL};
}

void batch_close(test_batch *batch) {
  free(batch->coefficients);
  free(batch->rhs);
  free(batch->initial_values);
  free(batch->steps);
  free(batch->grad_output);
  free(batch->solution);
  free(batch->slack);
  free(batch->gradients.coefficients);
  free(batch->gradients.rhs);
  free(batch->gradients.initial_values);
  free(batch->gradients.steps);
  free(batch->lengths);
  free(batch->status);
}

neurlp_status batch_run(test_batch *batch, int32_t threads, bool adjoint) {
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status status = neurlp_context_create(threads, &context);
  if (status < 0) goto done;
  if (getenv("NEURLP_TEST_BACKEND"))
    status = neurlp_context_set_backend(context, getenv("NEURLP_TEST_BACKEND"));
  if (status < 0) goto done;
  status = neurlp_problem_create(context, &batch->shape, &batch->formulation, &problem);
  if (status < 0) goto done;
  status = neurlp_solver_create(context, problem, &solver);
  if (status < 0) goto done;
  status = neurlp_solver_solve(solver, &batch->inputs, batch->solution, batch->status);
  if (adjoint && status >= 0)
    status = neurlp_solver_adjoint(solver, &batch->inputs, batch->solution, batch->grad_output,
                                   &batch->gradients, batch->status);
  if (batch->formulation.slack && status >= 0 &&
      neurlp_solver_slack(solver, &batch->inputs, batch->solution, batch->slack) < 0)
    status = NEURLP_ERROR_INTERNAL;
done:
  if (status < 0 && context) printf("%s\n", neurlp_context_message(context));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  return status;
}

void batch_print(const test_batch *batch, uint64_t seed) {
  const neurlp_shape *z = &batch->shape;
  const neurlp_formulation *f = &batch->formulation;
  printf("seed %llu: S %lld T %d D %d d %d E %d K %d J %d R %d per dimension %d ragged %d %s%s%s%s %s h %g "
         "kappa %d "
         "weights %g %g %g %g\n",
         (unsigned long long)seed, (long long)z->systems, z->steps, z->dimensions, z->order, z->equations,
         z->initial_steps, z->initial_derivatives, z->columns, z->steps_per_dimension,
         batch->inputs.lengths != NULL, f->smoothness == NEURLP_SMOOTHNESS_TAYLOR ? "taylor" : "hermite",
         f->central ? " central" : "", f->slack ? " slack" : "", f->periodic ? " periodic" : "",
         f->initial == NEURLP_INITIAL_HARD ? "hard" : "soft", f->nominal_step, f->leading_derivative,
         f->weight_equation, f->weight_initial, f->weight_smoothness, f->weight_top);
}
