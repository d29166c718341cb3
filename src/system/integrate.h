/* Accurate integration of known equations from initial values: the reference that generated data come from.
 */
#ifndef NEURLP_SYSTEM_INTEGRATE_H
#define NEURLP_SYSTEM_INTEGRATE_H

#include "expr/expr.h"

/* y' = f(t, y) with y[D * order]: for order 2 the vector is x0, x0', x1, x1', ... */
typedef struct neurlp_dynamics neurlp_dynamics;

/* Dynamics x_k^(order) = rhs[k](symbols). Symbols are numbered: D * order state symbols (x0, x0', x1, x1',
 * ...), then P parameters, then optionally the time. The expressions are only read during the call. */
NEURLP_MUST_USE neurlp_status neurlp_dynamics_create(neurlp_context *context, int32_t dimensions,
                                                     int32_t order, int32_t parameters,
                                                     const neurlp_expr *const *rhs,
                                                     neurlp_dynamics **dynamics);

/* The same from text: equations[D] in the symbols names[D] (and, for order 2, each name with a prime),
 * parameter_names[P], and t for the time (no state or parameter may be called so). Where an equation cannot
 * be read: NEURLP_ERROR_SYNTAX, *failed (unless NULL) is its index and *error (unless NULL) says where and
 * why. */
NEURLP_MUST_USE neurlp_status neurlp_dynamics_parse(neurlp_context *context, int32_t dimensions,
                                                    int32_t order, const char *const *names,
                                                    int32_t parameters, const char *const *parameter_names,
                                                    const char *const *equations, neurlp_dynamics **dynamics,
                                                    int32_t *failed, neurlp_syntax_error *error);

/* Frees the dynamics and sets *dynamics to NULL. Safe to call twice. */
void neurlp_dynamics_destroy(neurlp_dynamics **dynamics);

typedef struct neurlp_integrate_options {
  double relative_tolerance; /* 1e-10 */
  double absolute_tolerance; /* 1e-12, in units of the states */
  int64_t maximum_steps;     /* 10,000,000 over the whole interval */
} neurlp_integrate_options;

neurlp_integrate_options neurlp_integrate_options_default(void);

/* Integrates one system with an adaptive embedded Runge-Kutta pair through every output time.
 *   parameters [P], initial [D * order], times [T] strictly increasing; the initial values hold at times[0]
 *   states     [T][D * order], written; from a failure on, NaN
 *   reached    unless NULL: the last time that was reached
 * Returns NEURLP_SUCCESS; NEURLP_NOT_FINITE (blow-up) or NEURLP_NOT_CONVERGED (step size underflow, or too
 * many steps), both without a message; NEURLP_ERROR_ARGUMENT (times that do not increase, tolerances that are
 * not positive). Allocates nothing; safe from several threads with one dynamics each.
 * Source: Dormand and Prince, J. Comput. Appl. Math. 6 (1980) 19; step control: Hairer, Norsett, Wanner,
 * Solving Ordinary Differential Equations I, sections II.4 and IV.2. */
NEURLP_MUST_USE neurlp_status neurlp_integrate(neurlp_dynamics *dynamics,
                                               const neurlp_integrate_options *options,
                                               const double *parameters, const double *initial,
                                               int64_t times_count, const double *times, double *states,
                                               double *reached);

#endif
