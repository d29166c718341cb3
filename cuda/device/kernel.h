/* Kernels of a device. A kernel is compiled twice: for the GPU, and for a CPU where a GPU is imitated, thread
 * by thread. */
#ifndef NEURLP_CUDA_KERNEL_H
#define NEURLP_CUDA_KERNEL_H

#include <stdint.h>

enum { NEURLP_CUDA_GROUP = 32 }; /* threads whose workspaces are interleaved */

/* A function for so many threads, each of which is told its number and their number. */
typedef struct neurlp_cuda_kernel {
  const void *device; /* its __global__ function */
  void (*host)(const void *arguments, int64_t thread, int64_t threads);
  int32_t block; /* threads of a block */
} neurlp_cuda_kernel;

#endif
