/* The backend cpu:check notices every misdeed, to any array of any operation, of a backend that it wraps. */
#include "block/arrays.h"
#include "block/cpu/cpu_check.h"
#include "support/check.h"

#include <string.h>

enum { SYSTEMS = 5 }; /* of a call; the problem has 7 */

/* Two kinds of problem, and the numbers of their arrays for SYSTEMS systems, by hand: T = 5, D = E = d = R =
 * 2, K = 2, J = JF = 1. Coefficients, rhs, initial and final values, steps, solution, slack. */
typedef struct kind {
  const char *name;
  neurlp_shape shape;
  int64_t numbers[7];
} kind;

static const kind kinds[2] = {
    {"double, varying",
     {.systems = 7,
      .steps = 5,
      .dimensions = 2,
      .order = 2,
      .equations = 2,
      .initial_steps = 2,
      .initial_derivatives = 1,
      .columns = 2,
      .final_derivatives = 1},
     {5 * 5 * 2 * 6, 5 * 5 * 2 * 2, 5 * 2 * 2 * 2, 5 * 2 * 2, 5 * 4, 5 * 5 * 6 * 2, 5 * 2}},
    {"single, shared or constant",
     {.systems = 7,
      .steps = 5,
      .dimensions = 2,
      .order = 2,
      .equations = 2,
      .initial_steps = 2,
      .initial_derivatives = 1,
      .columns = 2,
      .steps_per_dimension = true,
      .final_derivatives = 1,
      .coefficients_sharing = NEURLP_SHARED_CONSTANT,
      .rhs_sharing = NEURLP_CONSTANT,
      .steps_sharing = NEURLP_SHARED,
      .values_sharing = NEURLP_SHARED,
      .precision = NEURLP_SINGLE},
     {2 * 6, 5 * 2 * 2, 2 * 2 * 2, 2 * 2, 4 * 2, 5 * 5 * 6 * 2, 5 * 2}}};

typedef enum deed { NOTHING, BEHIND, BEFORE, CHANGE, LEAVE, ADD, DEEDS } deed;

/* What the backend does wrong, and what it saw. */
static struct {
  const kind *kind;
  deed deed;
  int32_t target;        /* the array of the call that it is done to */
  int32_t arrays;        /* arrays of the call so far */
  const char *name;      /* of the target */
  bool done;             /* the deed fits the target */
  const void *kept;      /* steps of the last prepare */
  double order[SYSTEMS]; /* first number of rhs of each system as it came */
} fake;

/* An array of the call: numbers, or int32_t. */
typedef struct array {
  void *at;
  bool integer;
} array;

static double get(array a, int64_t i) {
  if (a.integer) return (double)((int32_t *)a.at)[i];
  return fake.kind->shape.precision == NEURLP_SINGLE ? (double)((float *)a.at)[i] : ((double *)a.at)[i];
}

static void put(array a, int64_t i, double x) {
  if (a.integer)
    ((int32_t *)a.at)[i] = (int32_t)x;
  else if (fake.kind->shape.precision == NEURLP_SINGLE)
    ((float *)a.at)[i] = (float)x;
  else
    ((double *)a.at)[i] = x;
}

/* The deed of this array, NOTHING if it is not the target. */
static deed deed_to(const char *name) {
  if (fake.arrays++ != fake.target) return NOTHING;
  fake.name = name;
  return fake.deed;
}

static void stray(array a, int64_t count, deed what) {
  if (what != BEHIND && what != BEFORE) return;
  put(a, what == BEHIND ? count : -1, 0);
  fake.done = true;
}

static void see(const char *name, const void *at, bool integer, int64_t count) {
  array a = {.integer = integer};
  memcpy(&a.at, &at, sizeof at); /* takes the const away, as a backend with a fault would */
  const deed what = deed_to(name);
  stray(a, count, what);
  if (what != CHANGE) return;
  put(a, count - 1, get(a, count - 1) + 1);
  fake.done = true;
}

static void make(const char *name, void *at, bool integer, int64_t count) {
  const array a = {at, integer};
  const deed what = deed_to(name);
  const bool add = what == ADD && !integer;
  for (int64_t i = 0; i < count; i++)
    if (what != LEAVE || i < count - 1) put(a, i, add && i == 0 ? get(a, i) + 1 : 0);
  stray(a, count, what);
  fake.done = fake.done || what == LEAVE || add;
}

static void see_inputs(const neurlp_inputs *in) {
  const int64_t *n = fake.kind->numbers;
  see("inputs.coefficients", in->coefficients, false, n[0]);
  see("inputs.rhs", in->rhs, false, n[1]);
  see("inputs.initial_values", in->initial_values, false, n[2]);
  see("inputs.final_values", in->final_values, false, n[3]);
  see("inputs.steps", in->steps, false, n[4]);
  see("inputs.lengths", in->lengths, true, SYSTEMS);
  for (int64_t s = 0; s < SYSTEMS; s++) {
    array rhs = {0};
    memcpy(&rhs.at, &in->rhs, sizeof in->rhs);
    fake.order[s] = get(rhs, s * (n[1] / SYSTEMS));
  }
}

