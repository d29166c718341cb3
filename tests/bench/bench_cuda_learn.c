/* Times what is done with trajectories on a GPU: ensembles, and the direct method.
 *
 *   bench_cuda_learn [FILE.csv]   on the first GPU
 *   bench_cuda_learn --check      small, on an imitated GPU: are the answers right? */
#include "cuda/device/device.h"
#include "learn/direct.h"
#include "system/ensemble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 3, DIMENSIONS = 3, WINDOW = 10 };

static neurlp_context *context;
static neurlp_device *device;
static FILE *csv;
static bool check;
static int failures;

static const char *const STATES[DIMENSIONS] = {"x", "y", "z"};
static const double STEP = 0.01;

static void stop(const char *what) {
  fprintf(stderr, "bench_cuda_learn: %s: %s\n", what, neurlp_context_message(context));
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void report(const char *what, double count, double best, double rate, const char *unit) {
  printf("%-48s %10.4g in %10.4g s  %10.4g %s\n", what, count, best, rate, unit);
  if (csv) fprintf(csv, "\"%s\",%.6g,%.6g,%.6g,%s\n", what, count, best, rate, unit);
}

static void expect(const char *what, double measured, double bound) {
  const bool good = measured <= bound;
  if (!check && good) return;
  printf("%s %s: %.3g <= %.3g\n", good ? "ok  " : "FAIL", what, measured, bound);
  failures += !good;
}

/* One classical Runge-Kutta step of the Lorenz equations. */
static void lorenz_step(double h, double *u) {
  double slope[4][DIMENSIONS], at[DIMENSIONS];
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < DIMENSIONS; i++)
      at[i] = u[i] + (stage == 0 ? 0 : (stage == 3 ? h : h / 2) * slope[stage - 1][i]);
    slope[stage][0] = 10 * (at[1] - at[0]);
    slope[stage][1] = at[0] * (28 - at[2]) - at[1];
    slope[stage][2] = at[0] * at[1] - 8.0 / 3.0 * at[2];
  }
  for (int i = 0; i < DIMENSIONS; i++)
    u[i] += h / 6 * (slope[0][i] + 2 * slope[1][i] + 2 * slope[2][i] + slope[3][i]);
}

/* ---- ensembles --------------------------------------------------------------------------------------- */

/* Initial values [count][3] on the device, single or double, spread a little. */
static void *make_initial(int64_t count, bool single, double *first) {
  const size_t number = single ? sizeof(float) : sizeof(double),
               bytes = (size_t)(count * DIMENSIONS) * number;
  void *memory = NULL, *host = NULL;
  if (device->operations->allocate(device, bytes, &memory) < 0) stop("allocating");
  if (device->operations->allocate_pinned(device, bytes, &host) < 0) stop("allocating");
  for (int64_t i = 0; i < count * DIMENSIONS; i++) {
    const double x = (i % DIMENSIONS == 2 ? 20 : 1) + 1e-3 * (double)(i % 1009);
    if (i < DIMENSIONS) first[i] = single ? (double)(float)x : x;
    if (single)
      ((float *)host)[i] = (float)x;
    else
      ((double *)host)[i] = x;
  }
  if (device->operations->copy(device, 0, memory, host, bytes) < 0) stop("copying");
  if (device->operations->wait(device, 0) < 0) stop("copying");
  device->operations->release_pinned(device, &host);
  return memory;
}

static void expect_first(const void *states, bool single, int64_t steps, double *u) {
  float few[DIMENSIONS];
  double many[DIMENSIONS], worst = 0;
  void *pinned = NULL;
  const size_t bytes = single ? sizeof few : sizeof many;
  if (device->operations->allocate_pinned(device, bytes, &pinned) < 0) stop("allocating");
  if (device->operations->copy(device, 0, pinned, states, bytes) < 0) stop("copying");
  if (device->operations->wait(device, 0) < 0) stop("copying");
  memcpy(few, pinned, sizeof few);
  if (!single) memcpy(many, pinned, sizeof many);
  for (int64_t i = 0; i < steps; i++) lorenz_step(STEP, u);
  for (int i = 0; i < DIMENSIONS; i++) worst = fmax(worst, fabs((single ? (double)few[i] : many[i]) - u[i]));
  device->operations->release_pinned(device, &pinned);
  expect("a trajectory's distance from another integrator's", worst, single ? 1e-4 : 1e-9);
}

