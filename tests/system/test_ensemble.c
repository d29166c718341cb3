/* Ensembles: orders of convergence against closed forms; tolerances; agreement with the other integrator;
 * trajectories that do not depend on their neighbours or on threads; failures. */
#include "system/ensemble.h"

#include "support/check.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 150, TIMES = 21 };

/* Of the ensembles that are made from now on. */
static const char *backend = "cpu";

static neurlp_context *make_context(int32_t threads) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(threads, &context) != NEURLP_SUCCESS) exit(99);
  if (neurlp_context_set_backend(context, backend) != NEURLP_SUCCESS) exit(99);
  return context;
}

static neurlp_dynamics *parse(neurlp_context *context, int32_t dimensions, int32_t order, int32_t parameters,
                              const char *const *equations) {
  static const char *const names[] = {"x", "y", "z"}, *const parameter_names[] = {"a", "b", "c"};
  neurlp_dynamics *dynamics = NULL;
  if (neurlp_dynamics_parse(context, dimensions, order, names, parameters, parameter_names, equations,
                            &dynamics, NULL, NULL) != NEURLP_SUCCESS) {
    printf("FAIL %s\n", neurlp_context_message(context));
    exit(1);
  }
  return dynamics;
}

static neurlp_ensemble *make(neurlp_context *context, const neurlp_dynamics *dynamics,
                             const neurlp_ensemble_options *options) {
  neurlp_ensemble *ensemble = NULL;
  if (neurlp_ensemble_create(context, dynamics, options, &ensemble) != NEURLP_SUCCESS) {
    printf("FAIL %s\n", neurlp_context_message(context));
    exit(1);
  }
  return ensemble;
}

static void even_times(int64_t count, double last, double *times) {
  for (int64_t i = 0; i < count; i++) times[i] = last * (double)i / (double)(count - 1);
}

/* ---- orders ------------------------------------------------------------------------------------------ */

/* Two problems with closed forms: x'' = -a^2 x, and x' = a x (1 - x). */
typedef struct closed_form {
  const char *equation;
  int32_t order;
  double parameter;
} closed_form;

static const closed_form closed_forms[] = {{"-a^2*x", 2, 2.0}, {"a*x*(1 - x)", 1, 1.5}};

static void exact(const closed_form *form, double t, double *state) {
  if (form->order == 2) {
    state[0] = cos(form->parameter * t);
    state[1] = -form->parameter * sin(form->parameter * t);
  } else {
    state[0] = 1.0 / (1.0 + 9.0 * exp(-form->parameter * t));
  }
}

/* Of the first `count` of position and velocity. */
static double distance(const closed_form *form, int32_t count, double t, const double *state) {
  double right[2], worst = 0.0;
  exact(form, t, right);
  for (int32_t i = 0; i < count; i++) worst = fmax(worst, fabs(state[i] - right[i]));
  return worst;
}

/* Error at t = 2 after `steps` equal steps. Each is a call of its own, so that the adaptive method, whose
 * first step is given and whose tolerance is met by anything, takes equal steps too. */
static double error_of(neurlp_context *context, const neurlp_dynamics *dynamics, const closed_form *form,
                       neurlp_ensemble_method method, int steps) {
  neurlp_ensemble_options options = neurlp_ensemble_options_default();
  const double step = 2.0 / steps;
  double state[2], times[2];
  options.method = method;
  options.step = step;
  options.final_only = true;
  options.relative_tolerance = options.absolute_tolerance = 1e6;
  neurlp_ensemble *ensemble = make(context, dynamics, &options);
  exact(form, 0.0, state);
  for (int i = 0; i < steps; i++) {
    const neurlp_ensemble_input input = {
        .systems = 1, .initial = state, .parameters = &form->parameter, .times_count = 2, .times = times};
    times[0] = i * step;
    times[1] = (i + 1) * step;
    if (neurlp_ensemble_integrate(ensemble, &input, state, NULL) != NEURLP_SUCCESS) state[0] = NAN;
  }
  neurlp_ensemble_destroy(&ensemble);
  return distance(form, 1, 2.0, state); /* the velocity's error changes sign at some step */
}

