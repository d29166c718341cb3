/* The nonlinear block: solutions and sensitivities against closed forms, with the observed orders of
 * convergence; a failing system beside good ones; an iteration that needs damping. */
#include "block/nonlinear.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 161, MOST_ORDER = 4, MOST_COLUMNS = 5, MOST_SYMBOLS = 4 };

/* A problem with a closed form, over times 0 to END. */
typedef struct test_problem {
  const char *name;
  int32_t dimensions, leading, parameters; /* D, kappa, P */
  double initial[MOST_SYMBOLS];            /* [D][kappa] */
  /* f [D], df/du [D][D kappa] and df/dtheta [D][P] at u [D kappa] */
  void (*flow)(const double *u, double *f, double *jacobian, double *sensitivity);
  /* u [D] and the first `checked` columns of sensitivities [D][checked] at t; columns as the block orders
   * them */
  void (*exact)(double t, double *u, double *columns);
  int32_t checked;
  double rate;        /* largest rate of change, in 1/t: rate h is what the block's error is a power of */
  double expected[5]; /* order of linear equations with constant coefficients, d = 0..4; 0: not tried */
} test_problem;

static const double END = 2;

/* x' = r x (1 - x/K), r = 2, K = 1.5, x(0) = 0.3. Derivatives of x = K/(1 + q), q = (K/x0 - 1) exp(-r t):
 * dx/dr = K q t/(1 + q)^2,  dx/dK = 1/(1 + q) - K exp(-r t)/(x0 (1 + q)^2),  dx/dx0 = K^2 exp(-r t)/(x0 (1 +
 * q))^2. */
static const double R = 2, K = 1.5, X0 = 0.3;

static void logistic_flow(const double *u, double *f, double *jacobian, double *sensitivity) {
  f[0] = R * u[0] * (1 - u[0] / K);
  jacobian[0] = R * (1 - 2 * u[0] / K);
  sensitivity[0] = u[0] * (1 - u[0] / K);
  sensitivity[1] = R * u[0] * u[0] / (K * K);
}

static void logistic_exact(double t, double *u, double *columns) {
  const double decay = exp(-R * t), q = (K / X0 - 1) * decay;
  u[0] = K / (1 + q);
  columns[0] = K * q * t / ((1 + q) * (1 + q));
  columns[1] = 1 / (1 + q) - K * decay / (X0 * (1 + q) * (1 + q));
  columns[2] = K * K * decay / (X0 * X0 * (1 + q) * (1 + q));
}

/* x'' = -GM x/r^3, y'' = -GM y/r^3 on the unit circle, GM = 1. Small displacements (radial, along the orbit)
 * obey xi'' = 3 xi + 2 eta' (- 1 for dGM), eta'' = -2 xi' in the rotating frame, hence d/dGM: xi = cos t - 1,
 * eta = 2 (t - sin t);  d/dx(0): xi = 2 - cos t, eta = 2 sin t - 3 t. */
static void kepler_flow(const double *u, double *f, double *jacobian, double *sensitivity) {
  const double x = u[0], y = u[2], square = x * x + y * y, cube = square * sqrt(square);
  const double row[2][4] = {{3 * x * x / square - 1, 0, 3 * x * y / square, 0},
                            {3 * x * y / square, 0, 3 * y * y / square - 1, 0}};
  f[0] = -x / cube;
  f[1] = -y / cube;
  for (int i = 0; i < 8; i++) jacobian[i] = row[i / 4][i % 4] / cube;
  sensitivity[0] = f[0];
  sensitivity[1] = f[1];
}

static void kepler_exact(double t, double *u, double *columns) {
  const double c = cos(t), s = sin(t);
  const double xi[2] = {c - 1, 2 - c}, eta[2] = {2 * (t - s), 2 * s - 3 * t};
  u[0] = c;
  u[1] = s;
  for (int i = 0; i < 2; i++) {
    columns[i] = xi[i] * c - eta[i] * s;
    columns[2 + i] = xi[i] * s + eta[i] * c;
  }
}

static const test_problem problems[] = {{.name = "logistic",
                                         .dimensions = 1,
                                         .leading = 1,
                                         .parameters = 2,
                                         .initial = {0.3},
                                         .flow = logistic_flow,
                                         .exact = logistic_exact,
                                         .checked = 3,
                                         .rate = 2,
                                         .expected = {0, 2, 4, 4, 5}},
                                        {.name = "circular orbit",
                                         .dimensions = 2,
                                         .leading = 2,
                                         .parameters = 1,
                                         .initial = {1, 0, 0, 1},
                                         .flow = kepler_flow,
                                         .exact = kepler_exact,
                                         .checked = 2,
                                         .rate = 1,
                                         .expected = {0, 0, 2, 4, 4}}};

