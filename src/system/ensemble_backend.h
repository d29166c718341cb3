/* What runs ensembles, behind one table of operations, as block/backend.h for solvers. The caller has checked
 * every argument. */
#ifndef NEURLP_SYSTEM_ENSEMBLE_BACKEND_H
#define NEURLP_SYSTEM_ENSEMBLE_BACKEND_H

#include "system/dynamics.h"
#include "system/ensemble.h"
#include "system/ensemble_call.h"

typedef struct neurlp_ensemble_backend {
  /* Makes a state, which borrows context and dynamics; *state is NULL before, and after a failure. */
  neurlp_status (*create)(neurlp_context *context, const neurlp_dynamics *dynamics,
                          const neurlp_ensemble_options *options, void **state);
  /* Frees a state and sets *state to NULL. Safe on NULL. */
  void (*destroy)(void **state);
  /* Writes every state and status, and how many trajectories failed. Returns NEURLP_SUCCESS whatever these
   * are, or a failure (negative) that concerns no one trajectory. */
  neurlp_status (*integrate)(void *state, const neurlp_ensemble_call *call, int64_t *failed);
} neurlp_ensemble_backend;

/* Vectorised over trajectories, threads over tiles. */
const neurlp_ensemble_backend *neurlp_ensemble_backend_cpu(void);

#ifdef NEURLP_HAVE_CUDA
/* An NVIDIA GPU, and one that is imitated (cuda/). */
const neurlp_ensemble_backend *neurlp_ensemble_backend_cuda(void);
const neurlp_ensemble_backend *neurlp_ensemble_backend_cuda_check(void);
#endif

#endif
