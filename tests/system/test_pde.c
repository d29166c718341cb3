/* Partial differential equations: the Fourier transform against the plain sum; solitons, their collision and
 * what is conserved; order; closed forms of the other equations; failures. */
#include "system/pde/pde.h"

#include "core/random.h"
#include "support/check.h"
#include "system/pde/fourier.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846264338327950288

enum { POINTS = 256, MOST = 512 };
static const double TOLERANCE = 1e-8;
static double state[MOST], exact[MOST];
static neurlp_context *context;

static double random_number(int64_t index) {
  return 2.0 * neurlp_random_uniform(11, NEURLP_RANDOM_TEST, 0, index) - 1.0;
}

/* ---- the transform ----------------------------------------------------------------------------------- */

/* Every coefficient as a sum. Rounding: log2 n passes against n terms, of numbers below 1. */
static void test_fourier(int32_t n) {
  static double u[MOST], back[MOST], real[MOST / 2], imag[MOST / 2];
  neurlp_fourier fourier;
  double worst = 0.0, worst_back = 0.0;
  if (neurlp_fourier_create(context, n, &fourier) != NEURLP_SUCCESS) exit(1);
  for (int32_t j = 0; j < n; j++) u[j] = random_number(j);
  neurlp_fourier_forward(&fourier, u, n / 2, real, imag);
  for (int32_t m = 0; m < n / 2; m++) {
    double re = 0.0, im = 0.0;
    for (int32_t j = 0; j < n; j++) {
      re += u[j] * cos(2.0 * PI * (double)(j * m % n) / n) / n;
      im -= u[j] * sin(2.0 * PI * (double)(j * m % n) / n) / n;
    }
    worst = fmax(worst, hypot(real[m] - re, imag[m] - im));
  }
  const int32_t modes = n / 2 - 1; /* not all: the others count as 0 */
  neurlp_fourier_inverse(&fourier, modes, real, imag, back);
  for (int32_t j = 0; j < n; j++) {
    double sum = real[0];
    for (int32_t m = 1; m < modes; m++)
      sum += 2.0 * (real[m] * cos(2.0 * PI * (double)(j * m % n) / n) -
                    imag[m] * sin(2.0 * PI * (double)(j * m % n) / n));
    worst_back = fmax(worst_back, fabs(back[j] - sum));
  }
  printf("transform of %d points:\n", n);
  check_below("coefficients, against the sum", worst, 4.0 * DBL_EPSILON);
  check_below("back, against the sum", worst_back, 4.0 * sqrt(n) * DBL_EPSILON);
  neurlp_fourier_release(&fourier);
}

/* ---- solutions --------------------------------------------------------------------------------------- */

static neurlp_pde *create(const char *name, int32_t points) {
  neurlp_pde *pde = NULL;
  const neurlp_known_pde *known = neurlp_known_pde_find(name);
  check_true(name, known != NULL);
  if (!known || neurlp_pde_create(context, known, points, &pde) != NEURLP_SUCCESS) exit(1);
  return pde;
}

static double largest_difference(const double *one, const double *other, int32_t points) {
  double worst = 0.0;
  for (int32_t j = 0; j < points; j++) worst = fmax(worst, fabs(one[j] - other[j]));
  return worst;
}

/* The soliton 3 c / cosh^2(sqrt(c) (x - c t) / 2) on a periodic domain. */
static void soliton(double c, double length, double t, double *u) {
  for (int32_t j = 0; j < POINTS; j++) {
    const double x = remainder(length * j / POINTS - c * t, length), h = cosh(0.5 * sqrt(c) * x);
    u[j] = 3.0 * c / (h * h);
  }
}

/* A bound for the error after a time t. What is kept of a step is of a higher order than the estimate that
 * the tolerance is for, so that no more than a tolerance (of the root mean square) is lost in a unit of time,
 * at the worst all in the width of the soliton, 4 / sqrt(c). A height that is wrong by e moves it at a speed
 * wrong by e / 3. */
