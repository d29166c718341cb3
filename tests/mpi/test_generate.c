/* Trajectories from data.generate: closed forms, the same bits however the work is cut, noise and gaps by
 * their statistics, failures, and what is said of bad decks. */
#include "core/random.h"
#include "data/generate.h"

#include "support/check.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "task: discover\ndynamics: {library: {polynomial: 2}}\nrun: {seed: 7}\ndata:\n  generate:\n"

static neurlp_context *context;

static neurlp_generated *describe(neurlp_context *owner, const char *section) {
  char text[4096], *report = NULL;
  neurlp_deck *deck = NULL;
  neurlp_generated *made = NULL;
  snprintf(text, sizeof text, HEAD "%s", section);
  if (neurlp_deck_parse(context, "test.yaml", text, 0, NULL, &deck, &report) != NEURLP_SUCCESS)
    printf("%s\n", report ? report : neurlp_context_message(context));
  else if (neurlp_generate_describe(owner, deck, &made) != NEURLP_SUCCESS)
    printf("%s\n", neurlp_context_message(owner));
  neurlp_release(context, &report);
  neurlp_deck_destroy(&deck);
  check_true("the deck is understood", made != NULL);
  if (!made) exit(1);
  return made;
}

static neurlp_samples make(neurlp_generated *g, neurlp_sample_range range, double *parameters) {
  neurlp_samples samples;
  check_equal("samples are made", neurlp_generate_samples(g, &range, &samples, parameters), NEURLP_SUCCESS);
  return samples;
}

static neurlp_sample_range whole(const neurlp_generated *g) {
  return (neurlp_sample_range){0, g->systems, 0, g->samples};
}

/* Logistic growth with everything drawn: each system follows the closed form of its own parameters. */
static void test_catalogue_system(void) {
  neurlp_generated *g = describe(context, "    system: logistic\n"
                                          "    systems: 40\n"
                                          "    samples: 60\n"
                                          "    parameters: {r: {uniform: [0.5, 2]}, K: {normal: [10, 0.5]}}\n"
                                          "    initial: {x: {uniform: [0.1, 1]}}\n");
  double parameters[80], worst = 0.0, mean = 0.0, least = 9.0, greatest = 0.0;
  check_equal("systems", g->systems, 40);
  check_equal("samples", g->samples, 60);
  check_equal("states", g->dimensions, 1);
  check_equal("parameters", g->parameters, 2);
  check_true("names", strcmp(g->names[0], "x") == 0 && strcmp(g->parameter_names[1], "K") == 0);
  check_below("the catalogue's step", fabs(g->step - 0.1), 0.0);
  neurlp_samples samples = make(g, whole(g), parameters);
  for (int64_t s = 0; s < 40; s++) {
    const double r = parameters[2 * s], K = parameters[2 * s + 1];
    const double *x = samples.states + samples.offsets[s], *t = samples.times + samples.offsets[s];
    const double x0 = 0.1 + 0.9 * neurlp_random_uniform(7, NEURLP_RANDOM_INITIAL, s, 0);
    for (int64_t i = 0; i < 60; i++) {
      const double exact = K / (1.0 + (K / x0 - 1.0) * exp(-r * t[i]));
      worst = fmax(worst, fabs(x[i] - exact) / exact);
    }
    least = fmin(least, r);
    greatest = fmax(greatest, r);
    mean += K / 40.0;
  }
  check_equal("offsets", samples.offsets[40], 2400);
  check_below("closed form of each system, a tolerance for each unit of time", worst, 6.0 * 1e-10);
  check_true("uniform in its bounds, and not all the same",
             least >= 0.5 && greatest <= 2.0 && greatest > least + 1.0);
  check_below("normal around its mean", fabs(mean - 10.0), 5.0 * 0.5 / sqrt(40.0));
  check_equal("none failed", g->failed, 0);
  neurlp_samples_release(context, &samples);
  neurlp_generate_destroy(&g);
  check_true("destroy nulls the handle", g == NULL);
  neurlp_generate_destroy(&g);
}

