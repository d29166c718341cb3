/* Optimisers against their papers' formulas, written out here as explicit sums over all gradients so far, in
 * long double; groups, masks, states, and any number of threads. */
#include "core/random.h"
#include "train/optimiser.h"

#include "train_support.h"

#include <float.h>

enum { N = 23, STEPS = 60 };
static const uint64_t seed = 5;
static neurlp_context *context;

/* Gradient i of step t (from 1), of very different sizes. */
static double gradient_at(int64_t t, int64_t i) {
  return neurlp_random_normal(seed, NEURLP_RANDOM_TEST, t, i) * pow(10.0, (double)(i % 5) - 2.0);
}

static double first_at(int64_t i) {
  return neurlp_random_normal(seed, NEURLP_RANDOM_TEST, 0, i);
}

static void fill_gradient(int64_t t, int64_t n, double *gradient) {
  for (int64_t i = 0; i < n; i++) gradient[i] = gradient_at(t, i);
}

/* Parameter i after all steps. slopes[t] is what enters the moments at step t. `given` are the gradients as
 * the optimiser gets them. */
typedef struct reference_options {
  neurlp_optimiser_options o;
  bool single;
} reference_options;

static long double given_gradient(const reference_options *r, int64_t t, int64_t i) {
  return r->single ? (long double)(float)gradient_at(t, i) : (long double)gradient_at(t, i);
}

static long double first_parameter(const reference_options *r, int64_t i) {
  return r->single ? (long double)(float)first_at(i) : (long double)first_at(i);
}

static long double reference_sgd(const reference_options *r, int64_t i) {
  const neurlp_optimiser_options *o = &r->o;
  long double slopes[STEPS + 1], p = first_parameter(r, i);
  for (int64_t t = 1; t <= STEPS; t++) {
    slopes[t] = given_gradient(r, t, i) + (long double)o->weight_decay * p;
    long double velocity = powl(o->momentum, (long double)(t - 1)) * slopes[1];
    for (int64_t k = 2; k <= t; k++)
      velocity += powl(o->momentum, (long double)(t - k)) * (1.0L - (long double)o->dampening) * slopes[k];
    if (o->momentum == 0.0) velocity = slopes[t];
    p -= (long double)o->rate * (o->nesterov ? slopes[t] + (long double)o->momentum * velocity : velocity);
  }
  return p;
}

static long double reference_adam(const reference_options *r, bool decoupled, int64_t i) {
  const neurlp_optimiser_options *o = &r->o;
  const long double beta1 = o->beta1, beta2 = o->beta2, rate = o->rate, decay = o->weight_decay;
  long double slopes[STEPS + 1], p = first_parameter(r, i);
  for (int64_t t = 1; t <= STEPS; t++) {
    long double first = 0.0L, second = 0.0L;
    slopes[t] = given_gradient(r, t, i) + (decoupled ? 0.0L : decay * p);
    for (int64_t k = 1; k <= t; k++) {
      first += (1.0L - beta1) * powl(beta1, (long double)(t - k)) * slopes[k];
      second += (1.0L - beta2) * powl(beta2, (long double)(t - k)) * slopes[k] * slopes[k];
    }
    first /= 1.0L - powl(beta1, (long double)t);
    second /= 1.0L - powl(beta2, (long double)t);
    p -= rate * (first / (sqrtl(second) + (long double)o->epsilon) + (decoupled ? decay * p : 0.0L));
  }
  return p;
}

/* A rounding error in each of a step's dozen operations, and in the numbers of the options, which powers of
 * beta multiply by the number of steps: relative to the sizes of the parameter and of a step. */
