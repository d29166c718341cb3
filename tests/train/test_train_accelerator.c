/* Optimisers on another machine against those on the host, bit for bit, as formulas and order are the same;
 * clipping against the norm in long double. On an imitated GPU, or with NEURLP_TEST_BACKEND=cuda on a real
 * one. */
#include "core/random.h"
#include "train/clip.h"
#include "train/optimiser.h"

#include "train_support.h"

#include <float.h>
#include <math.h>

enum { N = 1003, GROUPS = 20, STEPS = 12 };

static neurlp_context *context;
static const neurlp_accelerator *machine;

static void must(neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s: %s\n", neurlp_status_name(status), neurlp_context_message(context));
  exit(1);
}

/* Random numbers of very different sizes, in either precision. */
static void draw(neurlp_precision precision, int64_t stream, int64_t count, void *numbers) {
  for (int64_t i = 0; i < count; i++) {
    const double x = neurlp_random_normal(4, NEURLP_RANDOM_TEST, stream, i) * pow(10, (double)(i % 7) - 3);
    if (precision == NEURLP_SINGLE)
      ((float *)numbers)[i] = (float)x;
    else
      ((double *)numbers)[i] = x;
  }
}

static size_t bytes_of(neurlp_precision precision) {
  return N * (precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double));
}

/* More groups than one launch has room for, of different lengths, one of them empty, one frozen. */
static neurlp_optimiser *make(const char *name, double momentum, neurlp_precision precision) {
  neurlp_optimiser_group groups[GROUPS];
  neurlp_optimiser_options options;
  neurlp_optimiser *o = NULL;
  int64_t first = 0;
  for (int32_t g = 0; g < GROUPS; g++) {
    const int64_t count = g == GROUPS - 1 ? N - first : g * 4;
    groups[g] = (neurlp_optimiser_group){.first = first,
                                         .count = count,
                                         .rate_factor = 1 + 0.1 * g,
                                         .weight_decay = g % 3 == 0 ? NEURLP_GROUP_DECAY_DEFAULT : 0.01 * g,
                                         .frozen = g == 7};
    first += count;
  }
  must(neurlp_optimiser_defaults(context, name, &options));
  options.momentum = momentum;
  options.nesterov = momentum > 0.7;
  must(neurlp_optimiser_create(context, &options, precision, N, GROUPS, groups, &o));
  return o;
}

static void *on_machine(const void *numbers, size_t bytes) {
  void *memory = NULL;
  must(machine->allocate(machine->object, bytes, &memory));
  must(machine->upload(machine->object, memory, numbers, bytes));
  return memory;
}

static void compare(const char *what, const void *host, const void *there, size_t bytes) {
  void *copy = malloc(bytes);
  must(machine->download(machine->object, copy, there, bytes));
  check_equal(what, different_bytes(host, copy, bytes), 0);
  free(copy);
}

static void compare_states(neurlp_optimiser *a, neurlp_optimiser *b) {
  neurlp_state_array x[NEURLP_STATE_MOST], y[NEURLP_STATE_MOST];
  int64_t different = 0;
  must(neurlp_optimiser_fetch_state(b));
  const int32_t count = neurlp_optimiser_state(a, x);
  check_equal("arrays of the state", neurlp_optimiser_state(b, y), count);
  for (int32_t i = 0; i < count; i++)
    different += different_bytes(x[i].numbers, y[i].numbers, state_bytes(&x[i]));
  check_equal("bytes of the state that differ", different, 0);
}

static void check_optimiser(const char *name, double momentum, neurlp_precision precision) {
  const size_t bytes = bytes_of(precision);
  neurlp_optimiser *host = make(name, momentum, precision), *there = make(name, momentum, precision);
  void *p = malloc(bytes), *g = malloc(bytes);
  uint8_t mask[N];
  draw(precision, 0, N, p);
  draw(precision, 1, N, g);
  void *p_there = on_machine(p, bytes), *g_there = on_machine(g, bytes);
  for (int64_t i = 0; i < N; i++) mask[i] = i % 11 != 5;
  printf("%s, momentum %g, %s\n", name, momentum, precision == NEURLP_SINGLE ? "single" : "double");
  for (int32_t step = 1; step <= STEPS; step++) {
    if (step == 4) { /* moves with moments that it has */
      must(neurlp_optimiser_move(there, machine));
      must(machine->upload(machine->object, p_there, p, bytes));
    }
    draw(precision, step, N, g);
    must(machine->upload(machine->object, g_there, g, bytes));
    if (step == 6) {
      must(neurlp_optimiser_set_mask(host, mask, p));
      must(neurlp_optimiser_set_mask(there, mask, p_there));
    }
    must(neurlp_optimiser_clear_fixed(host, g));
    if (step >= 4) must(neurlp_optimiser_clear_fixed(there, g_there));
    if (step >= 4) compare("fixed gradients are 0, the others as they were", g, g_there, bytes);
    if (step < 4) { /* both on the host: the second on a copy */
      void *copy = malloc(bytes);
      memcpy(copy, p, bytes);
      must(neurlp_optimiser_step(there, 0.01, copy, g));
      free(copy);
    }
    must(neurlp_optimiser_step(host, 0.01, p, g));
    if (step >= 4) must(neurlp_optimiser_step(there, 0.01, p_there, g_there));
  }
  compare("parameters after all steps, bytes that differ", p, p_there, bytes);
  compare_states(host, there);
  must(neurlp_optimiser_reset(host));
  must(neurlp_optimiser_reset(there));
  compare_states(host, there);
  neurlp_optimiser_destroy(&host);
  neurlp_optimiser_destroy(&there);
  machine->release(machine->object, &p_there);
  machine->release(machine->object, &g_there);
  free(p);
  free(g);
}

