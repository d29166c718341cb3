#include "block/trajectories.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- systems ----------------------------------------------------------------------------------------- */

static void logistic_flow(const double *u, const double *theta, double *f, double *jacobian,
                          double *sensitivity) {
  const double r = theta[0], K = theta[1];
  f[0] = r * u[0] * (1 - u[0] / K);
  jacobian[0] = r * (1 - 2 * u[0] / K);
  sensitivity[0] = u[0] * (1 - u[0] / K);
  sensitivity[1] = r * u[0] * u[0] / (K * K);
}

void logistic_exact(double t, double *u, double *columns) {
  const double r = logistic.theta[0], K = logistic.theta[1], x0 = logistic.initial[0];
  const double decay = exp(-r * t), q = (K / x0 - 1) * decay;
  u[0] = K / (1 + q);
  columns[0] = K * q * t / ((1 + q) * (1 + q));
  columns[1] = 1 / (1 + q) - K * decay / (x0 * (1 + q) * (1 + q));
  columns[2] = K * K * decay / (x0 * x0 * (1 + q) * (1 + q));
}

static void orbit_flow(const double *u, const double *theta, double *f, double *jacobian,
                       double *sensitivity) {
  const double x = u[0], y = u[2], square = x * x + y * y, cube = square * sqrt(square);
  const double row[2][4] = {{3 * x * x / square - 1, 0, 3 * x * y / square, 0},
                            {3 * x * y / square, 0, 3 * y * y / square - 1, 0}};
  f[0] = -theta[0] * x / cube;
  f[1] = -theta[0] * y / cube;
  for (int i = 0; i < 8; i++) jacobian[i] = theta[0] * row[i / 4][i % 4] / cube;
  sensitivity[0] = -x / cube;
  sensitivity[1] = -y / cube;
}

void orbit_exact(double t, double *u, double *columns) {
  const double c = cos(t), s = sin(t);
  const double xi[2] = {c - 1, 2 - c}, eta[2] = {2 * (t - s), 2 * s - 3 * t};
  u[0] = c;
  u[1] = s;
  for (int i = 0; i < 2; i++) {
    columns[i] = xi[i] * c - eta[i] * s;
    columns[2 + i] = xi[i] * s + eta[i] * c;
  }
}

static void van_der_pol_flow(const double *u, const double *theta, double *f, double *jacobian,
                             double *sensitivity) {
  const double m = theta[0], w = theta[1];
  f[0] = m * (1 - u[0] * u[0]) * u[1] - w * u[0];
  jacobian[0] = -2 * m * u[0] * u[1] - w;
  jacobian[1] = m * (1 - u[0] * u[0]);
  sensitivity[0] = (1 - u[0] * u[0]) * u[1];
  sensitivity[1] = -u[0];
}

static void pendulum_flow(const double *u, const double *theta, double *f, double *jacobian,
                          double *sensitivity) {
  (void)theta;
  (void)sensitivity;
  f[0] = -sin(u[0]);
  jacobian[0] = -cos(u[0]);
  jacobian[1] = 0;
}

static void explosion_flow(const double *u, const double *theta, double *f, double *jacobian,
                           double *sensitivity) {
  f[0] = theta[0] * u[0] * u[0];
  jacobian[0] = 2 * theta[0] * u[0];
  sensitivity[0] = u[0] * u[0];
  sensitivity[1] = 0;
}

static void degenerate_flow(const double *u, const double *theta, double *f, double *jacobian,
                            double *sensitivity) {
  for (int k = 0; k < 2; k++) {
    f[k] = -theta[0] * (u[0] + u[1]);
    jacobian[2 * k] = jacobian[2 * k + 1] = -theta[0];
    sensitivity[k] = -(u[0] + u[1]);
  }
}

const test_system logistic = {"logistic", 1, 1, 2, {0.3}, {2, 1.5}, logistic_flow, {"p*x*(1 - x/q)"}};
const test_system orbit = {
    "circular orbit", 2,   2,          1,
    {1, 0, 0, 1},     {1}, orbit_flow, {"-p*x/(x^2 + y^2)^1.5", "-p*y/(x^2 + y^2)^1.5"}};
const test_system van_der_pol = {"van der Pol",           1, 2, 2, {1, 0.5}, {1.5, 1}, van_der_pol_flow,
                                 {"p*(1 - x^2)*x' - q*x"}};
