/* What can go wrong with nonlinear systems, in the middle of a batch of good ones that must not notice;
 * arguments out of range; layouts, threads and memory. */
#include "block/trajectories.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 11, BAD = 4, INTERVALS = 40, ORDER = 2, WIDTH = ORDER + 1, POINTS = INTERVALS + 1 };

/* Logistic systems with rates of their own and several lengths. Half of the grid's length is past the
 * explosion of a system that explodes. */
static void open(test_trajectories *run, const test_system **systems, int32_t threads, int32_t corrections) {
  for (int32_t s = 0; s < SYSTEMS; s++) systems[s] = &logistic;
  neurlp_nonlinear_shape shape = trajectories_shape(&logistic, SYSTEMS, ORDER, INTERVALS, 0.05);
  shape.forward = shape.adjoint = true;
  if (!trajectories_have_equations()) shape.corrections = corrections; /* a GPU leaves them to the host */
  trajectories_open(run, systems, &shape, threads);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    run->theta[2 * s] = 0.5 + 0.2 * s;
    run->lengths[s] = POINTS - s;
  }
  for (int64_t i = 0; i < run->points * WIDTH; i++) run->grad_state[i] = sin((double)i);
  trajectories_restart(run);
}

/* Everything that a batch answers. */
typedef struct test_answers {
  double state[SYSTEMS][POINTS][WIDTH];
  double parameters[SYSTEMS][2], initial[SYSTEMS], steps[SYSTEMS][INTERVALS];
  neurlp_status solved[SYSTEMS], derived[SYSTEMS], call, adjoint_call;
} test_answers;

static void answer(test_trajectories *run, test_answers *a) {
  memset(a, 0, sizeof *a);
  a->call = trajectories_solve(run);
  memcpy(a->solved, run->status, sizeof a->solved);
  memcpy(a->state, run->state, sizeof a->state);
  a->adjoint_call = trajectories_adjoint(run);
  memcpy(a->derived, run->status, sizeof a->derived);
  memcpy(a->parameters, run->gradients.parameters, sizeof a->parameters);
  memcpy(a->initial, run->gradients.initial_values, sizeof a->initial);
  memcpy(a->steps, run->gradients.steps, sizeof a->steps);
}

/* Systems other than BAD whose answers are the same, bit for bit. */
static int64_t same_others(const test_answers *a, const test_answers *b) {
  int64_t same = 0;
  for (int32_t s = 0; s < SYSTEMS; s++)
    same += s != BAD && a->solved[s] == NEURLP_SUCCESS && b->solved[s] == NEURLP_SUCCESS &&
            b->derived[s] == NEURLP_SUCCESS && !memcmp(a->state[s], b->state[s], sizeof a->state[s]) &&
            !memcmp(a->parameters[s], b->parameters[s], sizeof a->parameters[s]) &&
            !memcmp(&a->initial[s], &b->initial[s], sizeof a->initial[s]) &&
            !memcmp(a->steps[s], b->steps[s], sizeof a->steps[s]);
  return same;
}

typedef void (*spoiler)(test_trajectories *run, const test_system **systems);

static void leave(test_trajectories *run, const test_system **systems) {
  (void)run;
  (void)systems;
}
static void not_a_number(test_trajectories *run, const test_system **systems) {
  (void)systems;
  run->theta[2 * BAD] = NAN;
}
static void no_answer(test_trajectories *run, const test_system **systems) {
  (void)systems;
  run->silent = BAD;
}
static void bad_value(test_trajectories *run, const test_system **systems) {
  (void)systems;
  run->initial[BAD] = INFINITY;
}
static void zero_step(test_trajectories *run, const test_system **systems) {
  (void)systems;
  run->steps[BAD * INTERVALS + 3] = 0;
}
static void overflow(test_trajectories *run, const test_system **systems) {
  (void)systems;
  run->theta[2 * BAD] = 1e200;
}
static void explode(test_trajectories *run, const test_system **systems) {
  systems[BAD] = &explosion;
  run->theta[2 * BAD] = 1;
  run->initial[BAD] = 1;
  trajectories_restart(run);
}

