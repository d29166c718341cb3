/* Random numbers: published known answers, ranges, moments, independence, no collisions. The statistical
 * bounds are five standard deviations of the statistic; the numbers are the same in every run. */
#include "core/random.h"

#include "support/check.h"

#include <stdlib.h>

enum { COUNT = 200000 };
static const uint64_t seed = 20240711;

/* Known answers published with Salmon et al., SC 2011, for philox4x32 with 10 rounds. */
static void test_known_answers(void) {
  static const struct {
    uint32_t counter[4], key[2], words[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint32_t words[4];
    neurlp_philox(known[i].counter, known[i].key, words);
    for (int j = 0; j < 4; j++) check_equal("known answer", words[j], known[i].words[j]);
  }
}

static void test_uniform(void) {
  double sum = 0.0, square = 0.0, least = 1.0, greatest = 0.0;
  int32_t bins[64] = {0};
  for (int64_t i = 0; i < COUNT; i++) {
    const double u = neurlp_random_uniform(seed, NEURLP_RANDOM_TEST, 3, i);
    sum += u;
    square += (u - 0.5) * (u - 0.5);
    least = fmin(least, u);
    greatest = fmax(greatest, u);
    bins[(int)(64.0 * u)]++;
  }
  double chi = 0.0;
  for (int b = 0; b < 64; b++) chi += (bins[b] - COUNT / 64.0) * (bins[b] - COUNT / 64.0) / (COUNT / 64.0);
  check_true("uniform inside (0, 1)", least > 0.0 && greatest < 1.0);
  check_below("uniform mean", fabs(sum / COUNT - 0.5), 5.0 * sqrt(1.0 / 12.0 / COUNT));
  check_below("uniform variance", fabs(square / COUNT - 1.0 / 12.0), 5.0 * sqrt(1.0 / 180.0 / COUNT));
  check_below("uniform chi-square over 64 bins, from its mean", fabs(chi - 63.0), 5.0 * sqrt(2.0 * 63.0));
}

static void test_normal(void) {
  double sum[5] = {0.0};
  for (int64_t i = 0; i < COUNT; i++) {
    const double x = neurlp_random_normal(seed, NEURLP_RANDOM_TEST, 4, i);
    double power = 1.0;
    for (int p = 1; p <= 4; p++) sum[p] += power *= x;
  }
  const double root = sqrt((double)COUNT);
  check_below("normal mean", fabs(sum[1] / COUNT), 5.0 / root);
  check_below("normal variance", fabs(sum[2] / COUNT - 1.0), 5.0 * sqrt(2.0) / root);
  check_below("normal third moment", fabs(sum[3] / COUNT), 5.0 * sqrt(15.0) / root);
  check_below("normal fourth moment", fabs(sum[4] / COUNT - 3.0), 5.0 * sqrt(96.0) / root);
}

/* Correlation of the number at one place with that at another, over many indices. */
static void test_correlation(const char *what, neurlp_random_stream other, int64_t system, int64_t shift) {
  double sum = 0.0;
  for (int64_t i = 0; i < COUNT; i++) {
    const double u = neurlp_random_uniform(seed, NEURLP_RANDOM_NOISE, 1000, i) - 0.5;
    const double v = neurlp_random_uniform(seed, other, system, i + shift) - 0.5;
    sum += 12.0 * u * v;
  }
  check_below(what, fabs(sum / COUNT), 5.0 / sqrt((double)COUNT));
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Every combination of stream, system and index at the ends of each 32-bit half gives a number of its own:
 * 10 x 8 x 8 numbers of 53 bits meet by chance once in 1e11. */
static void test_no_collision(void) {
  static const int64_t places[8] = {0,
                                    1,
                                    INT64_C(0x7fffffff),
                                    INT64_C(0x80000000),
                                    INT64_C(0xffffffff),
                                    INT64_C(0x100000000),
                                    INT64_C(0x4000000000000000),
                                    INT64_MAX};
  double values[10 * 8 * 8];
  int count = 0, equal = 0;
  for (int stream = NEURLP_RANDOM_PARAMETER; stream <= NEURLP_RANDOM_SHUFFLE; stream++)
    for (int s = 0; s < 8; s++)
      for (int i = 0; i < 8; i++)
        values[count++] = neurlp_random_uniform(seed, (neurlp_random_stream)stream, places[s], places[i]);
  check_equal("numbers compared", count, 640);
  qsort(values, (size_t)count, sizeof values[0], compare);
  for (int i = 1; i < count; i++) equal += values[i] == values[i - 1];
  check_equal("numbers that meet", equal, 0);
}

int main(void) {
  test_known_answers();
  test_uniform();
  test_normal();
  test_correlation("correlation of neighbouring systems", NEURLP_RANDOM_NOISE, 1001, 0);
  test_correlation("correlation of neighbouring indices", NEURLP_RANDOM_NOISE, 1000, 1);
  test_correlation("correlation of neighbouring streams", NEURLP_RANDOM_MISSING, 1000, 0);
  test_correlation("correlation of far systems", NEURLP_RANDOM_NOISE, INT64_MAX, 0);
  test_no_collision();
  check_true("the seed counts", neurlp_random_uniform(1, NEURLP_RANDOM_TEST, 0, 0) !=
                                    neurlp_random_uniform(2, NEURLP_RANDOM_TEST, 0, 0));
  return check_verdict();
}
