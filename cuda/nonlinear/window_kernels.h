/* Nonlinear systems on a GPU, and windows of a fit (learn/fit.h), which are such systems: what their kernels
 * are given. Row-major arrays, in the device's memory; sizes as in neurlp.h and learn/fit.h. */
#ifndef NEURLP_CUDA_WINDOW_KERNELS_H
#define NEURLP_CUDA_WINDOW_KERNELS_H

#include "block/nonlinear/damping.h"
#include "cuda/device/kernel.h"
#include "expr/instruction.h"
#include "learn/model_code.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One window, or system: where it is in the arrays of all. */
typedef struct neurlp_cuda_window {
  int64_t first_point, points, first_interval;
  int64_t group, segment; /* of its parameters; of its scale */
  int64_t first_sample, samples;
} neurlp_cuda_window;

/* The equations and their derivatives. */
typedef struct neurlp_cuda_model {
  int32_t dimensions, order, named, parameters, symbols; /* D, kappa, parameters with names, P, all symbols */
  int32_t slots;
  int32_t flow_count, basic_count, full_count; /* instructions: the first of `basic` compute the flow */
  const neurlp_instruction *basic, *full;
  neurlp_model_code code; /* counts, and lists on the device */
} neurlp_cuda_model;

/* What right-hand sides of the linear blocks are: f - J u, in one column; df/dtheta of the parameters that
 * have columns, then unit initial values; or f - J u without initial values, then these. */
typedef enum neurlp_cuda_mode { NEURLP_CUDA_SOLVE, NEURLP_CUDA_FORWARD, NEURLP_CUDA_TRACK } neurlp_cuda_mode;

/* Some windows in hand, and for some of these, which have slots, the arrays of a linear block: S slots, R
 * columns. `position` is a window's place in `selected`. */
typedef struct neurlp_cuda_windows {
  neurlp_cuda_model model;
  int64_t unknowns, width; /* n = D (d+1), d+1 */
  int64_t steps, columns;  /* T of the block; parameters that have columns */
  double nominal_step, tolerance, remainder;
  /* data */
  const neurlp_cuda_window *windows;
  const double *samples, *times, *intervals, *scale; /* intervals: from each grid point to the next */
  const double *weight;                              /* of samples, or NULL: 1 */
  const int64_t *sample_point;
  /* the fit: by group or parameter */
  const double *theta, *sigma, *step, *damping;
  const int32_t *column_parameter, *parameter_column; /* [columns]; [P] or -1 */
  /* windows: trajectories [points][D][d+1], initial values, triangles, power sums */
  double *state, *trial_state, *initial, *trial_initial, *triangle, *power;
  /* those in hand: [count] by position */
  const int64_t *selected;
  int64_t count;
  nonlinear_progress *progress;
  int32_t *status;
  uint8_t *active;
  double *squares; /* [count][2 D] */
  double *tracked; /* [count] last change of the trajectory */
  /* the linear block */
  neurlp_cuda_mode mode;
  int64_t slots, right;    /* S, R */
  const int64_t *position; /* [S]; NULL: first_position + slot */
  int64_t first_position;
  double *coefficients;     /* [S][T][D][D][d+1] */
  double *rhs;              /* [S][T][D][R] */
  double *initial_values;   /* [S][D][kappa][R] */
  double *h;                /* [S][T-1] */
  double *solution;         /* [S][T][D][d+1][R] */
  double *flow;             /* [S][T][D], mode FORWARD */
  double *change, *largest; /* [S][T] sizes of updates; of remainders, or of trajectories */
  double *fraction;         /* [S] 0: the trajectory does not move */
  int32_t *block_status;    /* [S] */
  /* gradients: of the loss with respect to the solution [S][T][D][d+1]; then [S][T][D], [S][D kappa],
     [S][T-1], of theta at each point [S][T][P], and [S][P] */
  double *grad_state, *grad_rhs, *grad_initial, *grad_h, *share, *grad_theta;
  /* the launch */
  int64_t tasks, threads; /* thread i does the tasks i, i + threads, ...; whole groups of threads */
  int64_t numbers;        /* of workspace of a thread */
  double *workspace;      /* [threads / group][numbers][group] */
} neurlp_cuda_windows;

/* Numbers of workspace that a thread of these kernels needs. */
int64_t neurlp_cuda_window_numbers(const neurlp_cuda_windows *windows);

/* Kernels. Tasks are positions, slots, or places (slot T + t) as is said. */
typedef struct neurlp_cuda_window_kernels {
  neurlp_cuda_kernel begin;      /* positions: an iteration begins */
  neurlp_cuda_kernel fill_slot;  /* slots: steps, initial values */
  neurlp_cuda_kernel fill_point; /* places: coefficients and right-hand sides at `state` */
  neurlp_cuda_kernel measure;    /* places: sizes of updates */
  neurlp_cuda_kernel decide;     /* slots: status and damping */
  neurlp_cuda_kernel move;       /* places: `state` along its update */
  neurlp_cuda_kernel gather;     /* places: `state` as the block's solution */
  neurlp_cuda_kernel contract;   /* places: share = grad_rhs df/dtheta */
  neurlp_cuda_kernel collect;    /* slot P + p: grad_theta = sums of share over the grid */
} neurlp_cuda_window_kernels;

const neurlp_cuda_window_kernels *neurlp_cuda_window_kernels_all(void);

#ifdef __cplusplus
}
#endif

#endif
