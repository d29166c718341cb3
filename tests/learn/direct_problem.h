/* Small problems for tests of the direct method: data, tasks, and a fit with all that belongs to it. */
#ifndef TESTS_LEARN_DIRECT_PROBLEM_H
#define TESTS_LEARN_DIRECT_PROBLEM_H

#include "core/random.h"
#include "learn/direct.h"
#include "support/check.h"

#include <math.h>
#include <string.h>

enum { MOST_SAMPLES = 4000 };

/* Systems of equal length; samples of system s follow those of s - 1. */
typedef struct test_data {
  int32_t dimensions;
  int64_t systems, samples;
  double times[MOST_SAMPLES], states[2 * MOST_SAMPLES];
} test_data;

/* How a problem is learned. */
typedef struct test_task {
  neurlp_model_spec model;
  bool per_system, proportional, drop_always;
  int32_t order, starts, iterations, threads;
  int64_t window, first_window, substeps;
  int64_t first, count; /* only these systems, of those that are fitted one by one; 0: all */
  double threshold;     /* 0: 4 */
  neurlp_keeper keeper;
} test_task;

/* A fit and what it is made of. */
typedef struct test_fit {
  neurlp_context *context;
  neurlp_model *model;
  neurlp_plan plan;
  neurlp_trajectories *trajectories;
  neurlp_direct_options options;
  neurlp_fit *fit;
} test_fit;

static inline neurlp_status open_fit(const char *backend, const test_data *data, const test_task *task,
                                     test_fit *t) {
  *t = (test_fit){0};
  neurlp_status status = neurlp_context_create(task->threads, &t->context);
  if (status < 0) return status;
  if (neurlp_context_set_backend(t->context, backend) < 0) printf("%s\n", neurlp_context_message(t->context));
  const neurlp_plan_spec plan_spec = {.systems = data->systems,
                                      .samples = data->samples,
                                      .window = task->window,
                                      .per_system = task->per_system,
                                      .shards = 8,
                                      .first = task->first,
                                      .count = task->count};
  const int64_t skipped = task->first * data->samples;
  const neurlp_trajectory_spec trajectory_spec = {.plan = &t->plan,
                                                  .times = data->times + skipped,
                                                  .samples = data->states + skipped * data->dimensions,
                                                  .dimensions = data->dimensions,
                                                  .order = task->order,
                                                  .substeps = task->substeps,
                                                  .proportional = task->proportional};
  t->options = (neurlp_direct_options){
      .fit = {.iterations = task->iterations,
              .tolerance = 1e-8,
              .nominal_step = (data->times[1] - data->times[0]) / (double)task->substeps,
              .weight_top = 1e-3,
              .per_system = task->per_system},
      .first_window = task->first_window,
      .threshold = task->threshold > 0 ? task->threshold : 4,
      .contribution = 1e-3,
      .drop_always = task->drop_always,
      .starts = task->starts,
      .longest = task->per_system ? neurlp_plan_longest(&plan_spec) : 0,
      .seed = 1,
      .keeper = task->keeper};
  const neurlp_exchange exchange = neurlp_exchange_alone(&t->plan.bins);
  NEURLP_TRY(neurlp_model_create(t->context, &task->model, &t->model));
  NEURLP_TRY(neurlp_plan_create(t->context, &plan_spec, 0, 1, &t->plan));
  NEURLP_TRY(neurlp_trajectories_create(t->context, &trajectory_spec, &t->trajectories));
  status = neurlp_fit_create(t->context, t->model, t->trajectories, &exchange, &t->options.fit, &t->fit);
done:
  return status;
}

/* Frees it; returns how many blocks of memory were left before the context went. */
static inline int64_t close_fit(test_fit *t) {
  neurlp_fit_destroy(&t->fit);
  neurlp_trajectories_destroy(&t->trajectories);
  neurlp_plan_release(t->context, &t->plan);
  neurlp_model_destroy(&t->model);
  const int64_t blocks = (int64_t)neurlp_context_memory(t->context).blocks;
  neurlp_context_destroy(&t->context);
  return blocks;
}

/* ---- populations ------------------------------------------------------------------------------------------
 */

enum { POPULATIONS = 5, SAMPLES = 80 };
static const double RATE[POPULATIONS] = {1, 0.7, 1.5, 1.3, 0.9},
                    CAPACITY[POPULATIONS] = {1, 2, 0.5, 1.5, 0.8};
static const double STEP = 0.1, NOISE = 0.005;

static inline double logistic(double t, double r, double K) {
  return K / (1 + (K / 0.1 - 1) * exp(-r * t));
}