/* One system fails in this way; `either` is another status that would do. */
static void check_failure(const char *what, spoiler spoil, neurlp_status expected, neurlp_status either,
                          const test_answers *good) {
  static test_answers mixed;
  const test_system *systems[SYSTEMS];
  test_trajectories run;
  char line[128];
  open(&run, systems, 2, 1);
  spoil(&run, systems);
  answer(&run, &mixed);
  snprintf(line, sizeof line, "%s: %s", what, neurlp_status_name(mixed.solved[BAD]));
  check_true(line, mixed.solved[BAD] == expected || mixed.solved[BAD] == either);
  check_equal("  the call says so", mixed.call, NEURLP_SOME_FAILED);
  check_true("  and so does the message", strstr(neurlp_context_message(run.context), "system 4") != NULL);
  bool finite = true;
  for (int32_t t = 0; t < run.lengths[BAD]; t++)
    for (int32_t j = 0; j < WIDTH; j++) finite = finite && isfinite(mixed.state[BAD][t][j]);
  check_true("  its trajectory is finite", finite);
  check_equal("  the others have the same solutions and gradients", same_others(good, &mixed), SYSTEMS - 1);
  if (mixed.derived[BAD] != NEURLP_SUCCESS)
    check_true("  its gradients are NaN",
               isnan(mixed.parameters[BAD][0]) && isnan(mixed.initial[BAD]) && isnan(mixed.steps[BAD][0]));
  trajectories_close(&run);
}

static void check_failing(void) {
  static test_answers good;
  const test_system *systems[SYSTEMS];
  test_trajectories run;
  open(&run, systems, 2, 1);
  leave(&run, systems);
  answer(&run, &good);
  check_equal("good systems: call", good.call, NEURLP_SUCCESS);
  check_equal("good systems: adjoint", good.adjoint_call, NEURLP_SUCCESS);
  trajectories_close(&run);
  check_failure("f is NaN", not_a_number, NEURLP_NOT_FINITE, NEURLP_NOT_FINITE, &good);
  if (!trajectories_have_equations()) {
    check_failure("no linearisation", no_answer, NEURLP_NOT_FINITE, NEURLP_NOT_FINITE, &good);
    check_failure("explosion in finite time", explode, NEURLP_NOT_CONVERGED, NEURLP_NOT_FINITE, &good);
  }
  check_failure("infinite initial value", bad_value, NEURLP_NOT_FINITE, NEURLP_NOT_FINITE, &good);
  check_failure("step of zero", zero_step, NEURLP_SINGULAR, NEURLP_SINGULAR, &good);
  check_failure("Jacobian whose square overflows", overflow, NEURLP_NOT_FINITE, NEURLP_SINGULAR, &good);
}

/* A callback whose Jacobian leaves the difference of two states to rounding errors. */
static void check_singular(void) {
  const test_system *systems[3] = {&degenerate, &degenerate, &degenerate};
  neurlp_nonlinear_shape shape = trajectories_shape(&degenerate, 3, ORDER, INTERVALS, 0.05);
  test_trajectories run;
  trajectories_open(&run, systems, &shape, 1);
  run.theta[0] = run.theta[2] = 1;
  check_equal("degenerate Jacobian: call", trajectories_solve(&run), NEURLP_SOME_FAILED);
  check_equal("degenerate Jacobian", run.status[1], NEURLP_SINGULAR);
  check_equal("and its neighbours", run.status[0] + run.status[2], NEURLP_SUCCESS);
  trajectories_close(&run);
}

/* ---- layouts, threads, memory ------------------------------------------------------------------------ */