static void check_trajectory(const char *what, neurlp_optimiser_options options, bool single) {
  const reference_options r = {options, single};
  const neurlp_precision precision = single ? NEURLP_SINGLE : NEURLP_DOUBLE;
  const double unit = single ? FLT_EPSILON : DBL_EPSILON;
  neurlp_optimiser *optimiser = NULL;
  double parameters[N], gradient[N], worst = 0.0;
  float parameters_single[N], gradient_single[N];
  check_equal("made", neurlp_optimiser_create(context, &options, precision, N, 0, NULL, &optimiser), 0);
  for (int64_t i = 0; i < N; i++) parameters_single[i] = (float)(parameters[i] = first_at(i));
  for (int64_t t = 1; t <= STEPS; t++) {
    fill_gradient(t, N, gradient);
    for (int64_t i = 0; i < N; i++) gradient_single[i] = (float)gradient[i];
    neurlp_optimiser_step(optimiser, options.rate, single ? (void *)parameters_single : parameters,
                          single ? (void *)gradient_single : gradient);
  }
  for (int64_t i = 0; i < N; i++) {
    const bool sgd = strcmp(options.name, "sgd") == 0;
    const long double right =
        sgd ? reference_sgd(&r, i) : reference_adam(&r, strcmp(options.name, "adamw") == 0, i);
    const double got = single ? (double)parameters_single[i] : parameters[i];
    const double step =
        sgd ? options.rate * pow(10.0, (double)(i % 5) - 2.0) / (1.0 - options.momentum) : options.rate;
    const double size = fmax(fabs((double)right), fabs(first_at(i))) + step * STEPS;
    worst = fmax(worst, fabs((double)((long double)got - right)) / (size * unit * 4.0 * STEPS));
  }
  check_below(what, worst, 1.0);
  neurlp_optimiser_destroy(&optimiser);
}

static neurlp_optimiser_options defaults(const char *name) {
  neurlp_optimiser_options options;
  check_equal(name, neurlp_optimiser_defaults(context, name, &options), 0);
  return options;
}

static void test_trajectories(void) {
  for (int single = 0; single < 2; single++) {
    neurlp_optimiser_options o = defaults("sgd");
    check_trajectory("sgd", o, single);
    o.weight_decay = 0.3;
    check_trajectory("sgd, weight decay", o, single);
    o.momentum = 0.9;
    check_trajectory("sgd, momentum", o, single);
    o.nesterov = true;
    check_trajectory("sgd, Nesterov", o, single);
    o.nesterov = false;
    o.dampening = 0.4;
    check_trajectory("sgd, dampening", o, single);
    o = defaults("adam");
    check_trajectory("adam", o, single);
    o.weight_decay = 0.3;
    o.rate = 0.02;
    check_trajectory("adam, weight decay", o, single);
    o.epsilon = 0.5;
    o.beta1 = 0.5;
    o.beta2 = 0.9;
    check_trajectory("adam, large epsilon: outside the root, after the correction", o, single);
    o = defaults("adamw");
    check_trajectory("adamw", o, single);
    o.weight_decay = 0.3;
    o.rate = 0.02;
    check_trajectory("adamw, weight decay", o, single);
  }
}

/* The numbers in PyTorch's documentation (torch.optim, 2.x). */
static void test_defaults(void) {
  const neurlp_optimiser_options sgd = defaults("sgd"), adam = defaults("adam"), adamw = defaults("adamw");
  check_true("sgd: 1e-3, momentum 0, dampening 0, decay 0", sgd.rate == 1e-3 && sgd.momentum == 0.0 &&
                                                                sgd.dampening == 0.0 &&
                                                                sgd.weight_decay == 0.0 && !sgd.nesterov);
  check_true("adam: 1e-3, 0.9, 0.999, 1e-8, decay 0", adam.rate == 1e-3 && adam.beta1 == 0.9 &&
                                                          adam.beta2 == 0.999 && adam.epsilon == 1e-8 &&
                                                          adam.weight_decay == 0.0);
  check_true("adamw: 1e-3, 0.9, 0.999, 1e-8, decay 1e-2", adamw.rate == 1e-3 && adamw.beta1 == 0.9 &&
                                                              adamw.beta2 == 0.999 && adamw.epsilon == 1e-8 &&
                                                              adamw.weight_decay == 1e-2);
}

