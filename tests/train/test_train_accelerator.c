/* Optimisers on another machine against those on the host, bit for bit, as formulas and order are the same;
 * clipping against the norm in long double. On an imitated GPU, or with NEURLP_TEST_BACKEND=cuda on a real
 * one. */
#include "core/random.h"
#include "train/clip.h"
#include "train/descent.h"

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

/* ---- descents ---------------------------------------------------------------------------------------- */

enum { RUN_SAMPLES = 70 };

/* A run that a gradient is of, on the machine. */
typedef struct run {
  void *loss, *present, *statuses;
} run;

/* `failed` of the first `present` samples failed, and all that are absent. */
static void write_run(const run *r, double loss, int64_t present, int64_t failed) {
  int32_t statuses[RUN_SAMPLES];
  for (int64_t s = 0; s < RUN_SAMPLES; s++)
    statuses[s] = s < failed || s >= present ? NEURLP_NOT_FINITE : NEURLP_SUCCESS;
  must(machine->upload(machine->object, r->loss, &loss, sizeof loss));
  must(machine->upload(machine->object, r->present, &present, sizeof present));
  must(machine->upload(machine->object, r->statuses, statuses, sizeof statuses));
}

static run make_run(void) {
  run r = {.loss = NULL};
  must(machine->allocate(machine->object, sizeof(double), &r.loss));
  must(machine->allocate(machine->object, sizeof(int64_t), &r.present));
  must(machine->allocate(machine->object, RUN_SAMPLES * sizeof(int32_t), &r.statuses));
  write_run(&r, 1, RUN_SAMPLES, 0);
  return r;
}

static void free_run(run *r) {
  machine->release(machine->object, &r->loss);
  machine->release(machine->object, &r->present);
  machine->release(machine->object, &r->statuses);
}

typedef struct descending {
  neurlp_precision precision;
  neurlp_optimiser *optimiser;
  neurlp_descent *descent;
  run run;
  void *parameters, *gradient;
} descending;

static descending open_descending(const char *name, double momentum, neurlp_precision precision,
                                  const void *parameters) {
  descending d = {.precision = precision, .optimiser = make(name, momentum, precision), .run = make_run()};
  must(neurlp_optimiser_move(d.optimiser, machine));
  d.parameters = on_machine(parameters, bytes_of(precision));
  d.gradient = on_machine(parameters, bytes_of(precision));
  const neurlp_descent_spec spec = {.optimiser = d.optimiser,
                                    .machine = machine,
                                    .precision = precision,
                                    .count = N,
                                    .parameters = d.parameters,
                                    .gradient = d.gradient,
                                    .loss = d.run.loss,
                                    .present = d.run.present,
                                    .statuses = d.run.statuses};
  must(neurlp_descent_create(context, &spec, &d.descent));
  return d;
}

static void close_descending(descending *d) {
  neurlp_descent_destroy(&d->descent);
  neurlp_optimiser_destroy(&d->optimiser);
  machine->release(machine->object, &d->parameters);
  machine->release(machine->object, &d->gradient);
  free_run(&d->run);
}

/* As it is at first, then recorded, then replayed with other orders. */
static void start_descending(const descending *d, int32_t step, void **recording) {
  if (step == 1) {
    must(neurlp_descent_start(d->descent));
    return;
  }
  if (!*recording) {
    must(machine->record(machine->object));
    must(neurlp_descent_start(d->descent));
    must(machine->end_record(machine->object, recording));
  }
  must(machine->replay(machine->object, *recording));
}

/* Steps, recorded, against masks, clipping and optimiser one after the other; what was kept against what was
 * there before. */
