/* Windows of a fit on a device: learn/fit_backend.h, on a GPU or on an imitated one.
 *
 *   windows.c         making the state, and what goes to the device and comes back
 *   windows_solve.c   solving, and tracking
 *   window_core.h     linear blocks and the iteration
 *   windows_reduce.c  triangles, merged in the order of windows; initial values
 *
 * Everything that belongs to windows stays on the device: a call brings parameters, and takes back statuses
 * and sums. */
#ifndef NEURLP_CUDA_WINDOWS_H
#define NEURLP_CUDA_WINDOWS_H

#include "cuda/learn/fit_kernels.h"
#include "cuda/nonlinear/window_core.h"
#include "learn/fit_work.h"

enum { WINDOW_FAN = 16 }; /* records that are merged into one */

typedef struct fit_cuda {
  window_core core;
  /* on the device */
  double *sigma, *step, *damping; /* of groups */
  int64_t *ranges;                /* [2][records] */
  double *records[2];
  int64_t record_count[2];
  /* on the host */
  int64_t *record_list; /* [3][records]: ranges, and bins */
  double *numbers;      /* [windows][2 D]; [groups] */
  double *cached;       /* triangles of windows from `cached_first` on */
  int64_t cached_first, cached_count;
} fit_cuda;

static inline fit_cuda *fit_cuda_of(const neurlp_fit *fit) {
  return fit->work->state;
}

/* The fit's selected windows, and the parameters of its groups, to the device. */
neurlp_status neurlp_windows_bring(neurlp_fit *fit, const double *theta);

/* Operations of the backend. */
neurlp_status neurlp_windows_solve(neurlp_fit *fit, neurlp_fit_set set);
neurlp_status neurlp_windows_track(neurlp_fit *fit);
neurlp_status neurlp_windows_reduce(neurlp_fit *fit);
neurlp_status neurlp_windows_step_initial(neurlp_fit *fit);
neurlp_status neurlp_windows_accept(neurlp_fit *fit);
const double *neurlp_windows_triangle(neurlp_fit *fit, int64_t window);

#endif
