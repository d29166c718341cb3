/* The backend cuda on an imitated GPU: batches larger than its memory go through in chunks and give the same
 * numbers; arrays may be in the device's memory; too little memory is an error that says what to do, and
 * nothing is lost. */
#include "cuda/device/device.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { S = 700, T = 40, N = 3 };

/* u' = -k u + b, u(0) given. */
typedef struct batch {
  double coefficients[S][T][N], rhs[S][T], values[S], steps[S][T - 1], grad_output[S][T][N];
  double solution[S][T][N], grad_coefficients[T][N], grad_rhs[S][T], grad_values[S], grad_steps[S][T - 1];
  neurlp_status status[S];
} batch;

static void fill(batch *b) {
  for (int32_t s = 0; s < S; s++) {
    b->values[s] = 1 + s % 7;
    for (int32_t t = 0; t < T; t++) {
      const double c[N] = {0.5 + 0.001 * t, 1, 0};
      memcpy(b->coefficients[s][t], c, sizeof c);
      b->rhs[s][t] = cos(0.1 * t) + 0.01 * s;
      if (t + 1 < T) b->steps[s][t] = 0.1;
      for (int32_t j = 0; j < N; j++) b->grad_output[s][t][j] = j == 0 ? sin(t + s) : 0;
    }
  }
}

/* The same sum, of gradients that each system has of its own: systems with coefficients that are alike, but
 * not shared. Returns the largest difference from `sums`, over the sum of magnitudes. */
static double difference_from_sum(const double *own, const double *sums) {
  double most = 0;
  for (int32_t i = 0; i < T * N; i++) {
    double sum = 0, size = 0;
    for (int32_t s = 0; s < S; s++) {
      sum += own[s * T * N + i];
      size += fabs(own[s * T * N + i]);
    }
    if (size > 0) most = fmax(most, fabs(sum - sums[i]) / size);
  }
  return most;
}

static neurlp_shape shape_of(void) {
  /* All systems share their coefficients, whose gradient is a sum over systems. */
  return (neurlp_shape){.systems = S,
                        .steps = T,
                        .dimensions = 1,
                        .order = 2,
                        .equations = 1,
                        .initial_steps = 1,
                        .initial_derivatives = 1,
                        .columns = 1,
                        .coefficients_sharing = NEURLP_SHARED};
}

static neurlp_context *open_context(const char *backend, const char *bytes) {
  neurlp_context *context = NULL;
  if (bytes)
    setenv("NEURLP_IMITATED_BYTES", bytes, 1);
  else
    unsetenv("NEURLP_IMITATED_BYTES");
  if (neurlp_context_create(2, &context) < 0 || neurlp_context_set_backend(context, backend) < 0) exit(1);
  return context;
}

static neurlp_status run(neurlp_context *context, neurlp_solver *solver, batch *b) {
  const neurlp_inputs inputs = {.systems = S,
                                .coefficients = b->coefficients,
                                .rhs = b->rhs,
                                .initial_values = b->values,
                                .steps = b->steps};
  const neurlp_gradients gradients = {.coefficients = b->grad_coefficients,
                                      .rhs = b->grad_rhs,
                                      .initial_values = b->grad_values,
                                      .steps = b->grad_steps};
  neurlp_status status = neurlp_solver_solve(solver, &inputs, b->solution, b->status);
  if (status == NEURLP_SUCCESS)
    status = neurlp_solver_adjoint(solver, &inputs, b->solution, b->grad_output, &gradients, b->status);
  if (status != NEURLP_SUCCESS) printf("%s\n", neurlp_context_message(context));
  return status;
}

/* Solves and differentiates on a device with so much memory; returns the status of the first call that fails.
 */
static neurlp_status run_on(const char *backend, const char *bytes, batch *b) {
  const neurlp_shape shape = shape_of();
  const neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_context *context = open_context(backend, bytes);
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  neurlp_status status = neurlp_problem_create(context, &shape, &formulation, &problem);
  if (status == NEURLP_SUCCESS) status = neurlp_solver_create(context, problem, &solver);
  if (status == NEURLP_SUCCESS)
    status = run(context, solver, b);
  else
    printf("     %s\n", neurlp_context_message(context));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  return status;
}

static double largest_difference(const double *a, const double *b, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(a[i] - b[i]));
  return most;
}

