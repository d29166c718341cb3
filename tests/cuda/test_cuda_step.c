/* Training steps on an imitated GPU: from the second one on each is one recording that is replayed, and
 * nothing beside it, for every optimiser, every schedule, clipped or not; with the same bits as without
 * recordings, and what the CPU does; and where a training goes bad, it says and keeps the same. On a real GPU
 * with NEURLP_TEST_BACKEND=cuda; a few of them with --short, for tools that slow them down. */
#include "cuda/graph/machine.h"
#include "learn/network_problem.h"

#include <float.h>

enum { MOST_EPOCHS = 8, MOST_STEPS = 64 };

static const char *device_backend = "cuda:check";

/* ---- trainings --------------------------------------------------------------------------------------- */

typedef struct trial {
  problem_options problem;
  neurlp_schedule schedule; /* all 0: constant */
  double clip, weight_decay;
  bool keeps;
} trial;

/* What a training leaves behind. */
typedef struct record {
  neurlp_status status;
  char message[1024];
  neurlp_training_result result;
  int64_t count, epochs, steps, kept;
  double losses[MOST_EPOCHS], rates[MOST_EPOCHS], norms[MOST_EPOCHS];
  uint64_t states[MOST_STEPS]; /* of everything that is kept between steps */
  double *parameters;
  neurlp_device *device;
  neurlp_device_counts before, counts[MOST_STEPS]; /* of each step */
} record;

static neurlp_status note_epoch(void *user, const neurlp_epoch *epoch) {
  record *r = user;
  if (r->epochs == MOST_EPOCHS) return NEURLP_SUCCESS;
  r->losses[r->epochs] = epoch->training;
  r->rates[r->epochs] = epoch->rate;
  r->norms[r->epochs++] = epoch->gradient;
  return NEURLP_SUCCESS;
}

/* After each step. */
static void note_step(void *user, const neurlp_training_place *place) {
  record *r = user;
  (void)place;
  if (r->device && r->steps < MOST_STEPS) {
    const neurlp_device_counts now = r->device->counts;
    r->counts[r->steps] = (neurlp_device_counts){.started = now.started - r->before.started,
                                                 .recorded = now.recorded - r->before.recorded,
                                                 .replayed = now.replayed - r->before.replayed,
                                                 .waited = now.waited - r->before.waited};
    r->before = now;
  }
  r->steps++;
}

/* FNV-1a of all arrays. */
static neurlp_status note_state(void *user, int32_t count, const neurlp_state_array *arrays) {
  record *r = user;
  uint64_t hash = 14695981039346656037u;
  for (int32_t i = 0; i < count; i++) {
    const unsigned char *bytes = arrays[i].numbers;
    const size_t size = (size_t)arrays[i].count * neurlp_state_number_bytes(arrays[i].kind);
    for (size_t j = 0; j < size; j++) hash = (hash ^ bytes[j]) * 1099511628211u;
  }
  if (r->kept < MOST_STEPS) r->states[r->kept++] = hash;
  return NEURLP_SUCCESS;
}

static void set_options(network_problem *p, const trial *t, record *r) {
  neurlp_training_options *o = &p->training.options;
  if (t->schedule.rate > 0) o->schedule = t->schedule;
  o->clip = t->clip;
  o->optimiser.weight_decay = t->weight_decay;
  o->optimiser.epsilon = 0.01; /* steps are then as smooth as gradients, which the bounds below need */
  p->mask[1] = 0;
  p->training.report = note_epoch;
  p->training.arrive = note_step;
  p->training.user = r;
  if (t->keeps) p->training.keeper = (neurlp_keeper){.keep = note_state, .user = r};
}

static record train(const char *backend, const trial *t) {
  record r = {.status = NEURLP_SUCCESS};
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) < 0) exit(1);
  problem_must(context, neurlp_context_set_backend(context, backend));
  network_problem *p = problem_open(context, &t->problem);
  set_options(p, t, &r);
  r.count = neurlp_graph_parameter_count(p->model.graph);
  r.parameters = calloc((size_t)r.count, sizeof(double)); /* of either precision */
  if (strncmp(backend, "cuda", 4) == 0) r.device = neurlp_graph_on_cuda(p->model.graph)->device;
  r.status = neurlp_training_run(&p->training, p->mask, &r.result);
  snprintf(r.message, sizeof r.message, "%s", neurlp_context_message(context));
  problem_must(context, neurlp_graph_get_parameters(p->model.graph, r.parameters));
  problem_close(p);
  neurlp_context_destroy(&context);
  r.device = NULL;
  return r;
}

/* Piece by piece. */
static record train_plain(const trial *t) {
  setenv("NEURLP_REPLAY", "off", 1);
  const record r = train(device_backend, t);
  unsetenv("NEURLP_REPLAY");
  return r;
}

/* ---- comparisons ------------------------------------------------------------------------------------- */

