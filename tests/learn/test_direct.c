/* The direct method, alone in one process: parameters recovered, statuses, bounds, terms found; the same bits
 * from any number of threads; nothing left in memory; systems that are fitted by themselves have the same
 * bits alone and beside others. With NEURLP_TEST_BACKEND windows are solved by that backend, and everything
 * that is learned is compared with what the CPU learns. */
#include "learn/direct_problem.h"

#include <stdlib.h>

enum { MOST_PARAMETERS = 16, MOST_SYSTEMS = 8 };

typedef struct test_answer {
  neurlp_status returned;
  neurlp_status status[MOST_SYSTEMS];
  double theta[MOST_SYSTEMS * MOST_PARAMETERS], errors[MOST_SYSTEMS * MOST_PARAMETERS];
  int32_t parameters;
} test_answer;

static void take_answer(neurlp_fit *fit, test_answer *answer) {
  static double covariance[MOST_PARAMETERS * MOST_PARAMETERS];
  const int32_t P = fit->model->parameters;
  answer->parameters = P;
  memcpy(answer->theta, fit->theta, (size_t)(fit->groups * P) * sizeof(double));
  for (int64_t g = 0; g < fit->groups; g++) {
    answer->status[g] = fit->group[g].status;
    if (answer->status[g] != NEURLP_SUCCESS) continue;
    neurlp_fit_covariance(fit, g, covariance);
    for (int32_t p = 0; p < P; p++) answer->errors[g * P + p] = sqrt(covariance[p * P + p]);
  }
}

static test_answer learn_on(const char *backend, const test_data *data, const test_task *task) {
  test_fit t;
  test_answer answer = {.returned = NEURLP_ERROR_INTERNAL};
  neurlp_status status = open_fit(backend, data, task, &t);
  if (!t.context) return answer;
  if (status == NEURLP_SUCCESS) status = neurlp_direct_learn(t.fit, &t.options);
  if (status == NEURLP_SUCCESS) take_answer(t.fit, &answer);
  answer.returned = status;
  if (status != NEURLP_SUCCESS) printf("%s\n", neurlp_context_message(t.context));
  /* a device that was opened lives as long as the context */
  check_equal("blocks alive after learning", close_fit(&t), strcmp(backend, "cpu") ? 1 : 0);
  return answer;
}

/* The largest difference in units of standard errors, where both have succeeded; infinite where one has not.
 */
static double difference(const test_answer *a, const test_answer *b) {
  double worst = 0;
  for (int s = 0; s < MOST_SYSTEMS; s++) {
    if (a->status[s] != b->status[s]) return INFINITY;
    for (int p = 0; p < a->parameters && a->status[s] == NEURLP_SUCCESS; p++) {
      const int at = s * a->parameters + p;
      const double unit = fmax(b->errors[at], 1e-9 * fabs(b->theta[at]));
      if (a->theta[at] != b->theta[at]) worst = fmax(worst, fabs(a->theta[at] - b->theta[at]) / unit);
      if (a->errors[at] != b->errors[at]) worst = fmax(worst, fabs(a->errors[at] - b->errors[at]) / unit);
    }
  }
  return worst;
}

/* Both end where steps are below a thousandth of a standard error. */
static test_answer learn(const test_data *data, const test_task *task) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  const test_answer answer = learn_on(backend ? backend : "cpu", data, task);
  if (backend) {
    const test_answer usual = learn_on("cpu", data, task);
    check_equal("returned as on the CPU", answer.returned, usual.returned);
    check_below("difference from the CPU in standard errors", difference(&answer, &usual), 1e-4);
  }
  return answer;
}

/* ---- populations ------------------------------------------------------------------------------------------
 */

static const neurlp_parameter FREE[] = {{"r", 1, -INFINITY, INFINITY}, {"K", 1, -INFINITY, INFINITY}};

/* Without noise the block's own error is left: of order (r h)^5 with d = 4 (tests/block). */
static void test_clean(void) {
  static test_data data;
  make_populations(&data, 0);
  const test_task task = population_task(FREE);
  const test_answer found = learn(&data, &task);
  double worst = 0;
  check_equal("clean: returned", found.returned, NEURLP_SUCCESS);
  for (int s = 0; s < POPULATIONS; s++) {
    check_equal("clean: status", found.status[s], NEURLP_SUCCESS);
    worst = fmax(worst, fabs(found.theta[2 * s] / RATE[s] - 1));
    worst = fmax(worst, fabs(found.theta[2 * s + 1] / CAPACITY[s] - 1));
  }
  check_below("clean: worst relative error", worst, pow(1.5 * STEP, 5));
}