/* One system at a time: what the callbacks work on. */
typedef struct test_run {
  const test_problem *problem;
  int32_t order, linearised; /* d; how often the block has asked for a linearisation */
  double flow[2 * MOST_POINTS], jacobian[2 * MOST_SYMBOLS * MOST_POINTS], by[4][MOST_POINTS];
  const double *pointers[4];
  double columns[MOST_POINTS * 2 * (MOST_ORDER + 1) * MOST_COLUMNS];
} test_run;

static void linearise(void *user, int32_t thread, int64_t system, int32_t length, const double *state,
                      bool want_sensitivity, neurlp_linearisation *result) {
  (void)thread;
  (void)system;
  (void)want_sensitivity;
  test_run *run = user;
  const test_problem *p = run->problem;
  const int32_t D = p->dimensions, symbols = D * p->leading, width = run->order + 1;
  run->linearised++;
  for (int32_t t = 0; t < length; t++) {
    double u[MOST_SYMBOLS], f[2], jacobian[2 * MOST_SYMBOLS], sensitivity[4];
    for (int32_t v = 0; v < symbols; v++) u[v] = state[(t * D + v / p->leading) * width + v % p->leading];
    p->flow(u, f, jacobian, sensitivity);
    for (int32_t k = 0; k < D; k++) run->flow[k * length + t] = f[k];
    for (int32_t i = 0; i < D * symbols; i++) run->jacobian[i * length + t] = jacobian[i];
    for (int32_t i = 0; i < D * p->parameters; i++) run->by[i][t] = sensitivity[i];
  }
  for (int32_t i = 0; i < D * p->parameters; i++) run->pointers[i] = run->by[i];
  *result = (neurlp_linearisation){run->flow, run->jacobian, run->pointers};
}

static void receive(void *user, int32_t thread, int64_t system, int32_t length, const double *columns) {
  (void)thread;
  (void)system;
  test_run *run = user;
  const int32_t n = run->problem->dimensions * (run->order + 1);
  const int32_t R_all = run->problem->parameters + run->problem->dimensions * run->problem->leading;
  memcpy(run->columns, columns, (size_t)(length * n * R_all) * sizeof *columns);
}

static neurlp_nonlinear_shape shape_of(const test_problem *p, int32_t order, int32_t points, double step) {
  return (neurlp_nonlinear_shape){.systems = 1,
                                  .steps = points,
                                  .dimensions = p->dimensions,
                                  .order = order,
                                  .leading = p->leading,
                                  .parameters = p->parameters,
                                  .nominal_step = step,
                                  .weight_top = 1e-3,
                                  .iterations = 30,
                                  .tolerance = 1e-12};
}

/* Solves on a grid of `intervals` steps from a constant trajectory; largest errors of the solution and of the
 * sensitivities. */
static void measure(neurlp_context *context, const test_problem *p, int32_t order, int32_t intervals,
                    double error[2]) {
  static test_run run;
  static double state[MOST_POINTS * 2 * (MOST_ORDER + 1)], steps[MOST_POINTS];
  const int32_t points = intervals + 1, D = p->dimensions, width = order + 1,
                columns = p->parameters + D * p->leading;
  const double step = END / intervals, scale[2] = {1, 1};
  const neurlp_nonlinear_shape shape = shape_of(p, order, points, step);
  neurlp_nonlinear *block = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  error[0] = error[1] = INFINITY;
  run.problem = p;
  run.order = order;
  memset(state, 0, sizeof state);
  for (int32_t t = 0; t < points; t++) {
    steps[t] = step;
    for (int32_t v = 0; v < D * p->leading; v++)
      state[(t * D + v / p->leading) * width + v % p->leading] = p->initial[v];
  }
  const neurlp_nonlinear_batch batch = {.systems = 1,
                                        .lengths = (int32_t[]){points},
                                        .steps = (const double *[]){steps},
                                        .initial = (const double *[]){p->initial},
                                        .state = (double *[]){state},
                                        .scale = (const double *[]){scale},
                                        .linearise = linearise,
                                        .user = &run};
  if (neurlp_nonlinear_create(context, &shape, &block) != NEURLP_SUCCESS ||
      neurlp_nonlinear_solve(block, &batch, &status) != NEURLP_SUCCESS ||
      neurlp_nonlinear_sensitivity(block, &batch, receive, &status) != NEURLP_SUCCESS)
    return neurlp_nonlinear_destroy(&block);
  neurlp_nonlinear_destroy(&block);
  error[0] = error[1] = 0;
  for (int32_t t = 0; t < points; t++) {
    double u[2], exact[2 * MOST_COLUMNS];
    p->exact(t * step, u, exact);
    for (int32_t k = 0; k < D; k++) {
      const int32_t at = (t * D + k) * width;
      error[0] = fmax(error[0], fabs(state[at] - u[k]));
      for (int32_t q = 0; q < p->checked; q++)
        error[1] = fmax(error[1], fabs(run.columns[at * columns + q] - exact[k * p->checked + q]));
    }
  }
}