/* Error at fractions of one step of the adaptive method, which is of the local order, 5. */
static double dense_error(neurlp_context *context, const neurlp_dynamics *dynamics, const closed_form *form,
                          double step) {
  neurlp_ensemble_options options = neurlp_ensemble_options_default();
  double times[9], initial[2], states[18], worst = 0.0;
  options.step = step;
  options.relative_tolerance = options.absolute_tolerance = 1e6;
  neurlp_ensemble *ensemble = make(context, dynamics, &options);
  exact(form, 0.0, initial);
  even_times(9, step, times);
  const neurlp_ensemble_input input = {
      .systems = 1, .initial = initial, .parameters = &form->parameter, .times_count = 9, .times = times};
  if (neurlp_ensemble_integrate(ensemble, &input, states, NULL) != NEURLP_SUCCESS) worst = NAN;
  for (int i = 1; i < 8; i++)
    worst = fmax(worst, distance(form, form->order, times[i], states + i * form->order));
  neurlp_ensemble_destroy(&ensemble);
  return worst;
}

/* Observed orders from 16 to 128 steps. The next order's term makes them differ from the true ones by about
 * (its coefficient over the first one's) times the step; both coefficients of the pair are small, their ratio
 * is not. So the difference is large at first, and must fall. */
static void test_orders(neurlp_context *context) {
  for (size_t f = 0; f < sizeof closed_forms / sizeof closed_forms[0]; f++) {
    const closed_form *form = &closed_forms[f];
    neurlp_dynamics *dynamics = parse(context, 1, form->order, 1, &form->equation);
    double rk4[4], tsit5[4], dense[4], before = 0.5;
    printf("%s\n", form->equation);
    for (int level = 0; level < 4; level++) {
      const int steps = 16 << level;
      rk4[level] = log2(error_of(context, dynamics, form, NEURLP_ENSEMBLE_RK4, steps));
      tsit5[level] = log2(error_of(context, dynamics, form, NEURLP_ENSEMBLE_TSIT5, steps));
      dense[level] = log2(dense_error(context, dynamics, form, 4.0 / steps));
      if (level == 0) continue;
      const double off = fabs(tsit5[level - 1] - tsit5[level] - 5.0);
      check_below("order of rk4, less 4", fabs(rk4[level - 1] - rk4[level] - 4.0), 0.2);
      check_below("order of tsit5, less 5: falls", off, before);
      check_below("local order of its continuous solution, less 5",
                  fabs(dense[level - 1] - dense[level] - 5.0), 0.3);
      before = off;
    }
    check_below("order of tsit5, less 5: in the end", before, 0.25);
    neurlp_dynamics_destroy(&dynamics);
  }
}

/* ---- tolerances -------------------------------------------------------------------------------------- */

/* Logistic growth at 150 rates from 150 beginnings, which forgets errors: what is kept errs by no more than a
 * few tolerances, whatever the tolerance (a step's estimate is that of the less accurate solution). */