/* Ten numbers within 4.5 standard errors: by chance wrong once in ten thousand seeds. The standard errors are
 * small enough for that to mean something: noise of 1 % of the smallest capacity, 80 samples. */
static void test_noise(void) {
  static test_data data;
  make_populations(&data, NOISE);
  const test_task task = population_task(FREE);
  const test_answer found = learn(&data, &task);
  double worst = 0, largest = 0;
  for (int s = 0; s < POPULATIONS; s++)
    for (int p = 0; p < 2; p++) {
      const double exact = p == 0 ? RATE[s] : CAPACITY[s];
      worst = fmax(worst, fabs(found.theta[2 * s + p] - exact) / found.errors[2 * s + p]);
      largest = fmax(largest, found.errors[2 * s + p] / exact);
    }
  check_below("noise: worst error in standard errors", worst, 4.5);
  check_below("noise: largest relative standard error", largest, 0.05);
}

/* Decay with noise in proportion to the state. Its logarithm is a straight line, whose slope has the standard
 * error s / sqrt(sum (t - mean)^2). The noise s is estimated from 80 samples, to 4.5 / sqrt(2 * 78) = 0.36 of
 * itself. */
static void test_proportional(void) {
  static test_data data;
  static const neurlp_parameter rate = {"r", 0.5, -INFINITY, INFINITY};
  static const char *const names[] = {"x"}, *const equations[] = {"x' = -r*x"};
  const double noise = 0.05, exact = 0.4;
  data = (test_data){.dimensions = 1, .systems = 1, .samples = SAMPLES};
  for (int i = 0; i < SAMPLES; i++) {
    data.times[i] = STEP * i;
    data.states[i] = exp(-exact * STEP * i) * (1 + noise * neurlp_random_normal(6, NEURLP_RANDOM_TEST, 0, i));
  }
  test_task task = population_task(&rate);
  task.model.equations = equations;
  task.model.states = names;
  task.model.parameter_count = 1;
  task.per_system = false;
  task.proportional = true;
  const test_answer found = learn(&data, &task);
  const double least = noise / (STEP * sqrt(SAMPLES * (SAMPLES * SAMPLES - 1.0) / 12));
  check_equal("proportional: status", found.status[0], NEURLP_SUCCESS);
  check_below("proportional: error in standard errors", fabs(found.theta[0] - exact) / found.errors[0], 4.5);
  check_below("proportional: distance of the standard error from the line's",
              fabs(found.errors[0] / least - 1), 0.36);
}

/* A system without data and one with fewer data than unknowns have their statuses; the others are as without
 * them, bit for bit, with one thread or two. */
static void test_statuses(void) {
  static test_data data;
  make_populations(&data, NOISE);
  test_task task = population_task(FREE);
  const test_answer good = learn(&data, &task);
  for (int i = 0; i < SAMPLES; i++) {
    data.states[1 * SAMPLES + i] = NAN;
    if (i >= 2) data.states[3 * SAMPLES + i] = NAN;
  }
  for (task.threads = 1; task.threads <= 2; task.threads++) {
    const test_answer found = learn(&data, &task);
    check_equal("returned", found.returned, NEURLP_SUCCESS);
    check_equal("status without data", found.status[1], NEURLP_TOO_SHORT);
    check_equal("status with two samples for r, K and x(0)", found.status[3], NEURLP_TOO_SHORT);
    int same = 0;
    for (int s = 0; s < POPULATIONS; s++)
      same += s != 1 && s != 3 && found.status[s] == NEURLP_SUCCESS &&
              !memcmp(found.theta + 2 * s, good.theta + 2 * s, 2 * sizeof(double)) &&
              !memcmp(found.errors + 2 * s, good.errors + 2 * s, 2 * sizeof(double));
    check_equal("the others are the same, bit for bit", same, 3);
  }
  make_populations(&data, NOISE);
  task.threads = 1;
  task.iterations = 1;
  const neurlp_parameter far[] = {{"r", 4, -INFINITY, INFINITY}, {"K", 0.3, -INFINITY, INFINITY}};
  task.model.parameters = far;
  const test_answer hasty = learn(&data, &task);
  check_equal("one iteration from far away", hasty.status[0], NEURLP_NOT_CONVERGED);
}