/* From the second step on a step is so many recordings, pieces of work beside them, and waits. */
static void check_counts(const char *what, const record *r, int64_t replayed, int64_t started,
                         int64_t waited) {
  char text[160];
  int64_t worst[3] = {0}, recorded = 0;
  snprintf(text, sizeof text, "%s: the first step starts pieces of work", what);
  check_above(text, (double)r->counts[0].started, 50);
  for (int64_t i = 1; i < r->steps; i++) {
    recorded += r->counts[i].recorded;
    if (r->counts[i].replayed != replayed) worst[0] = r->counts[i].replayed - replayed;
    if (r->counts[i].started > worst[1]) worst[1] = r->counts[i].started;
    if (r->counts[i].waited > worst[2]) worst[2] = r->counts[i].waited;
  }
  snprintf(text, sizeof text, "%s: steps made", what);
  check_above(text, (double)r->steps, 2);
  snprintf(text, sizeof text, "%s: recordings of a step, less %lld", what, (long long)replayed);
  check_equal(text, worst[0], 0);
  snprintf(text, sizeof text, "%s: recordings that were made", what);
  check_equal(text, recorded, 1);
  snprintf(text, sizeof text, "%s: pieces of work beside them, at most", what);
  check_equal(text, worst[1], started);
  snprintf(text, sizeof text, "%s: waits, at most", what);
  check_equal(text, worst[2], waited);
}

static void check_same(const char *what, const record *a, const record *b) {
  char text[160];
  snprintf(text, sizeof text, "%s: the same bits without recordings", what);
  check_true(text, a->status == b->status && a->epochs == b->epochs &&
                       memcmp(a->losses, b->losses, sizeof a->losses) == 0 &&
                       memcmp(a->norms, b->norms, sizeof a->norms) == 0 &&
                       memcmp(a->rates, b->rates, sizeof a->rates) == 0 &&
                       memcmp(a->parameters, b->parameters, (size_t)a->count * sizeof(double)) == 0);
}

static double at(const record *r, bool single, int64_t i) {
  return single ? (double)((const float *)(const void *)r->parameters)[i] : r->parameters[i];
}

/* A gradient is a sum of products that go through some 1000 roundings, of a problem whose condition is below
 * 100. A step multiplies the difference by rate over epsilon, 1 here, at most, and adds it to what was there.
 */
static void check_near(const char *what, const record *cpu, const record *r, bool single) {
  const double bound = (single ? FLT_EPSILON : DBL_EPSILON) * 1e5 * (double)r->steps;
  double worst = 0;
  char text[160];
  for (int64_t i = 0; i < r->count; i++) worst = fmax(worst, fabs(at(r, single, i) - at(cpu, single, i)));
  snprintf(text, sizeof text, "%s: parameters less the CPU's", what);
  check_below(text, worst, bound);
}

static void forget(record *r) {
  free(r->parameters);
}

/* ---- every optimiser and schedule -------------------------------------------------------------------- */

static trial trial_of(const char *optimiser, double momentum) {
  return (trial){.problem = {.optimiser = optimiser,
                             .rate = 0.01,
                             .momentum = momentum,
                             .noise = 0.05,
                             .epochs = 4,
                             .batch = 4,
                             .network = true},
                 .clip = 0.5,
                 .weight_decay = 0.01};
}

static void check_trial(const char *what, const trial *t) {
  record cpu = train("cpu", t), device = train(device_backend, t), plain = train_plain(t);
  check_equal("training succeeds", device.status, NEURLP_SUCCESS);
  check_counts(what, &device, 1, 0, 1);
  check_same(what, &device, &plain);
  check_near(what, &cpu, &device, t->problem.single);
  check_equal("nothing is recorded where that is not wanted", plain.counts[plain.steps - 1].replayed, 0);
  forget(&cpu);
  forget(&device);
  forget(&plain);
}

static void check_optimisers(void) {
  static const struct {
    const char *what, *name;
    double momentum;
  } list[] = {
      {"sgd", "sgd", 0}, {"sgd with momentum", "sgd", 0.9}, {"adam", "adam", 0}, {"adamw", "adamw", 0}};
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
    for (int32_t clipped = 0; clipped < 2; clipped++) {
      trial t = trial_of(list[i].name, list[i].momentum);
      char what[80];
      if (!clipped) t.clip = 0;
      snprintf(what, sizeof what, "%s, %s", list[i].what, clipped ? "clipped" : "not clipped");
      check_trial(what, &t);
    }
}

/* Rates are different in each epoch, but for those of the constant one. */
static void check_schedules(void) {
  static const char *const names[] = {"constant", "step", "exponential", "cosine", "plateau"};
  for (int32_t i = 0; i < 5; i++)
    for (int32_t warm = 0; warm < 2; warm++) {
      trial t = trial_of(i % 2 == 0 ? "adam" : "sgd", 0.5);
      char what[80];
      t.schedule = neurlp_schedule_defaults((neurlp_schedule_kind)i, t.problem.rate);
      t.schedule.every = 1;
      t.schedule.gamma = 0.7;
      t.schedule.length = t.problem.epochs;
      t.schedule.patience = 0;
      t.schedule.threshold = 0.9; /* no epoch is so much better */
      t.schedule.warm_up = warm ? 2 : 0;
      snprintf(what, sizeof what, "%s%s", names[i], warm ? ", warmed up" : "");
      record device = train(device_backend, &t), plain = train_plain(&t);
      int32_t changes = 0;
      for (int64_t e = 1; e < device.epochs; e++) changes += device.rates[e] != device.rates[e - 1];
      check_above("rates that change", changes, i == 0 && !warm ? 0 : 2);
      check_counts(what, &device, 1, 0, 1);
      check_same(what, &device, &plain);
      forget(&device);
      forget(&plain);
    }
}