/* Own equations of second order: states are positions; x' may be used and given. */
static void test_own_equations(void) {
  neurlp_generated *g = describe(context, "    order: 2\n"
                                          "    equations: {x: '-w^2*x', y: \"-x'\"}\n"
                                          "    parameters: {w: 2}\n"
                                          "    initial: {x': 2, y: 3}\n"
                                          "    samples: 50\n"
                                          "    step: 0.1\n"
                                          "    start: 1\n");
  neurlp_samples samples = make(g, whole(g), NULL);
  double worst = 0.0, worst_time = 0.0;
  for (int64_t i = 0; i < 50; i++) { /* x = sin 2t, y'' = -2 cos 2t, y = 3 + (cos 2t - 1)/2 */
    const double t = 0.1 * (double)i;
    worst = fmax(worst, fabs(samples.states[2 * i] - sin(2.0 * t)));
    worst = fmax(worst, fabs(samples.states[2 * i + 1] - 2.5 - 0.5 * cos(2.0 * t)));
    worst_time = fmax(worst_time, fabs(samples.times[i] - 1.0 - t));
  }
  check_below("closed form, a tolerance for each radian", worst, 10.0 * 1e-10);
  check_below("times", worst_time, 8.0 * DBL_EPSILON);
  neurlp_samples_release(context, &samples);
  neurlp_generate_destroy(&g);
}

/* The initial values hold at start - transient, also where the equations contain the time. */
static void test_transient(void) {
  neurlp_generated *g = describe(context, "    equations: {x: cos(t)}\n"
                                          "    initial: {x: 0}\n"
                                          "    samples: 20\n"
                                          "    step: 0.25\n"
                                          "    start: 2\n"
                                          "    transient: 1.5\n");
  neurlp_samples samples = make(g, whole(g), NULL);
  double worst = 0.0;
  for (int64_t i = 0; i < 20; i++)
    worst = fmax(worst, fabs(samples.states[i] - sin(2.0 + 0.25 * (double)i) + sin(0.5)));
  check_below("sin t - sin 0.5, a tolerance for each unit of time", worst, 7.0 * 1e-10);
  neurlp_samples_release(context, &samples);
  neurlp_generate_destroy(&g);
}

/* Bits that differ between a part and the same samples of the whole. */
static int64_t differences(const neurlp_samples *all, const neurlp_samples *some, int64_t samples,
                           int64_t D) {
  const neurlp_sample_range *range = &some->range;
  const int64_t first = range->first_system * samples + range->first_sample;
  const int64_t count = (range->end_system - 1) * samples + range->end_sample - first;
  if (some->offsets[range->end_system - range->first_system] != count) return -1;
  int64_t different = memcmp(all->times + first, some->times, (size_t)count * sizeof(double)) != 0;
  for (int64_t i = 0; i < count * D; i++)
    different += memcmp(&all->states[first * D + i], &some->states[i], sizeof(double)) != 0;
  return different;
}

/* A range of systems, a range within systems, across the pieces in which trajectories are integrated, and any
 * number of threads: the same bits. */
static void same_bits(const char *section) {
  neurlp_context *many = NULL;
  if (neurlp_context_create(3, &many) != NEURLP_SUCCESS) exit(1);
  neurlp_generated *g = describe(context, section);
  neurlp_generated *threaded = describe(many, section);
  static const neurlp_sample_range ranges[] = {{0, 3, 0, 2500}, {0, 1, 0, 1},       {0, 1, 2, 1025},
                                               {0, 2, 1024, 7}, {1, 2, 2499, 2500}, {1, 3, 2000, 1100},
                                               {2, 3, 0, 2500}};
  neurlp_samples all = make(g, whole(g), NULL);
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    neurlp_samples one = make(g, ranges[i], NULL), other = make(threaded, ranges[i], NULL);
    check_equal("bits that differ in a part", differences(&all, &one, 2500, 2), 0);
    check_equal("bits that differ in a part, three threads", differences(&all, &other, 2500, 2), 0);
    neurlp_samples_release(context, &one);
    neurlp_samples_release(many, &other);
  }
  neurlp_samples_release(context, &all);
  neurlp_generate_destroy(&g);
  neurlp_generate_destroy(&threaded);
  check_equal("blocks of the other context", neurlp_context_memory(many).blocks, 0);
  neurlp_context_destroy(&many);
}