const test_system pendulum = {"pendulum", 1, 2, 0, {2.9, 0}, {0}, pendulum_flow, {"-sin(x)"}};
const test_system explosion = {"explosion", 1, 1, 2, {1}, {1, 0}, explosion_flow, {"p*x^2 + 0*q"}};
const test_system degenerate = {
    "degenerate", 2, 1, 1, {1, 1}, {1e18}, degenerate_flow, {"-p*(x + y)", "-p*(x + y)"}};

/* ---- callbacks --------------------------------------------------------------------------------------- */

/* Arrays of one thread: flow [D][T], jacobian [D][D kappa][T], sensitivity [D][P][T]. */
static void linearise(void *user, int32_t thread, int64_t s, int32_t length, const double *state,
                      bool want_sensitivity, neurlp_linearisation *result) {
  (void)want_sensitivity;
  test_trajectories *run = user;
  const test_system *system = run->systems[s];
  const int32_t D = system->dimensions, kappa = system->leading, P = system->parameters, symbols = D * kappa,
                width = run->shape.order + 1;
  run->linearised[s]++;
  if (s == run->silent) return;
  double *flow = run->workspace + thread * run->thread_numbers, *jacobian = flow + D * run->shape.steps,
         *by = jacobian + D * symbols * run->shape.steps;
  for (int32_t t = 0; t < length; t++) {
    double u[MOST_SYMBOLS], f[MOST_DIMENSIONS], j[MOST_DIMENSIONS * MOST_SYMBOLS],
        p[MOST_DIMENSIONS * MOST_PARAMETERS];
    for (int32_t v = 0; v < symbols; v++) u[v] = state[(t * D + v / kappa) * width + v % kappa];
    system->flow(u, run->theta + s * P, f, j, p);
    for (int32_t k = 0; k < D; k++) flow[k * length + t] = f[k];
    for (int32_t i = 0; i < D * symbols; i++) jacobian[i * length + t] = j[i];
    for (int32_t i = 0; i < D * P; i++) by[i * length + t] = p[i];
  }
  const double **pointers = run->pointers + thread * MOST_DIMENSIONS * MOST_PARAMETERS;
  for (int32_t i = 0; i < D * P; i++) pointers[i] = by + i * length;
  *result = (neurlp_linearisation){flow, jacobian, pointers};
}

static void receive(void *user, int32_t thread, int64_t s, int32_t length, const double *columns) {
  (void)thread;
  test_trajectories *run = user;
  const neurlp_nonlinear_shape *shape = &run->shape;
  const int64_t n = shape->dimensions * (shape->order + 1),
                R = shape->parameters + shape->dimensions * shape->leading_derivative;
  memcpy(run->sensitivity + s * shape->steps * n * R, columns, (size_t)(length * n * R) * sizeof *columns);
}

/* ---- a batch ----------------------------------------------------------------------------------------- */

neurlp_nonlinear_shape trajectories_shape(const test_system *system, int64_t systems, int32_t order,
                                          int32_t intervals, double step) {
  return (neurlp_nonlinear_shape){.systems = systems,
                                  .steps = intervals + 1,
                                  .dimensions = system->dimensions,
                                  .order = order,
                                  .leading_derivative = system->leading,
                                  .parameters = system->parameters,
                                  .nominal_step = step,
                                  .iterations = 40,
                                  .tolerance = 1e-12};
}

static double *numbers(int64_t count) {
  return calloc((size_t)(count > 0 ? count : 1), sizeof(double));
}

static void allocate(test_trajectories *run, int32_t threads) {
  const neurlp_nonlinear_shape *shape = &run->shape;
  const int64_t S = shape->systems, T = shape->steps, D = shape->dimensions, P = shape->parameters,
                symbols = D * shape->leading_derivative, n = D * (shape->order + 1);
  run->points = S * T;
  run->lengths = calloc((size_t)S, sizeof *run->lengths);
  run->linearised = calloc((size_t)S, sizeof *run->linearised);
  run->status = calloc((size_t)S, sizeof *run->status);
  run->steps = numbers(S * T);
  run->initial = numbers(S * symbols);
  run->scale = numbers(S * D);
  run->theta = numbers(S * P);
  run->state = numbers(S * T * n);
  run->grad_state = numbers(S * T * n);
  run->sensitivity = numbers(shape->forward ? S * T * n * (P + symbols) : 0);
  run->gradients = (neurlp_nonlinear_gradients){numbers(S * P), numbers(S * symbols), numbers(S * T)};
  run->thread_numbers = T * D * (1 + symbols + P);
  run->workspace = numbers(threads * run->thread_numbers);
  run->pointers = calloc((size_t)(threads * MOST_DIMENSIONS * MOST_PARAMETERS), sizeof *run->pointers);
}

