/* Sums over systems, or over parts of such sums, always in the same order. */
#include "cuda/block/sum_kernels.h"

#include "core/anywhere.h"

enum { BLOCK = 128 };

/* to[part][i] = sum over the rows of the part of from[row][i], plus what is there if `add`. */
template <typename number>
NEURLP_ANYWHERE void sum_thread(const neurlp_cuda_sum *sum, int64_t thread, int64_t threads) {
  const number *from = (const number *)sum->from;
  number *to = (number *)sum->to;
  for (int64_t task = thread; task < sum->parts * sum->width; task += threads) {
    const int64_t part = task / sum->width, i = task % sum->width;
    const int64_t end = (part + 1) * sum->rows / sum->parts;
    number total = sum->add ? to[task] : (number)0;
    for (int64_t row = part * sum->rows / sum->parts; row < end; row++) total += from[row * sum->width + i];
    to[task] = total;
  }
}

template <typename number> __global__ void __launch_bounds__(BLOCK) sum_rows(const neurlp_cuda_sum sum) {
  sum_thread<number>(&sum, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

template <typename number> static void imitate(const void *arguments, int64_t thread, int64_t threads) {
  sum_thread<number>((const neurlp_cuda_sum *)arguments, thread, threads);
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_sum_kernel(bool single) {
  static const neurlp_cuda_kernel kernels[2] = {{(const void *)sum_rows<double>, imitate<double>, BLOCK},
                                                {(const void *)sum_rows<float>, imitate<float>, BLOCK}};
  return &kernels[single];
}
