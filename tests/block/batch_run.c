/* Calls of the library for a batch: objects, float copies, and a second run that must agree bit for bit. */
#include "block/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LOANS = 3 * ARRAYS + 4 };

/* Arrays as the library takes them: the batch's own, or float copies. */
typedef struct loan {
  double *own;
  float *lent;
  int64_t count;
} loan;

typedef struct loan_book {
  bool single;
  int32_t loans;
  loan made[MOST_LOANS];
} loan_book;

static void *lend(loan_book *book, double *own, int64_t count) {
  if (!book->single) return own;
  loan *made = &book->made[book->loans++];
  *made = (loan){own, malloc((size_t)(count + 1) * sizeof(float)), count};
  for (int64_t i = 0; i < count; i++) made->lent[i] = (float)own[i];
  return made->lent;
}

/* Copies back all that was lent; inputs come back as they were, being numbers that float has. */
static void take_back(loan_book *book) {
  for (int32_t i = 0; i < book->loans; i++) {
    loan *made = &book->made[i];
    for (int64_t p = 0; p < made->count; p++) made->own[p] = (double)made->lent[p];
    free(made->lent);
  }
}

/* A call's arguments, lent. */
typedef struct arguments {
  loan_book book;
  neurlp_inputs inputs;
  neurlp_gradients gradients;
  neurlp_direction direction;
  void *solution, *tangent, *slack;
  const void *grad_output;
} arguments;

/* NULL as an array is passed where it is missing, and where it has no numbers. */
static void *lend_part(loan_book *book, const test_array *array, double *numbers, bool left_out) {
  return left_out || batch_count(array) == 0 ? NULL : lend(book, numbers, batch_count(array));
}

static void open_call(arguments *call, test_batch *batch) {
  test_array *a = batch->arrays;
  loan_book *l = &call->book;
  const int64_t all = batch->shape.systems * batch->size_solution;
  void *numbers[ARRAYS], *gradient[ARRAYS], *direction[ARRAYS];
  *l = (loan_book){.single = batch->shape.precision == NEURLP_SINGLE};
  for (int32_t i = 0; i < ARRAYS; i++) {
    numbers[i] = lend_part(l, &a[i], a[i].numbers, a[i].missing);
    gradient[i] = lend_part(l, &a[i], a[i].gradient, a[i].unwanted);
    direction[i] = lend_part(l, &a[i], a[i].direction, a[i].fixed);
  }
  call->inputs = (neurlp_inputs){batch->systems,
                                 numbers[COEFFICIENTS],
                                 numbers[RHS],
                                 numbers[INITIAL_VALUES],
                                 numbers[FINAL_VALUES],
                                 numbers[STEPS],
                                 batch->ragged ? batch->lengths : NULL};
  call->gradients = (neurlp_gradients){gradient[COEFFICIENTS], gradient[RHS], gradient[INITIAL_VALUES],
                                       gradient[FINAL_VALUES], gradient[STEPS]};
  call->direction = (neurlp_direction){direction[COEFFICIENTS], direction[RHS], direction[INITIAL_VALUES],
                                       direction[FINAL_VALUES], direction[STEPS]};
  call->solution = lend(l, batch->solution, all);
  call->tangent = lend(l, batch->tangent, all);
  call->grad_output = lend(l, batch->grad_output, all);
  call->slack = lend(l, batch->slack, batch->shape.systems * batch->shape.columns);
}

neurlp_inputs batch_inputs(const test_batch *batch) {
  const test_array *a = batch->arrays;
  return (neurlp_inputs){batch->systems,
                         a[COEFFICIENTS].numbers,
                         a[RHS].numbers,
                         a[INITIAL_VALUES].numbers,
                         a[FINAL_VALUES].numbers,
                         a[STEPS].numbers,
                         batch->ragged ? batch->lengths : NULL};
}

/* Later calls write each system's status anew; one that failed before must not be forgotten. */
static neurlp_status keep_first(const test_batch *batch, neurlp_status before, neurlp_status now,
                                const neurlp_status *first) {
  if (now < 0) return now;
  for (int64_t s = 0; s < batch->systems; s++)
    if (first[s] != NEURLP_SUCCESS) batch->status[s] = first[s];
  return before != NEURLP_SUCCESS ? before : now;
}

