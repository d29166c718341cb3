/* Sums over systems on a device. */
#ifndef NEURLP_CUDA_SUM_KERNELS_H
#define NEURLP_CUDA_SUM_KERNELS_H

#include "cuda/device/kernel.h"
#include "neurlp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* to [parts][width] = sums of rows of from [rows][width], each part over a range of neighbouring ones; plus
 * what is there if `add`. */
typedef struct neurlp_cuda_sum {
  const void *from;
  void *to;
  int64_t rows, width, parts;
  bool add;
} neurlp_cuda_sum;

const neurlp_cuda_kernel *neurlp_cuda_sum_kernel(bool single);

#ifdef __cplusplus
}
#endif

#endif
