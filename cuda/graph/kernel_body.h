/* How a function of one thread becomes a kernel; for code that nvcc compiles. */
#ifndef NEURLP_CUDA_GRAPH_KERNEL_BODY_H
#define NEURLP_CUDA_GRAPH_KERNEL_BODY_H

#include "core/anywhere.h"
#include "cuda/device/kernel.h"

enum { NEURLP_CUDA_BLOCK = 128 };

template <typename arguments, void (*body)(const arguments *, int64_t, int64_t)>
__global__ void __launch_bounds__(NEURLP_CUDA_BLOCK) run_on_gpu(const __grid_constant__ arguments given) {
  body(&given, (int64_t)blockIdx.x * NEURLP_CUDA_BLOCK + threadIdx.x, (int64_t)gridDim.x * NEURLP_CUDA_BLOCK);
}

template <typename arguments, void (*body)(const arguments *, int64_t, int64_t)>
static void run_imitated(const void *given, int64_t thread, int64_t threads) {
  body((const arguments *)given, thread, threads);
}

/* A row of a table of kernels: void body(const arguments *, thread, threads). */
#define NEURLP_CUDA_KERNEL_ROW(arguments, ...)                                                               \
  {                                                                                                          \
    (const void *)run_on_gpu<arguments, __VA_ARGS__>, run_imitated<arguments, __VA_ARGS__>,                  \
        NEURLP_CUDA_BLOCK                                                                                    \
  }

#endif
