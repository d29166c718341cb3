#include "learn/smooth.h"

#include <math.h>
#include <string.h>

/* Coefficients of a local cubic. */
enum { TERMS = 4 };

/* Numbers of neighbours that are tried. */
static const int64_t NEIGHBOURS[] = {5, 7, 9, 13, 17, 25, 37, 55, 81};
enum { CANDIDATES = sizeof NEIGHBOURS / sizeof *NEIGHBOURS };

int64_t neurlp_smooth_workspace(int64_t count) {
  return 2 * count;
}

/* The present samples: times in workspace[0..n), values in workspace[count..count+n). */
static int64_t compact(int64_t count, const double *times, const double *samples, int64_t stride,
                       double *workspace) {
  int64_t n = 0;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(samples[i * stride])) {
      workspace[n] = times[i];
      workspace[count + n] = samples[i * stride];
      n++;
    }
  return n;
}

/* The run of m consecutive samples nearest to `at`, starting the search from *begin (points come in order).
 */
static void nearest_run(int64_t n, const double *t, int64_t m, double at, int64_t *begin) {
  while (*begin + m < n && t[*begin + m] - at < at - t[*begin]) (*begin)++;
}

/* Solves the normal equations of at most four unknowns, scaled to order one, by Cholesky; a term that the
 * samples do not determine is left out. inverse_first: (G^-1)_00. */
static void solve_small(int32_t terms, double gram[TERMS][TERMS], double right[TERMS], double x[TERMS],
                        double *inverse_first) {
  double factor[TERMS][TERMS] = {{0}}, y[TERMS] = {0}, z[TERMS] = {0};
  bool used[TERMS] = {false};
  for (int32_t i = 0; i < terms; i++) {
    for (int32_t j = 0; j <= i; j++) {
      double sum = gram[i][j];
      for (int32_t q = 0; q < j; q++) sum -= factor[i][q] * factor[j][q];
      if (j < i) {
        factor[i][j] = used[j] ? sum / factor[j][j] : 0;
      } else {
        used[i] = sum > 1e-12 * gram[i][i];
        factor[i][i] = used[i] ? sqrt(sum) : 1;
      }
    }
    double a = right[i], b = i == 0 ? 1 : 0;
    for (int32_t q = 0; q < i; q++) {
      a -= factor[i][q] * y[q];
      b -= factor[i][q] * z[q];
    }
    y[i] = used[i] ? a / factor[i][i] : 0;
    z[i] = used[i] ? b / factor[i][i] : 0;
  }
  *inverse_first = 0;
  for (int32_t i = terms - 1; i >= 0; i--) {
    double sum = y[i];
    for (int32_t q = i + 1; q < terms; q++) sum -= factor[q][i] * x[q];
    x[i] = used[i] ? sum / factor[i][i] : 0;
    *inverse_first += z[i] * z[i];
  }
}

/* The local cubic at `at` from samples begin..begin+m-1, in powers of (t - at)/width. Returns the weight that
 * the value at `at` gives to a sample there (the leverage). */
static double fit_local(int64_t m, const double *t, const double *y, double at, double *width,
                        double coefficients[TERMS]) {
  const double left = at - t[0], right = t[m - 1] - at;
  double half = left > right ? left : right;
  /* one sample further than the last: that one still counts */
  *width = half > 0 ? half * (double)(m + 1) / (double)(m > 1 ? m - 1 : 1) : 1;
  const int32_t terms = m < TERMS ? (int32_t)m : TERMS;
  double moments[2 * TERMS - 1] = {0}, gram[TERMS][TERMS], sums[TERMS] = {0}, inverse_first = 0;
  for (int64_t i = 0; i < m; i++) {
    const double x = (t[i] - at) / *width, cube = 1 - fabs(x * x * x);
    double power = m <= TERMS ? 1 : cube * cube * cube;
    for (int32_t q = 0; q < TERMS; q++, power *= x) {
      moments[q] += power;
      sums[q] += power * y[i];
    }
    for (int32_t q = TERMS; q < 2 * TERMS - 1; q++, power *= x) moments[q] += power;
  }
  for (int32_t q = 0; q < TERMS; q++)
    for (int32_t r = 0; r < TERMS; r++) gram[q][r] = moments[q + r];
  memset(coefficients, 0, TERMS * sizeof *coefficients);
  solve_small(terms, gram, sums, coefficients, &inverse_first);
  return inverse_first;
}

/* Mean squared leave-one-out residual with m neighbours, and the noise variance that it implies. */
static double cross_validate(int64_t n, const double *t, const double *y, int64_t m, double *noise) {
  double score = 0, residuals = 0, freedom = 0;
  int64_t begin = 0;
  for (int64_t i = 0; i < n; i++) {
    double width = 1, c[TERMS];
    nearest_run(n, t, m, t[i], &begin);
    const double leverage = fit_local(m, t + begin, y + begin, t[i], &width, c);
    const double residual = y[i] - c[0], left = 1 - leverage > 0.02 ? 1 - leverage : 0.02;
    score += residual / left * (residual / left);
    residuals += residual * residual;
    freedom += left;
  }
  *noise = residuals / freedom;
  return score / (double)n;
}

/* The best number of neighbours. Numbers are tried from the smallest on until two in a row are worse than the
 * best. */
static int64_t choose_neighbours(int64_t n, const double *t, const double *y, double *noise) {
  int64_t best = n, worse = 0;
  double best_score = INFINITY;
  for (int32_t i = 0; i < CANDIDATES && NEIGHBOURS[i] <= n && worse < 2; i++) {
    double variance = 0;
    const double score = cross_validate(n, t, y, NEIGHBOURS[i], &variance);
    worse = score < best_score ? 0 : worse + 1;
    if (score >= best_score) continue;
    best_score = score;
    best = NEIGHBOURS[i];
    *noise = variance;
  }
  return best;
}

neurlp_status neurlp_smooth(int64_t count, const double *times, const double *samples, int64_t sample_stride,
                            int64_t point_count, const double *points, int32_t derivatives, double *values,
                            int64_t value_stride, double *noise, double *workspace) {
  *noise = 0;
  const int64_t n = compact(count, times, samples, sample_stride, workspace);
  if (n < 2) return NEURLP_TOO_SHORT;
  const double *t = workspace, *y = workspace + count;
  const int64_t m = choose_neighbours(n, t, y, noise);
  int64_t begin = 0;
  for (int64_t p = 0; p < point_count; p++) {
    double width = 1, c[TERMS], factor = 1;
    nearest_run(n, t, m, points[p], &begin);
    fit_local(m, t + begin, y + begin, points[p], &width, c);
    for (int32_t j = 0; j < derivatives; j++) {
      values[p * value_stride + j] = j < TERMS ? c[j] * factor : 0;
      factor *= (j + 1) / width;
    }
  }
  return NEURLP_SUCCESS;
}
