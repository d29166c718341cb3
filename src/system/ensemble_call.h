/* One call of neurlp_ensemble_integrate, as the steps of trajectories see it: plain numbers and pointers,
 * which a GPU can be given. Private to ensembles. */
#ifndef NEURLP_SYSTEM_ENSEMBLE_CALL_H
#define NEURLP_SYSTEM_ENSEMBLE_CALL_H

#include "core/anywhere.h"
#include "neurlp.h"

#include <math.h>

/* Numbers are double or float; see ensemble.h. */
typedef struct neurlp_ensemble_call {
  int32_t dimensions, order, size; /* n = D * order */
  int32_t parameters_count;        /* P */
  bool shared_parameters, final_only;
  int64_t systems, times_count, maximum_steps;
  double step, relative_tolerance, absolute_tolerance;
  const double *times;     /* [T] */
  const void *initial;     /* [S][n] numbers */
  const void *parameters;  /* [S][P] numbers, or [P] */
  void *states;            /* [S][T or 1][n] numbers */
  neurlp_status *statuses; /* [S] or NULL */
} neurlp_ensemble_call;

/* Where a trajectory with steps of its own is. */
typedef struct neurlp_ensemble_lane {
  int64_t system;      /* s */
  int64_t next;        /* output time to come */
  int64_t steps;       /* tried so far */
  double time, end;    /* of the state, and of the step being tried */
  double step;         /* what the controller proposes */
  double error;        /* of the step being tried, over its tolerance */
  double error_before; /* of the last accepted step */
} neurlp_ensemble_lane;

/* Equal steps that an interval is cut into: one that is a multiple of the step up to rounding is that many
 * steps, not one more. */
NEURLP_ANYWHERE double neurlp_ensemble_steps(double interval, double step) {
  return fmax(1.0, ceil(interval / step * (1.0 - 1e-9)));
}

#endif
