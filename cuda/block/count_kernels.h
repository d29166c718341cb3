/* What follows a call in place: which systems count, and zeros for the others. */
#ifndef NEURLP_CUDA_COUNT_KERNELS_H
#define NEURLP_CUDA_COUNT_KERNELS_H

#include "cuda/device/kernel.h"
#include "neurlp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Outputs of a call at most. */
enum { NEURLP_CUDA_COUNTED = 8 };

/* All of it in the device's memory. */
typedef struct neurlp_cuda_count {
  int64_t systems, blocks;  /* blocks: systems of a sample */
  const int64_t *present;   /* samples that are there, one number */
  const int32_t *before;    /* [systems] statuses from before, or NULL */
  const int32_t *of_factor; /* the status of the factor of all systems, or NULL */
  int32_t *status;          /* [systems] */
  int32_t count;
  void *arrays[NEURLP_CUDA_COUNTED]; /* [systems][size] each */
  int64_t sizes[NEURLP_CUDA_COUNTED];
} neurlp_cuda_count;

typedef struct neurlp_cuda_count_kernels {
  neurlp_cuda_kernel
      judge; /* systems: their statuses are the first of these that is not 0; absent ones have 0 */
  neurlp_cuda_kernel
      clear; /* any number of threads: zeros where the status is not 0, or nothing is present */
} neurlp_cuda_count_kernels;

const neurlp_cuda_count_kernels *neurlp_cuda_count_kernels_of(bool single);

#ifdef __cplusplus
}
#endif

#endif
