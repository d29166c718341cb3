/* The sampler: permutations are one to one and evenly spread, every sample is seen once in an epoch, and
 * neither the number of shards nor who asks in which order changes which. */
#include "core/random.h"
#include "train/sampler.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 5000 };
static neurlp_context *context;

/* How many of 0..n-1 are not hit exactly once. */
static int64_t not_once(int64_t n, const int64_t *values, int64_t count) {
  static int32_t hits[MOST];
  int64_t wrong = 0;
  memset(hits, 0, sizeof hits);
  for (int64_t i = 0; i < count; i++) {
    if (values[i] < 0 || values[i] >= n)
      wrong++;
    else
      hits[values[i]]++;
  }
  for (int64_t i = 0; i < n; i++) wrong += hits[i] != 1;
  return wrong;
}

static void test_one_to_one(void) {
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 64, 65, 100, 1000, 1024, 4097};
  static int64_t values[MOST];
  int64_t wrong = 0, fixed = 0, equal = 0;
  for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
    for (int64_t epoch = 0; epoch < 10; epoch++) {
      for (int64_t i = 0; i < sizes[k]; i++)
        values[i] = neurlp_random_permute(7, NEURLP_RANDOM_TEST, epoch, sizes[k], i);
      wrong += not_once(sizes[k], values, sizes[k]);
    }
  check_equal("numbers not hit once, 13 sizes, 10 epochs", wrong, 0);
  for (int64_t i = 0; i < 4097; i++) {
    fixed += values[i] == i;
    equal += neurlp_random_permute(7, NEURLP_RANDOM_TEST, 8, 4097, i) == values[i];
  }
  /* Both are Poisson with mean 1: more than 8 comes once in a million. */
  check_below("numbers that stay where they are", (double)fixed, 8.0);
  check_below("numbers that two epochs have in common", (double)equal, 8.0);
}