/* The best K of system 1, which is 2, lies outside the bounds; r is fixed in the second run. */
static void test_bounds(void) {
  static test_data data;
  make_populations(&data, NOISE);
  const neurlp_parameter bounded[] = {{"r", 1, 0, 10}, {"K", 1, 0.1, 1.8}};
  test_task task = population_task(bounded);
  const test_answer found = learn(&data, &task);
  check_true("K ends at its bound", found.theta[3] == 1.8);
  const test_task free_task = population_task(FREE);
  const test_answer without = learn(&data, &free_task);
  check_below("a bound out of reach changes nothing, in standard errors",
              fabs(found.theta[1] - without.theta[1]) / without.errors[1], 1e-3);
  const neurlp_parameter fixed[] = {{"r", 1, 1, 1}, {"K", 3, -INFINITY, INFINITY}};
  task.model.parameters = fixed;
  const test_answer held = learn(&data, &task);
  check_true("a fixed parameter keeps its value and has no error", held.theta[0] == 1 && held.errors[0] == 0);
  check_below("K with r known, in standard errors", fabs(held.theta[1] - CAPACITY[0]) / held.errors[1], 4.5);
}

/* ---- prey and predators -----------------------------------------------------------------------------------
 */

/* d starts at twice its value. Initial values of the windows are then far from their best, and have to follow
 * the parameters in full, or no step leads downhill. */
static void test_far_start(void) {
  static test_data data;
  make_prey(&data);
  test_task task = prey_task();
  const int64_t first[] = {5, 10, 20};
  for (int i = 0; i < 3; i++) {
    double worst = 0;
    task.first_window = first[i];
    const test_answer found = learn(&data, &task);
    check_equal("prey: status", found.status[0], NEURLP_SUCCESS);
    for (int p = 0; p < 4; p++) worst = fmax(worst, fabs(found.theta[p] - PREY[p]) / found.errors[p]);
    check_below("prey: worst error in standard errors", worst, 4.5);
  }
}

/* ---- discovery --------------------------------------------------------------------------------------------
 */

/* Windows are shared by two systems. Terms are dropped once windows have grown, or always. */
static void test_discovery(bool always) {
  static test_data data;
  make_spirals(&data);
  test_task task = spiral_task();
  task.drop_always = always;
  const test_answer found = learn(&data, &task);
  const double exact[12] = {0, -0.3, 1, 0, 0, 0, 0, -1, -0.3, 0, 0, 0}; /* 1, u, v, u^2, u v, v^2; twice */
  int right = 0;
  double worst = 0;
  check_equal("discovery: parameters", found.parameters, 12);
  check_equal("discovery: status", found.status[0], NEURLP_SUCCESS);
  for (int p = 0; p < 12; p++) {
    right += (found.theta[p] == 0) == (exact[p] == 0);
    if (exact[p] != 0) worst = fmax(worst, fabs(found.theta[p] - exact[p]) / found.errors[p]);
  }
  check_equal("discovery: terms that are rightly there or not", right, 12);
  check_below("discovery: worst error in standard errors", worst, 4.5);
  task.threads = 2;
  const test_answer again = learn(&data, &task);
  check_true("discovery: two threads give the same bits",
             !memcmp(found.theta, again.theta, sizeof found.theta) &&
                 !memcmp(found.errors, again.errors, sizeof found.errors));
}

/* ---- one by one and together --------------------------------------------------------------------------
 */

/* u' and v' of systems that are as different as the fits that they need: what two spirals, prey and predators
 * do is among the terms; van der Pol's cubic term and a pendulum are not, and their windows grow less far. */
static void flow_of(int64_t system, const double *u, double *f) {
  const double x = u[0], y = u[1];
  if (system == 4) {
    predation(u, f);
    return;
  }
  f[0] = system < 2 ? -0.3 * x + y : y;
  f[1] = system < 2 ? -x - 0.3 * y : system == 2 ? (1 - x * x) * y - x : -sin(3 * x) - 0.1 * y;
}

/* Two hundred classical Runge-Kutta steps from one sample to the next. */
static void go_on(int64_t system, double step, double *u) {
  for (int n = 0; n < 200; n++) {
    double k[4][2], v[2];
    for (int stage = 0; stage < 4; stage++) {
      const double part = stage == 0 ? 0 : stage == 3 ? step / 200 : step / 400;
      for (int i = 0; i < 2; i++) v[i] = u[i] + (stage ? part * k[stage - 1][i] : 0);
      flow_of(system, v, k[stage]);
    }
    for (int i = 0; i < 2; i++) u[i] += step / 1200 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
  }
}

