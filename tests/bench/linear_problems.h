/* Linear problems with closed forms, for the accuracy table: those systems of ODEBench that are linear, or
 * that a substitution makes linear, with the benchmark's constants and both of its initial values, and two
 * that everybody knows. Source: ODEBench, d'Ascoli, Becker, Mathis, Schwaller, Kilbertus, ODEFormer, ICLR
 * 2024 (MIT licence). */
#ifndef TESTS_BENCH_LINEAR_PROBLEMS_H
#define TESTS_BENCH_LINEAR_PROBLEMS_H

#include <stdint.h>

enum { LINEAR_DIMENSIONS = 2, LINEAR_DERIVATIVES = 2, LINEAR_SYSTEMS = 2, LINEAR_PROBLEMS = 15 };

/* ODEBench's interval, in the benchmark's units of time. */
static const double LINEAR_TIME_SPAN = 10.0;

/* u_e^(leading) = sum_kj a[e][k][j] u_k^(j) + f[e],  j < leading */
typedef struct linear_problem {
  const char *name, *equation;
  int32_t dimensions;
  int32_t leading; /* 1 or 2 */
  double a[LINEAR_DIMENSIONS][LINEAR_DIMENSIONS][LINEAR_DERIVATIVES], f[LINEAR_DIMENSIONS];
  int32_t systems;                                                       /* with the same equations */
  double initial[LINEAR_SYSTEMS][LINEAR_DIMENSIONS][LINEAR_DERIVATIVES]; /* [s][k][j] */
} linear_problem;

/* Problem i of LINEAR_PROBLEMS. */
linear_problem linear_problem_get(int32_t i);

/* u_k of system s at this time, u [dimensions]; from formulas, to a few rounding errors of the largest term.
 */
void linear_problem_exact(const linear_problem *problem, int32_t s, double time, double *u);

#endif
