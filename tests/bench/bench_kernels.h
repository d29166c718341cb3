/* Arithmetic without memory: what bench_cuda compares kernels with. */
#ifndef TESTS_BENCH_KERNELS_H
#define TESTS_BENCH_KERNELS_H

#include "cuda/block/launch.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NEURLP_BENCH_CHAINS = 8 }; /* multiply-adds of a step that do not wait for each other */

typedef struct neurlp_bench_fma {
  void *to; /* [threads] */
  int64_t steps;
} neurlp_bench_fma;

const neurlp_cuda_kernel *neurlp_bench_fma_kernel(bool single);

#ifdef __cplusplus
}
#endif

#endif