/* Trajectories that are all on the device, where only the last states are kept. */
static void run_ensemble(const char *what, int64_t count, int64_t steps, neurlp_precision precision,
                         neurlp_ensemble_method method, bool compiled) {
  static const char *const equations[] = {"10*(y - x)", "x*(28 - z) - y", "x*y - 8/3*z"};
  const bool single = precision == NEURLP_SINGLE;
  const double times[2] = {0, STEP * (double)steps};
  neurlp_ensemble_options options = neurlp_ensemble_options_default();
  neurlp_dynamics *dynamics = NULL;
  neurlp_ensemble *ensemble = NULL;
  double best = INFINITY, first[DIMENSIONS];
  void *initial = make_initial(count, single, first), *states = NULL;
  options.method = method;
  options.precision = precision;
  options.step = method == NEURLP_ENSEMBLE_RK4 ? STEP : 0;
  options.final_only = true;
  setenv("NEURLP_EXPRESSIONS", compiled ? "compile" : "interpret", 1);
  if (device->operations->allocate(device, (size_t)(count * DIMENSIONS) * sizeof(double), &states) < 0)
    stop("allocating");
  if (neurlp_dynamics_parse(context, DIMENSIONS, 1, STATES, 0, NULL, equations, &dynamics, NULL, NULL) < 0)
    stop("equations");
  if (neurlp_ensemble_create(context, dynamics, &options, &ensemble) < 0) stop("an ensemble");
  const neurlp_ensemble_input input = {
      .systems = count, .initial = initial, .times_count = 2, .times = times};
  for (int32_t i = 0; i <= (check ? 0 : REPEATS); i++) {
    const double start = seconds();
    if (neurlp_ensemble_integrate(ensemble, &input, states, NULL) != NEURLP_SUCCESS) stop("integrating");
    if (i > 0 || check) best = fmin(best, seconds() - start);
  }
  report(what, (double)count, best, (double)(count * steps) / best, "RK4 steps/s");
  /* of longer ones nothing is left of the initial values but their roundings */
  if (method == NEURLP_ENSEMBLE_RK4 && steps < 100) expect_first(states, single, steps, first);
  neurlp_ensemble_destroy(&ensemble);
  neurlp_dynamics_destroy(&dynamics);
  device->operations->release(device, &initial);
  device->operations->release(device, &states);
}

/* ---- the direct method ------------------------------------------------------------------------------- */

typedef struct progress {
  int64_t steps, windows; /* of Levenberg-Marquardt */
} progress;

static void note_progress(void *user, const neurlp_fit_progress *p) {
  progress *seen = user;
  seen->steps++;
  seen->windows = p->windows;
}

/* A Lorenz trajectory with noise of about a thousandth. */
static void make_samples(int64_t count, double *times, double *samples) {
  double u[DIMENSIONS] = {1, 2, 20};
  uint64_t state = 1;
  for (int64_t i = 0; i < count; i++) {
    times[i] = STEP * (double)i;
    for (int k = 0; k < DIMENSIONS; k++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      samples[i * DIMENSIONS + k] = u[k] + 0.02 * ((double)(state >> 11) * 0x1p-53 - 0.5);
    }
    lorenz_step(STEP / 2, u);
    lorenz_step(STEP / 2, u);
  }
}

static double worst_coefficient(const neurlp_fit *fit) {
  static const double exact[DIMENSIONS][10] = {
      {0, -10, 10}, {0, 28, -1, 0, 0, 0, -1}, {0, 0, 0, -8.0 / 3.0, 0, 1}};
  double worst = 0;
  for (int k = 0; k < DIMENSIONS; k++)
    for (int l = 0; l < 10; l++) worst = fmax(worst, fabs(fit->theta[k * 10 + l] - exact[k][l]));
  return worst;
}

