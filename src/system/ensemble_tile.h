/* Tiles of trajectories on the CPU: up to NEURLP_PROGRAM_LANES, side by side in the lanes of one thread. */
#ifndef NEURLP_SYSTEM_ENSEMBLE_TILE_H
#define NEURLP_SYSTEM_ENSEMBLE_TILE_H

#include "system/dynamics.h"
#include "system/ensemble_call.h"

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

/* Integrates trajectories first to first + count - 1, count <= L. Returns how many failed. */
typedef int64_t neurlp_ensemble_tile(const neurlp_ensemble_call *call, const neurlp_dynamics *dynamics,
                                     neurlp_ensemble_worker *worker, int64_t first, int32_t count);

neurlp_ensemble_tile neurlp_ensemble_rk4_double, neurlp_ensemble_rk4_single;
neurlp_ensemble_tile neurlp_ensemble_tsit5_double, neurlp_ensemble_tsit5_single;

#endif