static void test_tolerance(neurlp_context *context) {
  static double initial[SYSTEMS], rates[SYSTEMS], times[TIMES], states[SYSTEMS * TIMES];
  const char *const equation = "a*x*(1 - x)";
  neurlp_dynamics *dynamics = parse(context, 1, 1, 1, &equation);
  even_times(TIMES, 5.0, times);
  for (int s = 0; s < SYSTEMS; s++) {
    initial[s] = 0.05 + 0.01 * s;
    rates[s] = 3.0 - 0.02 * s;
  }
  const neurlp_ensemble_input input = {
      .systems = SYSTEMS, .initial = initial, .parameters = rates, .times_count = TIMES, .times = times};
  for (int digits = 4; digits <= 12; digits += 4) {
    neurlp_ensemble_options options = neurlp_ensemble_options_default();
    options.relative_tolerance = options.absolute_tolerance = pow(10.0, -digits);
    neurlp_ensemble *ensemble = make(context, dynamics, &options);
    double worst = 0.0;
    check_equal("status", neurlp_ensemble_integrate(ensemble, &input, states, NULL), NEURLP_SUCCESS);
    for (int s = 0; s < SYSTEMS; s++)
      for (int m = 0; m < TIMES; m++) {
        const double right = 1.0 / (1.0 + (1.0 / initial[s] - 1.0) * exp(-rates[s] * times[m]));
        worst = fmax(worst, fabs(states[s * TIMES + m] - right));
      }
    check_below("error in tolerances", worst / options.relative_tolerance, 20.0);
    neurlp_ensemble_destroy(&ensemble);
  }
  neurlp_dynamics_destroy(&dynamics);
}

/* The Lorenz system by both integrators. Each errs by at most its tolerance for each step (1e-12 of 50, the
 * greatest size); 3 units of time take fewer than 2000 steps; nearby trajectories part at the rate 0.906
 * (Sparrow 1982), and by ten times more where the attractor is at its least stable. */
static void test_lorenz(neurlp_context *context) {
  const char *const equations[] = {"a*(y - x)", "x*(b - z) - y", "x*y - c*z"};
  const double parameters[3] = {10.0, 28.0, 8.0 / 3.0}, initial[6] = {-8.0, 7.0, 27.0, 1.0, 1.0, 20.0};
  static double times[TIMES], states[2 * TIMES * 3], other[TIMES * 3];
  neurlp_dynamics *dynamics = parse(context, 3, 1, 3, equations);
  neurlp_ensemble_options options = neurlp_ensemble_options_default();
  neurlp_integrate_options reference = neurlp_integrate_options_default();
  options.relative_tolerance = options.absolute_tolerance = 1e-12;
  reference.relative_tolerance = reference.absolute_tolerance = 1e-12;
  neurlp_ensemble *ensemble = make(context, dynamics, &options);
  even_times(TIMES, 3.0, times);
  const neurlp_ensemble_input input = {.systems = 2,
                                       .initial = initial,
                                       .parameters = parameters,
                                       .shared_parameters = true,
                                       .times_count = TIMES,
                                       .times = times};
  check_equal("status", neurlp_ensemble_integrate(ensemble, &input, states, NULL), NEURLP_SUCCESS);
  double worst = 0.0;
  for (int s = 0; s < 2; s++) {
    check_equal(
        "status",
        neurlp_integrate(dynamics, &reference, parameters, initial + 3 * s, TIMES, times, other, NULL),
        NEURLP_SUCCESS);
    for (int i = 0; i < TIMES * 3; i++) worst = fmax(worst, fabs(states[s * TIMES * 3 + i] - other[i]));
  }
  check_below("Lorenz: Tsitouras against Dormand and Prince", worst,
              2.0 * 2000 * 1e-12 * 50 * 10.0 * exp(3.0 * 0.906));
  neurlp_ensemble_destroy(&ensemble);
  neurlp_dynamics_destroy(&dynamics);
}

/* ---- lanes ------------------------------------------------------------------------------------------- */

/* x' = a x^2 + sin(t) y, y' = -y: some run to infinity, one is not a number at all. */
static const char *const mixed[] = {"a*x^2 + sin(t)*y/8", "-y"};

typedef struct batch {
  neurlp_ensemble_options options;
  size_t number_bytes;
  double times[TIMES];
  unsigned char initial[SYSTEMS * 2 * 8], parameters[SYSTEMS * 8], states[SYSTEMS * TIMES * 2 * 8];
  neurlp_status statuses[SYSTEMS];
} batch;

static void put(const batch *b, unsigned char *numbers, int at, double number) {
  const float single = (float)number;
  if (b->number_bytes == sizeof single)
    memcpy(numbers + (size_t)at * sizeof single, &single, sizeof single);
  else
    memcpy(numbers + (size_t)at * sizeof number, &number, sizeof number);
}