static void test_chunks(batch *whole, batch *parts) {
  fill(whole);
  fill(parts);
  check_equal("all systems at one time", run_on("cuda:check", NULL, whole), NEURLP_SUCCESS);
  check_equal("in chunks", run_on("cuda:check", "4000000", parts), NEURLP_SUCCESS);
  check_true("solutions are the same bit for bit",
             memcmp(whole->solution, parts->solution, sizeof whole->solution) == 0);
  check_true("gradients of each system, too",
             memcmp(whole->grad_rhs, parts->grad_rhs, sizeof whole->grad_rhs) == 0 &&
                 memcmp(whole->grad_values, parts->grad_values, sizeof whole->grad_values) == 0 &&
                 memcmp(whole->grad_steps, parts->grad_steps, sizeof whole->grad_steps) == 0);
  double size = 0;
  for (int32_t i = 0; i < T * N; i++) size = fmax(size, fabs((&whole->grad_coefficients[0][0])[i]));
  /* a sum of S terms in another order: S epsilon of the sum of magnitudes, of which `size` is a part */
  check_below("sums over systems differ by rounding",
              largest_difference(&whole->grad_coefficients[0][0], &parts->grad_coefficients[0][0], T * N) /
                  size,
              S * 2.2e-16 * 10);
}

/* Gradients of what systems share are the sums of those that each would have alone. */
static void test_sums(const batch *whole, batch *b) {
  neurlp_shape shape = shape_of();
  const neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_context *context = open_context("cuda:check", NULL);
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  double *coefficients = malloc(sizeof b->solution), *own = malloc(sizeof b->solution);
  shape.coefficients_sharing = NEURLP_VARYING;
  fill(b);
  if (!coefficients || !own || neurlp_problem_create(context, &shape, &formulation, &problem) < 0 ||
      neurlp_solver_create(context, problem, &solver) < 0)
    exit(1);
  for (int32_t s = 0; s < S; s++)
    memcpy(coefficients + s * T * N, b->coefficients[0], sizeof b->coefficients[0]);
  const neurlp_inputs inputs = {.systems = S,
                                .coefficients = coefficients,
                                .rhs = b->rhs,
                                .initial_values = b->values,
                                .steps = b->steps};
  const neurlp_gradients gradients = {.coefficients = own};
  check_equal("solve", neurlp_solver_solve(solver, &inputs, b->solution, b->status), NEURLP_SUCCESS);
  check_equal("adjoint",
              neurlp_solver_adjoint(solver, &inputs, b->solution, b->grad_output, &gradients, b->status),
              NEURLP_SUCCESS);
  check_below("sums over systems are those of each one's gradient",
              difference_from_sum(own, &whole->grad_coefficients[0][0]), S * 2.2e-16);
  free(coefficients);
  free(own);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
}

static void test_memory(batch *b) {
  fill(b);
  check_equal("far too little memory is an error", run_on("cuda:check", "200000", b), NEURLP_ERROR_MEMORY);
  check_equal("none at all is, too", run_on("cuda:check", "0", b), NEURLP_ERROR_MEMORY);
}

/* Copies an array to the device's memory, as a program does whose data are there. */
static void *to_device(neurlp_device *device, void *pinned, const void *from, size_t bytes) {
  void *memory = NULL;
  memcpy(pinned, from, bytes);
  if (device->operations->allocate(device, bytes, &memory) < 0) exit(1);
  if (device->operations->copy(device, 0, memory, pinned, bytes) < 0) exit(1);
  if (device->operations->wait(device, 0) < 0) exit(1);
  return memory;
}

/* Whether the device's memory holds these bytes. */
static bool is_on_device(neurlp_device *device, void *pinned, const void *memory, const void *expected,
                         size_t bytes) {
  if (device->operations->copy(device, 0, pinned, memory, bytes) < 0) exit(1);
  if (device->operations->wait(device, 0) < 0) exit(1);
  return memcmp(pinned, expected, bytes) == 0;
}

