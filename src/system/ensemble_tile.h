/* Inside of ensembles: a tile is up to NEURLP_PROGRAM_LANES trajectories, side by side in the lanes of one
 * thread. Private to the room. */
#ifndef NEURLP_SYSTEM_ENSEMBLE_TILE_H
#define NEURLP_SYSTEM_ENSEMBLE_TILE_H

#include "system/dynamics.h"
#include "system/ensemble.h"

/* Where one lane of an adaptive tile is. */
typedef struct neurlp_ensemble_lane {
  int64_t system;      /* s */
  int64_t next;        /* output time to come */
  int64_t steps;       /* tried so far */
  double time, end;    /* of the state, and of the step being tried */
  double step;         /* what the controller proposes */
  double error;        /* of the step being tried, over its tolerance */
  double error_before; /* of the last accepted step */
} neurlp_ensemble_lane;

/* Working arrays of one thread. Numbers are double or float; L = NEURLP_PROGRAM_LANES. */
typedef struct neurlp_ensemble_worker {
  void *program_workspace;
  const double **inputs;       /* [n + P + 1]: rows of point */
  int64_t *strides;            /* [n + P + 1], all 1 */
  double *point;               /* [n + P + 1][L]: what the program reads */
  double *values;              /* [D][L]: what it writes, rows as long as there are lanes */
  double *times;               /* [L] */
  void *state;                 /* [n][L] numbers */
  void *trial;                 /* [n][L] numbers: a stage, then the new state */
  void *stages;                /* [NEURLP_TABLEAU_STAGES][n][L] numbers: derivatives */
  neurlp_ensemble_lane *lanes; /* [L] */
} neurlp_ensemble_worker;

struct neurlp_ensemble {
  neurlp_context *context;
  const neurlp_dynamics *dynamics;
  neurlp_ensemble_options options;
  int32_t threads;
  neurlp_ensemble_worker *workers; /* [threads] */
};

/* One call of neurlp_ensemble_integrate. */
typedef struct neurlp_ensemble_call {
  const neurlp_ensemble *ensemble;
  const neurlp_ensemble_input *input;
  void *states;            /* [S][T or 1][n] numbers */
  neurlp_status *statuses; /* [S] or NULL */
} neurlp_ensemble_call;

/* Equal steps that an interval is cut into. */
int64_t neurlp_ensemble_steps(double interval, double step);

/* Integrates trajectories first to first + count - 1, count <= L. Returns how many failed. */
typedef int64_t neurlp_ensemble_tile(const neurlp_ensemble_call *call, neurlp_ensemble_worker *worker,
                                     int64_t first, int32_t count);

neurlp_ensemble_tile neurlp_ensemble_rk4_double, neurlp_ensemble_rk4_single;
neurlp_ensemble_tile neurlp_ensemble_tsit5_double, neurlp_ensemble_tsit5_single;

#endif