static double get(const batch *b, const unsigned char *numbers, int at) {
  double number = 0.0;
  float single = 0.0F;
  if (b->number_bytes == sizeof number) {
    memcpy(&number, numbers + (size_t)at * sizeof number, sizeof number);
    return number;
  }
  memcpy(&single, numbers + (size_t)at * sizeof single, sizeof single);
  return (double)single;
}

static void fill(batch *b, neurlp_ensemble_method method, neurlp_precision precision) {
  memset(b, 0, sizeof *b);
  b->options = neurlp_ensemble_options_default();
  b->options.method = method;
  b->options.precision = precision;
  b->options.step = method == NEURLP_ENSEMBLE_RK4 ? 0.01 : 0.0;
  if (precision == NEURLP_SINGLE) b->options.relative_tolerance = b->options.absolute_tolerance = 1e-5;
  b->number_bytes = precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
  even_times(TIMES, 2.0, b->times);
  for (int s = 0; s < SYSTEMS; s++) {
    put(b, b->initial, 2 * s, s == 70 ? (double)NAN : 0.3 + 0.01 * s);
    put(b, b->initial, 2 * s + 1, 1.0 - 0.01 * s);
    put(b, b->parameters, s, s % 7 == 3 ? 1.5 : -1.5);
  }
}

static neurlp_status run(batch *b, int32_t threads, int first, int count) {
  neurlp_context *context = make_context(threads);
  neurlp_dynamics *dynamics = parse(context, 2, 1, 1, mixed);
  neurlp_ensemble *ensemble = make(context, dynamics, &b->options);
  const size_t bytes = b->number_bytes;
  const neurlp_ensemble_input input = {.systems = count,
                                       .initial = b->initial + (size_t)first * 2 * bytes,
                                       .parameters = b->parameters + (size_t)first * bytes,
                                       .times_count = TIMES,
                                       .times = b->times};
  const size_t rows = b->options.final_only ? 1 : TIMES, row_bytes = rows * 2 * bytes;
  const neurlp_memory before = neurlp_context_memory(context);
  const neurlp_status status =
      neurlp_ensemble_integrate(ensemble, &input, b->states + (size_t)first * row_bytes, b->statuses + first);
  const bool imitated = strcmp(neurlp_context_backend(context), "cuda:check") == 0; /* its queues do */
  if (!imitated && neurlp_context_memory(context).peak_bytes != before.peak_bytes)
    check_true("allocates nothing", false);
  neurlp_ensemble_destroy(&ensemble);
  neurlp_dynamics_destroy(&dynamics);
  check_failures +=
      neurlp_context_memory(context).blocks != (strncmp(backend, "cuda", 4) == 0 ? 1 : 0); /* the device */
  neurlp_context_destroy(&context);
  return status;
}