static neurlp_status make_calls(neurlp_solver *solver, test_batch *batch, arguments *call, int32_t wanted) {
  neurlp_status status = NEURLP_SUCCESS;
  const size_t bytes = (size_t)batch->shape.systems * sizeof *batch->status;
  neurlp_status *first = malloc(bytes + 1);
  if (batch->prepared) {
    status = neurlp_solver_prepare(solver, &call->inputs);
    for (int64_t i = 0; i < call->inputs.systems && status > 0; i++) batch->status[i] = status;
    if (status > 0) status = NEURLP_SOME_FAILED;
    if (status != NEURLP_SUCCESS) goto done; /* outputs are NaN */
    call->inputs.coefficients = NULL;
    call->inputs.steps = NULL;
  }
  if (status == NEURLP_SUCCESS)
    status = neurlp_solver_solve(solver, &call->inputs, call->solution, batch->status);
  memcpy(first, batch->status, bytes);
  if (status >= 0 && wanted & BATCH_ADJOINT)
    status = keep_first(batch, status,
                        neurlp_solver_adjoint(solver, &call->inputs, call->solution, call->grad_output,
                                              &call->gradients, batch->status),
                        first);
  memcpy(first, batch->status, bytes);
  if (status >= 0 && wanted & BATCH_TANGENT)
    status = keep_first(batch, status,
                        neurlp_solver_tangent(solver, &call->inputs, call->solution, &call->direction,
                                              call->tangent, batch->status),
                        first);
  if (status >= 0 && batch->formulation.slack &&
      neurlp_solver_slack(solver, &call->inputs, call->solution, call->slack) < 0)
    status = NEURLP_ERROR_INTERNAL;
done:
  free(first);
  return status;
}

static void spoil(double *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = NAN;
}

static void spoil_outputs(test_batch *batch) {
  const int64_t all = batch->shape.systems * batch->size_solution;
  spoil(batch->solution, all);
  spoil(batch->tangent, all);
  spoil(batch->slack, batch->shape.systems * batch->shape.columns);
  for (int32_t i = 0; i < ARRAYS; i++) spoil(batch->arrays[i].gradient, batch_count(&batch->arrays[i]));
}

static neurlp_status run_on(const char *backend, test_batch *batch, int32_t threads, int32_t wanted) {
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  arguments made;
  spoil_outputs(batch);
  open_call(&made, batch);
  neurlp_status status = neurlp_context_create(threads, &context);
  if (status == NEURLP_SUCCESS) status = neurlp_context_set_backend(context, backend);
  if (status == NEURLP_SUCCESS)
    status = neurlp_problem_create(context, &batch->shape, &batch->formulation, &problem);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_create(context, problem, &solver);
  if (status == NEURLP_SUCCESS) status = make_calls(solver, batch, &made, wanted);
  if (status < 0 && context) printf("%s: %s\n", backend, neurlp_context_message(context));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  take_back(&made.book);
  return status;
}

/* The batch's outputs, and how many numbers each has. */
enum { OUTPUTS = ARRAYS + 3 };
typedef struct output {
  const char *name;
  double *numbers;
  int64_t count;
} output;

static void outputs_of(test_batch *batch, output outputs[OUTPUTS]) {
  const int64_t all = batch->shape.systems * batch->size_solution;
  for (int32_t i = 0; i < ARRAYS; i++)
    outputs[i] = (output){batch->arrays[i].name, batch->arrays[i].gradient, batch_count(&batch->arrays[i])};
  outputs[ARRAYS] = (output){"solution", batch->solution, all};
  outputs[ARRAYS + 1] = (output){"tangent", batch->tangent, all};
  outputs[ARRAYS + 2] = (output){"slack", batch->slack, batch->shape.systems * batch->shape.columns};
}

/* Every NaN is like every other: its bits say nothing. */
static int64_t differing(const double *x, const double *y, int64_t count) {
  int64_t differ = 0;
  for (int64_t i = 0; i < count; i++)
    differ += memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i]));
  return differ;
}

static neurlp_status run_on_both(const char *backend, test_batch *batch, int32_t threads, int32_t wanted) {
  output outputs[OUTPUTS];
  double *kept[OUTPUTS];
  int64_t differ = 0;
  neurlp_status status = run_on(backend, batch, threads, wanted);
  outputs_of(batch, outputs);
  for (int32_t i = 0; i < OUTPUTS; i++) {
    const size_t bytes = (size_t)outputs[i].count * sizeof(double);
    kept[i] = malloc(bytes + 1);
    memcpy(kept[i], outputs[i].numbers, bytes);
  }
  const neurlp_status plain = run_on("cpu", batch, threads, wanted);
  for (int32_t i = 0; i < OUTPUTS; i++) {
    const int64_t own = differing(kept[i], outputs[i].numbers, outputs[i].count);
    if (own > 0)
      printf("%s: %lld of %lld numbers differ from those of cpu: %s\n", backend, (long long)own,
             (long long)outputs[i].count, outputs[i].name);
    differ += own;
    free(kept[i]);
  }
  if (plain != status) printf("%s gives status %d, cpu %d\n", backend, (int)status, (int)plain);
  return differ > 0 || plain != status ? NEURLP_ERROR_INTERNAL : status;
}

neurlp_status batch_run(test_batch *batch, int32_t threads, int32_t wanted) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  if (!backend) backend = "cpu";
  /* A GPU has the cpu's numbers but for rounding: the test's own bounds are for both. */
  const bool bit_for_bit = strncmp(backend, "cpu:", 4) == 0;
  return bit_for_bit ? run_on_both(backend, batch, threads, wanted) : run_on(backend, batch, threads, wanted);
}
