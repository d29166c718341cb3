/* The nonlinear mechanistic block: u^(kappa) = f(u, ...) on the whole grid at once, for a batch of systems.
 *
 * Gauss-Newton on the trajectory: linearise f at the current one, solve the linear block
 *   u_k^(kappa) - sum_v J_kv u_v = f_k - sum_v J_kv u_v(current),   initial values exact,
 * move (damped), repeat until the update is below the tolerance (docs/math.md, section 4). At the solution
 * the same linearisation gives sensitivities with respect to parameters and initial values: right-hand sides
 * df/dtheta and unit initial values, all of them columns of one factorisation. */
#ifndef NEURLP_BLOCK_NONLINEAR_H
#define NEURLP_BLOCK_NONLINEAR_H

#include "core/context.h"

typedef struct neurlp_nonlinear_shape {
  int64_t systems;     /* the most in one call */
  int32_t steps;       /* T, grid points of the longest */
  int32_t dimensions;  /* D */
  int32_t order;       /* d */
  int32_t leading;     /* kappa, 1 <= kappa <= d */
  int32_t parameters;  /* P columns of sensitivities; 0: the block only solves */
  double nominal_step; /* as in neurlp_formulation */
  double weight_top;   /* as in neurlp_formulation */
  int32_t iterations;  /* limit, 20 */
  double tolerance;    /* largest update relative to `scale`, 1e-10 */
} neurlp_nonlinear_shape;

/* The right-hand side linearised at a trajectory; the arrays are the caller's and stay valid until its next
 * call on the same thread. */
typedef struct neurlp_linearisation {
  const double *flow;               /* [D][length] f */
  const double *jacobian;           /* [D][D kappa][length] df_k / d u[.][k'][j] at column k' kappa + j */
  const double *const *sensitivity; /* [D][P] pointers to [length] df_k / d theta_p; NULL where it is zero */
} neurlp_linearisation;

/* Linearises system number `system` of the call at state [length][D][d+1]. Called from several threads at
 * once, `thread` in 0..threads-1; sensitivities only if wanted. */
typedef void (*neurlp_linearise)(void *user, int32_t thread, int64_t system, int32_t length,
                                 const double *state, bool want_sensitivity, neurlp_linearisation *result);

typedef struct neurlp_nonlinear neurlp_nonlinear;

NEURLP_MUST_USE neurlp_status neurlp_nonlinear_create(neurlp_context *context,
                                                      const neurlp_nonlinear_shape *shape,
                                                      neurlp_nonlinear **block);
void neurlp_nonlinear_destroy(neurlp_nonlinear **block);

/* A batch: S systems of the call. */
typedef struct neurlp_nonlinear_batch {
  int64_t systems;
  const int32_t *lengths;       /* [S] grid points, kappa + 1 to T */
  const double *const *steps;   /* [S] pointers to [length - 1] */
  const double *const *initial; /* [S] pointers to [D][kappa] exact initial values */
  double *const *state;         /* [S] pointers to [length][D][d+1]: starting trajectory in, solution out */
  const double *const *scale;   /* [S] pointers to [D]: typical size of each dimension, > 0 */
  neurlp_linearise linearise;
  void *user;
} neurlp_nonlinear_batch;

/* Solves. status [S], written: NEURLP_SUCCESS, NEURLP_NOT_CONVERGED, NEURLP_NOT_FINITE or NEURLP_SINGULAR; a
 * system that failed keeps its last finite trajectory. Returns NEURLP_SUCCESS or NEURLP_SOME_FAILED, or a
 * negative status. A system's answer does not depend on the others. Allocates nothing. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_solve(neurlp_nonlinear *block,
                                                     const neurlp_nonlinear_batch *batch,
                                                     neurlp_status *status);

/* Sensitivities at the given trajectories: called once for each system, in parallel, when its columns are
 * there. columns [length][D][d+1][P + D kappa]: du/dtheta_p, then du/d(initial value k kappa + j); read only
 */
typedef void (*neurlp_receive_sensitivity)(void *user, int32_t thread, int64_t system, int32_t length,
                                           const double *columns);

/* status as above. The trajectories should be solutions. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_sensitivity(neurlp_nonlinear *block,
                                                           const neurlp_nonlinear_batch *batch,
                                                           neurlp_receive_sensitivity receive,
                                                           neurlp_status *status);

#endif
