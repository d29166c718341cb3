/* What can go wrong: shapes and formulations out of range, inputs that are missing or out of range, systems
 * that are singular or not finite; what is kept, and what is owned. */
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

/* Everything that a problem needs for a factor to be kept. */
static neurlp_shape shared_shape(void) {
  neurlp_shape shape = good_shape;
  shape.coefficients_sharing = NEURLP_SHARED;
  shape.steps_sharing = NEURLP_SHARED_CONSTANT;
  return shape;
}

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
  REFUSE_SHAPE(final_derivatives, -1);
  REFUSE_SHAPE(final_derivatives, 4);
  REFUSE_SHAPE(coefficients_sharing, 4);
  REFUSE_SHAPE(rhs_sharing, 5);
  REFUSE_SHAPE(steps_sharing, 6);
  REFUSE_SHAPE(values_sharing, 2);
  REFUSE_SHAPE(values_sharing, 3);
  REFUSE_SHAPE(precision, 3);
  REFUSE_SHAPE(piece_intervals, -7);
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

/* Runs a batch of a shape, changed by `spoil`, and gives the status of the call and of system 2. Others must
 * not fail, unless what failed is shared. */
typedef void (*spoiler)(test_batch *batch);
static void check_outcome_of(const char *what, const test_case *drawn, spoiler spoil, int32_t wanted,
                             neurlp_status call, neurlp_status own) {
  test_batch batch;
  char text[96];
  batch_open(&batch, drawn, 1);
  spoil(&batch);
  snprintf(text, sizeof text, "%s: status of the call", what);
  check_equal(text, batch_run(&batch, 1, wanted), call);
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

static const int32_t all_calls = BATCH_ADJOINT | BATCH_TANGENT;

static void check_outcome(const char *what, spoiler spoil, int32_t wanted, neurlp_status call,
                          neurlp_status own) {
  const test_case drawn = {good_shape, neurlp_formulation_default(), .ragged = true};
  check_outcome_of(what, &drawn, spoil, wanted, call, own);
}

static double *of_system_2(test_batch *batch, int32_t array) {
  return batch->arrays[array].numbers + 2 * batch->arrays[array].system_stride;
}

static void leave(test_batch *batch) {
  (void)batch;
}
static void zero_coefficients(test_batch *batch) {
  memset(of_system_2(batch, COEFFICIENTS), 0,
         (size_t)batch->arrays[COEFFICIENTS].system_stride * sizeof(double));
}
static void spoil_coefficient(test_batch *batch) {
  of_system_2(batch, COEFFICIENTS)[5] = INFINITY;
}
static void spoil_rhs(test_batch *batch) {
  of_system_2(batch, RHS)[1] = NAN;
}
static void spoil_value(test_batch *batch) {
  of_system_2(batch, INITIAL_VALUES)[0] = NAN;
}
static void spoil_final_value(test_batch *batch) {
  of_system_2(batch, FINAL_VALUES)[0] = NAN;
}
static void spoil_gradient(test_batch *batch) {
  batch->grad_output[2 * batch->size_solution] = INFINITY;
}
static void spoil_direction(test_batch *batch) {
  batch->arrays[RHS].direction[2 * batch->arrays[RHS].system_stride] = INFINITY;
}
static void zero_step(test_batch *batch) {
  of_system_2(batch, STEPS)[0] = 0;
}
static void negative_step(test_batch *batch) {
  of_system_2(batch, STEPS)[1] = -0.1;
}
static void infinite_step(test_batch *batch) {
  of_system_2(batch, STEPS)[1] = INFINITY;
}
static void short_length(test_batch *batch) {
  batch->lengths[2] = 1;
}
static void length_of_initial_steps(test_batch *batch) {
  batch->lengths[2] = batch->shape.initial_steps;
}
static void long_length(test_batch *batch) {
  batch->lengths[2] = 9;
}
static void no_coefficients(test_batch *batch) {
  batch->arrays[COEFFICIENTS].missing = true;
}
static void no_rhs(test_batch *batch) {
  batch->arrays[RHS].missing = true;
}
static void no_values(test_batch *batch) {
  batch->arrays[INITIAL_VALUES].missing = true;
}
static void no_final_values(test_batch *batch) {
  batch->arrays[FINAL_VALUES].missing = true;
}
static void no_steps(test_batch *batch) {
  batch->arrays[STEPS].missing = true;
}
static void no_left_side(test_batch *batch) {
  no_coefficients(batch);
  no_steps(batch);
}
static void too_many(test_batch *batch) {
  batch->systems = 6;
}
static void none(test_batch *batch) {
  batch->systems = 0;
  batch->ragged = false;
  for (int32_t i = 0; i < ARRAYS; i++) batch->arrays[i].missing = true;
}
static void no_gradients(test_batch *batch) {
  for (int32_t i = 0; i < ARRAYS; i++) batch->arrays[i].unwanted = i != RHS;
}
static void no_directions(test_batch *batch) {
  for (int32_t i = 0; i < ARRAYS; i++) batch->arrays[i].fixed = true;
}

static void check_outcomes(void) {
  const neurlp_status some = NEURLP_SOME_FAILED, argument = NEURLP_ERROR_ARGUMENT;
  check_outcome("nothing wrong", leave, all_calls, NEURLP_SUCCESS, NEURLP_SUCCESS);
  check_outcome("coefficients 0", zero_coefficients, all_calls, some, NEURLP_SINGULAR);
  check_outcome("infinite coefficient", spoil_coefficient, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in rhs, solve", spoil_rhs, BATCH_SOLVE, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in rhs, adjoint", spoil_rhs, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in initial values, solve", spoil_value, BATCH_SOLVE, some, NEURLP_NOT_FINITE);
  check_outcome("NaN in initial values, adjoint", spoil_value, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome("infinite grad_output", spoil_gradient, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome("step 0", zero_step, all_calls, some, NEURLP_SINGULAR);
  check_outcome("step negative", negative_step, all_calls, some, NEURLP_SINGULAR);
  check_outcome("step infinite", infinite_step, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome("length 1", short_length, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("length 9 of 8", long_length, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("no coefficients", no_coefficients, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("no initial values", no_values, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("no steps", no_steps, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("more systems than the problem has", too_many, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("no systems", none, all_calls, NEURLP_SUCCESS, NEURLP_SUCCESS);
  check_outcome("gradients not wanted", no_gradients, all_calls, NEURLP_SUCCESS, NEURLP_SUCCESS);
  check_outcome("no rhs", no_rhs, all_calls, argument, NEURLP_SUCCESS);
  check_outcome("neither coefficients nor steps, none kept", no_left_side, all_calls, argument,
                NEURLP_SUCCESS);
  check_outcome("infinite direction", spoil_direction, BATCH_TANGENT, some, NEURLP_NOT_FINITE);
  check_outcome("no directions", no_directions, all_calls, NEURLP_SUCCESS, NEURLP_SUCCESS);
}

/* The same for other formulations, precisions and arrays. */
static void check_more_outcomes(void) {
  const neurlp_status some = NEURLP_SOME_FAILED, argument = NEURLP_ERROR_ARGUMENT, good = NEURLP_SUCCESS;
  const test_case mnn = {good_shape, neurlp_formulation_mnn(), .ragged = true};
  check_outcome_of("mnn, nothing wrong", &mnn, leave, all_calls, good, good);
  check_outcome_of("mnn, coefficients 0", &mnn, zero_coefficients, all_calls, some, NEURLP_SINGULAR);
  check_outcome_of("mnn, infinite coefficient", &mnn, spoil_coefficient, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome_of("mnn, NaN in rhs", &mnn, spoil_rhs, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome_of("mnn, step 0", &mnn, zero_step, all_calls, some, NEURLP_SINGULAR);
  test_case more = {good_shape, neurlp_formulation_default(), .ragged = true};
  more.shape.final_derivatives = 1;
  check_outcome_of("final values, nothing wrong", &more, leave, all_calls, good, good);
  check_outcome_of("NaN in final values", &more, spoil_final_value, all_calls, some, NEURLP_NOT_FINITE);
  check_outcome_of("no final values", &more, no_final_values, all_calls, argument, good);
  more.shape.initial_steps = 3;
  check_outcome_of("no step between initial and final values", &more, length_of_initial_steps, all_calls,
                   argument, good);
  for (int32_t precision = NEURLP_SINGLE; precision <= NEURLP_MIXED; precision++) {
    more = (test_case){good_shape, neurlp_formulation_default(), .ragged = true};
    more.shape.precision = (neurlp_precision)precision;
    printf("     precision %d\n", precision);
    check_outcome_of("nothing wrong", &more, leave, all_calls, good, good);
    check_outcome_of("coefficients 0", &more, zero_coefficients, all_calls, some,
                     precision == NEURLP_MIXED ? NEURLP_NOT_CONVERGED : NEURLP_SINGULAR);
    check_outcome_of("infinite coefficient", &more, spoil_coefficient, all_calls, some, NEURLP_NOT_FINITE);
    check_outcome_of("NaN in rhs", &more, spoil_rhs, all_calls, some, NEURLP_NOT_FINITE);
    check_outcome_of("infinite grad_output", &more, spoil_gradient, all_calls, some, NEURLP_NOT_FINITE);
    check_outcome_of("step 0", &more, zero_step, all_calls, some, NEURLP_SINGULAR);
  }
  more = (test_case){good_shape, neurlp_formulation_default(), .ragged = false};
  for (int32_t intervals = 1; intervals <= 3; intervals++) {
    more.shape.piece_intervals = intervals;
    printf("     pieces of %d\n", intervals);
    check_outcome_of("nothing wrong", &more, leave, all_calls, good, good);
    check_outcome_of("coefficients 0", &more, zero_coefficients, all_calls, some, NEURLP_SINGULAR);
    check_outcome_of("infinite coefficient", &more, spoil_coefficient, all_calls, some, NEURLP_NOT_FINITE);
    check_outcome_of("NaN in rhs", &more, spoil_rhs, all_calls, some, NEURLP_NOT_FINITE);
    check_outcome_of("infinite grad_output", &more, spoil_gradient, all_calls, some, NEURLP_NOT_FINITE);
    check_outcome_of("step 0", &more, zero_step, all_calls, some, NEURLP_SINGULAR);
  }
}

/* What all systems share fails all of them. */
static void check_shared_failure(void) {
  test_case drawn = {.shape = shared_shape(), .formulation = neurlp_formulation_default()};
  test_batch batch;
  int64_t wrong = 0;
  batch_open(&batch, &drawn, 5);
  batch.arrays[COEFFICIENTS].numbers[0] = NAN;
  check_equal("NaN in shared coefficients: status of the call", batch_run(&batch, 1, all_calls),
              NEURLP_SOME_FAILED);
  for (int32_t s = 0; s < 5; s++) wrong += batch.status[s] != NEURLP_NOT_FINITE;
  check_equal("systems that did not fail by what they share", wrong, 0);
  batch_close(&batch);
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
  const test_case drawn = {.shape = shape, .formulation = formulation};
  batch_open(&batch, &drawn, 3);
  test_array *coefficients = &batch.arrays[COEFFICIENTS];
  const int32_t n = dimensions * (order + 1);
  for (int64_t i = 0; i < batch_count(coefficients); i++) {
    const int32_t e = (int32_t)(i / n % dimensions), c = (int32_t)(i % n);
    coefficients->numbers[i] = c == e * (order + 1) + 1;
  }
  check_equal("u' = b without an initial value: status of the call", batch_run(&batch, 1, BATCH_SOLVE),
              NEURLP_SOME_FAILED);
  for (int32_t s = 0; s < 5; s++)
    wrong += batch.status[s] != NEURLP_SINGULAR || !isnan(batch.solution[s * batch.size_solution]);
  snprintf(what, sizeof what, "systems not singular, T = %d, D = %d, d = %d", steps, dimensions, order);
  check_equal(what, wrong, 0);
  batch_close(&batch);
}

/* Hard values come back bit for bit, whatever the nominal step. */
static void check_exact_values(double nominal_step, neurlp_precision precision) {
  test_case drawn = {good_shape, neurlp_formulation_default(), .ragged = true};
  test_batch batch;
  int64_t different = 0;
  drawn.formulation.nominal_step = nominal_step;
  drawn.shape.final_derivatives = 2;
  drawn.shape.precision = precision;
  batch_open(&batch, &drawn, 4);
  check_equal("solve", batch_run(&batch, 1, BATCH_SOLVE), NEURLP_SUCCESS);
  for (int32_t i = 0; i < 5 * 2; i++) {
    const double *first = batch.solution + i / 2 * batch.size_solution + i % 2 * 3;
    const double *last = first + (batch.lengths[i / 2] - 1) * 2 * 3;
    different += first[0] != batch.arrays[INITIAL_VALUES].numbers[i];
    for (int32_t j = 0; j < 2; j++) different += last[j] != batch.arrays[FINAL_VALUES].numbers[i * 2 + j];
  }
  check_equal("hard values that are not exactly in the solution", different, 0);
  batch_close(&batch);
}

/* A direction of zeros is no direction at all. */
static void check_zero_tangent(void) {
  const test_case drawn = {.shape = good_shape, .formulation = neurlp_formulation_default()};
  test_batch batch;
  int64_t different = 0;
  batch_open(&batch, &drawn, 6);
  no_directions(&batch);
  check_equal("tangent", batch_run(&batch, 1, BATCH_TANGENT), NEURLP_SUCCESS);
  for (int64_t i = 0; i < 5 * batch.size_solution; i++) different += batch.tangent[i] != 0;
  check_equal("numbers of a tangent without direction that are not 0", different, 0);
  batch_close(&batch);
}

/* A problem and a solver for it, in this context. */
typedef struct objects {
  neurlp_problem *problem;
  neurlp_solver *solver;
} objects;

static objects make_objects(neurlp_context *context, const neurlp_shape *shape,
                            const neurlp_formulation *formulation) {
  objects made = {0};
  check_equal("problem", neurlp_problem_create(context, shape, formulation, &made.problem), NEURLP_SUCCESS);
  check_equal("solver", neurlp_solver_create(context, made.problem, &made.solver), NEURLP_SUCCESS);
  return made;
}

static void destroy_objects(objects *made) {
  neurlp_solver_destroy(&made->solver);
  neurlp_problem_destroy(&made->problem);
}

static void check_ownership(neurlp_context *context) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  objects made = make_objects(context, &good_shape, &formulation);
  destroy_objects(&made);
  destroy_objects(&made);
  neurlp_solver_destroy(NULL);
  neurlp_problem_destroy(NULL);
  check_true("handles are NULL", !made.solver && !made.problem);
  check_equal("blocks of memory held at the end", neurlp_context_memory(context).blocks, 0);
}

/* Every call on a batch whose numbers are double. */
static void call_all(const objects *made, test_batch *batch) {
  neurlp_inputs inputs = batch_inputs(batch);
  const test_array *a = batch->arrays;
  const neurlp_gradients gradients = {a[COEFFICIENTS].gradient, a[RHS].gradient, a[INITIAL_VALUES].gradient,
                                      a[FINAL_VALUES].gradient, a[STEPS].gradient};
  const neurlp_direction direction = {.rhs = a[RHS].direction, .steps = a[STEPS].direction};
  if (batch->prepared) {
    check_equal("prepare", neurlp_solver_prepare(made->solver, &inputs), NEURLP_SUCCESS);
    inputs.coefficients = inputs.steps = NULL;
  }
  check_equal("solve", neurlp_solver_solve(made->solver, &inputs, batch->solution, batch->status),
              NEURLP_SUCCESS);
  check_equal("adjoint",
              neurlp_solver_adjoint(made->solver, &inputs, batch->solution, batch->grad_output, &gradients,
                                    batch->status),
              NEURLP_SUCCESS);
  check_equal("tangent",
              neurlp_solver_tangent(made->solver, &inputs, batch->solution, &direction, batch->tangent,
                                    batch->status),
              NEURLP_SUCCESS);
}

/* The solver's bytes are foretold, and no call allocates. In a context of its own, so that the peak is this
 * solver's. */
static void check_memory(const char *what, const char *backend, const test_case *drawn) {
  neurlp_context *context = NULL;
  objects made = {0};
  test_batch batch;
  printf("     memory: %s, %s\n", backend, what);
  batch_open(&batch, drawn, 7);
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  check_equal("backend", neurlp_context_set_backend(context, backend), NEURLP_SUCCESS);
  check_equal("problem", neurlp_problem_create(context, &drawn->shape, &drawn->formulation, &made.problem),
              NEURLP_SUCCESS);
  const size_t before = neurlp_context_memory(context).current_bytes;
  check_equal("solver", neurlp_solver_create(context, made.problem, &made.solver), NEURLP_SUCCESS);
  const neurlp_memory held = neurlp_context_memory(context);
  check_equal("bytes of the solver, and as foretold", (int64_t)(held.current_bytes - before),
              (int64_t)neurlp_solver_workspace_bytes(context, made.problem));
  if (drawn->shape.precision != NEURLP_SINGLE) call_all(&made, &batch);
  check_equal("blocks that calls left", neurlp_context_memory(context).blocks, held.blocks);
  check_equal("peak of bytes, after calls", (int64_t)neurlp_context_memory(context).peak_bytes,
              (int64_t)held.peak_bytes);
  destroy_objects(&made);
  check_equal("blocks of memory held at the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  batch_close(&batch);
}

static void check_memories(const char *backend) {
  const test_case plain = {.shape = good_shape, .formulation = neurlp_formulation_default()};
  test_case drawn = plain;
  check_memory("hermite", backend, &drawn);
  drawn.formulation = neurlp_formulation_mnn();
  check_memory("mnn", backend, &drawn);
  drawn = plain;
  drawn.shape = shared_shape();
  check_memory("shared", backend, &drawn);
  drawn.prepared = true;
  check_memory("kept factor", backend, &drawn);
  drawn = plain;
  drawn.shape.piece_intervals = 3;
  check_memory("pieces", backend, &drawn);
  drawn.shape.precision = NEURLP_SINGLE;
  check_memory("single", backend, &drawn);
  drawn.shape.precision = NEURLP_MIXED;
  check_memory("mixed", backend, &drawn);
  drawn.shape.keep_factors = true;
  check_memory("mixed, factors kept", backend, &drawn);
  drawn.shape.precision = NEURLP_DOUBLE;
  check_memory("pieces, factors kept", backend, &drawn);
}

/* Factors that are kept belong to the last solve. The checking backend notices another left-hand side, too.
 */
static void check_kept(const char *backend) {
  neurlp_context *context = NULL;
  const neurlp_formulation formulation = neurlp_formulation_default();
  test_case drawn = {.shape = good_shape, .formulation = formulation};
  drawn.shape.keep_factors = true;
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  check_equal("backend", neurlp_context_set_backend(context, backend), NEURLP_SUCCESS);
  objects made = make_objects(context, &drawn.shape, &formulation);
  test_batch batch;
  batch_open(&batch, &drawn, 8);
  const neurlp_inputs inputs = batch_inputs(&batch);
  neurlp_inputs fewer = inputs;
  const neurlp_gradients gradients = {.rhs = batch.arrays[RHS].gradient};
  const bool checks = strcmp(backend, "cpu:check") == 0;
#define ADJOINT(given)                                                                                       \
  neurlp_solver_adjoint(made.solver, &given, batch.solution, batch.grad_output, &gradients, batch.status)
  fewer.systems--;
  check_equal("adjoint before a solve", ADJOINT(inputs), NEURLP_ERROR_ARGUMENT);
  check_equal("solve", neurlp_solver_solve(made.solver, &inputs, batch.solution, batch.status),
              NEURLP_SUCCESS);
  check_equal("adjoint of fewer systems than were solved", ADJOINT(fewer), NEURLP_ERROR_ARGUMENT);
  check_equal("adjoint after a solve", ADJOINT(inputs), NEURLP_SUCCESS);
  batch.arrays[COEFFICIENTS].numbers[1] += 1; /* of an unknown; that before it is of a given value */
  check_equal("adjoint with other coefficients", ADJOINT(inputs),
              checks ? NEURLP_ERROR_ARGUMENT : NEURLP_SUCCESS);
  const double of_old_factor = batch.arrays[RHS].gradient[0];
  check_equal("solve once more", neurlp_solver_solve(made.solver, &inputs, batch.solution, batch.status),
              NEURLP_SUCCESS);
  check_equal("adjoint after that", ADJOINT(inputs), NEURLP_SUCCESS);
  check_true("the factor that was kept had been used", batch.arrays[RHS].gradient[0] != of_old_factor);
  batch_close(&batch);
  destroy_objects(&made);
  neurlp_context_destroy(&context);
}

/* A factor is kept where it serves all systems, until the next is asked for; a failure keeps nothing. */
static void check_prepare(neurlp_context *context) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  const test_case drawn = {.shape = shared_shape(), .formulation = formulation};
  objects made = make_objects(context, &drawn.shape, &formulation);
  test_batch batch;
  batch_open(&batch, &drawn, 8);
  neurlp_inputs inputs = batch_inputs(&batch), later = inputs, half = inputs, ragged = inputs;
  later.coefficients = later.steps = NULL;
  half.steps = NULL;
  ragged.lengths = batch.lengths;
  double *c = batch.arrays[COEFFICIENTS].numbers;
#define SOLVE(given) neurlp_solver_solve(made.solver, &given, batch.solution, batch.status)
  check_equal("solve before a factor is kept", SOLVE(later), NEURLP_ERROR_ARGUMENT);
  check_equal("prepare with lengths", neurlp_solver_prepare(made.solver, &ragged), NEURLP_ERROR_ARGUMENT);
  check_equal("prepare without steps", neurlp_solver_prepare(made.solver, &half), NEURLP_ERROR_ARGUMENT);
  check_equal("prepare without both", neurlp_solver_prepare(made.solver, &later), NEURLP_ERROR_ARGUMENT);
  check_equal("solve when that failed", SOLVE(later), NEURLP_ERROR_ARGUMENT);
  check_equal("prepare", neurlp_solver_prepare(made.solver, &inputs), NEURLP_SUCCESS);
  check_equal("solve", SOLVE(later), NEURLP_SUCCESS);
  check_equal("solve with steps missing only", SOLVE(half), NEURLP_ERROR_ARGUMENT);
  check_equal("solve with coefficients and steps of its own", SOLVE(inputs), NEURLP_SUCCESS);
  check_equal("solve with what is still kept", SOLVE(later), NEURLP_SUCCESS);
  ragged.coefficients = ragged.steps = NULL;
  check_equal("solve with lengths", SOLVE(ragged), NEURLP_ERROR_ARGUMENT);
  const double before = c[3];
  c[3] = INFINITY;
  check_equal("prepare, infinite coefficient", neurlp_solver_prepare(made.solver, &inputs),
              NEURLP_NOT_FINITE);
  check_equal("solve when nothing is kept any more", SOLVE(later), NEURLP_ERROR_ARGUMENT);
  c[3] = before;
  check_equal("prepare again", neurlp_solver_prepare(made.solver, &inputs), NEURLP_SUCCESS);
  memset(c, 0, (size_t)batch_count(&batch.arrays[COEFFICIENTS]) * sizeof *c);
  check_equal("prepare, coefficients 0", neurlp_solver_prepare(made.solver, &inputs), NEURLP_SINGULAR);
  check_equal("solve when nothing is kept any more", SOLVE(later), NEURLP_ERROR_ARGUMENT);
#undef SOLVE
  destroy_objects(&made);
  batch_close(&batch);
  const test_case varying = {.shape = good_shape, .formulation = formulation};
  made = make_objects(context, &varying.shape, &formulation);
  batch_open(&batch, &varying, 8);
  inputs = batch_inputs(&batch);
  check_equal("prepare where coefficients are not shared", neurlp_solver_prepare(made.solver, &inputs),
              NEURLP_ERROR_ARGUMENT);
  destroy_objects(&made);
  batch_close(&batch);
}

static void check_backend(void) {
  neurlp_context *context = NULL;
  check_equal("context", neurlp_context_create(1, &context), NEURLP_SUCCESS);
  check_true("the default backend is cpu", strcmp(neurlp_context_backend(context), "cpu") == 0);
  check_equal("backend cpu:check", neurlp_context_set_backend(context, "cpu:check"), NEURLP_SUCCESS);
  check_equal("backend abacus", neurlp_context_set_backend(context, "abacus"), NEURLP_ERROR_ARGUMENT);
  const char *message = neurlp_context_message(context);
  printf("     %s\n", message);
  check_true("the message has the name and lists others",
             strstr(message, "abacus") && strstr(message, "cpu") && strstr(message, "cpu:check"));
  check_true("the backend stays", strcmp(neurlp_context_backend(context), "cpu:check") == 0);
  check_equal("backend cpu", neurlp_context_set_backend(context, "cpu"), NEURLP_SUCCESS);
  check_true("the backend is cpu", strcmp(neurlp_context_backend(context), "cpu") == 0);
  neurlp_context_destroy(&context);
}

/* A formulation without slack has none to give; what a tangent needs must be there. */
static void check_missing(neurlp_context *context) {
  const neurlp_formulation formulation = neurlp_formulation_smnn();
  const test_case drawn = {.shape = good_shape, .formulation = formulation};
  objects made = make_objects(context, &good_shape, &formulation);
  test_batch batch;
  batch_open(&batch, &drawn, 2);
  const neurlp_inputs inputs = batch_inputs(&batch);
  const neurlp_direction none_given = {0};
  check_equal("slack of a formulation without",
              neurlp_solver_slack(made.solver, &inputs, batch.solution, batch.slack), NEURLP_ERROR_ARGUMENT);
  check_equal("tangent without solution",
              neurlp_solver_tangent(made.solver, &inputs, NULL, &none_given, batch.tangent, batch.status),
              NEURLP_ERROR_ARGUMENT);
  check_equal("tangent without direction",
              neurlp_solver_tangent(made.solver, &inputs, batch.solution, NULL, batch.tangent, batch.status),
              NEURLP_ERROR_ARGUMENT);
  check_equal("tangent without room",
              neurlp_solver_tangent(made.solver, &inputs, batch.solution, &none_given, NULL, batch.status),
              NEURLP_ERROR_ARGUMENT);
  destroy_objects(&made);
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
  check_missing(context);
  check_prepare(context);
  check_kept("cpu");
  check_kept("cpu:check");
  check_backend();
  check_memories("cpu");
  check_memories("cpu:check");
  check_outcomes();
  check_more_outcomes();
  check_shared_failure();
  check_zero_tangent();
  for (int32_t precision = NEURLP_DOUBLE; precision <= NEURLP_MIXED; precision++) {
    check_exact_values(0.3, (neurlp_precision)precision);
    check_exact_values(7, (neurlp_precision)precision);
  }
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
