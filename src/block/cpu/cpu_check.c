/* The backend cpu:check: calls cpu with guarded copies of all arrays, systems in another order, and judges
 * what comes back. Numbers of a system depend on that system only, so results are those of cpu, bit for bit.
 */
#include "block/cpu/cpu_check.h"

#include "block/cpu/guarded.h"
#include "core/random.h"

#include <string.h>

/* The copies. No call has both gradients and a direction, nor both a tangent and a grad_output. */
enum {
  INPUTS,                             /* NEURLP_ARRAY_INPUTS of them */
  CHANGES = NEURLP_ARRAY_INPUTS,      /* as many: gradients or directions */
  SOLUTION = 2 * NEURLP_ARRAY_INPUTS, /* solution */
  OTHER,                              /* grad_output or tangent */
  SLACK,
  LENGTHS,
  STATUS,
  COPIES
};

typedef struct check_state {
  neurlp_context *context;
  const neurlp_problem *problem;
  const neurlp_backend *inner;
  void *inner_state;
  neurlp_order order; /* of the call at hand */
  uint64_t left;      /* what the last solve was given as left-hand side, in brief */
  neurlp_guarded copies[COPIES];
} check_state;

static const char *const input_names[NEURLP_ARRAY_INPUTS] = {
    "inputs.coefficients", "inputs.rhs", "inputs.initial_values", "inputs.final_values", "inputs.steps"};
static const char *const gradient_names[NEURLP_ARRAY_INPUTS] = {"gradients.coefficients", "gradients.rhs",
                                                                "gradients.initial_values",
                                                                "gradients.final_values", "gradients.steps"};
static const char *const direction_names[NEURLP_ARRAY_INPUTS] = {"direction.coefficients", "direction.rhs",
                                                                 "direction.initial_values",
                                                                 "direction.final_values", "direction.steps"};

/* ---- states ------------------------------------------------------------------------------------------ */

static neurlp_extents copy_extents(const neurlp_problem *problem, int32_t copy) {
  if (copy < SOLUTION)
    return neurlp_array_extents(&problem->shape, (neurlp_array)(copy % NEURLP_ARRAY_INPUTS));
  if (copy == SOLUTION || copy == OTHER) return neurlp_array_extents(&problem->shape, NEURLP_ARRAY_SOLUTION);
  if (copy == SLACK) return neurlp_array_extents(&problem->shape, NEURLP_ARRAY_SLACK);
  return (neurlp_extents){.per_step = 1, .per_system = 1, .step_stride = 1, .system_stride = 1};
}

static size_t copy_element_bytes(const neurlp_problem *problem, int32_t copy) {
  if (copy == LENGTHS) return sizeof(int32_t);
  if (copy == STATUS) return sizeof(neurlp_status);
  return neurlp_number_bytes(&problem->shape);
}

static size_t workspace_bytes_check(const neurlp_context *context, const neurlp_problem *problem) {
  const int64_t systems = problem->shape.systems;
  const size_t inner_bytes = neurlp_backend_cpu()->workspace_bytes(context, problem);
  size_t bytes = sizeof(check_state) + (size_t)systems * sizeof(int64_t) + inner_bytes;
  for (int32_t i = 0; i < COPIES; i++)
    bytes += neurlp_guarded_bytes(copy_extents(problem, i), copy_element_bytes(problem, i), systems);
  return inner_bytes > 0 ? bytes : 0;
}

static void destroy_check(void **state) {
  check_state *check = *state;
  if (!check) return;
  neurlp_context *context = check->context;
  check->inner->destroy(&check->inner_state);
  for (int32_t i = 0; i < COPIES; i++) neurlp_guarded_destroy(context, &check->copies[i]);
  neurlp_release(context, &check->order.place);
  neurlp_release(context, state);
}

neurlp_status neurlp_cpu_check_wrap(neurlp_context *context, const neurlp_problem *problem,
                                    const neurlp_backend *inner, void **state) {
  const int64_t systems = problem->shape.systems;
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  *state = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(check_state), &made));
  check_state *check = made;
  check->context = context;
  check->problem = problem;
  check->inner = inner;
  NEURLP_TRY(neurlp_allocate(context, systems, sizeof(int64_t), &check->order.place));
  for (int32_t i = 0; i < COPIES; i++)
    NEURLP_TRY(neurlp_guarded_create(context, copy_extents(problem, i), copy_element_bytes(problem, i),
                                     systems, &check->copies[i]));
  NEURLP_TRY(inner->create(context, problem, &check->inner_state));
  *state = made;
  made = NULL;
done:
  destroy_check(&made);
  return status;
}

static neurlp_status create_check(neurlp_context *context, const neurlp_problem *problem, void **state) {
  return neurlp_cpu_check_wrap(context, problem, neurlp_backend_cpu(), state);
}

/* ---- one call ---------------------------------------------------------------------------------------- */