/* The last system has too few data for anything. */
static void make_mixture(test_data *data) {
  static const double noise[] = {0.01, 0.1, 0.01, 0.02, 0.02, 0.01};
  *data = (test_data){.dimensions = 2, .systems = 6, .samples = 120};
  for (int64_t s = 0; s < data->systems; s++) {
    double u[2] = {s == 4 ? 3 : 2, 0.5};
    for (int64_t i = s * 120; i < (s + 1) * 120; i++) {
      const int64_t in = i - s * 120;
      data->times[i] = 0.08 * (double)in;
      for (int k = 0; k < 2; k++)
        data->states[2 * i + k] =
            s == 5 && in > 1 ? NAN
                             : u[k] + noise[s] * neurlp_random_normal(8, NEURLP_RANDOM_TEST, 2 * s + k, in);
      go_on(s, 0.08, u);
    }
  }
}

/* Everything that is known of system s of `all` is as in a fit of it alone. */
static bool is_as_alone(const test_fit *all, int64_t s, const test_fit *alone) {
  static double covariance[2][MOST_PARAMETERS * MOST_PARAMETERS];
  const neurlp_fit *a = all->fit, *b = alone->fit;
  const neurlp_group *group = &a->group[s], *own = b->group;
  const int64_t P = a->model->parameters, D = a->model->dimensions;
  const int64_t states = b->data->point_count * D * (b->data->order + 1);
  bool same = group->status == own->status && group->window == own->window &&
              group->windows == own->windows && group->converged == own->converged;
  if (!same || group->status < 0 ||
      (group->status != NEURLP_SUCCESS && group->status != NEURLP_NOT_CONVERGED))
    return same;
  neurlp_fit_covariance(all->fit, s, covariance[0]);
  neurlp_fit_covariance(alone->fit, 0, covariance[1]);
  same = !memcmp(a->theta + s * P, b->theta, (size_t)P * sizeof(double)) &&
         !memcmp(a->free + s * P, b->free, (size_t)P * sizeof(bool)) &&
         !memcmp(a->sigma + s * D, b->sigma, (size_t)D * sizeof(double)) &&
         !memcmp(a->squares + s * D, b->squares, (size_t)D * sizeof(double)) &&
         !memcmp(covariance[0], covariance[1], (size_t)(P * P) * sizeof(double));
  return same && !memcmp(a->state + s * states, b->state, (size_t)states * sizeof(double));
}

/* What is found for a system does not depend on which others are fitted beside it, although all of them go
 * through growth, dropping and return together. */
static void test_together(const char *what, const test_data *data, test_task task) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  char text[128];
  test_fit all, alone;
  int64_t same = 0;
  neurlp_status status = open_fit(backend ? backend : "cpu", data, &task, &all);
  if (status == NEURLP_SUCCESS) status = neurlp_direct_learn(all.fit, &all.options);
  for (int64_t s = 0; status == NEURLP_SUCCESS && s < data->systems; s++) {
    task.first = s;
    task.count = 1;
    status = open_fit(backend ? backend : "cpu", data, &task, &alone);
    if (status == NEURLP_SUCCESS) status = neurlp_direct_learn(alone.fit, &alone.options);
    if (status == NEURLP_SUCCESS) {
      int32_t terms = 0;
      for (int32_t p = 0; p < all.fit->model->parameters; p++)
        terms += all.fit->free[s * all.fit->model->parameters + p];
      const bool right = is_as_alone(&all, s, &alone);
      printf("     %s: system %lld, status %d, windows of %lld samples, %d parameters: %s\n", what,
             (long long)s, all.fit->group[s].status, (long long)all.fit->group[s].window, terms,
             right ? "as alone" : "NOT as alone");
      same += right;
    }
    close_fit(&alone);
  }
  close_fit(&all);
  snprintf(text, sizeof text, "%s: learned", what);
  check_equal(text, status, NEURLP_SUCCESS);
  snprintf(text, sizeof text, "%s: systems with the same bits as alone", what);
  check_equal(text, same, data->systems);
}

static void test_mixture(void) {
  static test_data data;
  make_mixture(&data);
  test_task task = spiral_task();
  task.per_system = true;
  task.window = 0;
  test_together("mixture, dropping once windows have grown", &data, task);
  task.drop_always = true;
  test_together("mixture, dropping always", &data, task);
  make_populations(&data, NOISE);
  task = population_task(FREE);
  task.starts = 4;
  test_together("populations, four starts", &data, task);
}

int main(void) {
  test_clean();
  test_noise();
  test_proportional();
  test_statuses();
  test_bounds();
  test_far_start();
  test_discovery(false);
  test_discovery(true);
  test_mixture();
  return check_verdict();
}
