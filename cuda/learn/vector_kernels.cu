/* Sums of long vectors: neighbouring threads have neighbouring numbers. */
#include "cuda/learn/vector_kernels.h"

#include "core/anywhere.h"

enum { BLOCK = 256 };

template <typename number>
NEURLP_ANYWHERE void add_thread(const neurlp_cuda_vectors *v, int64_t thread, int64_t threads) {
  const number *left = (const number *)v->left, *right = (const number *)v->right;
  number *to = (number *)v->to;
  for (int64_t i = thread; i < v->count; i += threads) to[i] = left[i] + right[i];
}

template <typename number> __global__ void __launch_bounds__(BLOCK) add_vectors(const neurlp_cuda_vectors v) {
  add_thread<number>(&v, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

template <typename number> static void imitate(const void *arguments, int64_t thread, int64_t threads) {
  add_thread<number>((const neurlp_cuda_vectors *)arguments, thread, threads);
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_vector_kernel(bool single) {
  static const neurlp_cuda_kernel kernels[2] = {{(const void *)add_vectors<double>, imitate<double>, BLOCK},
                                                {(const void *)add_vectors<float>, imitate<float>, BLOCK}};
  return &kernels[single];
}
