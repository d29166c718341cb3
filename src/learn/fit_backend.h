/* What works on the windows of a fit, behind one table of operations, as block/backend.h for solvers.
 *
 * A backend has its own copy of what it works on, which may be in a device's memory: trajectories, initial
 * values and triangles of windows. `create` takes trajectories and initial values from the fit, `fetch` gives
 * them back. Every operation works on the windows that work->selected lists; the fit's parameters, noise
 * levels and groups are read at every call. */
#ifndef NEURLP_LEARN_FIT_BACKEND_H
#define NEURLP_LEARN_FIT_BACKEND_H

#include "learn/fit.h"

/* Which set of states and parameters a call works on. */
typedef enum neurlp_fit_set { NEURLP_FIT_CURRENT, NEURLP_FIT_TRIAL } neurlp_fit_set;

typedef struct neurlp_fit_backend {
  /* Makes the state for the fit's windows, and for the parameters that have columns. *state is NULL before,
   * and after a failure. */
  neurlp_status (*create)(neurlp_fit *fit, void **state);
  /* Frees a state and sets *state to NULL. Safe on NULL. */
  void (*destroy)(neurlp_fit *fit, void **state);
  /* Solves the windows; those of the trial set start from a march from their trial initial values. Writes
   * work->status, by position, and work->window_squares, by window. */
  neurlp_status (*solve)(neurlp_fit *fit, neurlp_fit_set set);
  /* Triangles of the windows at their current trajectories; merged in the order of windows, without their
   * initial values, and beside their power sums, into the records of their bins in work->bin_local. Records
   * are zero before; a window whose sensitivities cannot be solved for says nothing. */
  neurlp_status (*reduce)(neurlp_fit *fit);
  /* Moves trajectories and initial values to fit the data at the current parameters, as far as that goes.
   * Leaves other windows in work->selected. */
  neurlp_status (*track)(neurlp_fit *fit);
  /* Trial initial values: they move along with the parameters' step. */
  neurlp_status (*step_initial)(neurlp_fit *fit);
  /* Trial trajectories and initial values become the current ones. */
  neurlp_status (*accept)(neurlp_fit *fit);
  /* Current trajectories and initial values of all windows into fit->state and fit->initial. */
  neurlp_status (*fetch)(neurlp_fit *fit);
  /* The triangle of any window, valid until the next call; NULL if the device failed. */
  const double *(*triangle)(neurlp_fit *fit, int64_t window);
} neurlp_fit_backend;

/* Vectorised over windows, threads over tiles. */
const neurlp_fit_backend *neurlp_fit_backend_cpu(void);

#ifdef NEURLP_HAVE_CUDA
/* An NVIDIA GPU, and one that is imitated (cuda/). */
const neurlp_fit_backend *neurlp_fit_backend_cuda(void);
const neurlp_fit_backend *neurlp_fit_backend_cuda_check(void);
#endif

#endif