static void test_same_bits(void) {
#define ENSEMBLE                                                                                             \
  "    system: lotka_volterra\n"                                                                             \
  "    systems: 3\n"                                                                                         \
  "    samples: 2500\n"                                                                                      \
  "    parameters: {a: {uniform: [1, 2]}}\n"                                                                 \
  "    transient: 1\n"
  same_bits(ENSEMBLE);
  same_bits(ENSEMBLE "    noise: 0.1\n    missing: 0.2\n");
}

/* Noise is normal with the stated deviation, relative to each state's own RMS, different in every system and
 * state; gaps have the stated frequency. Bounds are five standard deviations. */
static void test_noise_and_gaps(void) {
  static const char *const clean_section = "    equations: {x: 'cos(t)', y: '-20*sin(t)'}\n"
                                           "    initial: {x: 0, y: 20}\n"
                                           "    systems: 2\n"
                                           "    samples: 5000\n"
                                           "    step: 0.0125663706143591730\n"; /* 2 pi / 500: ten periods */
  char noisy_section[1024];
  snprintf(noisy_section, sizeof noisy_section, "%s    noise: 0.05\n    missing: 0.25\n", clean_section);
  neurlp_generated *one = describe(context, clean_section), *other = describe(context, noisy_section);
  neurlp_samples clean = make(one, whole(one), NULL), noisy = make(other, whole(other), NULL);
  double square[2] = {0.0}, product = 0.0, mean[2] = {0.0}, count[2] = {0.0}, pairs = 0.0;
  for (int64_t i = 0; i < 10000; i++) {
    double e[2];
    for (int64_t k = 0; k < 2; k++) {
      const double deviation = 0.05 * (k == 0 ? 1.0 : 20.0) * sqrt(0.5);
      e[k] = (noisy.states[2 * i + k] - clean.states[2 * i + k]) / deviation;
      if (isnan(e[k])) continue;
      square[k] += e[k] * e[k];
      mean[k] += e[k];
      count[k] += 1.0;
    }
    if (isnan(e[0]) || isnan(e[1])) continue;
    product += e[0] * e[1];
    pairs += 1.0;
  }
  for (int64_t k = 0; k < 2; k++) {
    check_below("samples that are there", fabs(count[k] / 10000.0 - 0.75), 5.0 * sqrt(0.75 * 0.25 / 10000.0));
    check_below("mean of the noise", fabs(mean[k] / count[k]), 5.0 / sqrt(count[k]));
    check_below("variance of the noise", fabs(square[k] / count[k] - 1.0), 5.0 * sqrt(2.0 / count[k]));
  }
  check_below("gaps of the states are independent", fabs(pairs / 10000.0 - 0.5625),
              5.0 * sqrt(0.5625 * 0.4375 / 10000.0));
  check_below("noise of the states is independent", fabs(product / pairs), 5.0 / sqrt(pairs));
  int64_t alike = 0;
  for (int64_t i = 0; i < 10000; i++) alike += noisy.states[i] == noisy.states[10000 + i];
  check_equal("noise that two systems share", alike, 0);
  neurlp_samples_release(context, &clean);
  neurlp_samples_release(context, &noisy);
  neurlp_generate_destroy(&one);
  neurlp_generate_destroy(&other);
}

