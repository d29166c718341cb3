/* Trajectories on a GPU, a thread for each, with equations that are interpreted. */
#ifndef NEURLP_CUDA_ENSEMBLE_KERNELS_H
#define NEURLP_CUDA_ENSEMBLE_KERNELS_H

#include "cuda/device/kernel.h"
#include "expr/instruction.h"
#include "system/ensemble_call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Thread i integrates the trajectories i, i + threads, ... of the call, whose pointers are the device's. */
typedef struct neurlp_cuda_ensemble {
  neurlp_ensemble_call call;              /* statuses are not NULL */
  const neurlp_instruction *instructions; /* [count], as in a neurlp_program */
  int32_t count;
  int64_t threads; /* that have workspace: whole groups */
  void *workspace; /* of groups of threads: neurlp_cuda_ensemble_group_bytes each */
  size_t group_bytes;
} neurlp_cuda_ensemble;

/* Kernels for neurlp_cuda_ensemble: classical Runge-Kutta, and Tsitouras' pair. All arithmetic with states is
 * that of the precision, the equations' too; times and the control of steps are double. */
const neurlp_cuda_kernel *neurlp_cuda_rk4_kernel(bool single);
const neurlp_cuda_kernel *neurlp_cuda_tsit5_kernel(bool single);

#ifdef __cplusplus
}
#endif

#endif