static size_t fake_bytes(const neurlp_context *context, const neurlp_problem *problem) {
  (void)context, (void)problem;
  return 1;
}

static neurlp_status fake_create(neurlp_context *context, const neurlp_problem *problem, void **state) {
  (void)context, (void)problem;
  *state = &fake;
  return NEURLP_SUCCESS;
}

static void fake_destroy(void **state) {
  *state = NULL;
}

static neurlp_status fake_prepare(void *state, const neurlp_inputs *in) {
  (void)state;
  see("inputs.coefficients", in->coefficients, false, fake.kind->numbers[0]);
  see("inputs.steps", in->steps, false, fake.kind->numbers[4]);
  fake.kept = in->steps;
  return NEURLP_SUCCESS;
}

static neurlp_status fake_solve(void *state, const neurlp_inputs *in, void *solution, neurlp_status *status) {
  (void)state;
  see_inputs(in);
  make("solution", solution, false, fake.kind->numbers[5]);
  make("status", status, true, SYSTEMS);
  return NEURLP_SUCCESS;
}

static neurlp_status fake_adjoint(void *state, const neurlp_inputs *in, const void *solution,
                                  const void *grad_output, const neurlp_gradients *gradients,
                                  neurlp_status *status) {
  const int64_t *n = fake.kind->numbers;
  (void)state;
  see_inputs(in);
  see("solution", solution, false, n[5]);
  see("grad_output", grad_output, false, n[5]);
  if (gradients->coefficients) make("gradients.coefficients", gradients->coefficients, false, n[0]);
  if (gradients->rhs) make("gradients.rhs", gradients->rhs, false, n[1]);
  if (gradients->initial_values) make("gradients.initial_values", gradients->initial_values, false, n[2]);
  if (gradients->final_values) make("gradients.final_values", gradients->final_values, false, n[3]);
  if (gradients->steps) make("gradients.steps", gradients->steps, false, n[4]);
  make("status", status, true, SYSTEMS);
  return NEURLP_SUCCESS;
}

static neurlp_status fake_tangent(void *state, const neurlp_inputs *in, const void *solution,
                                  const neurlp_direction *direction, void *tangent, neurlp_status *status) {
  const int64_t *n = fake.kind->numbers;
  (void)state;
  see_inputs(in);
  see("solution", solution, false, n[5]);
  see("direction.coefficients", direction->coefficients, false, n[0]);
  see("direction.rhs", direction->rhs, false, n[1]);
  see("direction.initial_values", direction->initial_values, false, n[2]);
  see("direction.final_values", direction->final_values, false, n[3]);
  see("direction.steps", direction->steps, false, n[4]);
  make("tangent", tangent, false, n[5]);
  make("status", status, true, SYSTEMS);
  return NEURLP_SUCCESS;
}

static neurlp_status fake_slack(void *state, const neurlp_inputs *in, const void *solution, void *slack) {
  (void)state;
  see_inputs(in);
  see("solution", solution, false, fake.kind->numbers[5]);
  make("slack", slack, false, fake.kind->numbers[6]);
  return NEURLP_SUCCESS;
}

static const neurlp_backend fake_backend = {"fake",       fake_bytes,   fake_create,
                                            fake_destroy, fake_prepare, fake_solve,
                                            fake_adjoint, fake_tangent, fake_slack};

/* The caller's arrays, 1 + index of the system where that can be told. */
enum { ROOM = 400 };
typedef struct caller {
  double inputs[5][ROOM], changes[5][ROOM], solution[ROOM], other[ROOM], slack[ROOM];
  int32_t lengths[SYSTEMS];
  neurlp_status status[SYSTEMS];
} caller;

static const char *const operations[5] = {"prepare", "solve", "adjoint", "tangent", "slack"};

static neurlp_status call(void *state, int32_t operation, caller *c) {
  const neurlp_backend *backend = neurlp_backend_cpu_check();
  const neurlp_inputs in = {SYSTEMS,      c->inputs[0], c->inputs[1], c->inputs[2],
                            c->inputs[3], c->inputs[4], c->lengths};
  const neurlp_gradients gradients = {c->changes[0], c->changes[1], c->changes[2], c->changes[3],
                                      c->changes[4]};
  const neurlp_direction direction = {c->changes[0], c->changes[1], c->changes[2], c->changes[3],
                                      c->changes[4]};
  fake.arrays = 0;
  fake.name = NULL;
  fake.done = false;
  switch (operation) {
  case 0:
    return backend->prepare(state, &in);
  case 1:
    return backend->solve(state, &in, c->solution, c->status);
  case 2:
    return backend->adjoint(state, &in, c->solution, c->other, &gradients, c->status);
  case 3:
    return backend->tangent(state, &in, c->solution, &direction, c->other, c->status);
  default:
    return backend->slack(state, &in, c->solution, c->slack);
  }
}