/* Noise in the state's own unit: the deviation is as it stands, and what it was without is kept. */
static void test_noise_in_units(void) {
#define SINE "    system: damped_sine\n    systems: 20\n    samples: 500\n"
  neurlp_generated *one = describe(context, SINE);
  neurlp_generated *other = describe(context, SINE "    noise: 0.5\n    noise_unit: state\n");
  neurlp_generated *third = describe(context, SINE "    noise: 0.5\n    keep_clean: false\n");
  neurlp_samples exact = make(one, whole(one), NULL), noisy = make(other, whole(other), NULL);
  neurlp_samples alone = make(third, whole(third), NULL);
  double square = 0.0, mean = 0.0;
  check_true("nothing is kept where nothing is added", exact.clean == NULL);
  check_true("nor where the deck does without", alone.clean == NULL && alone.states[7] != exact.states[7]);
  check_true("it is kept", noisy.clean != NULL);
  if (!noisy.clean) exit(1);
  check_equal("bits of it that differ", memcmp(noisy.clean, exact.states, 10000 * sizeof(double)), 0);
  for (int64_t i = 0; i < 10000; i++) {
    const double e = (noisy.states[i] - exact.states[i]) / 0.5;
    mean += e / 10000.0;
    square += e * e / 10000.0;
  }
  check_below("mean of the noise", fabs(mean), 5.0 / 100.0);
  check_below("variance of the noise", fabs(square - 1.0), 5.0 * sqrt(2.0) / 100.0);
  /* a part of a trajectory needs no more than that part */
  const neurlp_sample_range range = {3, 4, 100, 200};
  neurlp_samples part = make(other, range, NULL);
  check_equal("bits that differ in a part", memcmp(part.states, noisy.states + 1600, 100 * sizeof(double)),
              0);
  check_equal("and in its clean values", memcmp(part.clean, noisy.clean + 1600, 100 * sizeof(double)), 0);
  neurlp_samples_release(context, &part);
  neurlp_samples_release(context, &exact);
  neurlp_samples_release(context, &noisy);
  neurlp_samples_release(context, &alone);
  neurlp_generate_destroy(&one);
  neurlp_generate_destroy(&other);
  neurlp_generate_destroy(&third);
}

/* Two bodies: every trajectory has an orbit of its own; what the deck says of a state wins. */
static void test_drawn_together(void) {
  neurlp_generated *g = describe(context, "    system: two_body\n"
                                          "    systems: 10\n"
                                          "    samples: 3\n"
                                          "    parameters: {m1: {uniform: [0.5, 1]}}\n"
                                          "    initial: {y2: 0.25}\n");
  double parameters[30], worst = 0.0, least = 9.0;
  neurlp_samples samples = make(g, whole(g), parameters);
  for (int64_t s = 0; s < 10; s++) { /* the centre of both is in the origin, but for y2 */
    const double *u = samples.states + 12 * s, *p = parameters + 3 * s;
    worst = fmax(worst, fabs(p[1] * u[0] + p[2] * u[2]));
    worst = fmax(worst, fabs(u[3] - 0.25));
    for (int64_t o = 0; o < s; o++) least = fmin(least, fabs(u[0] - samples.states[12 * o]));
  }
  check_below("drawn with the masses of the trajectory, or as the deck says", worst, 4.0 * DBL_EPSILON);
  check_above("all are different", least, 1e-4);
  neurlp_samples_release(context, &samples);
  neurlp_generate_destroy(&g);
}

/* Korteweg-de Vries: the sum of waves it begins with, taken here from the random numbers; lengths; the mean,
 * which stays; a transient is time that passes. */
static void test_pde(void) {
#define WAVES                                                                                                \
  "    system: kdv\n    points: 64\n    parameters: {length: {uniform: [30, 34]}}\n    systems: 4\n"
  neurlp_generated *g = describe(context, WAVES "    samples: 5\n    step: 0.25\n");
  neurlp_generated *later = describe(context, WAVES "    samples: 2\n    step: 0.25\n    transient: 0.5\n");
  double lengths[4], worst = 0.0, drift = 0.0, shift = 0.0, motion = 0.0;
  neurlp_samples samples = make(g, whole(g), lengths), rest = make(later, whole(later), NULL);
  check_true("names", g->dimensions == 64 && strcmp(g->names[63], "u63") == 0);
  check_true("the parameter", g->parameters == 1 && strcmp(g->parameter_names[0], "length") == 0);
  check_true("the equation", g->pde != NULL);
  for (int64_t s = 0; s < 4; s++) {
    const double *u = samples.states + 5 * 64 * s;
    double mean = 0.0;
    worst =
        fmax(worst, fabs(lengths[s] - 30.0 - 4.0 * neurlp_random_uniform(7, NEURLP_RANDOM_PARAMETER, s, 0)));
    for (int64_t j = 0; j < 64; j++) {
      double sum = 0.0;
      for (int64_t w = 0; w < 10; w++) {
        double r[3];
        for (int64_t i = 0; i < 3; i++)
          r[i] = neurlp_random_uniform(7, NEURLP_RANDOM_INITIAL, s, (1 << 20) + 3 * w + i);
        const double number = r[1] < 1.0 / 3 ? 1.0 : r[1] < 2.0 / 3 ? 2.0 : 3.0;
        sum += (r[0] - 0.5) * sin(6.283185307179586 * (number * (double)j / 64.0 + r[2]));
      }
      worst = fmax(worst, fabs(u[j] - sum));
      mean += u[4 * 64 + j] / 64.0;
      shift = fmax(shift, fabs(u[2 * 64 + j] - rest.states[2 * 64 * s + j]));
      motion = fmax(motion, fabs(u[64 + j] - u[j]));
    }
    drift = fmax(drift, fabs(mean));
  }
  check_below("waves and lengths", worst, 100.0 * DBL_EPSILON);
  check_below("the mean stays 0", drift, 100.0 * DBL_EPSILON);
  check_above("it moves", motion, 0.01);
  check_below("after a transient, a tolerance for each of a few steps", shift, 100.0 * 1e-8);
  neurlp_samples_release(context, &samples);
  neurlp_samples_release(context, &rest);
  neurlp_generate_destroy(&g);
  neurlp_generate_destroy(&later);
}

