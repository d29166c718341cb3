/* Sums of long vectors on a device. */
#ifndef NEURLP_CUDA_VECTOR_KERNELS_H
#define NEURLP_CUDA_VECTOR_KERNELS_H

#include "cuda/device/kernel.h"
#include "neurlp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* to [count] = left + right; `to` may be one of them. */
typedef struct neurlp_cuda_vectors {
  void *to;
  const void *left, *right;
  int64_t count;
} neurlp_cuda_vectors;

const neurlp_cuda_kernel *neurlp_cuda_vector_kernel(bool single);

#ifdef __cplusplus
}
#endif

#endif