/* Far beyond what a table could hold: inverse images are not looked for, only that no two of many meet. */
static int compare(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void test_large(void) {
  static const int64_t sizes[3] = {INT64_C(1) << 33, (INT64_C(1) << 40) + 1, INT64_C(1) << 62};
  static int64_t values[MOST];
  for (int k = 0; k < 3; k++) {
    int64_t outside = 0, equal = 0;
    for (int64_t i = 0; i < MOST; i++) {
      values[i] =
          neurlp_random_permute(9, NEURLP_RANDOM_TEST, 1, sizes[k], i < MOST / 2 ? i : sizes[k] - 1 - i);
      outside += values[i] < 0 || values[i] >= sizes[k];
    }
    qsort(values, MOST, sizeof values[0], compare);
    for (int i = 1; i < MOST; i++) equal += values[i] == values[i - 1];
    check_equal("large n: outside", outside, 0);
    check_equal("large n: numbers that meet", equal, 0);
  }
}

/* All orders of 4 come equally often, and every entry gets to every place of 10: chi-square within five
 * standard deviations of its mean. */
static void test_even(void) {
  enum { DRAWS = 24000 };
  static int32_t orders[256], places[100];
  double chi_orders = 0.0, chi_places = 0.0;
  for (int64_t epoch = 0; epoch < DRAWS; epoch++) {
    int32_t code = 0;
    for (int64_t i = 0; i < 4; i++)
      code = 4 * code + (int32_t)neurlp_random_permute(3, NEURLP_RANDOM_TEST, epoch, 4, i);
    orders[code]++;
    for (int64_t i = 0; i < 10; i++)
      places[10 * i + neurlp_random_permute(3, NEURLP_RANDOM_TEST, epoch, 10, i)]++;
  }
  int32_t seen = 0;
  for (int32_t c = 0; c < 256; c++) {
    if (orders[c] == 0) continue;
    seen++;
    chi_orders += pow(orders[c] - DRAWS / 24.0, 2.0) / (DRAWS / 24.0);
  }
  for (int32_t c = 0; c < 100; c++) chi_places += pow(places[c] - DRAWS / 10.0, 2.0) / (DRAWS / 10.0);
  check_equal("orders of 4", seen, 24);
  check_below("chi-square of the orders of 4, from its mean", fabs(chi_orders - 23.0),
              5.0 * sqrt(2.0 * 23.0));
  check_below("chi-square of the places of 10, from its mean", fabs(chi_places - 81.0),
              5.0 * sqrt(2.0 * 81.0));
}

static neurlp_sampler make(neurlp_sampler_options options) {
  neurlp_sampler sampler = {.training = 0};
  check_equal("made", neurlp_sampler_make(context, &options, &sampler), 0);
  return sampler;
}

/* All training samples of an epoch, and then those of validation: -1 left out. */
static int64_t collect(const neurlp_sampler *s, int64_t epoch, int64_t *samples, int64_t *padding) {
  int64_t count = 0;
  *padding = 0;
  for (int64_t batch = 0; batch < s->batches; batch++)
    for (int64_t place = 0; place < s->options.batch; place++) {
      const int64_t sample = neurlp_sampler_training(s, epoch, batch, place);
      if (sample < 0)
        (*padding)++;
      else
        samples[count++] = sample;
    }
  for (int64_t i = 0; i < s->validation; i++) samples[count++] = neurlp_sampler_validation(s, i);
  return count;
}

static void test_epochs(void) {
  static int64_t samples[MOST], again[MOST];
  const neurlp_sampler_options base = {
      .samples = 1003, .batch = 64, .shards = 8, .validation_fraction = 0.2, .shuffle = true, .seed = 42};
  for (int last = 0; last < 2; last++) {
    neurlp_sampler_options options = base;
    options.split = last ? NEURLP_SPLIT_LAST : NEURLP_SPLIT_RANDOM;
    const neurlp_sampler s = make(options);
    int64_t padding, moved = 0, after = 0, other_split = 0;
    check_equal("validation samples: 0.2 of 1003, to the nearest", s.validation, 201);
    check_equal("batches: 802 in 64", s.batches, 13);
    const int64_t count = collect(&s, 3, samples, &padding);
    check_equal("training and validation together: every sample once", not_once(1003, samples, count), 0);
    check_equal("places that are filled up", padding, 13 * 64 - 802);
    collect(&s, 4, again, &padding);
    for (int64_t i = 0; i < s.training; i++) moved += samples[i] != again[i];
    for (int64_t i = s.training; i < count; i++) other_split += samples[i] != again[i];
    for (int64_t i = s.training; i < count; i++) after += samples[i] >= s.training;
    check_above("training samples at another place in another epoch", (double)moved, 802.0 - 8.0);
    check_equal("validation samples that differ by epoch", other_split, 0);
    if (last) check_equal("the last ones are for validation", after, 201);
    /* Drawn samples: hypergeometric, mean 40, standard deviation 5.1. */
    if (!last) check_below("the last ones are drawn as others are", fabs((double)after - 40.3), 5.0 * 5.1);
  }
}

/* The order is the same for any number of shards. */
static void test_shards(void) {
  static const int64_t shards[] = {1, 2, 5, 12, 60};
  neurlp_sampler_options options = {
      .samples = 500, .batch = 60, .shards = 1, .validation_count = 33, .shuffle = true, .seed = 1};
  const neurlp_sampler whole = make(options);
  int64_t different = 0;
  for (size_t k = 0; k < sizeof shards / sizeof shards[0]; k++) {
    options.shards = shards[k];
    const neurlp_sampler s = make(options);
    check_equal("samples in a shard", s.shard, 60 / shards[k]);
    for (int64_t i = 0; i < 60 * s.batches; i++)
      different += neurlp_sampler_training(&s, 2, i / 60, i % 60) !=
                   neurlp_sampler_training(&whole, 2, i / 60, i % 60);
  }
  check_equal("entries that depend on the number of shards", different, 0);
}

static void test_options(void) {
  neurlp_sampler_options options = {.samples = 100, .batch = 32, .shards = 4, .drop_last = true, .seed = 1};
  neurlp_sampler s = make(options);
  int64_t missing = 0, out_of_order = 0;
  check_equal("without the last batch", s.batches, 3);
  for (int64_t b = 0; b < 3; b++)
    for (int64_t i = 0; i < 32; i++) {
      missing += neurlp_sampler_training(&s, 0, b, i) < 0;
      out_of_order += neurlp_sampler_training(&s, 0, b, i) != 32 * b + i;
    }
  check_equal("places that are filled up", missing, 0);
  check_equal("not shuffled: samples out of order", out_of_order, 0);
  options.validation_fraction = 0.001;
  s = make(options);
  check_equal("a fraction above 0 is at least one sample", s.validation, 1);
  options.seed = 2;
  const neurlp_sampler t = make(options);
  check_true("the seed counts", neurlp_sampler_validation(&s, 0) != neurlp_sampler_validation(&t, 0));
}

static void refuse(const char *what, neurlp_sampler_options options) {
  neurlp_sampler sampler;
  check_equal(what, neurlp_sampler_make(context, &options, &sampler), NEURLP_ERROR_ARGUMENT);
  printf("     %s\n", neurlp_context_message(context));
}

static void test_arguments(void) {
  const neurlp_sampler_options good = {.samples = 10, .batch = 4, .shards = 2};
  neurlp_sampler_options bad = good;
  bad.shards = 3;
  refuse("shards that do not divide a batch", bad);
  bad = good;
  bad.samples = 0;
  refuse("no samples", bad);
  bad = good;
  bad.validation_count = 10;
  refuse("all for validation", bad);
  bad = good;
  bad.validation_fraction = 0.99;
  refuse("nearly all for validation", bad);
  bad = good;
  bad.batch = 12;
  bad.drop_last = true;
  refuse("a batch that no epoch fills", bad);
  bad = good;
  bad.validation_fraction = -0.5;
  refuse("a negative fraction", bad);
}

int main(void) {
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_one_to_one();
  test_large();
  test_even();
  test_epochs();
  test_shards();
  test_options();
  test_arguments();
  neurlp_context_destroy(&context);
  return check_verdict();
}