/* The same bits of it, whatever part, in any number of threads. */
static void test_pde_same_bits(void) {
  static const char section[] = WAVES "    samples: 9\n    step: 0.25\n    noise: 0.1\n    missing: 0.1\n";
  static const neurlp_sample_range ranges[] = {
      {0, 1, 0, 1}, {0, 2, 5, 3}, {1, 2, 8, 9}, {2, 4, 0, 9}, {1, 4, 4, 2}};
  neurlp_context *many = NULL;
  if (neurlp_context_create(3, &many) != NEURLP_SUCCESS) exit(1);
  neurlp_generated *g = describe(context, section), *threaded = describe(many, section);
  neurlp_samples all = make(g, whole(g), NULL);
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    neurlp_samples one = make(threaded, ranges[i], NULL);
    check_equal("bits that differ in a part", differences(&all, &one, 9, 64), 0);
    neurlp_samples_release(many, &one);
  }
  neurlp_samples_release(context, &all);
  neurlp_generate_destroy(&g);
  neurlp_generate_destroy(&threaded);
  check_equal("blocks of the other context", neurlp_context_memory(many).blocks, 0);
  neurlp_context_destroy(&many);
}

/* x' = x^2 from 1 runs to infinity at t = 1; from -1 it does not. */
static void test_blow_up(void) {
  neurlp_generated *g = describe(context, "    equations: {x: x^2}\n"
                                          "    initial: {x: {uniform: [-1, 1]}}\n"
                                          "    systems: 30\n"
                                          "    samples: 41\n"
                                          "    step: 0.1\n");
  neurlp_samples samples = make(g, whole(g), NULL);
  int64_t wrong = 0, expected = 0;
  for (int64_t s = 0; s < 30; s++) {
    const double x0 = samples.states[41 * s];
    expected += x0 > 0.25;
    for (int64_t i = 0; i < 41; i++)
      wrong += isnan(samples.states[41 * s + i]) != (x0 > 0.0 && 1.0 / x0 <= 0.1 * (double)i);
  }
  check_above("systems that blow up in the test", (double)expected, 1.0);
  check_equal("samples that are NaN or not, wrongly", wrong, 0);
  check_equal("failed systems are counted", g->failed, expected);
  neurlp_samples_release(context, &samples);
  neurlp_generate_destroy(&g);
}

/* A bad deck: an error with a line and a remedy, from the deck's own check or from here. */
static void is_refused(const char *section, const char *expected) {
  char text[4096], *report = NULL;
  neurlp_deck *deck = NULL;
  neurlp_generated *made = NULL;
  snprintf(text, sizeof text, HEAD "%s", section);
  neurlp_status status = neurlp_deck_parse(context, "test.yaml", text, 0, NULL, &deck, &report);
  if (status == NEURLP_SUCCESS) status = neurlp_generate_describe(context, deck, &made);
  const char *said = report ? report : neurlp_context_message(context);
  check_equal("a bad deck", status, NEURLP_ERROR_DECK);
  check_true(expected, strstr(said, expected) != NULL);
  if (!strstr(said, expected)) printf("it said: %s\n", said);
  check_true("nothing was made", made == NULL);
  neurlp_release(context, &report);
  neurlp_deck_destroy(&deck);
}

