#include "catalogue_facts.h"

#include <math.h>

static void brusselator(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = p[0] + u[0] * u[0] * u[1] - p[1] * u[0] - u[0];
  rhs[1] = u[0] * (p[1] - u[0] * u[1]);
}

static void damped(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = -p[0] * (p[0] * u[0] + 2.0 * p[1] * u[1]);
}

static void damped_sine(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = -p[0] * (p[0] * u[0] + 2.0 * u[1]) - p[1] * p[1] * u[0];
}

static void duffing(const double *u, const double *p, double t, double *rhs) {
  rhs[0] = p[3] * cos(p[4] * t) - p[2] * u[1] - u[0] * (p[0] + p[1] * u[0] * u[0]);
}

static void fitzhugh_nagumo(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = u[0] * (1.0 - u[0] * u[0] / 3.0) - u[1] + p[2];
  rhs[1] = p[3] * (u[0] + p[0] - p[1] * u[1]);
}

static void harmonic(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = -p[0] * p[0] * u[0];
}

static double harmonic_energy(const double *u, const double *p) {
  return 0.5 * (u[1] * u[1] + p[0] * p[0] * u[0] * u[0]);
}

static void logistic(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = p[0] * u[0] - p[0] / p[1] * u[0] * u[0];
}

static void lorenz(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = p[0] * u[1] - p[0] * u[0];
  rhs[1] = p[1] * u[0] - u[0] * u[2] - u[1];
  rhs[2] = u[0] * u[1] - p[2] * u[2];
}

static void lotka_volterra(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = u[0] * (p[0] - p[1] * u[1]);
  rhs[1] = u[1] * (p[3] * u[0] - p[2]);
}

static double lotka_volterra_integral(const double *u, const double *p) {
  return p[3] * u[0] - p[2] * log(u[0]) + p[1] * u[1] - p[0] * log(u[1]);
}

static void pendulum(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = -p[0] * p[0] * sin(u[0]);
}

static double pendulum_energy(const double *u, const double *p) {
  return 0.5 * u[1] * u[1] - p[0] * p[0] * cos(u[0]);
}

static void roessler(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = -(u[1] + u[2]);
  rhs[1] = u[0] + p[0] * u[1];
  rhs[2] = p[1] + u[2] * u[0] - p[2] * u[2];
}

static void sir(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = -p[0] * u[0] * u[1];
  rhs[1] = (p[0] * u[0] - p[1]) * u[1];
  rhs[2] = p[1] * u[1];
}

static double sir_sum(const double *u, const double *p) {
  (void)p;
  return u[0] + u[1] + u[2];
}

/* Kermack and McKendrick's first integral of the first two equations. */
static double sir_integral(const double *u, const double *p) {
  return u[0] + u[1] - p[1] / p[0] * log(u[0]);
}

static void kepler(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  const double r = hypot(u[0], u[2]);
  rhs[0] = -p[0] * u[0] / (r * r * r);
  rhs[1] = -p[0] * u[2] / (r * r * r);
}

static double kepler_energy(const double *u, const double *p) {
  return 0.5 * (u[1] * u[1] + u[3] * u[3]) - p[0] / hypot(u[0], u[2]);
}

static double kepler_momentum(const double *u, const double *p) {
  (void)p;
  return u[0] * u[3] - u[2] * u[1];
}

/* u: x1, x1', y1, y1', x2, x2', y2, y2'; p: G, m1, m2 */
static void two_body(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  const double x = u[4] - u[0], y = u[6] - u[2], r = hypot(x, y), pull = p[0] / (r * r * r);
  rhs[0] = pull * p[2] * x;
  rhs[1] = pull * p[2] * y;
  rhs[2] = -pull * p[1] * x;
  rhs[3] = -pull * p[1] * y;
}

static double two_body_energy(const double *u, const double *p) {
  return 0.5 * p[1] * (u[1] * u[1] + u[3] * u[3]) + 0.5 * p[2] * (u[5] * u[5] + u[7] * u[7]) -
         p[0] * p[1] * p[2] / hypot(u[4] - u[0], u[6] - u[2]);
}

static double two_body_momentum(const double *u, const double *p) {
  return p[1] * (u[0] * u[3] - u[2] * u[1]) + p[2] * (u[4] * u[7] - u[6] * u[5]);
}

static void van_der_pol(const double *u, const double *p, double t, double *rhs) {
  (void)t;
  rhs[0] = p[0] * u[1] - p[0] * u[0] * u[0] * u[1] - u[0];
}

const catalogue_fact catalogue_facts[FACTS] = {
    {"brusselator", brusselator, 0, {0}},
    {"damped_oscillator", damped, 0, {0}},
    {"damped_sine", damped_sine, 0, {0}},
    {"duffing", duffing, 0, {0}},
    {"fitzhugh_nagumo", fitzhugh_nagumo, 0, {0}},
    {"harmonic_oscillator", harmonic, 1, {harmonic_energy}},
    {"kepler", kepler, 2, {kepler_energy, kepler_momentum}},
    {"logistic", logistic, 0, {0}},
    {"lorenz", lorenz, 0, {0}},
    {"lotka_volterra", lotka_volterra, 1, {lotka_volterra_integral}},
    {"pendulum", pendulum, 1, {pendulum_energy}},
    {"roessler", roessler, 0, {0}},
    {"sir", sir, 2, {sir_sum, sir_integral}},
    {"two_body", two_body, 2, {two_body_energy, two_body_momentum}},
    {"van_der_pol", van_der_pol, 0, {0}},
};