/* The order of a call: as it is, or a permutation (Fisher and Yates) that the number of systems decides. */
static void begin_order(check_state *check, int64_t systems, bool permuted) {
  int64_t *place = check->order.place;
  check->order.systems = systems;
  for (int64_t s = 0; s < systems; s++) place[s] = s;
  for (int64_t s = systems - 1; s > 0 && permuted; s--) {
    const double u = neurlp_random_uniform((uint64_t)systems, NEURLP_RANDOM_ORDER, -1, s);
    const int64_t other = (int64_t)(u * (double)(s + 1)), kept = place[s];
    place[s] = place[other];
    place[other] = kept;
  }
}

/* Copies of the inputs, for `inner`. */
static neurlp_inputs read_inputs(check_state *check, const neurlp_inputs *in) {
  const void *sources[NEURLP_ARRAY_INPUTS] = {in->coefficients, in->rhs, in->initial_values, in->final_values,
                                              in->steps};
  const void *copies[NEURLP_ARRAY_INPUTS];
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    copies[i] = neurlp_guarded_read(&check->copies[INPUTS + i], &check->order, input_names[i], sources[i]);
  return (neurlp_inputs){
      .systems = in->systems,
      .coefficients = copies[NEURLP_ARRAY_COEFFICIENTS],
      .rhs = copies[NEURLP_ARRAY_RHS],
      .initial_values = copies[NEURLP_ARRAY_INITIAL_VALUES],
      .final_values = copies[NEURLP_ARRAY_FINAL_VALUES],
      .steps = copies[NEURLP_ARRAY_STEPS],
      .lengths = neurlp_guarded_read(&check->copies[LENGTHS], &check->order, "inputs.lengths", in->lengths)};
}

static const void *read_copy(check_state *check, int32_t copy, const char *name, const void *source) {
  return neurlp_guarded_read(&check->copies[copy], &check->order, name, source);
}

static void *write_copy(check_state *check, int32_t copy, const char *name, void *target) {
  return neurlp_guarded_write(&check->copies[copy], &check->order, name, target);
}

/* Ends a call that `inner` answered with `status`: verifies all copies, and hands on what was written only if
 * all are as they should be. */
static neurlp_status end_call(check_state *check, neurlp_status answer) {
  neurlp_status status = answer;
  for (int32_t i = 0; i < COPIES && status >= 0; i++) {
    const neurlp_status verified = neurlp_guarded_verify(check->context, &check->copies[i], &check->order);
    if (verified < 0) status = verified;
  }
  for (int32_t i = 0; i < COPIES; i++) neurlp_guarded_end(&check->copies[i], &check->order, status >= 0);
  return status;
}

/* Continues a sum over bytes (Fowler, Noll and Vo, 1a). */
static uint64_t add_bytes(uint64_t sum, const void *bytes, size_t count) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < count && byte; i++) sum = (sum ^ byte[i]) * 1099511628211u;
  return sum;
}

/* Coefficients, steps and lengths in one number. */
static uint64_t left_hand_side(const check_state *check, const neurlp_inputs *in) {
  const neurlp_shape *shape = &check->problem->shape;
  const size_t bytes = neurlp_number_bytes(shape);
  const int64_t coefficients =
      neurlp_array_numbers(neurlp_array_extents(shape, NEURLP_ARRAY_COEFFICIENTS), in->systems);
  const int64_t steps = neurlp_array_numbers(neurlp_array_extents(shape, NEURLP_ARRAY_STEPS), in->systems);
  uint64_t sum = 14695981039346656037u;
  sum = add_bytes(sum, in->coefficients, (size_t)coefficients * bytes);
  sum = add_bytes(sum, in->steps, (size_t)steps * bytes);
  return add_bytes(sum, in->lengths, (size_t)in->systems * sizeof *in->lengths);
}

/* Factors that are kept serve only the left-hand side that they were made from. */
static neurlp_status check_left(const check_state *check, const neurlp_inputs *in) {
  if (!check->problem->keeps || check->left == left_hand_side(check, in)) return NEURLP_SUCCESS;
  return neurlp_fail(
      check->context, NEURLP_ERROR_ARGUMENT,
      "inputs.coefficients, inputs.steps or inputs.lengths are not those of the last solve, whose "
      "factors shape.keep_factors asks for; solve again, or leave keep_factors false");
}

/* Whether one of these arrays is a sum over systems, or shared by them; NULL: of all arrays. */
static bool sums_systems(const check_state *check, void *const targets[NEURLP_ARRAY_INPUTS]) {
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    if ((!targets || targets[i]) && check->copies[INPUTS + i].extents.per_system > 0 &&
        check->copies[INPUTS + i].extents.system_stride == 0)
      return true;
  return false;
}

/* Whether systems may come in another order, where those gradients are wanted: rounding of sums over systems
 * depends on it, and factors that are kept are in the order of the solve. */
static bool may_permute(const check_state *check, void *const targets[NEURLP_ARRAY_INPUTS]) {
  return !sums_systems(check, check->problem->keeps ? NULL : targets);
}

/* ---- operations -------------------------------------------------------------------------------------- */

