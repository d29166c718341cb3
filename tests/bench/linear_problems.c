#include "bench/linear_problems.h"

#include <math.h>

/* u' = a u + f */
static linear_problem first_order(const char *name, const char *equation, double a, double f, double one,
                                  double other) {
  linear_problem problem = {.name = name, .equation = equation, .dimensions = 1, .leading = 1, .systems = 2};
  problem.a[0][0][0] = a;
  problem.f[0] = f;
  problem.initial[0][0][0] = one;
  problem.initial[1][0][0] = other;
  return problem;
}

/* u'' = -p u - q u', with u and u' of either system */
static linear_problem second_order(const char *name, const char *equation, double p, double q,
                                   const double one[2], const double other[2]) {
  linear_problem problem = {.name = name, .equation = equation, .dimensions = 1, .leading = 2, .systems = 2};
  problem.a[0][0][0] = -p;
  problem.a[0][0][1] = -q;
  for (int32_t j = 0; j < 2; j++) {
    problem.initial[0][0][j] = one[j];
    problem.initial[1][0][j] = other[j];
  }
  return problem;
}

/* The same as two equations of first order: u_0' = u_1, u_1' = -p u_0 - q u_1. */
static linear_problem oscillator(const char *name, const char *equation, double p, double q,
                                 const double one[2], const double other[2]) {
  linear_problem problem = {.name = name, .equation = equation, .dimensions = 2, .leading = 1, .systems = 2};
  problem.a[0][1][0] = 1;
  problem.a[1][0][0] = -p;
  problem.a[1][1][0] = -q;
  for (int32_t k = 0; k < 2; k++) {
    problem.initial[0][k][0] = one[k];
    problem.initial[1][k][0] = other[k];
  }
  return problem;
}

/* With one initial value only. */
static linear_problem alone(linear_problem problem) {
  problem.systems = 1;
  return problem;
}

/* Riccati equations x' = -P x^2 + ... become linear by x = w' / (P w); w(0) = 1, w'(0) = P x(0). */
linear_problem linear_problem_get(int32_t i) {
  switch (i) {
  case 0:
    return alone(first_order("decay", "u' = -u", -1, 0, 1, 0));
  case 1:
    return alone(second_order("oscillation", "u'' = -u", 1, 0, (double[]){1, 0}, (double[]){0, 0}));
  case 2:
    return first_order("ODEBench 1", "RC circuit", -1 / (1.2 * 2.31), 0.7 / 2.31, 10.0, 3.54);
  case 3:
    return first_order("ODEBench 2", "growth", 0.23, 0, 4.78, 0.87);
  case 4:
    return first_order("ODEBench 9", "language death", -(0.32 + 0.28), 0.32, 0.14, 0.55);
  case 5:
    return oscillator("ODEBench 24", "oscillator, two equations", 2.1, 0, (double[]){0.4, -0.03},
                      (double[]){0.0, 0.2});
  case 6:
    return oscillator("ODEBench 25", "damped oscillator, two equations", 4.5, 0.43, (double[]){0.12, 0.043},
                      (double[]){0.0, -0.3});
  case 7:
    return second_order("ODEBench 24''", "oscillator, u''", 2.1, 0, (double[]){0.4, -0.03},
                        (double[]){0.0, 0.2});
  case 8:
    return second_order("ODEBench 25''", "damped oscillator, u''", 4.5, 0.43, (double[]){0.12, 0.043},
                        (double[]){0.0, -0.3});
  case 9:
    return first_order("ODEBench 3", "logistic, in 1/x", -0.79, 0.79 / 74.3, 1 / 7.3, 1 / 21.0);
  case 10:
    return first_order("ODEBench 6", "autocatalysis, in 1/x", -2.1, 0.5, 1 / 0.13, 1 / 2.24);
  case 11:
    return first_order("ODEBench 12", "laser, in 1/x", -1.8, 0.1107, 1 / 11.0, 1 / 1.3);
  case 12:
    return first_order("ODEBench 7", "Gompertz, in log 2.29 x", 0.032, 0, log(2.29 * 1.73), log(2.29 * 9.5));
  case 13: {
    const double P = 0.0021175;
    return second_order("ODEBench 5", "fall with drag, in w, x = w' / 0.0021 w", -9.81 * P, 0,
                        (double[]){1, P * 0.5}, (double[]){1, P * 73.0});
  }
  default: {
    const double P = 0.4 / 100.0;
    return second_order("ODEBench 17", "logistic, harvested, in w, x = w' / 0.004 w", 0.3 * P, -0.4,
                        (double[]){1, P * 14.3}, (double[]){1, P * 34.2});
  }
  }
}

/* u'' = -p u - q u' with roots -q/2 +- sqrt(q^2/4 - p), complex or real and distinct. */
static void second_order_exact(double p, double q, double u0, double v0, double time, double *u, double *v) {
  const double discriminant = q * q / 4 - p, root = sqrt(fabs(discriminant));
  const double c = discriminant < 0 ? cos(root * time) : cosh(root * time);
  const double s = (discriminant < 0 ? sin(root * time) : sinh(root * time)) / root;
  *u = exp(-q * time / 2) * (u0 * c + (v0 + q / 2 * u0) * s);
  *v = exp(-q * time / 2) * (v0 * c - (p * u0 + q / 2 * v0) * s);
}

void linear_problem_exact(const linear_problem *problem, int32_t s, double time, double *u) {
  const double(*initial)[LINEAR_DERIVATIVES] = problem->initial[s];
  double slope;
  if (problem->leading == 2) {
    const double *a = problem->a[0][0];
    second_order_exact(-a[0], -a[1], initial[0][0], initial[0][1], time, &u[0], &slope);
  } else if (problem->dimensions == 2) {
    second_order_exact(-problem->a[1][0][0], -problem->a[1][1][0], initial[0][0], initial[1][0], time, &u[0],
                       &u[1]);
  } else {
    const double a = problem->a[0][0][0], f = problem->f[0];
    u[0] = initial[0][0] * exp(a * time) + f / a * expm1(a * time);
  }
}