/* Discovers the Lorenz equations on windows of WINDOW samples. */
static void run_direct(const char *what, int64_t windows) {
  const neurlp_library_spec library = {.polynomial = 2};
  const neurlp_model_spec model_spec = {
      .dimensions = DIMENSIONS, .states = STATES, .order = 1, .library = &library};
  const neurlp_plan_spec plan_spec = {
      .systems = 1, .samples = windows * WINDOW, .window = WINDOW, .shards = 64};
  double *times = malloc((size_t)(windows * WINDOW) * sizeof *times);
  double *samples = malloc((size_t)(windows * WINDOW * DIMENSIONS) * sizeof *samples);
  neurlp_model *model = NULL;
  neurlp_trajectories *trajectories = NULL;
  neurlp_fit *fit = NULL;
  neurlp_plan plan = {0};
  progress seen = {0};
  if (!times || !samples) exit(1);
  make_samples(windows * WINDOW, times, samples);
  const neurlp_trajectory_spec trajectory_spec = {
      .plan = &plan, .times = times, .samples = samples, .dimensions = DIMENSIONS, .order = 2, .substeps = 1};
  const neurlp_exchange exchange = neurlp_exchange_alone(&plan.bins);
  const neurlp_direct_options options = {.fit = {.iterations = 50,
                                                 .tolerance = 1e-6,
                                                 .nominal_step = STEP,
                                                 .weight_top = 1e-3,
                                                 .progress = note_progress,
                                                 .progress_user = &seen},
                                         .first_window = WINDOW,
                                         .threshold = 4,
                                         .contribution = 1e-3,
                                         .starts = 1};
  if (neurlp_model_create(context, &model_spec, &model) < 0) stop("a model");
  if (neurlp_plan_create(context, &plan_spec, 0, 1, &plan) < 0) stop("a plan");
  const double begin = seconds();
  if (neurlp_trajectories_create(context, &trajectory_spec, &trajectories) < 0) stop("smoothing");
  const double start = seconds();
  if (neurlp_fit_create(context, model, trajectories, &exchange, &options.fit, &fit) < 0) stop("a fit");
  if (neurlp_direct_learn(fit, &options) < 0) stop("learning");
  const double took = seconds() - start;
  report("smoothing on the CPU", (double)windows, start - begin, (double)windows / (start - begin),
         "windows/s");
  report(what, (double)seen.windows, took, (double)seen.steps / took, "steps/s");
  expect("largest error of a coefficient", worst_coefficient(fit), check ? 0.02 : 1e-2);
  neurlp_fit_destroy(&fit);
  neurlp_trajectories_destroy(&trajectories);
  neurlp_plan_release(context, &plan);
  neurlp_model_destroy(&model);
  free(times);
  free(samples);
}

int main(int count, char **arguments) {
  check = count > 1 && strcmp(arguments[1], "--check") == 0;
  if (neurlp_context_create(0, &context) < 0) return 1;
  if (neurlp_context_set_backend(context, check ? "cuda:check" : "cuda") < 0) stop("a backend");
  if ((check ? neurlp_device_of_host : neurlp_device_of_cuda)(context, &device) < 0) {
    printf("not measured: %s\n", neurlp_context_message(context));
    neurlp_context_destroy(&context);
    return 77;
  }
  csv = count > 1 && !check ? fopen(arguments[1], "w") : NULL;
  if (csv) fprintf(csv, "# %s, %s\ncase,count,seconds,rate,unit\n", device->name, neurlp_version());
  const int64_t many = check ? 200 : 8388608, steps = check ? 50 : 1000;
  run_ensemble("Lorenz, RK4, single, compiled", many, steps, NEURLP_SINGLE, NEURLP_ENSEMBLE_RK4, true);
  run_ensemble("Lorenz, RK4, double, compiled", many, steps, NEURLP_DOUBLE, NEURLP_ENSEMBLE_RK4, true);
  run_ensemble("Lorenz, RK4, single, interpreted", many / 8, steps, NEURLP_SINGLE, NEURLP_ENSEMBLE_RK4,
               false);
  run_ensemble("Lorenz, Tsitouras 5, double, compiled", many / 8, steps, NEURLP_DOUBLE, NEURLP_ENSEMBLE_TSIT5,
               true);
  run_direct("discovery on many windows", check ? 300 : 1000000);
  if (csv) fclose(csv);
  neurlp_context_destroy(&context);
  return failures > 0;
}