/* Each group is what an optimiser of its own would make of it, bit for bit, also one that was frozen for a
 * time: its first step is its first, whatever the others did. */
static void test_groups(const char *name) {
  neurlp_optimiser_options options = defaults(name);
  options.momentum = 0.9;
  options.dampening = 0.25;
  options.rate = 0.01;
  neurlp_optimiser_group groups[3] = {
      {0, 5, 1.0, NEURLP_GROUP_DECAY_DEFAULT, false}, {5, 11, 0.25, 0.5, false}, {16, 7, 2.0, 0.0, true}};
  neurlp_optimiser *together = NULL, *apart[3] = {NULL};
  double all[N], alone[N], first[N], gradient[N];
  check_equal("made", neurlp_optimiser_create(context, &options, NEURLP_DOUBLE, N, 3, groups, &together), 0);
  for (int g = 0; g < 3; g++) {
    neurlp_optimiser_options own = options;
    if (g > 0) own.weight_decay = groups[g].weight_decay;
    check_equal("made",
                neurlp_optimiser_create(context, &own, NEURLP_DOUBLE, groups[g].count, 0, NULL, &apart[g]),
                0);
  }
  for (int64_t i = 0; i < N; i++) first[i] = all[i] = alone[i] = first_at(i);
  for (int64_t t = 1; t <= 20; t++) {
    if (t == 11) {
      check_equal("a frozen group does not change", different_bytes(all + 16, first + 16, 7 * sizeof(double)),
                  0);
      groups[2].frozen = false;
      check_equal("thawed", neurlp_optimiser_set_group(together, 2, &groups[2]), 0);
    }
    fill_gradient(t, N, gradient);
    if (t <= 10) gradient[20] = NAN;
    neurlp_optimiser_step(together, options.rate, all, gradient);
    for (int g = 0; g < 3; g++)
      if (t > 10 || g < 2)
        neurlp_optimiser_step(apart[g], options.rate * groups[g].rate_factor, alone + groups[g].first,
                              gradient + groups[g].first);
  }
  check_equal("groups together and apart, bytes that differ", different_bytes(all, alone, sizeof all), 0);
  check_true("they moved", different_bytes(all, first, sizeof all) > N);
  for (int g = 0; g < 3; g++) neurlp_optimiser_destroy(&apart[g]);
  neurlp_optimiser_destroy(&together);
}

/* Masked parameters are zero, whatever their gradients; their neighbours do not notice. */
static void test_mask(const char *name, double momentum) {
  neurlp_optimiser_options options = defaults(name);
  options.momentum = momentum;
  neurlp_optimiser *masked = NULL, *free = NULL;
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  double with[N], without[N], gradient[N];
  uint8_t mask[N];
  int64_t not_zero = 0, different = 0, moments = 0;
  check_equal("made", neurlp_optimiser_create(context, &options, NEURLP_DOUBLE, N, 0, NULL, &masked), 0);
  check_equal("made", neurlp_optimiser_create(context, &options, NEURLP_DOUBLE, N, 0, NULL, &free), 0);
  for (int64_t i = 0; i < N; i++) mask[i] = i % 3 != 1;
  for (int64_t i = 0; i < N; i++) with[i] = without[i] = first_at(i);
  for (int64_t t = 1; t <= 10; t++) {
    if (t == 4) neurlp_optimiser_set_mask(masked, mask, with);
    fill_gradient(t, N, gradient);
    neurlp_optimiser_step(free, options.rate, without, gradient);
    for (int64_t i = 0; i < N; i++)
      if (t >= 4 && !mask[i]) gradient[i] = t % 2 ? NAN : (double)INFINITY;
    neurlp_optimiser_step(masked, options.rate, with, gradient);
  }
  const int32_t count = neurlp_optimiser_state(masked, arrays);
  for (int64_t i = 0; i < N; i++) {
    not_zero += !mask[i] && !(with[i] == 0.0 && !signbit(with[i]));
    different += mask[i] && with[i] != without[i];
    for (int32_t a = 0; a < count; a++)
      if (arrays[a].kind == NEURLP_STATE_DOUBLE && arrays[a].count == N)
        moments += !mask[i] && ((const double *)arrays[a].numbers)[i] != 0.0;
  }
  check_equal("masked parameters that are not zero", not_zero, 0);
  check_equal("moments of masked parameters that are not zero", moments, 0);
  check_equal("free parameters that noticed", different, 0);
  neurlp_optimiser_clear_fixed(masked, gradient);
  for (int64_t i = 0; i < N; i++) not_zero += !mask[i] && gradient[i] != 0.0;
  check_equal("gradients of masked parameters that are not cleared", not_zero, 0);
  neurlp_optimiser_set_mask(masked, NULL, with);
  fill_gradient(11, N, gradient);
  neurlp_optimiser_step(masked, options.rate, with, gradient);
  check_true("a freed parameter moves again", with[1] != 0.0);
  neurlp_optimiser_destroy(&masked);
  neurlp_optimiser_destroy(&free);
}