static double soliton_bound(double c, double length, double t) {
  const double rms = sqrt(24.0 * pow(c, 1.5) / length), steepest = 3.0 * c * sqrt(c) * 0.385;
  const double height = t * TOLERANCE * rms * sqrt(length * sqrt(c) / 4.0);
  return height * (1.0 + steepest * t / 3.0);
}

static void test_soliton(void) {
  static const double speeds[] = {0.3, 1.0};
  neurlp_pde *pde = create("kdv", POINTS);
  for (size_t i = 0; i < 2; i++) {
    const double length = 128.0, c = speeds[i];
    soliton(c, length, 0.0, state);
    neurlp_pde_start(pde, &length, state);
    for (int32_t t = 0; t < 50; t++) check_failures += neurlp_pde_advance(pde, 1.0) != NEURLP_SUCCESS;
    neurlp_pde_sample(pde, state);
    soliton(c, length, 50.0, exact);
    printf("speed %g, %lld steps, unresolved %.1e\n", c, (long long)neurlp_pde_steps(pde),
           neurlp_pde_unresolved(pde));
    check_below("a soliton after 50 units of time", largest_difference(state, exact, POINTS),
                soliton_bound(c, length, 50.0));
  }
  neurlp_pde_destroy(&pde);
  check_true("destroy nulls the handle", pde == NULL);
}

/* Two solitons, the faster through the slower: 12 (log F)_xx with F a sum of four exponentials, that is 12
 * times the variance of their slopes. */
static void two_solitons(double t, double length, double *u) {
  static const double k[2] = {1.1, 0.7};
  const double slope[4] = {0.0, k[0], k[1], k[0] + k[1]};
  const double ratio = (k[0] - k[1]) / (k[0] + k[1]);
  for (int32_t j = 0; j < POINTS; j++) {
    const double x = length * j / POINTS - 0.5 * length;
    const double phase[2] = {k[0] * x - pow(k[0], 3) * t, k[1] * x - pow(k[1], 3) * t};
    const double size[4] = {0.0, phase[0], phase[1], phase[0] + phase[1] + 2.0 * log(ratio)};
    double greatest = 0.0, sum = 0.0, mean = 0.0, variance = 0.0;
    for (int32_t i = 0; i < 4; i++) greatest = fmax(greatest, size[i]);
    for (int32_t i = 0; i < 4; i++) sum += exp(size[i] - greatest);
    for (int32_t i = 0; i < 4; i++) mean += exp(size[i] - greatest) / sum * slope[i];
    for (int32_t i = 0; i < 4; i++)
      variance += exp(size[i] - greatest) / sum * (slope[i] - mean) * (slope[i] - mean);
    u[j] = 12.0 * variance;
  }
}

static void test_collision(void) {
  const double length = 128.0;
  neurlp_pde *pde = create("kdv", POINTS);
  two_solitons(-20.0, length, state);
  neurlp_pde_start(pde, &length, state);
  check_equal("status", neurlp_pde_advance(pde, 17.0), NEURLP_SUCCESS);
  check_equal("status", neurlp_pde_advance(pde, 23.0), NEURLP_SUCCESS);
  neurlp_pde_sample(pde, state);
  two_solitons(20.0, length, exact);
  /* and the tails, cut off by the periodic domain at 4 * 12 * 0.7^2 exp(-0.7 (64 - 20)) */
  check_below("two solitons after they met", largest_difference(state, exact, POINTS),
              soliton_bound(1.21, length, 40.0) + 23.5 * exp(-0.7 * 44.0));
  neurlp_pde_destroy(&pde);
}

/* Mass, momentum, energy: the integrals of u, u^2 / 2 and u_x^2 / 2 - u^3 / 6. The derivative is taken of a
 * sum over modes, all that the samples have. */
