/* Kernels for windows of a fit (learn/fit.h), which are nonlinear systems with data, and for the triangles
 * that they leave. */
#ifndef NEURLP_CUDA_FIT_KERNELS_H
#define NEURLP_CUDA_FIT_KERNELS_H

#include "cuda/nonlinear/window_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers of workspace that a thread of these kernels needs, at most. */
int64_t neurlp_cuda_fit_numbers(const neurlp_cuda_windows *windows);

/* Kernels. Tasks are positions, slots, or places (slot T + t) as is said. */
typedef struct neurlp_cuda_fit_kernels {
  neurlp_cuda_kernel copy;         /* position T + t: the trial trajectory becomes the current one ... */
  neurlp_cuda_kernel copy_back;    /* ... or the current one the trial one */
  neurlp_cuda_kernel accept;       /* positions: trial initial values become the current ones */
  neurlp_cuda_kernel march;        /* positions: the trial trajectory, from trial initial values */
  neurlp_cuda_kernel squares;      /* positions: squared residuals of `state` */
  neurlp_cuda_kernel receive;      /* slots: rows of sensitivities into the window's triangle */
  neurlp_cuda_kernel power;        /* slot (P + D + 1) + number: power sums */
  neurlp_cuda_kernel step_initial; /* positions: trial initial values follow the parameters */
  neurlp_cuda_kernel fit_initial;  /* slots: initial values from the data, into trial_initial */
  neurlp_cuda_kernel combine;      /* places: the trial trajectory of these, its change and size */
  neurlp_cuda_kernel judge;        /* slots: whether it is taken over */
} neurlp_cuda_fit_kernels;

const neurlp_cuda_fit_kernels *neurlp_cuda_fit_kernels_all(void);

/* Records of triangle, then power sums, are merged: record r gets those of the sources in its range, in
 * order. */
typedef struct neurlp_cuda_bins {
  int64_t records;
  const int64_t *begin, *end;     /* [records] */
  const int64_t *list;            /* of the sources' numbers; NULL: they are counted through */
  int64_t size, power_count;      /* of triangles; of power sums */
  const double *triangle, *power; /* of source 0 */
  int64_t triangle_stride, power_stride;
  double *to;        /* [records][triangle, power_count] */
  int64_t threads;   /* as above */
  double *workspace; /* neurlp_cuda_bin_numbers for each thread */
} neurlp_cuda_bins;

int64_t neurlp_cuda_bin_numbers(int64_t size);
const neurlp_cuda_kernel *neurlp_cuda_bin_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