const char *trajectories_backend(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  return backend ? backend : "cpu";
}

bool trajectories_have_equations(void) {
  return getenv("NEURLP_TEST_EQUATIONS") != NULL;
}

/* The first system's right-hand sides take the place of the callback. */
static neurlp_status make_equations(test_trajectories *run, neurlp_nonlinear_shape *shape) {
  static const char *const states[] = {"x", "y"}, *const parameters[] = {"p", "q"};
  const test_system *system = run->systems[0];
  const neurlp_equations_spec spec = {.dimensions = system->dimensions,
                                      .leading_derivative = system->leading,
                                      .states = states,
                                      .right_sides = system->right_sides,
                                      .parameters = system->parameters,
                                      .parameter_names = parameters};
  const neurlp_status status = neurlp_equations_create(run->context, &spec, &run->equations);
  run->shape.equations = shape->equations = run->equations;
  run->batch.linearise = NULL;
  run->batch.parameters = run->theta;
  return status;
}

void trajectories_open(test_trajectories *run, const test_system *const *systems,
                       const neurlp_nonlinear_shape *asked, int32_t threads) {
  neurlp_nonlinear_shape own = *asked, *shape = &own;
  *run = (test_trajectories){.systems = systems, .shape = *shape, .silent = -1};
  const int64_t S = shape->systems, P = shape->parameters, D = shape->dimensions,
                symbols = D * shape->leading_derivative;
  allocate(run, threads);
  for (int64_t s = 0; s < S; s++) {
    run->lengths[s] = shape->steps;
    for (int64_t t = 0; t < shape->steps; t++) run->steps[s * shape->steps + t] = shape->nominal_step;
    for (int64_t k = 0; k < D; k++) run->scale[s * D + k] = 1;
    memcpy(run->initial + s * symbols, systems[s]->initial, (size_t)symbols * sizeof(double));
    memcpy(run->theta + s * P, systems[s]->theta, (size_t)P * sizeof(double));
  }
  run->batch = (neurlp_nonlinear_batch){.systems = S,
                                        .lengths = run->lengths,
                                        .steps = run->steps,
                                        .initial_values = run->initial,
                                        .scale = run->scale,
                                        .linearise = linearise,
                                        .user = run};
  if (neurlp_context_create(threads, &run->context) != NEURLP_SUCCESS ||
      neurlp_context_set_backend(run->context, trajectories_backend()) != NEURLP_SUCCESS ||
      (trajectories_have_equations() && make_equations(run, shape) != NEURLP_SUCCESS) ||
      neurlp_nonlinear_create(run->context, shape, &run->block) != NEURLP_SUCCESS)
    exit(1);
  trajectories_restart(run);
}

void trajectories_close(test_trajectories *run) {
  neurlp_nonlinear_destroy(&run->block);
  neurlp_equations_destroy(&run->equations);
  neurlp_context_destroy(&run->context);
  free(run->lengths);
  free(run->linearised);
  free(run->status);
  free(run->steps);
  free(run->initial);
  free(run->scale);
  free(run->theta);
  free(run->state);
  free(run->grad_state);
  free(run->sensitivity);
  free(run->gradients.parameters);
  free(run->gradients.initial_values);
  free(run->gradients.steps);
  free(run->workspace);
  free(run->pointers);
}

void trajectories_restart(test_trajectories *run) {
  const neurlp_nonlinear_shape *shape = &run->shape;
  const int64_t D = shape->dimensions, kappa = shape->leading_derivative, width = shape->order + 1;
  memset(run->state, 0, (size_t)(run->points * D * width) * sizeof *run->state);
  for (int64_t s = 0; s < shape->systems; s++) {
    const int64_t first = run->batch.first_point ? run->batch.first_point[s] : s * shape->steps;
    for (int64_t t = 0; t < run->lengths[s]; t++)
      for (int64_t v = 0; v < D * kappa; v++)
        run->state[((first + t) * D + v / kappa) * width + v % kappa] = run->initial[s * D * kappa + v];
  }
}

neurlp_status trajectories_solve(test_trajectories *run) {
  return neurlp_nonlinear_solve(run->block, &run->batch, run->state, run->status);
}

neurlp_status trajectories_forward(test_trajectories *run) {
  return neurlp_nonlinear_sensitivity(run->block, &run->batch, run->state, receive, run->status);
}

neurlp_status trajectories_adjoint(test_trajectories *run) {
  return neurlp_nonlinear_adjoint(run->block, &run->batch, run->state, run->grad_state, &run->gradients,
                                  run->status);
}