/* Orders between the last two of three grids: at least d + 2 - kappa (tests/block/test_block_convergence.c
 * says why), less a quarter for terms of higher order. The order that linear equations with constant
 * coefficients have, which may be one higher, tells the size: (rate h)^order times the size of what is
 * differentiated, of order one, with a constant below one (1/12 and less where it is known). */
static void check_orders(neurlp_context *context, const test_problem *p) {
  static const char *what[] = {"solution", "sensitivities"};
  for (int32_t order = 1; order <= MOST_ORDER; order++) {
    double error[3][2];
    if (p->expected[order] == 0) continue;
    for (int32_t level = 0; level < 3; level++) measure(context, p, order, 40 << level, error[level]);
    const double fine = p->rate * END / 160;
    for (int i = 0; i < 2; i++) {
      char line[128];
      const double observed = log2(error[1][i] / error[2][i]);
      printf("     %s, d = %d, %s: errors %.2e %.2e %.2e\n", p->name, order, what[i], error[0][i],
             error[1][i], error[2][i]);
      snprintf(line, sizeof line, "%s, d = %d, observed order of the %s", p->name, order, what[i]);
      check_above(line, observed, order + 2 - p->leading - 0.25);
      snprintf(line, sizeof line, "%s, d = %d, finest grid, error of the %s", p->name, order, what[i]);
      check_below(line, error[2][i], pow(fine, p->expected[order]));
    }
  }
}

/* ---- a batch ----------------------------------------------------------------------------------------------
 */

enum { SYSTEMS = 11, POINTS = 41, ORDER = 2 };

typedef struct test_batch {
  double rate[SYSTEMS], flow[SYSTEMS][POINTS], jacobian[SYSTEMS][POINTS];
} test_batch;

/* x' = rate x (1 - x), or worse where the rate is not a number. */
static void linearise_batch(void *user, int32_t thread, int64_t i, int32_t length, const double *state,
                            bool want_sensitivity, neurlp_linearisation *result) {
  (void)thread;
  (void)want_sensitivity;
  test_batch *b = user;
  for (int32_t t = 0; t < length; t++) {
    const double x = state[t * (ORDER + 1)];
    b->flow[i][t] = b->rate[i] * x * (1 - x);
    b->jacobian[i][t] = b->rate[i] * (1 - 2 * x);
  }
  *result = (neurlp_linearisation){b->flow[i], b->jacobian[i], NULL};
}

static void solve_batch(neurlp_context *context, test_batch *b, double state[SYSTEMS][POINTS][ORDER + 1],
                        neurlp_status *status, neurlp_status expected) {
  neurlp_nonlinear *block = NULL;
  double steps[POINTS], initial = 0.3, scale = 1;
  int32_t lengths[SYSTEMS];
  const double *step_pointers[SYSTEMS], *initials[SYSTEMS], *scales[SYSTEMS];
  double *states[SYSTEMS];
  for (int t = 0; t < POINTS; t++) steps[t] = 0.05;
  for (int i = 0; i < SYSTEMS; i++) {
    lengths[i] = POINTS - i;
    step_pointers[i] = steps;
    initials[i] = &initial;
    scales[i] = &scale;
    states[i] = &state[i][0][0];
    memset(state[i], 0, sizeof state[i]);
    for (int t = 0; t < POINTS; t++) state[i][t][0] = 0.5;
  }
  const neurlp_nonlinear_shape shape = {.systems = SYSTEMS,
                                        .steps = POINTS,
                                        .dimensions = 1,
                                        .order = ORDER,
                                        .leading = 1,
                                        .nominal_step = 0.05,
                                        .weight_top = 1e-3,
                                        .iterations = 30,
                                        .tolerance = 1e-12};
  const neurlp_nonlinear_batch batch = {.systems = SYSTEMS,
                                        .lengths = lengths,
                                        .steps = step_pointers,
                                        .initial = initials,
                                        .state = states,
                                        .scale = scales,
                                        .linearise = linearise_batch,
                                        .user = b};
  check_equal("create", neurlp_nonlinear_create(context, &shape, &block), NEURLP_SUCCESS);
  check_equal("solve", neurlp_nonlinear_solve(block, &batch, status), expected);
  neurlp_nonlinear_destroy(&block);
}

