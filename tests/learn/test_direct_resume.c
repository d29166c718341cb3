/* Learning that is stopped between any two iterations and goes on from what was kept, in a fit made afresh,
 * ends with the same numbers, bit for bit, as learning that was not stopped. So does learning that nobody
 * keeps anything of. With NEURLP_TEST_BACKEND windows are solved by that backend. */
#include "learn/direct_parts.h"
#include "learn/direct_problem.h"
#include "learn/fit_work.h"

#include <stdlib.h>

/* ---- a keeper in memory ------------------------------------------------------------------------------- */

typedef struct memory {
  int32_t calls, stop_at; /* the call at which it asks for an end, -1: never */
  bool holds;
  int32_t count;
  neurlp_state_array arrays[NEURLP_STATE_MOST]; /* copies, of its own */
  int32_t stages[NEURLP_STAGE_DONE];            /* calls in each stage */
} memory;

static size_t bytes_of(const neurlp_state_array *array) {
  return (size_t)array->count * neurlp_state_number_bytes(array->kind);
}

static void forget(memory *m) {
  for (int32_t i = 0; m->holds && i < m->count; i++) free(m->arrays[i].numbers);
  m->holds = false;
}

static neurlp_status keep(void *user, int32_t count, const neurlp_state_array *arrays) {
  memory *m = user;
  const int64_t *place = arrays[0].numbers;
  m->stages[place[0]]++;
  if (m->calls++ != m->stop_at) return NEURLP_SUCCESS;
  forget(m);
  m->holds = true;
  m->count = count;
  for (int32_t i = 0; i < count; i++) {
    m->arrays[i] = arrays[i];
    m->arrays[i].numbers = malloc(bytes_of(&arrays[i]) + 1);
    memcpy(m->arrays[i].numbers, arrays[i].numbers, bytes_of(&arrays[i]));
  }
  return NEURLP_STOPPED;
}

/* Names, kinds and counts have to be those that were kept. */
static neurlp_status restore(void *user, int32_t count, const neurlp_state_array *arrays, bool *found) {
  const memory *m = user;
  *found = m->holds;
  if (!m->holds) return NEURLP_SUCCESS;
  if (count != m->count) return NEURLP_ERROR_INTERNAL;
  for (int32_t i = 0; i < count; i++) {
    const neurlp_state_array *had = &m->arrays[i];
    if (strcmp(arrays[i].name, had->name) != 0 || arrays[i].kind != had->kind ||
        arrays[i].count != had->count || arrays[i].part != had->part)
      return NEURLP_ERROR_INTERNAL;
    memcpy(arrays[i].numbers, had->numbers, bytes_of(had));
  }
  return NEURLP_SUCCESS;
}

/* ---- everything that a fit has in the end -------------------------------------------------------------- */

enum { MOST_BYTES = 1 << 20 };

typedef struct image {
  neurlp_status returned;
  size_t bytes;
  unsigned char content[MOST_BYTES];
} image;

static void add(image *i, const void *from, int64_t count, size_t size) {
  const size_t bytes = (size_t)count * size;
  if (i->bytes + bytes > MOST_BYTES) abort();
  memcpy(i->content + i->bytes, from, bytes);
  i->bytes += bytes;
}

static void add_group(image *i, neurlp_fit *fit, int64_t g) {
  const neurlp_group *group = &fit->group[g];
  const int64_t P = fit->model->parameters;
  static double covariance[64 * 64];
  const int64_t integers[] = {group->status,  group->converged, group->window,
                              group->windows, group->failed,    group->values};
  add(i, integers, 6, sizeof *integers);
  add(i, &group->objective, 1, sizeof(double));
  if (group->status != NEURLP_SUCCESS && group->status != NEURLP_NOT_CONVERGED) return;
  neurlp_fit_covariance(fit, g, covariance);
  add(i, covariance, P * P, sizeof(double));
}

/* Windows that were fitted, with the standard errors of their initial values. */
static void add_windows(image *i, neurlp_fit *fit) {
  static double covariance[64 * 64], errors[16];
  const int64_t initials = neurlp_fit_initials(fit);
  for (int64_t w = 0; w < fit->window_count; w++) {
    const neurlp_window *window = &fit->window[w];
    const neurlp_status status = fit->group[window->group].status;
    if (status != NEURLP_SUCCESS && status != NEURLP_NOT_CONVERGED) continue;
    add(i, &window->first_sample, 1, sizeof(int64_t));
    add(i, &window->excluded, 1, sizeof(bool));
    add(i, fit->initial + w * initials, initials, sizeof(double));
    neurlp_fit_covariance(fit, window->group, covariance);
    if (window->excluded) continue;
    neurlp_fit_initial_errors(fit, w, covariance, errors);
    add(i, errors, initials, sizeof(double));
  }
}

static void take_image(image *i, neurlp_fit *fit) {
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  add(i, fit->theta, G * P, sizeof(double));
  add(i, fit->free, G * P, sizeof(bool));
  add(i, fit->sigma, G * D, sizeof(double));
  add(i, fit->squares, G * D, sizeof(double));
  add(i, fit->counts, G * D, sizeof(double));
  add(i, fit->state, fit->data->point_count * D * (fit->data->order + 1), sizeof(double));
  for (int64_t g = 0; g < G; g++) add_group(i, fit, g);
  add_windows(i, fit);
}