static inline void make_populations(test_data *data, double noise) {
  *data = (test_data){.dimensions = 1, .systems = POPULATIONS, .samples = SAMPLES};
  for (int s = 0; s < POPULATIONS; s++)
    for (int i = 0; i < SAMPLES; i++) {
      data->times[s * SAMPLES + i] = STEP * i;
      data->states[s * SAMPLES + i] = logistic(STEP * i, RATE[s], CAPACITY[s]) +
                                      noise * neurlp_random_normal(5, NEURLP_RANDOM_TEST, s, i);
    }
}

static inline test_task population_task(const neurlp_parameter *parameters) {
  static const char *const states[] = {"x"}, *const equations[] = {"x' = r*x*(1 - x/K)"};
  return (test_task){.model = {.dimensions = 1,
                               .states = states,
                               .order = 1,
                               .equation_count = 1,
                               .equations = equations,
                               .parameter_count = 2,
                               .parameters = parameters},
                     .per_system = true,
                     .order = 4,
                     .starts = 1,
                     .iterations = 100,
                     .threads = 1,
                     .first_window = 10,
                     .substeps = 1};
}

/* ---- prey and predators -----------------------------------------------------------------------------------
 */

static const double PREY[4] = {1.40329648, 0.93916896, 2.59168074, 0.50536692};

static inline void predation(const double *u, double *f) {
  f[0] = PREY[0] * u[0] - PREY[1] * u[0] * u[1];
  f[1] = -PREY[2] * u[1] + PREY[3] * u[0] * u[1];
}

/* One classical Runge-Kutta step. */
static inline void step_predation(double h, double *u) {
  double k[4][2], v[2];
  for (int stage = 0; stage < 4; stage++) {
    const double part = stage == 0 ? 0 : stage == 3 ? h : h / 2;
    for (int i = 0; i < 2; i++) v[i] = u[i] + (stage ? part * k[stage - 1][i] : 0);
    predation(v, k[stage]);
  }
  for (int i = 0; i < 2; i++) u[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

static inline void make_prey(test_data *data) {
  double u[2] = {3, 0.5};
  *data = (test_data){.dimensions = 2, .systems = 1, .samples = 100};
  for (int i = 0; i < 100; i++) {
    data->times[i] = 0.1 * i;
    for (int k = 0; k < 2; k++)
      data->states[2 * i + k] = u[k] + 0.05 * neurlp_random_normal(6, NEURLP_RANDOM_TEST, k, i);
    for (int n = 0; n < 100; n++) step_predation(1e-3, u);
  }
}

/* d starts at twice its value. */
static inline test_task prey_task(void) {
  static const char *const states[] = {"x", "y"};
  static const char *const equations[] = {"x' = a*x - b*x*y", "y' = -c*y + d*x*y"};
  static const neurlp_parameter parameters[] = {{"a", 1.5, -INFINITY, INFINITY},
                                                {"b", 1, -INFINITY, INFINITY},
                                                {"c", 2.5, -INFINITY, INFINITY},
                                                {"d", 1, -INFINITY, INFINITY}};
  return (test_task){.model = {.dimensions = 2,
                               .states = states,
                               .order = 1,
                               .equation_count = 2,
                               .equations = equations,
                               .parameter_count = 4,
                               .parameters = parameters},
                     .order = 4,
                     .starts = 1,
                     .iterations = 100,
                     .threads = 1,
                     .first_window = 10,
                     .substeps = 2};
}

/* ---- spirals ----------------------------------------------------------------------------------------------
 */

/* u' = -0.3 u + v, v' = -u - 0.3 v, twice. */
static inline void make_spirals(test_data *data) {
  *data = (test_data){.dimensions = 2, .systems = 2, .samples = 300};
  for (int i = 0; i < 600; i++) {
    const double t = 0.05 * (i % 300), size = (i < 300 ? 1 : 2) * exp(-0.3 * t),
                 phase = t + (i < 300 ? 0 : 1);
    data->times[i] = t;
    data->states[2 * i] = size * cos(phase) + 0.01 * neurlp_random_normal(7, NEURLP_RANDOM_TEST, 0, i);
    data->states[2 * i + 1] = -size * sin(phase) + 0.01 * neurlp_random_normal(7, NEURLP_RANDOM_TEST, 1, i);
  }
}

/* Six terms in each equation. */
static inline test_task spiral_task(void) {
  static const char *const states[] = {"u", "v"};
  static const neurlp_library_spec library = {.polynomial = 2};
  return (test_task){.model = {.dimensions = 2, .states = states, .order = 1, .library = &library},
                     .order = 2,
                     .starts = 1,
                     .iterations = 100,
                     .threads = 1,
                     .window = 60,
                     .first_window = 10,
                     .substeps = 1};
}

#endif
