/* Backends: found by name; and cpu:check gives the numbers of cpu to the last bit. */
#include "block/backend.h"
#include "block/batch.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------------------- */

static void check_message(const neurlp_context *context, const char *word) {
  char what[128];
  snprintf(what, sizeof what, "the message says '%s'", word);
  check_true(what, strstr(neurlp_context_message(context), word) != NULL);
}

static void check_names(neurlp_context *context) {
  check_true("the default is cpu", strcmp(neurlp_context_backend(context), "cpu") == 0);
  check_equal("cpu:check", neurlp_context_set_backend(context, "cpu:check"), NEURLP_SUCCESS);
  check_equal("cuda", neurlp_context_set_backend(context, "cuda"), NEURLP_ERROR_ARGUMENT);
  check_message(context, "cuda: this build has none; configure with -DNEURLP_CUDA=ON");
  check_equal("abacus", neurlp_context_set_backend(context, "abacus"), NEURLP_ERROR_ARGUMENT);
  check_message(context, "abacus");
  check_message(context, "cpu, cpu:check, cuda");
  check_true("the backend stays", strcmp(neurlp_context_backend(context), "cpu:check") == 0);
  check_equal("cpu", neurlp_context_set_backend(context, "cpu"), NEURLP_SUCCESS);
  check_true("find cpu", neurlp_backend_find("cpu") == neurlp_backend_cpu());
  check_true("find cpu:check", neurlp_backend_find("cpu:check") == neurlp_backend_cpu_check());
  check_true("find cuda, abacus", !neurlp_backend_find("cuda") && !neurlp_backend_find("abacus"));
}

/* ---- the same numbers -------------------------------------------------------------------------------- */

/* Solve, adjoint and slack of the batch's first systems on a backend. Returns the adjoint's status. */
static neurlp_status run_on(const char *backend, test_batch *batch, int64_t systems) {
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_inputs inputs = batch->inputs;
  inputs.systems = systems;
  neurlp_status status = neurlp_context_create(2, &context);
  if (status == 0) status = neurlp_context_set_backend(context, backend);
  if (status == 0) status = neurlp_problem_create(context, &batch->shape, &batch->formulation, &problem);
  if (status == 0) {
    const size_t before = neurlp_context_memory(context).current_bytes;
    status = neurlp_solver_create(context, problem, &solver);
    if (neurlp_context_memory(context).current_bytes - before !=
        neurlp_solver_workspace_bytes(context, problem))
      status = NEURLP_ERROR_INTERNAL;
  }
  if (status == 0) status = neurlp_solver_solve(solver, &inputs, batch->solution, batch->status);
  if (status >= 0)
    status = neurlp_solver_adjoint(solver, &inputs, batch->solution, batch->grad_output, &batch->gradients,
                                   batch->status);
  if (status >= 0 && batch->formulation.slack &&
      neurlp_solver_slack(solver, &inputs, batch->solution, batch->slack) < 0)
    status = NEURLP_ERROR_INTERNAL;
  if (status < 0) printf("%s\n", neurlp_context_message(context));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  if (context && neurlp_context_memory(context).blocks != 0) status = NEURLP_ERROR_INTERNAL;
  neurlp_context_destroy(&context);
  return status;
}

static int64_t differing_bytes(const void *one, const void *other, int64_t count, size_t size) {
  const unsigned char *x = one, *y = other;
  int64_t different = 0;
  for (size_t i = 0; i < (size_t)count * size; i++) different += x[i] != y[i];
  return different;
}

/* Bytes of the outputs that differ, over all systems: those that a call leaves alone are zeros in both. */
static int64_t compare_outputs(const test_batch *one, const test_batch *other) {
  const int64_t S = one->shape.systems;
  const neurlp_gradients *g = &one->gradients, *h = &other->gradients;
  return differing_bytes(one->solution, other->solution, S * one->size_solution, sizeof(double)) +
         differing_bytes(g->coefficients, h->coefficients, S * one->size_coefficients, sizeof(double)) +
         differing_bytes(g->rhs, h->rhs, S * one->size_rhs, sizeof(double)) +
         differing_bytes(g->initial_values, h->initial_values, S * one->size_initial_values, sizeof(double)) +
         differing_bytes(g->steps, h->steps, S * one->size_steps, sizeof(double)) +
         differing_bytes(one->slack, other->slack, S * one->shape.columns, sizeof(double)) +
         differing_bytes(one->status, other->status, S, sizeof(neurlp_status));
}

/* Random batches, every third with a system that fails, every other with fewer systems than the problem has.
 */
static void check_same_numbers(void) {
  int64_t different = 0, wrong_status = 0, failed = 0, ragged_batches = 0;
  for (uint64_t seed = 0; seed < 60; seed++) {
    neurlp_shape shape;
    neurlp_formulation formulation;
    test_batch batches[2];
    neurlp_status status[2];
    bool ragged = false;
    batch_random_shape(seed, &shape, &formulation, &ragged);
    const int64_t systems = seed % 2 == 0 ? shape.systems : (shape.systems + 1) / 2;
    for (int32_t i = 0; i < 2; i++) {
      batch_open(&batches[i], &shape, &formulation, ragged, seed);
      if (seed % 3 == 0) batches[i].steps[(systems - 1) * batches[i].size_steps] = seed % 2 ? -1 : NAN;
      status[i] = run_on(i == 0 ? "cpu" : "cpu:check", &batches[i], systems);
    }
    different += compare_outputs(&batches[0], &batches[1]);
    wrong_status += status[0] < 0 || status[0] != status[1];
    failed += status[1] == NEURLP_SOME_FAILED;
    ragged_batches += ragged;
    for (int32_t i = 0; i < 2; i++) batch_close(&batches[i]);
  }
  check_equal("bytes in which cpu:check differs from cpu", different, 0);
  check_equal("calls with different statuses, or that failed", wrong_status, 0);
  check_above("batches with a failed system", (double)failed, 20);
  check_above("ragged batches", (double)ragged_batches, 10);
}

int main(void) {
  neurlp_context *context = NULL;
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  check_names(context);
  check_same_numbers();
  neurlp_context_destroy(&context);
  return check_verdict();
}