/* What goes on from a saved state is what goes on without one, bit for bit. */
static void test_state(const char *name) {
  neurlp_optimiser_options options = defaults(name);
  options.momentum = 0.9;
  const neurlp_optimiser_group groups[2] = {{0, 10, 1.0, 0.1, false}, {10, N - 10, 0.5, 0.2, false}};
  const neurlp_optimiser_group changed = {10, N - 10, 0.125, 0.7, false};
  neurlp_optimiser *optimiser = NULL, *other = NULL;
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  saved_state saved;
  float through[N], again[N], gradient[N];
  uint8_t mask[N];
  for (int64_t i = 0; i < N; i++) mask[i] = i != 7;
  check_equal("made", neurlp_optimiser_create(context, &options, NEURLP_SINGLE, N, 2, groups, &optimiser), 0);
  check_equal("made", neurlp_optimiser_create(context, &options, NEURLP_SINGLE, N, 2, groups, &other), 0);
  for (int64_t i = 0; i < N; i++) through[i] = (float)first_at(i);
  for (int64_t t = 1; t <= 30; t++) {
    for (int64_t i = 0; i < N; i++) gradient[i] = (float)gradient_at(t, i);
    if (t == 9) check_equal("changed", neurlp_optimiser_set_group(optimiser, 1, &changed), 0);
    if (t == 9) neurlp_optimiser_set_mask(optimiser, mask, through);
    if (t == 16) {
      save_state(&saved, arrays, neurlp_optimiser_state(optimiser, arrays));
      load_state(&saved, arrays, neurlp_optimiser_state(other, arrays));
      memcpy(again, through, sizeof again);
    }
    if (t >= 16) neurlp_optimiser_step(other, 1e-2, again, gradient);
    neurlp_optimiser_step(optimiser, 1e-2, through, gradient);
  }
  check_equal("restored, bytes that differ", different_bytes(through, again, sizeof again), 0);
  neurlp_optimiser_destroy(&optimiser);
  neurlp_optimiser_destroy(&other);
}

/* Any number of threads: the same bits. Long enough that threads share the work. */
static void test_threads(const char *name) {
  enum { LONG = 40003 };
  static double parameters[2][LONG], gradient[LONG];
  for (int run = 0; run < 2; run++) {
    neurlp_context *own = NULL;
    neurlp_optimiser *optimiser = NULL;
    neurlp_optimiser_options options = defaults(name);
    options.momentum = 0.5;
    check_equal("context", neurlp_context_create(run ? 3 : 1, &own), 0);
    check_equal("made", neurlp_optimiser_create(own, &options, NEURLP_DOUBLE, LONG, 0, NULL, &optimiser), 0);
    for (int64_t i = 0; i < LONG; i++) parameters[run][i] = first_at(i);
    for (int64_t t = 1; t <= 3; t++) {
      fill_gradient(t, LONG, gradient);
      neurlp_optimiser_step(optimiser, 1e-2, parameters[run], gradient);
    }
    neurlp_optimiser_destroy(&optimiser);
    neurlp_context_destroy(&own);
  }
  check_equal("1 and 3 threads, bytes that differ",
              different_bytes(parameters[0], parameters[1], sizeof gradient), 0);
}