/* A state that was saved goes on elsewhere. */
static void check_state(void) {
  const size_t bytes = bytes_of(NEURLP_DOUBLE);
  neurlp_optimiser *a = make("adam", 0, NEURLP_DOUBLE), *b = make("adam", 0, NEURLP_DOUBLE);
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  saved_state saved;
  double p[N], g[N];
  draw(NEURLP_DOUBLE, 0, N, p);
  draw(NEURLP_DOUBLE, 1, N, g);
  void *p_a = on_machine(p, bytes), *g_there = on_machine(g, bytes);
  must(neurlp_optimiser_move(a, machine));
  must(neurlp_optimiser_move(b, machine));
  must(neurlp_optimiser_step(a, 0.01, p_a, g_there));
  must(neurlp_optimiser_fetch_state(a));
  save_state(&saved, arrays, neurlp_optimiser_state(a, arrays));
  load_state(&saved, arrays, neurlp_optimiser_state(b, arrays));
  must(neurlp_optimiser_send_state(b));
  must(machine->download(machine->object, p, p_a, bytes));
  void *p_b = on_machine(p, bytes);
  must(neurlp_optimiser_step(a, 0.01, p_a, g_there));
  must(neurlp_optimiser_step(b, 0.01, p_b, g_there));
  must(machine->download(machine->object, p, p_a, bytes));
  compare("a state that was saved and read goes on, bytes that differ", p, p_b, bytes);
  neurlp_optimiser_destroy(&a);
  neurlp_optimiser_destroy(&b);
  machine->release(machine->object, &p_a);
  machine->release(machine->object, &p_b);
  machine->release(machine->object, &g_there);
}

/* The norm of numbers times `size`: a sum of N squares errs by at most N roundings, halved by the root. */
static void check_clip(neurlp_precision precision, double size, double most) {
  const size_t bytes = bytes_of(precision);
  const double unit = precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON;
  double numbers[N], norm = NAN, worst = 0;
  float narrow[N];
  long double square = 0;
  draw(NEURLP_DOUBLE, 3, N, numbers);
  for (int64_t i = 0; i < N; i++) {
    narrow[i] = (float)(numbers[i] * size);
    numbers[i] = precision == NEURLP_SINGLE ? (double)narrow[i] : numbers[i] * size;
    square += (long double)numbers[i] * (long double)numbers[i];
  }
  void *there = on_machine(precision == NEURLP_SINGLE ? (void *)narrow : numbers, bytes);
  must(machine->clip(machine->object, precision, N, most, there, NULL));
  must(machine->upload(machine->object, there, precision == NEURLP_SINGLE ? (void *)narrow : numbers, bytes));
  must(machine->clip(machine->object, precision, N, most, there, &norm));
  check_below("norm", fabs((double)(norm / sqrtl(square) - 1)), N * DBL_EPSILON);
  const double factor = fmin(1, most / ((double)sqrtl(square) + 1e-6));
  void *copy = malloc(bytes);
  must(machine->download(machine->object, copy, there, bytes));
  for (int64_t i = 0; i < N; i++) {
    const double x = precision == NEURLP_SINGLE ? (double)((float *)copy)[i] : ((double *)copy)[i];
    worst = fmax(worst, fabs(x - factor * numbers[i]) / fabs(factor * numbers[i]));
  }
  check_below("numbers that were scaled", worst, 2 * unit + N * DBL_EPSILON);
  free(copy);
  machine->release(machine->object, &there);
}

static void check_not_finite(double bad) {
  double numbers[N], norm = 0;
  draw(NEURLP_DOUBLE, 3, N, numbers);
  numbers[700] = bad;
  void *there = on_machine(numbers, sizeof numbers);
  check_equal("a norm that is not finite", machine->clip(machine->object, NEURLP_DOUBLE, N, 1, there, &norm),
              NEURLP_NOT_FINITE);
  check_true("is told", !isfinite(norm));
  compare("the gradient stays as it was, bytes that differ", numbers, there, sizeof numbers);
  machine->release(machine->object, &there);
}

int main(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  if (neurlp_context_create(2, &context) < 0) return 1;
  must(neurlp_accelerator_of(context, &machine));
  check_true("the CPU needs none", machine == NULL);
  must(neurlp_context_set_backend(context, backend ? backend : "cuda:check"));
  must(neurlp_accelerator_of(context, &machine));
  for (neurlp_precision precision = NEURLP_DOUBLE; precision <= NEURLP_SINGLE; precision++) {
    check_optimiser("sgd", 0, precision);
    check_optimiser("sgd", 0.5, precision);
    check_optimiser("sgd", 0.9, precision);
    check_optimiser("adam", 0, precision);
    check_optimiser("adamw", 0, precision);
    check_clip(precision, 1, 0.1);
    check_clip(precision, 1e-3, 1e9);
  }
  check_clip(NEURLP_DOUBLE, 1e250, 1);
  check_clip(NEURLP_DOUBLE, 1e-250, INFINITY);
  check_not_finite(NAN);
  check_not_finite(-INFINITY);
  check_equal("clipping to 0", machine->clip(machine->object, NEURLP_DOUBLE, 0, 0, NULL, NULL),
              NEURLP_ERROR_ARGUMENT);
  check_state();
  neurlp_context_destroy(&context);
  return check_verdict();
}
