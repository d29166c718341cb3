/* What can go wrong: shapes and formulations out of range, inputs that are missing or out of range, systems
 * that are singular or not finite; and what is owned. */
#include "block/batch.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static const neurlp_shape good_shape = {.systems = 5,
                                        .steps = 8,
                                        .dimensions = 2,
                                        .order = 2,
                                        .equations = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .columns = 1};

/* The problem is refused, and the message names the field and its value. */
static void check_refused(neurlp_context *context, const char *field, const char *value,
                          const neurlp_shape *shape, const neurlp_formulation *formulation) {
  neurlp_problem *problem = (neurlp_problem *)(void *)context;
  const neurlp_status status = neurlp_problem_create(context, shape, formulation, &problem);
  const char *message = neurlp_context_message(context);
  char what[160];
  snprintf(what, sizeof what, "refused: %s", message);
  check_true(what, status == NEURLP_ERROR_ARGUMENT && problem == NULL && strstr(message, field) != NULL &&
                       strstr(message, value) != NULL);
}

#define REFUSE_SHAPE(field, number)                                                                          \
  do {                                                                                                       \
    neurlp_shape shape = good_shape;                                                                         \
    shape.field = number;                                                                                    \
    check_refused(context, #field, #number, &shape, &good_formulation);                                      \
  } while (0)

#define REFUSE_FORMULATION(field, number)                                                                    \
  do {                                                                                                       \
    neurlp_formulation formulation = good_formulation;                                                       \
    formulation.field = number;                                                                              \
    check_refused(context, #field, #number, &good_shape, &formulation);                                      \
  } while (0)

static void check_problem_arguments(neurlp_context *context) {
  const neurlp_formulation good_formulation = neurlp_formulation_default();
  neurlp_formulation soft = good_formulation;
  REFUSE_SHAPE(systems, -1);
  REFUSE_SHAPE(steps, 1);
  REFUSE_SHAPE(dimensions, 0);
  REFUSE_SHAPE(order, 0);
  REFUSE_SHAPE(order, 7);
  REFUSE_SHAPE(equations, -2);
  REFUSE_SHAPE(initial_steps, 9);
  REFUSE_SHAPE(initial_derivatives, 4);
  REFUSE_SHAPE(columns, 0);
  REFUSE_SHAPE(dimensions, 700000000);
  REFUSE_SHAPE(systems, 9000000000000000000);
  REFUSE_FORMULATION(nominal_step, 0);
  REFUSE_FORMULATION(nominal_step, -1);
  REFUSE_FORMULATION(leading_derivative, 3);
  REFUSE_FORMULATION(weight_equation, -4);
  REFUSE_FORMULATION(weight_smoothness, 0);
  REFUSE_FORMULATION(weight_top, -5);
  REFUSE_FORMULATION(smoothness, 2);
  neurlp_formulation mixed = good_formulation;
  mixed.central = true;
  check_refused(context, "central", "taylor", &good_shape, &mixed);
  mixed = neurlp_formulation_smnn();
  mixed.slack = true;
  check_refused(context, "slack", "central", &good_shape, &mixed);
  mixed = neurlp_formulation_mnn();
  mixed.alpha = INFINITY;
  check_refused(context, "alpha", "inf", &good_shape, &mixed);
  soft.initial = NEURLP_INITIAL_SOFT;
  soft.weight_initial = -6;
  check_refused(context, "weight_initial", "-6", &good_shape, &soft);
}

/* Runs a batch of the good shape, changed by `spoil`, and gives the status of the call and of system 2. */
typedef void (*spoiler)(test_batch *batch);
static void check_outcome_of(const char *what, neurlp_formulation formulation, spoiler spoil, bool adjoint,
                             neurlp_status call, neurlp_status own) {
  test_batch batch;
  char text[96];
  batch_open(&batch, &good_shape, &formulation, true, 1);
  spoil(&batch);
  snprintf(text, sizeof text, "%s: status of the call", what);
  check_equal(text, batch_run(&batch, 1, adjoint), call);
  if (call >= 0) {
    int64_t others = 0;
    for (int32_t s = 0; s < 5; s++) others += s != 2 && batch.status[s] != NEURLP_SUCCESS;
    snprintf(text, sizeof text, "%s: status of the system", what);
    check_equal(text, batch.status[2], own);
    snprintf(text, sizeof text, "%s: other systems that failed", what);
    check_equal(text, others, 0);
  }
  batch_close(&batch);
}

static void check_outcome(const char *what, spoiler spoil, bool adjoint, neurlp_status call,
                          neurlp_status own) {
  check_outcome_of(what, neurlp_formulation_default(), spoil, adjoint, call, own);
}

static void leave(test_batch *batch) {
  (void)batch;
}
static void zero_coefficients(test_batch *batch) {
  memset(batch->coefficients + 2 * batch->size_coefficients, 0,
         (size_t)batch->size_coefficients * sizeof(double));
}
static void spoil_coefficient(test_batch *batch) {
  batch->coefficients[2 * batch->size_coefficients + 5] = INFINITY;
}
static void spoil_rhs(test_batch *batch) {
  batch->rhs[2 * batch->size_rhs + 1] = NAN;
}
static void spoil_value(test_batch *batch) {
  batch->initial_values[2 * batch->size_initial_values] = NAN;
}
static void spoil_gradient(test_batch *batch) {
  batch->grad_output[2 * batch->size_solution] = INFINITY;
}
static void zero_step(test_batch *batch) {
  batch->steps[2 * batch->size_steps] = 0;
}
static void negative_step(test_batch *batch) {
  batch->steps[2 * batch->size_steps + 1] = -0.1;
}
static void infinite_step(test_batch *batch) {
  batch->steps[2 * batch->size_steps + 1] = INFINITY;
}
static void short_length(test_batch *batch) {
  batch->lengths[2] = 1;
}
static void long_length(test_batch *batch) {
  batch->lengths[2] = 9;
}
static void no_coefficients(test_batch *batch) {
  batch->inputs.coefficients = NULL;
}
static void no_values(test_batch *batch) {
  batch->inputs.initial_values = NULL;
}
static void no_steps(test_batch *batch) {
  batch->inputs.steps = NULL;
}
static void too_many(test_batch *batch) {
  batch->inputs.systems = 6;
}
static void none(test_batch *batch) {
  batch->inputs = (neurlp_inputs){.systems = 0};
}
static void no_gradients(test_batch *batch) {
  free(batch->gradients.coefficients);
  free(batch->gradients.steps);
  batch->gradients.coefficients = NULL;
  batch->gradients.steps = NULL;
}

static void check_outcomes(void) {
  const neurlp_status some = NEURLP_SOME_FAILED, argument = NEURLP_ERROR_ARGUMENT;
  check_outcome("nothing wrong", leave, true, NEURLP_SUCCESS, NEURLP_SUCCESS);
  check_outcome("coefficients 0", zero_coefficients, true, some, NEURLP_SINGULAR);
  check_outcome("infinite coefficient", spoil_coefficient, true, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in rhs, solve", spoil_rhs, false, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in rhs, adjoint", spoil_rhs, true, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in initial values, solve", spoil_value, false, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in initial values, adjoint", spoil_value, true, some, NEURLP_NOT_FINITE);
  check_outcome("infinite grad_output", spoil_gradient, true, some, NEURLP_NOT_FINITE);
  check_outcome("step 0", zero_step, true, some, NEURLP_SINGULAR);
  check_outcome("step negative", negative_step, true, some, NEURLP_SINGULAR);
  check_outcome("step infinite", infinite_step, true, some, NEURLP_NOT_FINITE);
  check_outcome("length 1", short_length, true, argument, NEURLP_SUCCESS);
  check_outcome("length 9 of 8", long_length, true, argument, NEURLP_SUCCESS);
  check_outcome("no coefficients", no_coefficients, true, argument, NEURLP_SUCCESS);
  check_outcome("no initial values", no_values, true, argument, NEURLP_SUCCESS);
  check_outcome("no steps", no_steps, true, argument, NEURLP_SUCCESS);
  check_outcome("more systems than the problem has", too_many, true, argument, NEURLP_SUCCESS);
  check_outcome("no systems", none, true, NEURLP_SUCCESS, NEURLP_SUCCESS);
  check_outcome("gradients not wanted", no_gradients, true, NEURLP_SUCCESS, NEURLP_SUCCESS);
  const neurlp_formulation mnn = neurlp_formulation_mnn();
  check_outcome_of("mnn, nothing wrong", mnn, leave, true, NEURLP_SUCCESS, NEURLP_SUCCESS);
  check_outcome_of("mnn, coefficients 0", mnn, zero_coefficients, true, some, NEURLP_SINGULAR);
  check_outcome_of("mnn, infinite coefficient", mnn, spoil_coefficient, true, some, NEURLP_NOT_FINITE);
  check_outcome_of("mnn, NaN in rhs", mnn, spoil_rhs, true, some, NEURLP_NOT_FINITE);
  check_outcome_of("mnn, step 0", mnn, zero_step, true, some, NEURLP_SINGULAR);
}

/* Nothing fixes the constant of u' = b but an initial value: without one the systems are singular, however
 * many steps round the pivot away from zero. */
static void check_undetermined(int32_t steps, int32_t dimensions, int32_t order) {
  neurlp_shape shape = good_shape;
  neurlp_formulation formulation = neurlp_formulation_default();
  test_batch batch;
  int64_t wrong = 0;
  char what[96];
  shape.steps = steps;
  shape.dimensions = shape.equations = dimensions;
  shape.order = order;
  shape.initial_steps = 0;
  formulation.nominal_step = 0.1;
  batch_open(&batch, &shape, &formulation, false, 3);
  const int32_t n = dimensions * (order + 1);
  for (int64_t i = 0; i < 5 * batch.size_coefficients; i++) {
    const int32_t e = (int32_t)(i / n % dimensions), c = (int32_t)(i % n);
    batch.coefficients[i] = c == e * (order + 1) + 1;
  }
  check_equal("u' = b without an initial value: status of the call", batch_run(&batch, 1, false),
              NEURLP_SOME_FAILED);
  for (int32_t s = 0; s < 5; s++)
    wrong += batch.status[s] != NEURLP_SINGULAR || !isnan(batch.solution[s * batch.size_solution]);
  snprintf(what, sizeof what, "systems not singular, T = %d, D = %d, d = %d", steps, dimensions, order);
  check_equal(what, wrong, 0);
  batch_close(&batch);
}

/* Hard initial values come back bit for bit, whatever the nominal step. */
static void check_exact_values(double nominal_step) {
  neurlp_formulation formulation = neurlp_formulation_default();
  test_batch batch;
  int64_t different = 0;
  formulation.nominal_step = nominal_step;
  batch_open(&batch, &good_shape, &formulation, false, 4);
  check_equal("solve", batch_run(&batch, 1, false), NEURLP_SUCCESS);
  for (int32_t i = 0; i < 5 * 2; i++)
    different += batch.solution[i / 2 * batch.size_solution + i % 2 * 3] != batch.initial_values[i];
  check_equal("hard initial values that are not exactly in the solution", different, 0);
  batch_close(&batch);
}

static void check_ownership(neurlp_context *context) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  check_equal("problem", neurlp_problem_create(context, &good_shape, &formulation, &problem), NEURLP_SUCCESS);
  const size_t before = neurlp_context_memory(context).current_bytes;
  check_equal("solver", neurlp_solver_create(context, problem, &solver), NEURLP_SUCCESS);
  check_equal("bytes of the solver, and as foretold",
              (int64_t)(neurlp_context_memory(context).current_bytes - before),
              (int64_t)neurlp_solver_workspace_bytes(context, problem));
  neurlp_solver_destroy(&solver);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_problem_destroy(&problem);
  neurlp_solver_destroy(NULL);
  neurlp_problem_destroy(NULL);
  check_true("handles are NULL", !solver && !problem);
  check_equal("blocks of memory held at the end", neurlp_context_memory(context).blocks, 0);
}

/* A formulation without slack has none to give. */
static void check_no_slack(neurlp_context *context) {
  const neurlp_formulation formulation = neurlp_formulation_smnn();
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  test_batch batch;
  batch_open(&batch, &good_shape, &formulation, false, 2);
  check_equal("problem", neurlp_problem_create(context, &good_shape, &formulation, &problem), NEURLP_SUCCESS);
  check_equal("solver", neurlp_solver_create(context, problem, &solver), NEURLP_SUCCESS);
  check_equal("slack of a formulation without",
              neurlp_solver_slack(solver, &batch.inputs, batch.solution, batch.slack), NEURLP_ERROR_ARGUMENT);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  batch_close(&batch);
}

static void check_instruction_set(neurlp_context *context) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  const char *given = getenv("NEURLP_ISA");
  char *before = given ? strdup(given) : NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  check_equal("problem", neurlp_problem_create(context, &good_shape, &formulation, &problem), NEURLP_SUCCESS);
  setenv("NEURLP_ISA", "abacus", 1);
  check_equal("NEURLP_ISA=abacus", neurlp_solver_create(context, problem, &solver), NEURLP_ERROR_ARGUMENT);
  check_true("and no solver", solver == NULL);
  if (before)
    setenv("NEURLP_ISA", before, 1);
  else
    unsetenv("NEURLP_ISA");
  free(before);
  neurlp_problem_destroy(&problem);
}

int main(void) {
  neurlp_context *context = NULL;
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  check_problem_arguments(context);
  check_ownership(context);
  check_instruction_set(context);
  check_no_slack(context);
  check_outcomes();
  check_exact_values(0.3);
  check_exact_values(7);
  for (int32_t order = 1; order <= 6; order++) {
    check_undetermined(8, 1, order);
    check_undetermined(1000, 1, order);
    check_undetermined(200, 3, order);
  }
  neurlp_context_destroy(&context);
  neurlp_context_destroy(&context);
  check_true("context is NULL", context == NULL);
  return check_verdict();
}
