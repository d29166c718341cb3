#include "cuda/block/check_kernels.h"

#include <math.h>

enum { BLOCK = 128 };

template <typename number>
static __host__ __device__ void check_thread(const neurlp_cuda_check *a, int64_t thread, int64_t threads) {
  for (int64_t s = thread; s < a->systems; s += threads) {
    bool finite = true;
    for (int32_t i = 0; i < NEURLP_CHECKED; i++)
      for (int64_t j = 0; a->arrays[i] && j < a->sizes[i]; j++)
        finite = finite && isfinite(((const number *)a->arrays[i])[s * a->sizes[i] + j]);
    a->status[s] = finite ? NEURLP_SUCCESS : NEURLP_NOT_FINITE;
    for (int32_t i = 0; i < NEURLP_CHECKED && !finite; i++)
      for (int64_t j = 0; a->arrays[i] && a->written[i] && j < a->sizes[i]; j++)
        ((number *)a->arrays[i])[s * a->sizes[i] + j] = (number)NAN;
  }
}

template <typename number> __global__ void __launch_bounds__(BLOCK) check_systems(const neurlp_cuda_check a) {
  check_thread<number>(&a, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

template <typename number> static void imitate(const void *a, int64_t thread, int64_t threads) {
  check_thread<number>((const neurlp_cuda_check *)a, thread, threads);
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_check_kernel(bool single) {
  static const neurlp_cuda_kernel kernels[2] = {{(const void *)check_systems<double>, imitate<double>, BLOCK},
                                                {(const void *)check_systems<float>, imitate<float>, BLOCK}};
  return &kernels[single];
}