/* Rows of NaN compare by their bits, too: both runs write the same NaN. */
static void test_neighbours(neurlp_ensemble_method method, neurlp_precision precision) {
  static batch all, threaded, alone, last;
  long long failed = 0, wrong = 0;
  fill(&all, method, precision);
  threaded = alone = last = all;
  check_equal("some fail", run(&all, 1, 0, SYSTEMS), NEURLP_SOME_FAILED);
  check_equal("with three threads", run(&threaded, 3, 0, SYSTEMS), NEURLP_SOME_FAILED);
  for (int s = 0; s < SYSTEMS; s++)
    if (run(&alone, 1, s, 1) != NEURLP_SUCCESS) failed++;
  last.options.final_only = true;
  check_equal("final states only", run(&last, 1, 0, SYSTEMS), NEURLP_SOME_FAILED);
  check_equal("threads change nothing", memcmp(all.states, threaded.states, sizeof all.states), 0);
  check_equal("neighbours change nothing", memcmp(all.states, alone.states, sizeof all.states), 0);
  check_equal("nor their statuses", memcmp(all.statuses, alone.statuses, sizeof all.statuses), 0);
  for (int s = 0; s < SYSTEMS; s++) {
    const bool bad = all.statuses[s] != NEURLP_SUCCESS;
    const size_t row = 2 * all.number_bytes;
    failed -= bad;
    wrong +=
        memcmp(last.states + (size_t)s * row, all.states + ((size_t)s * TIMES + TIMES - 1) * row, row) != 0;
    /* once NaN, always; x with a > 0 runs to infinity before t = 1 / (a x0) + what sin(t) y changes */
    for (int m = 1; m < TIMES; m++)
      wrong += isnan(get(&all, all.states, 2 * (s * TIMES + m - 1))) &&
               !isnan(get(&all, all.states, 2 * (s * TIMES + m)));
    wrong += isnan(get(&all, all.states, 2 * (s * TIMES + TIMES - 1))) != bad;
    wrong += bad && all.statuses[s] != NEURLP_NOT_FINITE;
    if (s != 70 && s % 7 == 3 && s > 30) wrong += !bad;
    if (s != 70 && s % 7 != 3 && s < 90) wrong += bad;
  }
  check_equal("failures counted", failed, 0);
  check_equal("final states, NaN and statuses that are wrong", wrong, 0);
}

/* Single against double precision on trajectories that forget errors (x' = -1.5 x^2 + ..., y' = -y): equal
 * within roundings of float in 200 steps, or the tolerance of float. */
static void test_single(neurlp_ensemble_method method) {
  static batch one, two;
  double worst = 0.0;
  fill(&one, method, NEURLP_SINGLE);
  fill(&two, method, NEURLP_DOUBLE);
  check_equal("single", run(&one, 1, 0, 3), NEURLP_SUCCESS);
  check_equal("double", run(&two, 1, 0, 3), NEURLP_SUCCESS);
  for (int i = 0; i < 3 * TIMES * 2; i++)
    worst = fmax(worst, fabs(get(&one, one.states, i) - get(&two, two.states, i)));
  check_above("single precision differs", worst, 1e-9);
  check_below("single against double precision", worst,
              method == NEURLP_ENSEMBLE_RK4 ? 200.0 * (double)FLT_EPSILON : 20.0 * 1e-5);
}

/* The backend against the CPU's. Trajectories that run to infinity fail on both; of the others rk4 differs by
 * roundings of 200 steps, and tsit5 by its tolerance, as a rounding may change a step. In single precision
 * the CPU rounds the equations' values only, a GPU everything in them. */
static void test_against_cpu(neurlp_ensemble_method method, neurlp_precision precision) {
  static batch own, cpu;
  const char *name = backend;
  const bool single = precision == NEURLP_SINGLE;
  const double rounding = single ? (double)FLT_EPSILON : DBL_EPSILON, tolerance = single ? 1e-5 : 1e-8;
  double worst = 0.0;
  fill(&own, method, precision);
  cpu = own;
  check_equal(name, run(&own, 2, 0, SYSTEMS), NEURLP_SOME_FAILED);
  backend = "cpu";
  check_equal(backend, run(&cpu, 2, 0, SYSTEMS), NEURLP_SOME_FAILED);
  backend = name;
  check_equal("statuses", memcmp(own.statuses, cpu.statuses, sizeof own.statuses), 0);
  for (int s = 0; s < SYSTEMS; s++)
    for (int i = 0; i < TIMES * 2 && cpu.statuses[s] == NEURLP_SUCCESS && s % 7 != 3; i++)
      worst = fmax(worst,
                   fabs(get(&own, own.states, s * TIMES * 2 + i) - get(&cpu, cpu.states, s * TIMES * 2 + i)));
  check_below("against the CPU", worst, method == NEURLP_ENSEMBLE_RK4 ? 200.0 * rounding : 20.0 * tolerance);
}

/* ---- arguments --------------------------------------------------------------------------------------- */