/* Systems of several lengths; then one of them is made to fail, and the others must not notice. */
static void check_batch(neurlp_context *context) {
  static test_batch b;
  static double good[SYSTEMS][POINTS][ORDER + 1], mixed[SYSTEMS][POINTS][ORDER + 1];
  neurlp_status status[SYSTEMS];
  for (int i = 0; i < SYSTEMS; i++) b.rate[i] = 0.5 + 0.2 * i;
  solve_batch(context, &b, good, status, NEURLP_SUCCESS);
  b.rate[4] = NAN;
  solve_batch(context, &b, mixed, status, NEURLP_SOME_FAILED);
  check_true("the bad system's status says so",
             status[4] == NEURLP_NOT_FINITE || status[4] == NEURLP_SINGULAR);
  bool finite = true;
  for (int t = 0; t < POINTS; t++) finite = finite && isfinite(mixed[4][t][0]);
  check_true("the bad system keeps its last finite trajectory", finite);
  int same = 0;
  for (int i = 0; i < SYSTEMS; i++)
    same += i != 4 && status[i] == NEURLP_SUCCESS && !memcmp(good[i], mixed[i], sizeof good[i]);
  check_equal("the others have the same solutions, bit for bit", same, SYSTEMS - 1);
}

/* ---- damping ----------------------------------------------------------------------------------------------
 */

/* x'' = -sin x from 2.9 at rest, near the top: the block's first guess, a constant, is far from the swing. */
static void pendulum_flow(const double *u, double *f, double *jacobian, double *sensitivity) {
  f[0] = -sin(u[0]);
  jacobian[0] = -cos(u[0]);
  jacobian[1] = 0;
  (void)sensitivity;
}

/* Full steps alone overshoot; the damped iteration arrives, as the energy x'^2/2 - cos x tells. */
static void check_damping(neurlp_context *context) {
  static test_run run;
  static double state[MOST_POINTS][MOST_ORDER + 1], steps[MOST_POINTS];
  static const test_problem pendulum = {
      .name = "pendulum", .dimensions = 1, .leading = 2, .initial = {2.9, 0}, .flow = pendulum_flow};
  const double step = 0.05, scale = 3;
  neurlp_nonlinear_shape shape = shape_of(&pendulum, MOST_ORDER, MOST_POINTS, step);
  run.problem = &pendulum;
  run.order = MOST_ORDER;
  for (int t = 0; t < MOST_POINTS; t++) steps[t] = step;
  const neurlp_nonlinear_batch batch = {.systems = 1,
                                        .lengths = (int32_t[]){MOST_POINTS},
                                        .steps = (const double *[]){steps},
                                        .initial = (const double *[]){pendulum.initial},
                                        .state = (double *[]){&state[0][0]},
                                        .scale = &(const double *){&scale},
                                        .linearise = linearise,
                                        .user = &run};
  for (int enough = 0; enough < 2; enough++) {
    neurlp_nonlinear *block = NULL;
    neurlp_status status = NEURLP_SUCCESS;
    shape.iterations = enough ? 30 : 5;
    run.linearised = 0;
    memset(state, 0, sizeof state);
    for (int t = 0; t < MOST_POINTS; t++) state[t][0] = 0.5;
    check_equal("create", neurlp_nonlinear_create(context, &shape, &block), NEURLP_SUCCESS);
    const neurlp_status all = neurlp_nonlinear_solve(block, &batch, &status);
    check_equal(enough ? "pendulum: 30 iterations" : "pendulum: 5 iterations", status,
                enough ? NEURLP_SUCCESS : NEURLP_NOT_CONVERGED);
    check_equal("and the batch", all, enough ? NEURLP_SUCCESS : NEURLP_SOME_FAILED);
    neurlp_nonlinear_destroy(&block);
  }
  double drift = 0;
  for (int t = 0; t < MOST_POINTS; t++)
    drift = fmax(drift, fabs(state[t][1] * state[t][1] / 2 - cos(state[t][0]) + cos(2.9)));
  printf("     the pendulum took %d linearisations\n", run.linearised);
  check_above("linearisations: more than full steps from nearby need", run.linearised, 8);
  check_below("pendulum: drift of the energy", drift, pow(step, 4));
}

int main(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(2, &context) != NEURLP_SUCCESS) return 1;
  for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) check_orders(context, &problems[i]);
  check_batch(context);
  check_damping(context);
  check_equal("blocks alive", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