/* What it said it would hold is what it holds. */
static void test_bytes(void) {
  static const char *const names[] = {"sgd", "adam", "adamw"};
  const neurlp_optimiser_group groups[2] = {{0, 4, 1.0, 0.0, false}, {4, N - 4, 1.0, 0.0, false}};
  for (int i = 0; i < 12; i++) {
    neurlp_optimiser_options options = defaults(names[i % 3]);
    const neurlp_precision precision = i < 6 ? NEURLP_DOUBLE : NEURLP_SINGLE;
    const int32_t count = i % 2 ? 2 : 0;
    neurlp_optimiser *optimiser = NULL;
    const size_t before = neurlp_context_memory(context).current_bytes;
    options.momentum = i % 2 ? 0.9 : 0.0;
    check_equal("made", neurlp_optimiser_create(context, &options, precision, N, count, groups, &optimiser),
                0);
    check_equal("bytes", (long long)(neurlp_context_memory(context).current_bytes - before),
                (long long)neurlp_optimiser_bytes(&options, precision, N, count));
    neurlp_optimiser_destroy(&optimiser);
  }
}

static void refuse(const char *what, neurlp_optimiser_options options, int32_t count,
                   const neurlp_optimiser_group *groups) {
  neurlp_optimiser *optimiser = NULL;
  const neurlp_status status =
      neurlp_optimiser_create(context, &options, NEURLP_DOUBLE, N, count, groups, &optimiser);
  printf("     %s\n", neurlp_context_message(context));
  check_true(what, status == NEURLP_ERROR_ARGUMENT && !optimiser);
}

static void test_arguments(void) {
  const neurlp_optimiser_options good = defaults("adam");
  const neurlp_optimiser_group gap[2] = {{0, 5, 1.0, 0.0, false}, {6, N - 6, 1.0, 0.0, false}};
  const neurlp_optimiser_group less[1] = {{0, 5, 1.0, 0.0, false}};
  const neurlp_optimiser_group negative[1] = {{0, N, -1.0, 0.0, false}};
  const neurlp_optimiser_group decay[1] = {{0, N, 1.0, -0.5, false}};
  neurlp_optimiser_options bad = good;
  refuse("a gap between groups", good, 2, gap);
  refuse("groups that end too soon", good, 1, less);
  refuse("a negative factor", good, 1, negative);
  refuse("a negative weight decay", good, 1, decay);
  bad.name = "adagrad";
  refuse("an unknown name", bad, 0, NULL);
  bad = good;
  bad.beta2 = 1.0;
  refuse("beta2 = 1", bad, 0, NULL);
  bad = good;
  bad.rate = NAN;
  refuse("a learning rate that is no number", bad, 0, NULL);
  bad = defaults("sgd");
  bad.nesterov = true;
  refuse("Nesterov without momentum", bad, 0, NULL);
}

int main(void) {
  if (neurlp_context_create(2, &context) != NEURLP_SUCCESS) return 1;
  test_defaults();
  test_trajectories();
  static const char *const names[] = {"sgd", "adam", "adamw"};
  for (int i = 0; i < 3; i++) {
    test_groups(names[i]);
    test_mask(names[i], 0.9);
    test_state(names[i]);
    test_threads(names[i]);
  }
  test_mask("sgd", 0.0);
  test_bytes();
  test_arguments();
  check_equal("memory blocks left", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
