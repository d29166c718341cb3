/* Inside of neurlp_dynamics: a right-hand side that is evaluated at one point at a time, and the working
 * arrays of the integrator. Private to the room. */
#ifndef NEURLP_SYSTEM_DYNAMICS_H
#define NEURLP_SYSTEM_DYNAMICS_H

#include "system/integrate.h"
#include "system/tableau.h"

struct neurlp_dynamics {
  neurlp_context *context;
  int32_t dimensions, order, parameters;
  int32_t size; /* n = D * order */
  neurlp_program *program;
  void *workspace;
  const double **inputs;                 /* [n + P + 1] into point */
  int64_t *strides;                      /* [n + P + 1], all 0 */
  double *numbers;                       /* everything below */
  double *point;                         /* [n + P + 1]: state, parameters, time: where the program reads */
  double *values;                        /* [D]: what the program writes */
  double *state;                         /* [n]: y at the last accepted step */
  double *stages[NEURLP_TABLEAU_STAGES]; /* [n] each: derivatives */
};

/* derivative[n] = f(time, point[0..n)): the state has been put into dynamics->point. */
void neurlp_dynamics_evaluate(neurlp_dynamics *dynamics, double time, double *derivative);

#endif