static void test_bad_decks(void) {
#define SIZES "    samples: 10\n    step: 0.1\n"
  is_refused("    system: lorentz\n" SIZES, "lorenz");
  is_refused(SIZES "    system: lorenz\n    equations: {x: 'x'}\n    initial: {x: 1}\n", "both");
  is_refused(SIZES, "either");
  is_refused("    system: lorenz\n    parameters: {rh: 3}\n" SIZES,
             "test.yaml:7: data.generate.parameters.rh: 'rh' is not a parameter of this system; did you mean "
             "'rho'?");
  is_refused("    system: pendulum\n    initial: {theta: 1, theta'': 3}\n" SIZES, "did you mean 'theta'");
  is_refused("    system: lorenz\n    initial: {x': 3}\n" SIZES, "'x'' is not a state of this system");
  is_refused("    system: lorenz\n    order: 2\n" SIZES,
             "test.yaml:7: data.generate.order: the catalogue's lorenz is of order 1");
  is_refused("    equations:\n      x: y\n      y: -x + sinn(x)\n    initial: {x: 1}\n" SIZES,
             "test.yaml:8: data.generate.equations.y: column 6 of \"-x + sinn(x)\"");
  is_refused("    equations: {x: 'a*x', a: 'x'}\n    parameters: {a: 1}\n    initial: {x: 1}\n" SIZES,
             "'a' is a state already");
  is_refused("    equations: {t: 't'}\n    initial: {t: 1}\n" SIZES, "t is the time");
  is_refused("    equations: {x': 'x'}\n    initial: {x: 1}\n" SIZES, "must be a letter");
  is_refused("    system: lorenz\n    parameters: {rho: {uniform: [3, 2]}}\n" SIZES, "uniform");
  is_refused("    system: lorenz\n    parameters: {rho: {normal: [3, -2]}}\n" SIZES, "normal");
  is_refused("    system: lorenz\n    samples: 10\n    step: 1e-9\n    start: 1e6\n", "cannot be told apart");
  is_refused("    system: kdw\n" SIZES, "did you mean 'kdv'?");
  is_refused("    system: kdv\n    points: 100\n" SIZES,
             "test.yaml:7: data.generate.points: 100 is no power of two");
  is_refused("    system: lorenz\n    points: 64\n" SIZES, "only partial differential equations have points");
  is_refused("    system: kdv\n    initial: {u0: 1}\n" SIZES, "begins with waves that are drawn");
  is_refused("    system: kdv\n    order: 2\n" SIZES, "the catalogue's kdv is of order 1");
  is_refused("    system: kdv\n    parameters: {length: {uniform: [-1, 1]}}\n" SIZES, "must be positive");
  is_refused("    system: kdv\n    parameters: {nu: 1}\n" SIZES, "'nu' is not a parameter of this system");
  is_refused("    system: lorenz\n    systems: 9007199254740992\n    samples: 100000\n", "addressed");
}

static void test_bad_ranges(void) {
  neurlp_generated *g = describe(context, "    system: lorenz\n    systems: 2\n    samples: 10\n");
  static const neurlp_sample_range bad[] = {{0, 3, 0, 10}, {-1, 1, 0, 10}, {0, 1, 10, 10}, {0, 1, 0, 11},
                                            {1, 0, 0, 10}, {0, 1, 5, 5},   {0, 1, -1, 5}};
  neurlp_samples samples;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    check_equal("a range outside", neurlp_generate_samples(g, &bad[i], &samples, NULL),
                NEURLP_ERROR_ARGUMENT);
  const neurlp_sample_range empty = {1, 1, 0, 0};
  check_equal("an empty range", neurlp_generate_samples(g, &empty, &samples, NULL), NEURLP_SUCCESS);
  check_equal("has no samples", samples.offsets[0], 0);
  neurlp_samples_release(context, &samples);
  neurlp_generate_destroy(&g);
}

int main(void) {
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_catalogue_system();
  test_own_equations();
  test_transient();
  test_same_bits();
  test_noise_and_gaps();
  test_noise_in_units();
  test_drawn_together();
  test_pde();
  test_pde_same_bits();
  test_blow_up();
  test_bad_decks();
  test_bad_ranges();
  check_equal("blocks in the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