static neurlp_status prepare_check(void *state, const neurlp_inputs *inputs) {
  check_state *check = state;
  const neurlp_inputs left = {.coefficients = inputs->coefficients, .steps = inputs->steps};
  begin_order(check, 0, false);
  const neurlp_inputs copies = read_inputs(check, &left);
  return end_call(check, check->inner->prepare(check->inner_state, &copies));
}

static neurlp_status solve_check(void *state, const neurlp_inputs *inputs, void *solution,
                                 neurlp_status *statuses) {
  static void *const no_sums[NEURLP_ARRAY_INPUTS] = {0};
  check_state *check = state;
  if (check->problem->keeps) check->left = left_hand_side(check, inputs);
  begin_order(check, inputs->systems, may_permute(check, no_sums));
  const neurlp_inputs copies = read_inputs(check, inputs);
  void *u = write_copy(check, SOLUTION, "solution", solution);
  neurlp_status *own = write_copy(check, STATUS, "status", statuses);
  return end_call(check, check->inner->solve(check->inner_state, &copies, u, own));
}

static neurlp_status adjoint_check(void *state, const neurlp_inputs *inputs, const void *solution,
                                   const void *grad_output, const neurlp_gradients *gradients,
                                   neurlp_status *statuses) {
  check_state *check = state;
  void *const targets[NEURLP_ARRAY_INPUTS] = {gradients->coefficients, gradients->rhs,
                                              gradients->initial_values, gradients->final_values,
                                              gradients->steps};
  void *written[NEURLP_ARRAY_INPUTS];
  const neurlp_status left = check_left(check, inputs);
  if (left < 0) return left;
  begin_order(check, inputs->systems, may_permute(check, targets));
  const neurlp_inputs copies = read_inputs(check, inputs);
  const void *u = read_copy(check, SOLUTION, "solution", solution);
  const void *g = read_copy(check, OTHER, "grad_output", grad_output);
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    written[i] = write_copy(check, CHANGES + i, gradient_names[i], targets[i]);
  const neurlp_gradients own_gradients = {.coefficients = written[NEURLP_ARRAY_COEFFICIENTS],
                                          .rhs = written[NEURLP_ARRAY_RHS],
                                          .initial_values = written[NEURLP_ARRAY_INITIAL_VALUES],
                                          .final_values = written[NEURLP_ARRAY_FINAL_VALUES],
                                          .steps = written[NEURLP_ARRAY_STEPS]};
  neurlp_status *own = write_copy(check, STATUS, "status", statuses);
  return end_call(check, check->inner->adjoint(check->inner_state, &copies, u, g, &own_gradients, own));
}

static neurlp_status tangent_check(void *state, const neurlp_inputs *inputs, const void *solution,
                                   const neurlp_direction *direction, void *tangent,
                                   neurlp_status *statuses) {
  check_state *check = state;
  const void *const sources[NEURLP_ARRAY_INPUTS] = {direction->coefficients, direction->rhs,
                                                    direction->initial_values, direction->final_values,
                                                    direction->steps};
  static void *const no_sums[NEURLP_ARRAY_INPUTS] = {0};
  const void *read[NEURLP_ARRAY_INPUTS];
  const neurlp_status left = check_left(check, inputs);
  if (left < 0) return left;
  begin_order(check, inputs->systems, may_permute(check, no_sums));
  const neurlp_inputs copies = read_inputs(check, inputs);
  const void *u = read_copy(check, SOLUTION, "solution", solution);
  for (int32_t i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    read[i] = read_copy(check, CHANGES + i, direction_names[i], sources[i]);
  const neurlp_direction own_direction = {.coefficients = read[NEURLP_ARRAY_COEFFICIENTS],
                                          .rhs = read[NEURLP_ARRAY_RHS],
                                          .initial_values = read[NEURLP_ARRAY_INITIAL_VALUES],
                                          .final_values = read[NEURLP_ARRAY_FINAL_VALUES],
                                          .steps = read[NEURLP_ARRAY_STEPS]};
  void *written = write_copy(check, OTHER, "tangent", tangent);
  neurlp_status *own = write_copy(check, STATUS, "status", statuses);
  return end_call(check, check->inner->tangent(check->inner_state, &copies, u, &own_direction, written, own));
}

static neurlp_status slack_check(void *state, const neurlp_inputs *inputs, const void *solution,
                                 void *slack) {
  check_state *check = state;
  begin_order(check, inputs->systems, true);
  const neurlp_inputs copies = read_inputs(check, inputs);
  const void *u = read_copy(check, SOLUTION, "solution", solution);
  void *written = write_copy(check, SLACK, "slack", slack);
  return end_call(check, check->inner->slack(check->inner_state, &copies, u, written));
}

const neurlp_backend *neurlp_backend_cpu_check(void) {
  static const neurlp_backend cpu_check = {.name = "cpu:check",
                                           .workspace_bytes = workspace_bytes_check,
                                           .create = create_check,
                                           .destroy = destroy_check,
                                           .prepare = prepare_check,
                                           .solve = solve_check,
                                           .adjoint = adjoint_check,
                                           .tangent = tangent_check,
                                           .slack = slack_check};
  return &cpu_check;
}