static void refused(neurlp_context *context, const neurlp_dynamics *dynamics,
                    const neurlp_ensemble_options *options, const char *word) {
  neurlp_ensemble *ensemble = NULL;
  check_equal(word, neurlp_ensemble_create(context, dynamics, options, &ensemble), NEURLP_ERROR_ARGUMENT);
  check_true("  is in the message", strstr(neurlp_context_message(context), word) != NULL);
}

static void test_arguments(neurlp_context *context) {
  const char *const equation = "-1000*(x - cos(t))";
  const double initial = 1.0, times[3] = {0.0, 1.0, 1.0};
  double states[3];
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_dynamics *dynamics = parse(context, 1, 1, 0, &equation);
  neurlp_ensemble_options options = neurlp_ensemble_options_default();
  options.precision = NEURLP_MIXED;
  refused(context, dynamics, &options, "precision");
  options = neurlp_ensemble_options_default();
  options.relative_tolerance = 0.0;
  refused(context, dynamics, &options, "tolerances");
  options = neurlp_ensemble_options_default();
  options.method = NEURLP_ENSEMBLE_RK4;
  refused(context, dynamics, &options, "step");
  options.step = 1e-9;
  neurlp_ensemble *ensemble = make(context, dynamics, &options);
  neurlp_ensemble_input input = {.systems = 1, .initial = &initial, .times_count = 2, .times = times};
  check_equal("too many steps of rk4", neurlp_ensemble_integrate(ensemble, &input, states, NULL),
              NEURLP_ERROR_ARGUMENT);
  neurlp_ensemble_destroy(&ensemble);
  options = neurlp_ensemble_options_default();
  options.maximum_steps = 100;
  ensemble = make(context, dynamics, &options);
  check_equal("too many steps of tsit5", neurlp_ensemble_integrate(ensemble, &input, states, &status),
              NEURLP_SOME_FAILED);
  check_equal("  is the trajectory's status", status, NEURLP_NOT_CONVERGED);
  check_true("  NaN after it", isnan(states[1]) && states[0] == 1.0);
  input.times_count = 3;
  check_equal("times that stand still", neurlp_ensemble_integrate(ensemble, &input, states, NULL),
              NEURLP_ERROR_ARGUMENT);
  input.times_count = 1;
  check_equal("one time only", neurlp_ensemble_integrate(ensemble, &input, states, &status), NEURLP_SUCCESS);
  check_true("  is the initial value", states[0] == 1.0 && status == NEURLP_SUCCESS);
  input.systems = 0;
  check_equal("no trajectories", neurlp_ensemble_integrate(ensemble, &input, NULL, NULL), NEURLP_SUCCESS);
  neurlp_ensemble_destroy(&ensemble);
  neurlp_dynamics_destroy(&dynamics);
}

int main(void) {
  if (getenv("NEURLP_TEST_BACKEND")) backend = getenv("NEURLP_TEST_BACKEND");
  neurlp_context *context = make_context(1);
  test_orders(context);
  test_tolerance(context);
  test_lorenz(context);
  test_neighbours(NEURLP_ENSEMBLE_RK4, NEURLP_DOUBLE);
  test_neighbours(NEURLP_ENSEMBLE_RK4, NEURLP_SINGLE);
  test_neighbours(NEURLP_ENSEMBLE_TSIT5, NEURLP_DOUBLE);
  test_neighbours(NEURLP_ENSEMBLE_TSIT5, NEURLP_SINGLE);
  test_single(NEURLP_ENSEMBLE_RK4);
  test_single(NEURLP_ENSEMBLE_TSIT5);
  for (int i = 0; i < 4; i++)
    test_against_cpu(i % 2 ? NEURLP_ENSEMBLE_RK4 : NEURLP_ENSEMBLE_TSIT5,
                     i / 2 ? NEURLP_SINGLE : NEURLP_DOUBLE);
  test_arguments(context);
  neurlp_context_destroy(&context);
  return check_verdict();
}
