/* The error of one method on one problem: the largest |u - exact| over grid, dimensions and systems, each
 * system's in units of the largest |exact| of that system. Derivatives do not count. */
#ifndef TESTS_BENCH_ACCURACY_MEASURE_H
#define TESTS_BENCH_ACCURACY_MEASURE_H

#include "bench/linear_problems.h"
#include "neurlp.h"

typedef enum accuracy_rows {
  ACCURACY_HERMITE,      /* hard initial values */
  ACCURACY_SMNN,         /* as published: soft initial values, w_e = 1 */
  ACCURACY_SMNN_CENTRAL, /* with central rows */
  ACCURACY_MNN,          /* as published */
  ACCURACY_ROWS
} accuracy_rows;

enum { ACCURACY_ORDERS = 6 };

/* Highest derivative and rows of the block. */
typedef struct accuracy_method {
  accuracy_rows rows;
  int32_t order;
  neurlp_precision precision;
} accuracy_method;

/* Whether the method can hold the equation, and its rows their derivatives. */
bool accuracy_applies(const accuracy_method *method, const linear_problem *problem);

/* Number of grid points 0, h, ... up to the end of the interval. */
int32_t accuracy_steps(double h);

/* With the block. The error of a system that fails is NaN. Returns the status; the message is the context's.
 */
neurlp_status accuracy_block(neurlp_context *context, const linear_problem *problem,
                             const accuracy_method *method, double h, double *error);

/* With the classical Runge-Kutta method of order 4 in double precision, on the same grid; equations of second
 * order as two of first order. */
double accuracy_runge_kutta(const linear_problem *problem, double h);

#endif