static void check_descent(const char *name, double momentum, neurlp_precision precision, double clip) {
  const size_t bytes = bytes_of(precision);
  void *p = malloc(bytes), *g = malloc(bytes), *before = malloc(bytes), *kept = malloc(bytes);
  void *recording = NULL;
  uint8_t mask[N];
  int64_t different = 0;
  printf("descent by %s, momentum %g, %s, to %g\n", name, momentum,
         precision == NEURLP_SINGLE ? "single" : "double", clip);
  for (int64_t i = 0; i < N; i++) mask[i] = i % 5 != 0;
  draw(precision, 0, N, p);
  descending d = open_descending(name, momentum, precision, p),
             plain = open_descending(name, momentum, precision, p);
  for (int32_t step = 1; step <= STEPS; step++) {
    const double rate = 0.01 / step;
    const neurlp_descent_orders orders = {
        .clip = clip, .most_loss = INFINITY, .samples = RUN_SAMPLES, .keep = step % 2 == 0};
    neurlp_descent_answer answer = {0};
    double norm = NAN;
    draw(precision, step, N, g);
    must(machine->upload(machine->object, d.gradient, g, bytes));
    must(machine->upload(machine->object, plain.gradient, g, bytes));
    if (step == 6) must(neurlp_optimiser_set_mask(d.optimiser, mask, d.parameters));
    if (step == 6) must(neurlp_optimiser_set_mask(plain.optimiser, mask, plain.parameters));
    must(machine->download(machine->object, before, plain.parameters, bytes));
    neurlp_descent_order(d.descent, rate, &orders);
    start_descending(&d, step, &recording);
    must(machine->wait(machine->object));
    must(neurlp_descent_end(d.descent, &answer));
    must(neurlp_optimiser_clear_fixed(plain.optimiser, plain.gradient));
    must(machine->clip(machine->object, precision, N, clip, plain.gradient, &norm));
    must(neurlp_optimiser_step(plain.optimiser, rate, plain.parameters, plain.gradient));
    different += !answer.moved || answer.norm != norm;
    if (orders.keep) {
      must(neurlp_descent_fetch_kept(d.descent, kept));
      different += different_bytes(before, kept, bytes);
    }
  }
  check_equal("steps that were not made, other norms, other bytes that were kept", different, 0);
  must(machine->download(machine->object, p, plain.parameters, bytes));
  compare("parameters after all steps, bytes that differ", p, d.parameters, bytes);
  must(machine->download(machine->object, g, plain.gradient, bytes));
  compare("gradient after the last one", g, d.gradient, bytes);
  must(neurlp_optimiser_fetch_state(plain.optimiser));
  compare_states(plain.optimiser, d.optimiser);
  machine->forget(machine->object, &recording);
  close_descending(&d);
  close_descending(&plain);
  free(p);
  free(g);
  free(before);
  free(kept);
}

/* A step that must not be made, with entry `bad` of the gradient not finite; -1: none is. */
static void check_refused(const char *what, double loss, int64_t present, int64_t failed, int64_t bad,
                          double value, bool moves) {
  const neurlp_descent_orders orders = {.clip = 1, .most_loss = 2, .samples = 40, .keep = true};
  neurlp_descent_answer answer = {.norm = NAN};
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  uint8_t mask[N];
  double p[N], g[N];
  for (int64_t i = 0; i < N; i++) mask[i] = i != 500;
  draw(NEURLP_DOUBLE, 0, N, p);
  draw(NEURLP_DOUBLE, 1, N, g);
  descending d = open_descending("adam", 0, NEURLP_DOUBLE, p);
  must(neurlp_optimiser_set_mask(d.optimiser, mask, d.parameters));
  p[500] = 0;
  if (bad >= 0) g[bad] = value;
  must(machine->upload(machine->object, d.gradient, g, sizeof g));
  write_run(&d.run, loss, present, failed);
  neurlp_descent_order(d.descent, 0.01, &orders);
  must(neurlp_descent_start(d.descent));
  must(machine->wait(machine->object));
  printf("%s\n", what);
  check_equal("status", neurlp_descent_end(d.descent, &answer),
              bad >= 0 ? NEURLP_NOT_FINITE : NEURLP_SUCCESS);
  check_equal("a step was made", answer.moved, moves);
  check_equal("the norm is finite", isfinite(answer.norm) != 0, bad < 0);
  must(neurlp_optimiser_fetch_state(d.optimiser));
  (void)neurlp_optimiser_state(d.optimiser, arrays);
  check_equal("steps that are counted", ((const int64_t *)arrays[0].numbers)[0], moves);
  if (!moves) compare("parameters are as they were, bytes that differ", p, d.parameters, sizeof p);
  if (bad >= 0) {
    must(machine->download(machine->object, p, d.gradient, sizeof p));
    check_equal("the entry is where it was", memcmp(&p[bad], &g[bad], sizeof p[bad]), 0);
  }
  close_descending(&d);
}

/* Entry 500 is fixed; group 7, which is frozen, has entries 84 to 111. */
static void check_all_refused(void) {
  check_refused("all is good", 2, 40, 39, -1, 0, true);
  check_refused("absent samples do not count", 1, 39, 39, -1, 0, true);
  check_refused("a loss that exploded", 2.0001, 40, 0, -1, 0, false);
  check_refused("a loss that is infinite", -INFINITY, 40, 0, -1, 0, false);
  check_refused("a loss that is not a number", NAN, 40, 0, -1, 0, false);
  check_refused("no sample could be solved", 1, 40, 40, -1, 0, false);
  check_refused("a gradient with a NaN", 1, 40, 0, 700, NAN, false);
  check_refused("a gradient that is infinite", 1, 40, 0, N - 1, INFINITY, false);
  check_refused("a NaN that is fixed", 1, 40, 0, 500, NAN, false);
  check_refused("a NaN of a frozen group", 1, 40, 0, 90, NAN, false);
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
  for (neurlp_precision precision = NEURLP_DOUBLE; precision <= NEURLP_SINGLE; precision++) {
    check_descent("sgd", 0, precision, 0.1);
    check_descent("sgd", 0.9, precision, 1e300);
    check_descent("adam", 0, precision, 10);
    check_descent("adamw", 0, precision, 0.1);
  }
  check_all_refused();
  neurlp_context_destroy(&context);
  return check_verdict();
}
