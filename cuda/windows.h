/* Windows of a fit on a device: learn/fit_backend.h, on a GPU or on an imitated one.
 *
 *   windows.c         making the state, and what goes to the device and comes back
 *   windows_solve.c   the iteration, and tracking
 *   windows_reduce.c  triangles, merged in the order of windows; initial values
 *
 * Everything that belongs to windows stays on the device: a call brings parameters, and takes back statuses
 * and sums. Linear blocks are those of the backend cuda, with all their arrays on the device; as many windows
 * go through them at one time as `piece` has room for. */
#ifndef NEURLP_CUDA_WINDOWS_H
#define NEURLP_CUDA_WINDOWS_H

#include "cuda/transfer.h"
#include "cuda/window_kernels.h"
#include "learn/fit_work.h"

/* The linear block of one mode. */
typedef struct window_block {
  int64_t right, capacity; /* columns; slots */
  neurlp_problem *problem;
  void *state; /* of the backend cuda */
} window_block;

enum { WINDOW_MODES = 3, WINDOW_ARRAYS = 40, WINDOW_FAN = 16 }; /* records that are merged into one */

typedef struct fit_cuda {
  neurlp_context *context;
  neurlp_device *device;
  cuda_transfer transfer;
  neurlp_cuda_windows given; /* what all calls have in common */
  window_block blocks[WINDOW_MODES];
  /* on the device */
  void *arrays[WINDOW_ARRAYS];
  int32_t array_count;
  size_t array_bytes; /* of all */
  bool measuring;     /* arrays are added up, not allocated */
  double *theta, *sigma, *step, *damping;
  int64_t *selected, *position, *ranges; /* [windows]; [windows]; [2][records] */
  double *records[2];
  int64_t record_count[2];
  unsigned char *piece;
  /* on the host */
  int32_t *lengths;     /* [most slots], pinned */
  int64_t *list;        /* [windows] */
  int64_t *record_list; /* [3][records]: ranges, and bins */
  uint8_t *active;      /* [windows] */
  double *numbers;      /* [windows][2 D]; [groups] */
  double *cached;       /* triangles of windows from `cached_first` on */
  int64_t cached_first, cached_count;
} fit_cuda;

static inline fit_cuda *fit_cuda_of(const neurlp_fit *fit) {
  return fit->work->state;
}

/* The fit's selected windows, and the parameters of its groups, to the device. */
neurlp_status neurlp_windows_bring(neurlp_fit *fit, const double *theta);

/* Runs a kernel for so many tasks. */
neurlp_status neurlp_windows_launch(fit_cuda *f, neurlp_cuda_windows *given, const neurlp_cuda_kernel *kernel,
                                    int64_t tasks);

/* Fills and solves the linear block of a mode for `slots` windows: those at positions `list` (host), which
 * are on the device from position f->position + offset on; list NULL: those from `offset` on. */
neurlp_status neurlp_windows_block(neurlp_fit *fit, neurlp_cuda_windows *given, neurlp_cuda_mode mode,
                                   const int64_t *list, int64_t offset, int64_t slots);

/* Operations of the backend. */
neurlp_status neurlp_windows_solve(neurlp_fit *fit, neurlp_fit_set set);
neurlp_status neurlp_windows_track(neurlp_fit *fit);
neurlp_status neurlp_windows_reduce(neurlp_fit *fit);
neurlp_status neurlp_windows_step_initial(neurlp_fit *fit);
neurlp_status neurlp_windows_accept(neurlp_fit *fit);
const double *neurlp_windows_triangle(neurlp_fit *fit, int64_t window);

#endif
