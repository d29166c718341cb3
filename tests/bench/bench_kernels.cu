#include "bench/bench_kernels.h"

enum { BLOCK = 128 };

template <typename number>
static __host__ __device__ void multiply_add(const neurlp_bench_fma *a, int64_t thread, int64_t) {
  number x[NEURLP_BENCH_CHAINS], factor = (number)0.999, term = (number)1e-3;
#pragma unroll
  for (int32_t i = 0; i < NEURLP_BENCH_CHAINS; i++) x[i] = (number)(thread + i);
  for (int64_t step = 0; step < a->steps; step++)
#pragma unroll
    for (int32_t i = 0; i < NEURLP_BENCH_CHAINS; i++) {
#if defined(__CUDA_ARCH__)
      x[i] = fma(x[i], factor, term);
#else
      x[i] = x[i] * factor + term;
#endif
    }
  number sum = 0;
#pragma unroll
  for (int32_t i = 0; i < NEURLP_BENCH_CHAINS; i++) sum += x[i];
  ((number *)a->to)[thread] = sum;
}

template <typename number> __global__ void __launch_bounds__(BLOCK) run(const neurlp_bench_fma a) {
  multiply_add<number>(&a, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

template <typename number> static void imitate(const void *a, int64_t thread, int64_t threads) {
  multiply_add<number>((const neurlp_bench_fma *)a, thread, threads);
}

extern "C" const neurlp_cuda_kernel *neurlp_bench_fma_kernel(bool single) {
  static const neurlp_cuda_kernel kernels[2] = {{(const void *)run<double>, imitate<double>, BLOCK},
                                                {(const void *)run<float>, imitate<float>, BLOCK}};
  return &kernels[single];
}