static void integrals(const double *u, double length, double *values) {
  static double real[POINTS / 2], imag[POINTS / 2];
  for (int32_t m = 0; m < POINTS / 2; m++) {
    real[m] = imag[m] = 0.0;
    for (int32_t j = 0; j < POINTS; j++) {
      real[m] += u[j] * cos(2.0 * PI * (double)(j * m % POINTS) / POINTS) / POINTS;
      imag[m] -= u[j] * sin(2.0 * PI * (double)(j * m % POINTS) / POINTS) / POINTS;
    }
  }
  values[0] = length * real[0];
  values[1] = values[2] = 0.0;
  for (int32_t m = 1; m < POINTS / 2; m++) {
    const double k = 2.0 * PI * m / length;
    values[2] += length * k * k * (real[m] * real[m] + imag[m] * imag[m]);
  }
  for (int32_t j = 0; j < POINTS; j++) {
    values[1] += length / POINTS * 0.5 * u[j] * u[j];
    values[2] -= length / POINTS * u[j] * u[j] * u[j] / 6.0;
  }
}

/* Drawn initial states: what is conserved, and that all of it is in the modes. */
static void test_conserved(void) {
  const double length = 120.0;
  neurlp_pde *pde = create("kdv", POINTS);
  for (int32_t trial = 0; trial < 2; trial++) {
    double uniform[NEURLP_PDE_DRAWS], before[3], after[3];
    for (int32_t i = 0; i < NEURLP_PDE_DRAWS; i++)
      uniform[i] = neurlp_random_uniform(3, NEURLP_RANDOM_TEST, trial, i);
    neurlp_pde_draw_waves(uniform, POINTS, state);
    integrals(state, length, before);
    neurlp_pde_start(pde, &length, state);
    check_equal("status", neurlp_pde_advance(pde, 25.0), NEURLP_SUCCESS);
    neurlp_pde_sample(pde, state);
    integrals(state, length, after);
    printf("%lld steps, unresolved %.1e, integrals %g %g %g\n", (long long)neurlp_pde_steps(pde),
           neurlp_pde_unresolved(pde), before[0], before[1], before[2]);
    const double size = sqrt(2.0 * before[1] / length), lost = 25.0 * TOLERANCE;
    check_below("mass", fabs(after[0] - before[0]), 100.0 * DBL_EPSILON * length * size);
    check_below("momentum: a tolerance for each unit of time", fabs(after[1] - before[1]),
                2.0 * lost * before[1]);
    check_below("energy", fabs(after[2] - before[2]), 10.0 * lost * fabs(before[1]));
  }
  neurlp_pde_destroy(&pde);
}

/* Steps of one length each (any error is allowed), and half of it, and so on. */
static void test_order(void) {
  const double length = 128.0, c = 0.3, t = 6.0;
  neurlp_pde *pde = create("kdv", POINTS);
  double error[4];
  soliton(c, length, t, exact);
  neurlp_pde_set_tolerance(pde, INFINITY);
  for (int32_t i = 0; i < 4; i++) {
    const int32_t steps = 48 << i;
    soliton(c, length, 0.0, state);
    neurlp_pde_start(pde, &length, state);
    for (int32_t s = 0; s < steps; s++) check_failures += neurlp_pde_advance(pde, t / steps) < 0;
    check_equal("steps", neurlp_pde_steps(pde), steps);
    neurlp_pde_sample(pde, state);
    error[i] = largest_difference(state, exact, POINTS);
    printf("step %g: error %.3e\n", t / steps, error[i]);
  }
  for (int32_t i = 1; i < 4; i++) check_above("order", log2(error[i - 1] / error[i]), 4.7);
  neurlp_pde_destroy(&pde);
}