/* Every deed to every array of one operation. */
static void check_operation(neurlp_context *context, void *state, int32_t operation, caller *c) {
  int32_t trials = 0, unnoticed = 0, leaks = 0;
  char what[128];
  const caller before = *c;
  for (fake.target = 0, fake.arrays = 1; fake.target < fake.arrays; fake.target++)
    for (int32_t i = BEHIND; i < DEEDS; i++) {
      fake.deed = (deed)i;
      const neurlp_status status = call(state, operation, c);
      const bool noticed =
          status == NEURLP_ERROR_INTERNAL && strstr(neurlp_context_message(context), fake.name);
      if (noticed != fake.done) printf("%s, deed %d to %s\n", operations[operation], i, fake.name);
      trials += fake.done;
      unnoticed += noticed != fake.done;
      if (status < 0) leaks += memcmp(c, &before, sizeof before) != 0;
      *c = before;
    }
  snprintf(what, sizeof what, "%s, %s: misdeeds tried", fake.kind->name, operations[operation]);
  check_above(what, trials, 3 * fake.arrays);
  snprintf(what, sizeof what, "%s, %s: unnoticed, or good and blamed", fake.kind->name,
           operations[operation]);
  check_equal(what, unnoticed, 0);
  check_equal("what a bad call leaves in the caller's arrays", leaks, 0);
  fake.deed = NOTHING;
  check_equal("a good call", call(state, operation, c), NEURLP_SUCCESS);
  *c = before;
}

/* Places of the systems in the last call: how many are not their own, and whether all are there. */
static int32_t count_moved(void) {
  int32_t moved = 0, seen = 0;
  for (int32_t i = 0; i < SYSTEMS; i++) {
    moved += fake.order[i] != i + 1;
    seen |= 1 << (int32_t)fake.order[i];
  }
  return seen == (1 << (SYSTEMS + 1)) - 2 ? moved : -1;
}

/* Systems come in another order, but where a gradient is a sum over them. */
static void check_order(void *state, caller *c) {
  const bool sums = fake.kind->shape.coefficients_sharing != NEURLP_VARYING;
  const neurlp_inputs in = {SYSTEMS,      c->inputs[0], c->inputs[1], c->inputs[2],
                            c->inputs[3], c->inputs[4], c->lengths};
  const neurlp_gradients some = {.rhs = c->changes[1]};
  check_equal("solve", call(state, 1, c), NEURLP_SUCCESS);
  check_above("systems out of their place in a solve", count_moved(), 2);
  check_equal("adjoint", call(state, 2, c), NEURLP_SUCCESS);
  if (sums)
    check_equal("the same in an adjoint that sums over systems", count_moved(), 0);
  else
    check_above("the same in an adjoint that does not", count_moved(), 2);
  const neurlp_status status =
      neurlp_backend_cpu_check()->adjoint(state, &in, c->solution, c->other, &some, c->status);
  check_equal("adjoint for a gradient that is no sum", status, NEURLP_SUCCESS);
  check_above("systems out of their place", count_moved(), 2);
}

static void fill_caller(caller *c) {
  memset(c, 0, sizeof *c);
  for (int32_t s = 0; s < SYSTEMS; s++) {
    c->lengths[s] = 3 + s % 3;
    const array rhs = {c->inputs[1], false};
    const int64_t each = fake.kind->numbers[1] / SYSTEMS;
    for (int64_t i = 0; i < each; i++) put(rhs, s * each + i, s + 1);
  }
}

static void check_kind(neurlp_context *context, const kind *k) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_problem *problem = NULL;
  void *state = NULL;
  caller c;
  fake.kind = k;
  fake.deed = NOTHING;
  fill_caller(&c);
  for (int32_t i = 0; i < 7; i++)
    check_equal("numbers of an array",
                neurlp_array_numbers(neurlp_array_extents(&k->shape, (neurlp_array)i), SYSTEMS),
                k->numbers[i]);
  check_equal("problem", neurlp_problem_create(context, &k->shape, &formulation, &problem), NEURLP_SUCCESS);
  check_equal("wrap", neurlp_cpu_check_wrap(context, problem, &fake_backend, &state), NEURLP_SUCCESS);
  /* Only shared coefficients and steps can be prepared. */
  for (int32_t i = k->shape.steps_sharing == NEURLP_SHARED ? 0 : 1; i < 5; i++)
    check_operation(context, state, i, &c);
  if (k->shape.steps_sharing == NEURLP_SHARED) {
    float kept = 0;
    memcpy(&kept, fake.kept, sizeof kept);
    check_true("inputs that are kept after the call are NaN", isnan(kept));
  }
  check_order(state, &c);
  neurlp_backend_cpu_check()->destroy(&state);
  neurlp_backend_cpu_check()->destroy(&state);
  neurlp_problem_destroy(&problem);
}

int main(void) {
  neurlp_context *context = NULL;
  check_equal("context", neurlp_context_create(2, &context), NEURLP_SUCCESS);
  for (int32_t i = 0; i < 2; i++) check_kind(context, &kinds[i]);
  check_equal("blocks of memory held at the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