/* Learns from the beginning, or from what `m` holds; m NULL: without a keeper. */
static image learn(const test_data *data, test_task task, memory *m) {
  static image result;
  result.bytes = 0;
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  test_fit t;
  if (m) {
    task.keeper = (neurlp_keeper){.user = m, .keep = keep, .restore = restore};
    m->calls = 0;
  }
  result.returned = open_fit(backend ? backend : "cpu", data, &task, &t);
  if (result.returned >= 0) result.returned = neurlp_direct_learn(t.fit, &t.options);
  if (result.returned >= 0) take_image(&result, t.fit);
  if (close_fit(&t) != (backend && strcmp(backend, "cpu") != 0 ? 1 : 0))
    result.returned = NEURLP_ERROR_INTERNAL;
  return result;
}

static bool is_same(const image *a, const image *b) {
  return a->returned == b->returned && a->bytes == b->bytes && !memcmp(a->content, b->content, a->bytes);
}

/* ---- stopping ------------------------------------------------------------------------------------------ */

/* Stops `data` and `task` at every call, or at every `stride`-th, and then once more `after` calls later.
 * Adds to `stages` how often each was stopped in. */
static void test_stops(const char *what, const test_data *data, const test_task *task, int32_t stride,
                       int32_t *stages) {
  static image whole, found;
  char text[128];
  memory m = {.stop_at = -1};
  whole = learn(data, *task, &m);
  found = learn(data, *task, NULL);
  const int32_t calls = m.calls;
  int32_t stopped = 0, same = 0, tried = 0;
  snprintf(text, sizeof text, "%s: learned as without a keeper", what);
  check_true(text, whole.returned >= 0 && whole.bytes > 0 && is_same(&whole, &found));
  for (int32_t at = 0; at < calls; at += stride, tried++) {
    memset(m.stages, 0, sizeof m.stages);
    m.stop_at = at;
    found = learn(data, *task, &m);
    stopped += found.returned == NEURLP_STOPPED && m.holds;
    const int64_t *place = m.arrays[0].numbers;
    stages[place[0]]++;
    const bool twice = at % 3 == 0;
    m.stop_at = twice ? 1 + at % 5 : -1;
    found = learn(data, *task, &m);
    if (twice && found.returned == NEURLP_STOPPED) {
      m.stop_at = -1;
      found = learn(data, *task, &m);
    }
    same += is_same(&whole, &found);
    forget(&m);
  }
  printf("     %s: %d iterations, stopped at %d of them\n", what, calls, tried);
  snprintf(text, sizeof text, "%s: stopped when asked to", what);
  check_equal(text, stopped, tried);
  snprintf(text, sizeof text, "%s: gone on from, the same numbers in the end", what);
  check_equal(text, same, tried);
}

/* Populations by powers of x, which are so alike that too many of them are dropped at once, or one that is
 * needed; and of their windows, which are whole trajectories, one cannot be solved. */
static test_task power_task(void) {
  static const neurlp_library_spec library = {.polynomial = 5};
  test_task task = population_task(NULL);
  task.model.equation_count = task.model.parameter_count = 0;
  task.model.library = &library;
  task.per_system = false;
  task.order = 2;
  task.first_window = SAMPLES;
  task.threshold = 1;
  task.iterations = 4;
  return task;
}

int main(void) {
  static test_data data;
  int32_t stages[NEURLP_STAGE_DONE] = {0};
  const neurlp_parameter bounded[] = {{"r", 1, 0.1, 10}, {"K", 1, 0.1, 1.8}};
  make_populations(&data, NOISE);
  for (int i = 0; i < SAMPLES; i++) { /* one without data, one with too few, gaps */
    data.states[1 * SAMPLES + i] = NAN;
    if (i >= 2) data.states[3 * SAMPLES + i] = NAN;
    if (i % 7 == 3) data.states[2 * SAMPLES + i] = NAN;
  }
  test_task task = population_task(bounded);
  test_stops("populations", &data, &task, 1, stages);
  task.starts = 4;
  task.threads = 2;
  test_stops("populations, four starts", &data, &task, 4, stages);
  task.starts = 1;
  task.per_system = false;
  test_stops("populations, shared", &data, &task, 1, stages);
  make_prey(&data);
  task = prey_task();
  task.starts = 3;
  test_stops("prey, three starts", &data, &task, 3, stages);
  make_spirals(&data);
  task = spiral_task();
  test_stops("spirals", &data, &task, 2, stages);
  task.per_system = true;
  test_stops("spirals, one by one", &data, &task, 1, stages);
  task.drop_always = true;
  task.proportional = true;
  test_stops("spirals, dropping always", &data, &task, 7, stages);
  make_populations(&data, 1e-3);
  task = power_task();
  test_stops("powers", &data, &task, 1, stages);
  for (int i = 0; i < NEURLP_STAGE_DONE; i++) {
    char text[64];
    snprintf(text, sizeof text, "stage %d: stopped in, times", i);
    check_above(text, stages[i], 1);
  }
  return check_verdict();
}