/* ---- where a step is not one piece ------------------------------------------------------------------- */

/* Three shards: a recording for each, which is added to the sum by itself, and one for what follows. */
static void check_shards(void) {
  trial t = trial_of("adam", 0);
  t.problem.batch = 6;
  t.problem.shards = 3;
  record device = train(device_backend, &t), plain = train_plain(&t), cpu = train("cpu", &t);
  int64_t most = 0;
  for (int64_t i = 1; i < device.steps; i++)
    if (device.counts[i].replayed > most) most = device.counts[i].replayed;
  check_equal("three shards: recordings of a step", most, 4);
  check_same("three shards", &device, &plain);
  check_near("three shards", &cpu, &device, false);
  forget(&device);
  forget(&plain);
  forget(&cpu);
}

/* Everything that is kept between two steps is the same, parameters that were good included. */
static void check_state(void) {
  trial t = trial_of("adam", 0);
  t.keeps = true;
  record device = train(device_backend, &t), plain = train_plain(&t);
  check_above("states that are kept", (double)device.kept, 8);
  check_equal("as many without recordings", plain.kept, device.kept);
  check_true("with the same bits", memcmp(device.states, plain.states, sizeof device.states) == 0);
  check_same("between whose steps all is kept", &device, &plain);
  forget(&device);
  forget(&plain);
}

/* ---- going bad --------------------------------------------------------------------------------------- */

/* A message without what roundings change: signs of NaNs, and numbers that are not whole. */
static void write_skeleton(const char *message, char *skeleton) {
  char *to = skeleton;
  while (*message) {
    char *end = NULL;
    const double number = strtod(message, &end);
    const bool begins = to == skeleton || to[-1] == ' ';
    const bool some =
        begins && end > message && !(isfinite(number) && number == floor(number) && number < 1e9);
    if (some) {
      *to++ = '#';
      message = end;
    } else {
      *to++ = *message++;
    }
  }
  *to = '\0';
}

static bool same_words(const record *a, const record *b) {
  char x[sizeof a->message], y[sizeof b->message];
  write_skeleton(a->message, x);
  write_skeleton(b->message, y);
  return strcmp(x, y) == 0;
}

/* Says the same, at the same step, and has the same parameters in the end. */
static void check_bad(const char *what, const trial *t, neurlp_status expected, const char *words) {
  record cpu = train("cpu", t), device = train(device_backend, t), plain = train_plain(t);
  printf("%s: %s\n", what, device.message);
  check_equal("status", device.status, expected);
  check_true(words, strstr(device.message, words));
  check_equal("as on the CPU", cpu.status, expected);
  check_equal("after as many steps", device.steps, cpu.steps);
  check_true("with the same words", same_words(&cpu, &device));
  check_same(what, &device, &plain);
  check_true("and its message", strcmp(plain.message, device.message) == 0);
  check_near(what, &cpu, &device, false);
  forget(&cpu);
  forget(&device);
  forget(&plain);
}

static void check_all_bad(void) {
  trial t = trial_of("adam", 0);
  t.problem.huge = 1e4;
  check_bad("data that overflow", &t, NEURLP_NOT_FINITE, "the loss is inf");
  t.problem.noise = t.clip = 0;
  check_bad("data that overflow, not clipped", &t, NEURLP_NOT_FINITE, "of the gradient of weights");
  t.problem.batch = 15;
  check_bad("data that overflow, in the first step", &t, NEURLP_NOT_FINITE, "cycle 1, epoch 1, step 1");
  t.problem.batch = 1;
  check_bad("data that overflow, alone", &t, NEURLP_NOT_FINITE, "cycle 1, epoch 1, step");
  trial wild = trial_of("sgd", 0);
  wild.problem.rate = 1e6;
  wild.clip = wild.weight_decay = 0;
  wild.problem.batch = 15;
  check_bad("a learning rate of a million", &wild, NEURLP_NOT_CONVERGED, "more than 1e+06 times");
}

static void check_single(void) {
  trial single = trial_of("adamw", 0);
  single.problem.single = true;
  check_trial("adamw, single precision", &single);
}

int main(int count, char **arguments) {
  const bool brief = count > 1 && strcmp(arguments[1], "--short") == 0;
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  if (backend) device_backend = backend;
  check_single();
  if (brief) return check_verdict();
  check_optimisers();
  check_schedules();
  check_shards();
  check_state();
  check_all_bad();
  return check_verdict();
}
