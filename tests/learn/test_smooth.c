/* The smoother: cubics are reproduced exactly, noise is averaged away and its level found. */
#include "core/random.h"
#include "learn/smooth.h"
#include "support/check.h"

#include <float.h>
#include <stdlib.h>

enum { SAMPLES = 101 };

static double cubic(double t, int derivative) {
  return derivative == 0 ? 1 + t * (2 - t * (3 - t)) : derivative == 1 ? 2 - t * (6 - 3 * t) : -6 + 6 * t;
}

static void test_cubic(void) {
  double times[SAMPLES], samples[SAMPLES], values[SAMPLES * 3], noise = 0, worst[3] = {0};
  double *work = calloc((size_t)neurlp_smooth_workspace(SAMPLES), sizeof *work);
  for (int i = 0; i < SAMPLES; i++) {
    times[i] = 0.03 * i + 0.01 * sin(i); /* irregular */
    samples[i] = i % 7 == 3 ? NAN : cubic(times[i], 0);
  }
  check_equal("status", neurlp_smooth(SAMPLES, times, samples, 1, SAMPLES, times, 3, values, 3, &noise, work),
              0);
  for (int i = 0; i < SAMPLES; i++)
    for (int j = 0; j < 3; j++) worst[j] = fmax(worst[j], fabs(values[3 * i + j] - cubic(times[i], j)));
  /* rounding errors of the values (size 10), divided by the local width (0.06 at least) for each derivative;
   * the condition number of the local fit is below 1e3 */
  check_below("a cubic with gaps: value", worst[0], 10 * 1e3 * DBL_EPSILON);
  check_below("first derivative", worst[1], 10 * 1e3 * DBL_EPSILON / 0.06);
  check_below("second derivative", worst[2], 2 * 10 * 1e3 * DBL_EPSILON / 0.06 / 0.06);
  free(work);
}

static void test_noise(void) {
  double times[1001], samples[1001], values[1001], noise = 0, squares = 0;
  double *work = calloc((size_t)neurlp_smooth_workspace(1001), sizeof *work);
  for (int i = 0; i < 1001; i++) {
    times[i] = 0.01 * i;
    samples[i] = sin(times[i]) + 0.1 * neurlp_random_normal(3, NEURLP_RANDOM_TEST, 0, i);
  }
  check_equal("status", neurlp_smooth(1001, times, samples, 1, 1001, times, 1, values, 1, &noise, work), 0);
  for (int i = 0; i < 1001; i++) squares += pow(values[i] - sin(times[i]), 2);
  /* the standard deviation of a variance from 1000 samples is 4.5 %: three of them */
  check_below("noise found too high", noise, 0.01 * 1.14);
  check_above("noise found too low", noise, 0.01 * 0.86);
  check_below("root mean square error of the curve, noise 0.1", sqrt(squares / 1001), 0.1 / 3);
  free(work);
}

static void test_short(void) {
  const double times[3] = {0, 1, 2}, one[3] = {NAN, 5, NAN}, two[3] = {1, NAN, 3};
  double values[3], noise = 0, work[6];
  check_equal("one sample", neurlp_smooth(3, times, one, 1, 3, times, 1, values, 1, &noise, work),
              NEURLP_TOO_SHORT);
  check_equal("two samples", neurlp_smooth(3, times, two, 1, 3, times, 1, values, 1, &noise, work),
              NEURLP_SUCCESS);
  check_below("are joined by a line", fabs(values[1] - 2), 100 * DBL_EPSILON);
}

int main(void) {
  test_cubic();
  test_noise();
  test_short();
  return check_verdict();
}