/* Burgers' equation by Cole and Hopf: u = -2 nu phi_x / phi, phi = 1 + a exp(-nu k^2 t) cos(k x). */
static void test_burgers(void) {
  const double parameters[2] = {16.0, 0.1}, nu = parameters[1], k = 2.0 * PI / parameters[0];
  neurlp_pde *pde = create("burgers", POINTS);
  for (int32_t when = 0; when < 2; when++) {
    const double a = 0.9 * exp(-nu * k * k * 20.0 * when);
    for (int32_t j = 0; j < POINTS; j++) {
      const double x = parameters[0] * j / POINTS;
      exact[j] = 2.0 * nu * a * k * sin(k * x) / (1.0 + a * cos(k * x));
    }
    if (when == 0) neurlp_pde_start(pde, parameters, exact);
  }
  check_equal("status", neurlp_pde_advance(pde, 20.0), NEURLP_SUCCESS);
  neurlp_pde_sample(pde, state);
  check_below("closed form, a tolerance for each step", largest_difference(state, exact, POINTS),
              TOLERANCE * (double)neurlp_pde_steps(pde) * 2.0 * nu);
  neurlp_pde_destroy(&pde);
}

/* A small wave grows by exp((k^2 - k^4) t); what it does to others is of the order of its square. */
static void test_kuramoto_sivashinsky(void) {
  const double length = 64.0, small = 1e-8, t = 10.0, k = 2.0 * PI * 6.0 / length;
  neurlp_pde *pde = create("kuramoto_sivashinsky", POINTS);
  const double growth = exp((k * k - k * k * k * k) * t);
  for (int32_t j = 0; j < POINTS; j++) {
    exact[j] = small * growth * cos(12.0 * PI * j / POINTS);
    state[j] = small * cos(12.0 * PI * j / POINTS);
  }
  neurlp_pde_start(pde, &length, state);
  check_equal("status", neurlp_pde_advance(pde, t), NEURLP_SUCCESS);
  neurlp_pde_sample(pde, state);
  check_below("growth of a small wave", largest_difference(state, exact, POINTS) / small / growth,
              small * growth * t + TOLERANCE * (double)neurlp_pde_steps(pde));
  /* from there to chaos: bounded, resolved, with the mean that it had */
  for (int32_t i = 0; i < 10; i++) check_failures += neurlp_pde_advance(pde, 10.0) != NEURLP_SUCCESS;
  neurlp_pde_sample(pde, state);
  double mean = 0.0, greatest = 0.0;
  for (int32_t j = 0; j < POINTS; j++) {
    mean += state[j] / POINTS;
    greatest = fmax(greatest, fabs(state[j]));
  }
  check_above("it has grown up", greatest, 1.0);
  check_below("and is bounded", greatest, 5.0);
  check_below("the mean stays", fabs(mean), 100.0 * DBL_EPSILON);
  neurlp_pde_destroy(&pde);
}

static void test_failures(void) {
  static const int32_t bad[] = {0, 4, 100, -8};
  neurlp_pde *pde = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    check_equal("a bad grid", neurlp_pde_create(context, neurlp_known_pde_get(0), bad[i], &pde),
                NEURLP_ERROR_ARGUMENT);
  pde = create("burgers", 64);
  const double parameters[2] = {16.0, 1e-3};
  for (int32_t j = 0; j < 64; j++) state[j] = sin(2.0 * PI * j / 64.0);
  neurlp_pde_start(pde, parameters, state);
  check_equal("a shock that the grid does not resolve", neurlp_pde_advance(pde, 5.0), NEURLP_NOT_CONVERGED);
  state[3] = NAN;
  neurlp_pde_start(pde, parameters, state);
  check_equal("a state that is no number", neurlp_pde_advance(pde, 5.0), NEURLP_NOT_FINITE);
  neurlp_pde_destroy(&pde);
  check_true("an unknown name", neurlp_known_pde_find("kdw") == NULL);
}

int main(void) {
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  for (int32_t n = 4; n <= MOST; n *= 2) test_fourier(n);
  test_soliton();
  test_collision();
  test_conserved();
  test_order();
  test_burgers();
  test_kuramoto_sivashinsky();
  test_failures();
  for (int32_t i = 1; i < neurlp_known_pde_count(); i++)
    check_true("names are in order",
               strcmp(neurlp_known_pde_get(i - 1)->name, neurlp_known_pde_get(i)->name) < 0);
  check_equal("blocks in the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
