/* First values: bounds, means and variances within five standard deviations of their statistics, and that
 * each number depends on seed, tensor and entry only. */
#include "train/initialise.h"

#include "train_support.h"

enum { COUNT = 60000 };
static neurlp_context *context;
static double entries[COUNT];

static neurlp_initialiser find(const char *name) {
  neurlp_initialiser initialiser;
  check_equal(name, neurlp_initialiser_find(context, name, &initialiser), 0);
  return initialiser;
}

static void fill(const neurlp_initialiser *n, int64_t tensor, int64_t fan_in, int64_t fan_out) {
  check_equal("filled",
              neurlp_initialise(context, n, 11, tensor, fan_in, fan_out, NEURLP_DOUBLE, COUNT, entries), 0);
}

/* A uniform distribution fills its bounds: the greatest of COUNT misses its end by more than 20 / COUNT of
 * the width once in exp(10). `kurtosis` is E (x - mean)^4 / variance^2: 9/5 or 3. */
static void check_moments(double mean, double variance, double kurtosis) {
  double sum = 0.0, square = 0.0;
  for (int64_t i = 0; i < COUNT; i++) {
    sum += entries[i];
    square += (entries[i] - mean) * (entries[i] - mean);
  }
  check_below("mean", fabs(sum / COUNT - mean), 5.0 * sqrt(variance / COUNT));
  check_below("variance", fabs(square / COUNT / variance - 1.0), 5.0 * sqrt((kurtosis - 1.0) / COUNT));
}

static void check_uniform(double low, double high) {
  double least = INFINITY, greatest = -INFINITY;
  for (int64_t i = 0; i < COUNT; i++) {
    least = fmin(least, entries[i]);
    greatest = fmax(greatest, entries[i]);
  }
  check_above("least", least, low);
  check_below("greatest", greatest, high);
  check_below("what is left at the ends", fmax(least - low, high - greatest), 20.0 * (high - low) / COUNT);
  check_moments(0.5 * (low + high), (high - low) * (high - low) / 12.0, 1.8);
}

/* fan_in 48, fan_out 80: bounds are worked out from the papers' formulas. */
static void test_distributions(void) {
  neurlp_initialiser n = find("kaiming_uniform");
  fill(&n, 0, 48, 80); /* as nn.Linear: 1 / sqrt(48) */
  check_uniform(-1.0 / sqrt(48.0), 1.0 / sqrt(48.0));
  n.slope = 0.0;
  n.fan_out = true;
  fill(&n, 1, 48, 80); /* He et al.: sqrt(6 / 80) */
  check_uniform(-sqrt(6.0 / 80.0), sqrt(6.0 / 80.0));
  n = find("bias_uniform");
  fill(&n, 2, 48, 80);
  check_uniform(-1.0 / sqrt(48.0), 1.0 / sqrt(48.0));
  n = find("xavier_uniform");
  fill(&n, 3, 48, 80); /* sqrt(6 / 128) */
  check_uniform(-sqrt(6.0 / 128.0), sqrt(6.0 / 128.0));
  n = find("uniform");
  n.a = -2.0;
  n.b = 5.0;
  fill(&n, 4, 0, 0);
  check_uniform(-2.0, 5.0);
  n = find("kaiming_normal");
  fill(&n, 5, 48, 80);
  check_moments(0.0, 2.0 / 48.0, 3.0);
  n = find("xavier_normal");
  n.gain = 3.0;
  fill(&n, 6, 48, 80);
  check_moments(0.0, 9.0 * 2.0 / 128.0, 3.0);
  n = find("normal");
  n.a = 2.0;
  n.b = 0.5;
  fill(&n, 7, 0, 0);
  check_moments(2.0, 0.25, 3.0);
}

static void test_constants(void) {
  static const char *const names[3] = {"zeros", "ones", "constant"};
  static const double right[3] = {0.0, 1.0, -7.25};
  for (int k = 0; k < 3; k++) {
    neurlp_initialiser n = find(names[k]);
    int64_t wrong = 0;
    if (k == 2) n.a = right[2];
    fill(&n, 0, 0, 0);
    for (int64_t i = 0; i < COUNT; i++) wrong += entries[i] != right[k];
    check_equal("entries that are something else", wrong, 0);
  }
}

/* The same numbers whatever was filled before, however long the tensor is, for any number of threads, and in
 * single precision, rounded; other numbers in another tensor and with another seed. */
static void test_keys(const char *name) {
  static double other[COUNT];
  static float single[COUNT];
  neurlp_initialiser n = find(name);
  neurlp_context *one = NULL;
  int64_t equal = 0, wrong = 0;
  double correlation = 0.0;
  if (n.kind == NEURLP_INITIALISE_UNIFORM) { /* variance 1, mean 0 */
    n.a = -sqrt(3.0);
    n.b = sqrt(3.0);
  }
  check_equal("context", neurlp_context_create(1, &one), 0);
  fill(&n, 3, 0, 0);
  check_equal("filled", neurlp_initialise(one, &n, 11, 3, 0, 0, NEURLP_DOUBLE, COUNT / 3, other), 0);
  check_equal("a shorter one, 1 and 3 threads, bytes that differ",
              different_bytes(entries, other, COUNT / 3 * sizeof(double)), 0);
  check_equal("filled", neurlp_initialise(context, &n, 11, 3, 0, 0, NEURLP_SINGLE, COUNT, single), 0);
  for (int64_t i = 0; i < COUNT; i++) wrong += single[i] != (float)entries[i];
  check_equal("single precision, entries that are not those of double, rounded", wrong, 0);
  for (int k = 0; k < 2; k++) {
    check_equal("filled",
                neurlp_initialise(context, &n, k ? 12 : 11, k ? 3 : 4, 0, 0, NEURLP_DOUBLE, COUNT, other), 0);
    correlation = 0.0;
    for (int64_t i = 0; i < COUNT; i++) {
      equal += other[i] == entries[i];
      correlation += other[i] * entries[i];
    }
    check_below(k ? "correlation of two seeds" : "correlation of two tensors", fabs(correlation / COUNT),
                5.0 / sqrt((double)COUNT));
  }
  check_equal("entries that they have in common", equal, 0);
  neurlp_context_destroy(&one);
}

static void test_arguments(void) {
  neurlp_initialiser n = find("kaiming_uniform");
  check_equal("no fan", neurlp_initialise(context, &n, 1, 0, 0, 5, NEURLP_DOUBLE, 3, entries),
              NEURLP_ERROR_ARGUMENT);
  printf("     %s\n", neurlp_context_message(context));
  check_equal("mixed precision", neurlp_initialise(context, &n, 1, 0, 5, 5, NEURLP_MIXED, 3, entries),
              NEURLP_ERROR_ARGUMENT);
  check_equal("no name", neurlp_initialiser_find(context, "orthogonal", &n), NEURLP_ERROR_ARGUMENT);
  printf("     %s\n", neurlp_context_message(context));
}

int main(void) {
  if (neurlp_context_create(3, &context) != NEURLP_SUCCESS) return 1;
  test_distributions();
  test_constants();
  test_keys("normal");
  test_keys("uniform");
  test_arguments();
  neurlp_context_destroy(&context);
  return check_verdict();
}
