/* Whether all numbers of a system are finite, where no sweep has looked at them. */
#ifndef NEURLP_CUDA_CHECK_KERNELS_H
#define NEURLP_CUDA_CHECK_KERNELS_H

#include "cuda/device/kernel.h"
#include "neurlp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NEURLP_CHECKED = 4 };

/* Status of each system: NEURLP_NOT_FINITE if one of its numbers is not; what was written for it is then NaN
 * throughout. */
typedef struct neurlp_cuda_check {
  int64_t systems;
  void *arrays[NEURLP_CHECKED]; /* [systems][sizes]; NULL: none */
  int64_t sizes[NEURLP_CHECKED];
  bool written[NEURLP_CHECKED];
  neurlp_status *status;
} neurlp_cuda_check;

const neurlp_cuda_kernel *neurlp_cuda_check_kernel(bool single);

#ifdef __cplusplus
}
#endif

#endif