/* The same systems packed one behind the other, in another order in memory. */
static void check_packed(const test_answers *dense) {
  static test_answers packed;
  const test_system *systems[SYSTEMS];
  test_trajectories run;
  int64_t first[SYSTEMS], next = 0, same = 0;
  open(&run, systems, 3, 1);
  for (int32_t s = SYSTEMS - 1; s >= 0; next += run.lengths[s--]) first[s] = next;
  double *dense_grad = malloc(sizeof packed.state);
  memcpy(dense_grad, run.grad_state, sizeof packed.state);
  for (int32_t s = 0; s < SYSTEMS; s++)
    memcpy(run.grad_state + first[s] * WIDTH, dense_grad + s * POINTS * WIDTH,
           (size_t)(run.lengths[s] * WIDTH) * sizeof(double));
  free(dense_grad);
  run.batch.first_point = first;
  run.batch.scale = NULL; /* means 1, which is what the batch has */
  trajectories_restart(&run);
  answer(&run, &packed);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    const size_t points = (size_t)run.lengths[s];
    same += !memcmp(dense->state[s], run.state + first[s] * WIDTH, points * WIDTH * sizeof(double)) &&
            !memcmp(dense->parameters[s], packed.parameters[s], sizeof packed.parameters[s]) &&
            !memcmp(&dense->initial[s], &packed.initial[s], sizeof packed.initial[s]) &&
            !memcmp(dense->steps[s], run.gradients.steps + first[s], (points - 1) * sizeof(double));
  }
  check_equal("packed systems, other threads: the same answers", same, SYSTEMS);
  trajectories_close(&run);
}

static void check_layouts(void) {
  static test_answers dense;
  const test_system *systems[SYSTEMS];
  test_trajectories run;
  int64_t exact = 0, untouched = 0, zeros = 0;
  open(&run, systems, 1, 1);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    run.initial[s] = 0.1 + 0.01 * s;
    for (int32_t t = run.lengths[s]; t < POINTS; t++) run.state[(s * POINTS + t) * WIDTH] = 7;
  }
  const neurlp_memory before = neurlp_context_memory(run.context);
  answer(&run, &dense);
  check_equal("forward sensitivities", trajectories_forward(&run), NEURLP_SUCCESS);
  const neurlp_memory after = neurlp_context_memory(run.context);
  if (strcmp(trajectories_backend(), "cpu") == 0)
    check_equal("bytes allocated by calls", (long long)(after.peak_bytes - before.current_bytes), 0);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    exact += dense.state[s][0][0] == run.initial[s];
    for (int32_t t = run.lengths[s]; t < POINTS; t++) untouched += dense.state[s][t][0] == 7;
    for (int32_t t = run.lengths[s] - 1; t < INTERVALS; t++) zeros += dense.steps[s][t] == 0;
  }
  check_equal("initial values that are exact", exact, SYSTEMS);
  check_equal("states past a length that are left alone", untouched, SYSTEMS * (SYSTEMS - 1) / 2);
  check_equal("gradients of steps past a length that are 0", zeros, SYSTEMS * (SYSTEMS - 1) / 2);
  trajectories_close(&run);
  open(&run, systems, 1, 1);
  answer(&run, &dense);
  trajectories_close(&run);
  check_packed(&dense);
}

/* ---- arguments --------------------------------------------------------------------------------------- */

static void check_refused(neurlp_context *context, neurlp_status status, const char *field,
                          const char *value) {
  const char *message = neurlp_context_message(context);
  char line[300];
  snprintf(line, sizeof line, "refused: %s", message);
  check_true(line, status == NEURLP_ERROR_ARGUMENT && strstr(message, field) && strstr(message, value));
}

