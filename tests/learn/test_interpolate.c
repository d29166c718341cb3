/* Inputs between samples: polynomials of degree d + 1 are reproduced exactly, wherever samples are, at the
 * ends and with few samples; a sample keeps its value, bit for bit. */
#include "learn/trajectory.h"
#include "support/check.h"

#include <float.h>

enum { SAMPLES = 12, POINTS = 200, INPUTS = 2 };

/* A polynomial of this degree, with derivatives of size 1; input 1 is its double. */
static double polynomial(int degree, double t) {
  double value = 1;
  for (int i = 0; i < degree; i++) value = 1 + value * (t - 0.5) / (i + 1);
  return value;
}

static void test_exact(int order, int samples) {
  const int degree = order + 1 < samples - 1 ? order + 1 : samples - 1;
  double times[SAMPLES], input[SAMPLES][INPUTS], points[POINTS], values[POINTS][INPUTS], worst = 0;
  char what[96];
  for (int i = 0; i < samples; i++) {
    times[i] = (i + 0.3 * sin(3 * i)) / SAMPLES; /* irregular, increasing */
    input[i][0] = polynomial(degree, times[i]);
    input[i][1] = 2 * input[i][0];
  }
  for (int p = 0; p < POINTS; p++) points[p] = times[0] + (times[samples - 1] - times[0]) * p / (POINTS - 1);
  neurlp_interpolate(samples, times, &input[0][0], INPUTS, order, POINTS, points, &values[0][0]);
  for (int p = 0; p < POINTS; p++) {
    const double value = polynomial(degree, points[p]);
    worst = fmax(worst, fmax(fabs(values[p][0] - value), fabs(values[p][1] - 2 * value)));
  }
  /* values of size 2, d + 2 of them with weights whose sizes add up to less than 2^(d+2) times 4, for samples
   * whose distances are less uneven than 1 to 2.5 */
  snprintf(what, sizeof what, "order %d, %d samples: degree %d is exact", order, samples, degree);
  check_below(what, worst, 2 * (order + 2) * 4 * pow(2, order + 2) * DBL_EPSILON);
  neurlp_interpolate(samples, times, &input[0][0], INPUTS, order, samples, times, &values[0][0]);
  int same = 0;
  for (int i = 0; i < samples; i++) same += values[i][0] == input[i][0] && values[i][1] == input[i][1];
  check_equal("samples keep their values", same, samples);
}

int main(void) {
  for (int order = 1; order <= NEURLP_MOST_INTERPOLATED; order++)
    for (int samples = 2; samples <= SAMPLES; samples += order == 2 ? 1 : 5) test_exact(order, samples);
  return check_verdict();
}
