/* Many independent trajectories of one set of equations, side by side in lanes. */
#ifndef NEURLP_SYSTEM_ENSEMBLE_H
#define NEURLP_SYSTEM_ENSEMBLE_H

#include "system/integrate.h"

typedef enum neurlp_ensemble_method {
  NEURLP_ENSEMBLE_RK4,  /* the classical formula of order 4, equal steps between output times */
  NEURLP_ENSEMBLE_TSIT5 /* Tsitouras' pair of orders 5 and 4, each trajectory with steps of its own */
} neurlp_ensemble_method;

typedef struct neurlp_ensemble_options {
  neurlp_ensemble_method method; /* NEURLP_ENSEMBLE_TSIT5 */
  /* NEURLP_DOUBLE or NEURLP_SINGLE: type of arrays and stages. Times are double in either; the values of the
   * right-hand sides, before they are rounded, are double on the CPU and of the precision on a GPU. */
  neurlp_precision precision;
  double step;               /* rk4: largest step; tsit5: first step, 0: chosen from the equations */
  double relative_tolerance; /* tsit5: 1e-8 */
  double absolute_tolerance; /* tsit5: 1e-10, in units of the states */
  int64_t maximum_steps;     /* of a trajectory: 10,000,000 */
  bool final_only;           /* only the states at the last time are kept */
} neurlp_ensemble_options;

neurlp_ensemble_options neurlp_ensemble_options_default(void);

/* What is integrated. Numbers are double, or float with NEURLP_SINGLE; n = D * order. All borrowed. */
typedef struct neurlp_ensemble_input {
  int64_t systems;        /* S */
  const void *initial;    /* [S][n] numbers, at times[0] */
  const void *parameters; /* [S][P] numbers, or [P] if shared; NULL if P = 0 */
  bool shared_parameters;
  int64_t times_count; /* T */
  const double *times; /* [T], increasing strictly */
} neurlp_ensemble_input;

typedef struct neurlp_ensemble neurlp_ensemble;

/* For the backend that the context names (cpu for cpu:check). Makes the working arrays of all threads of the
 * context: about 64 (17 n + P + 2 D) numbers each; on a GPU, of its threads and rooms for chunks of
 * trajectories, at most a quarter of its free memory and 128 MiB. The
 * dynamics are borrowed until neurlp_ensemble_destroy; only their program is used, so that several ensembles
 * may share them. Fails with NEURLP_ERROR_ARGUMENT (precision, method, step, tolerances) or
 * NEURLP_ERROR_MEMORY; *ensemble is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_ensemble_create(neurlp_context *context, const neurlp_dynamics *dynamics,
                                                     const neurlp_ensemble_options *options,
                                                     neurlp_ensemble **ensemble);

/* Frees the ensemble and sets *ensemble to NULL. Safe to call twice. */
void neurlp_ensemble_destroy(neurlp_ensemble **ensemble);

/* Integrates every trajectory through the output times, in threads.
 *   states   [S][T][n] numbers, or [S][n] with final_only; written; NaN from a trajectory's failure on
 *   statuses [S], written, unless NULL: NEURLP_SUCCESS, NEURLP_NOT_FINITE (blow-up), or NEURLP_NOT_CONVERGED
 *            (the step became too small, or there were too many)
 * Arrays of numbers may be in the memory of the backend's GPU, each by itself. Returns NEURLP_SUCCESS,
 * NEURLP_SOME_FAILED, NEURLP_ERROR_ARGUMENT (times that do not increase; more steps of rk4 than
 * maximum_steps), or of a GPU NEURLP_ERROR_MEMORY (one trajectory does not fit) or NEURLP_ERROR_DEVICE. A
 * trajectory's numbers depend on its own input only, bit for bit: not on its neighbours, nor on the number of
 * threads. Allocates nothing. Cost: 4 evaluations of the equations for each step of rk4, 6 for each tried
 * step of tsit5. rk4: each interval between output times is cut into equal steps, none longer than `step`
 * (one part in 10^9 aside). tsit5: steps do not depend on the output times but for the last; states in
 * between are the continuous solution of order 4. Sources: Ch. Tsitouras, Computers & Mathematics with
 * Applications 62 (2011) 770; step control: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations
 * I, sections II.4 and IV.2. */
NEURLP_MUST_USE neurlp_status neurlp_ensemble_integrate(neurlp_ensemble *ensemble,
                                                        const neurlp_ensemble_input *input, void *states,
                                                        neurlp_status *statuses);

#endif