#define REFUSE_SHAPE(field, number)                                                                          \
  do {                                                                                                       \
    neurlp_nonlinear_shape shape = trajectories_shape(&logistic, 3, ORDER, INTERVALS, 0.05);                 \
    neurlp_nonlinear *block = (neurlp_nonlinear *)(void *)context;                                           \
    shape.field = number;                                                                                    \
    check_refused(context, neurlp_nonlinear_create(context, &shape, &block), #field, #number);               \
    check_true("and no block", block == NULL);                                                               \
  } while (0)

static void check_shapes(neurlp_context *context) {
  REFUSE_SHAPE(systems, -1);
  REFUSE_SHAPE(systems, 9000000000000000000);
  REFUSE_SHAPE(steps, 1);
  REFUSE_SHAPE(dimensions, 0);
  REFUSE_SHAPE(dimensions, 2000000000);
  REFUSE_SHAPE(order, 7);
  REFUSE_SHAPE(leading_derivative, 0);
  REFUSE_SHAPE(leading_derivative, 3);
  REFUSE_SHAPE(parameters, -2);
  REFUSE_SHAPE(nominal_step, 0);
  REFUSE_SHAPE(weight_top, -5);
  REFUSE_SHAPE(iterations, -1);
  REFUSE_SHAPE(tolerance, -3);
  REFUSE_SHAPE(remainder, -6);
  REFUSE_SHAPE(corrections, -4);
  check_equal("blocks alive after refusals", neurlp_context_memory(context).blocks, 0);
}

#define REFUSE_BATCH(field, number, name, value)                                                             \
  do {                                                                                                       \
    const neurlp_nonlinear_batch batch = run.batch;                                                          \
    run.batch.field = number;                                                                                \
    check_refused(run.context, trajectories_solve(&run), name, value);                                       \
    check_refused(run.context, trajectories_adjoint(&run), name, value);                                     \
    check_refused(run.context, trajectories_forward(&run), name, value);                                     \
    run.batch = batch;                                                                                       \
  } while (0)

static void check_calls(void) {
  const test_system *systems[SYSTEMS];
  test_trajectories run;
  open(&run, systems, 1, 0);
  const int32_t lengths[SYSTEMS] = {5, 5, 1}, longer[SYSTEMS] = {5, 5, 5, 42};
  const int64_t first[SYSTEMS] = {0, -9};
  const double scale[SYSTEMS] = {1, 1, -2};
  REFUSE_BATCH(systems, 12, "systems", "12");
  REFUSE_BATCH(systems, -1, "systems", "-1");
  REFUSE_BATCH(steps, NULL, "steps", "NULL");
  REFUSE_BATCH(initial_values, NULL, "initial_values", "NULL");
  if (trajectories_have_equations())
    REFUSE_BATCH(parameters, NULL, "parameters", "NULL");
  else
    REFUSE_BATCH(linearise, NULL, "linearise", "NULL");
  REFUSE_BATCH(lengths, lengths, "lengths[2]", "1");
  REFUSE_BATCH(lengths, longer, "lengths[3]", "42");
  REFUSE_BATCH(first_point, first, "first_point[1]", "-9");
  REFUSE_BATCH(scale, scale, "scale", "-2");
  check_refused(run.context, neurlp_nonlinear_solve(run.block, &run.batch, NULL, run.status), "state",
                "NULL");
  check_refused(run.context, neurlp_nonlinear_solve(run.block, &run.batch, run.state, NULL), "status",
                "NULL");
  check_refused(run.context,
                neurlp_nonlinear_adjoint(run.block, &run.batch, run.state, NULL, &run.gradients, run.status),
                "grad_state", "NULL");
  check_refused(run.context, neurlp_nonlinear_sensitivity(run.block, &run.batch, run.state, NULL, run.status),
                "receive", "NULL");
  run.batch.systems = 0;
  check_equal("no systems", trajectories_solve(&run) + trajectories_adjoint(&run), NEURLP_SUCCESS);
  neurlp_nonlinear_destroy(&run.block);
  neurlp_nonlinear_destroy(&run.block);
  run.shape.forward = run.shape.adjoint = false;
  check_equal("a block that only solves", neurlp_nonlinear_create(run.context, &run.shape, &run.block),
              NEURLP_SUCCESS);
  check_refused(run.context, trajectories_adjoint(&run), "shape.adjoint", "without");
  check_refused(run.context, trajectories_forward(&run), "shape.forward", "without");
  trajectories_close(&run);
}

int main(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  check_failing();
  check_singular();
  check_layouts();
  check_shapes(context);
  check_calls();
  neurlp_context_destroy(&context);
  return check_verdict();
}