/* A solve and an adjoint whose arrays are all on the device give what those on the host gave. */
static void test_device_arrays(const batch *whole, batch *b) {
  const neurlp_shape shape = shape_of();
  const neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_context *context = open_context("cuda:check", NULL);
  neurlp_device *device = NULL;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  void *pinned = NULL;
  fill(b);
  if (neurlp_device_of_host(context, &device) < 0 ||
      device->operations->allocate_pinned(device, sizeof *b, &pinned) < 0 ||
      neurlp_problem_create(context, &shape, &formulation, &problem) < 0 ||
      neurlp_solver_create(context, problem, &solver) < 0)
    exit(1);
  const neurlp_inputs inputs = {.systems = S,
                                .coefficients =
                                    to_device(device, pinned, b->coefficients, sizeof b->coefficients),
                                .rhs = to_device(device, pinned, b->rhs, sizeof b->rhs),
                                .initial_values = to_device(device, pinned, b->values, sizeof b->values),
                                .steps = to_device(device, pinned, b->steps, sizeof b->steps)};
  void *solution = to_device(device, pinned, b->solution, sizeof b->solution);
  void *grad_output = to_device(device, pinned, b->grad_output, sizeof b->grad_output);
  void *grad_rhs = to_device(device, pinned, b->grad_rhs, sizeof b->grad_rhs);
  void *grad_coefficients = to_device(device, pinned, b->grad_coefficients, sizeof b->grad_coefficients);
  const neurlp_gradients gradients = {.rhs = grad_rhs, .coefficients = grad_coefficients};
  check_equal("solve on the device", neurlp_solver_solve(solver, &inputs, solution, b->status),
              NEURLP_SUCCESS);
  check_equal("adjoint on the device",
              neurlp_solver_adjoint(solver, &inputs, solution, grad_output, &gradients, b->status),
              NEURLP_SUCCESS);
  check_true("the same solution",
             is_on_device(device, pinned, solution, whole->solution, sizeof b->solution));
  check_true("the same gradient",
             is_on_device(device, pinned, grad_rhs, whole->grad_rhs, sizeof b->grad_rhs));
  check_true(
      "the same sum over systems",
      is_on_device(device, pinned, grad_coefficients, whole->grad_coefficients, sizeof b->grad_coefficients));
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
}

/* Solvers of a context share their pinned rooms, which grow with the largest: each of them finds what it
 * needs whichever was used before. */
static void test_rooms(const batch *whole, batch *b) {
  const neurlp_formulation formulation = neurlp_formulation_default();
  const int32_t systems[3] = {S / 7, S, S};
  neurlp_context *context = open_context("cuda:check", NULL);
  neurlp_device *device = NULL;
  neurlp_problem *problems[3] = {NULL};
  neurlp_solver *solvers[3] = {NULL};
  size_t held[4] = {0};
  int64_t wrong = 0;
  if (neurlp_device_of_host(context, &device) < 0) exit(1);
  for (int32_t i = 0; i < 3; i++) {
    neurlp_shape shape = shape_of();
    shape.systems = systems[i];
    if (neurlp_problem_create(context, &shape, &formulation, &problems[i]) < 0) exit(1);
    held[i] = neurlp_context_memory(context).current_bytes;
    if (neurlp_solver_create(context, problems[i], &solvers[i]) < 0) exit(1);
    held[i] = neurlp_context_memory(context).current_bytes - held[i];
  }
  const size_t announced = neurlp_solver_workspace_bytes(context, problems[2]),
               rooms = device->rooms.bytes[0] + device->rooms.bytes[1];
  /* the imitation notes its blocks of memory, a few dozen bytes each */
  check_below("bytes of a third solver: the rooms are there", (double)held[2],
              (double)(announced - rooms) + 1024);
  check_above("the rooms' bytes", (double)device->rooms.bytes[0], (double)sizeof b->solution);
  for (int32_t i = 0; i < 6; i++) {
    fill(b);
    const neurlp_inputs inputs = {.systems = systems[i % 3],
                                  .coefficients = b->coefficients,
                                  .rhs = b->rhs,
                                  .initial_values = b->values,
                                  .steps = b->steps};
    if (neurlp_solver_solve(solvers[i % 3], &inputs, b->solution, b->status) != NEURLP_SUCCESS) wrong++;
    wrong += memcmp(b->solution, whole->solution, (size_t)inputs.systems * sizeof b->solution[0]) != 0;
  }
  check_equal("solves in turn that are not right", wrong, 0);
  for (int32_t i = 0; i < 3; i++) {
    neurlp_solver_destroy(&solvers[i]);
    neurlp_problem_destroy(&problems[i]);
  }
  check_true("with the last solver the rooms go", !device->rooms.room[0] && !device->rooms.room[1]);
  neurlp_context_destroy(&context);
}

/* Where there is no GPU the backend cuda says so; where there is one it works. */
static void test_no_gpu(batch *b) {
  char reason[160] = "";
  fill(b);
  const int32_t count = neurlp_device_count(reason, sizeof reason);
  const neurlp_status status = run_on("cuda", NULL, b);
  printf("     GPUs: %d %s\n", count, reason);
  check_equal("cuda works where there is a GPU, or is an error", status,
              count > 0 ? NEURLP_SUCCESS : NEURLP_ERROR_ARGUMENT);
  check_true("and there is a reason", count > 0 || strlen(reason) > 0);
}

int main(void) {
  batch *whole = malloc(sizeof *whole), *other = malloc(sizeof *other);
  if (!whole || !other) return 1;
  test_chunks(whole, other);
  test_sums(whole, other);
  test_memory(other);
  test_device_arrays(whole, other);
  test_rooms(whole, other);
  test_no_gpu(other);
  free(whole);
  free(other);
  return check_verdict();
}
