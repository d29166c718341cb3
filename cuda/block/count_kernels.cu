#include "cuda/block/count_kernels.h"

#include "core/anywhere.h"

enum { BLOCK = 128 };

NEURLP_ANYWHERE void judge_thread(const neurlp_cuda_count *w, int64_t thread, int64_t threads) {
  const int64_t present = *w->present * w->blocks;
  const int32_t factor = w->of_factor ? *w->of_factor : 0;
  for (int64_t s = thread; s < w->systems; s += threads) {
    const int32_t before = w->before ? w->before[s] : 0;
    if (s >= present)
      w->status[s] = 0;
    else if (before != 0)
      w->status[s] = before;
    else if (factor != 0)
      w->status[s] = factor;
  }
}

template <typename number>
NEURLP_ANYWHERE void clear_thread(const neurlp_cuda_count *w, int64_t thread, int64_t threads) {
  const int64_t present = *w->present * w->blocks;
  for (int32_t i = 0; i < w->count; i++) {
    number *to = (number *)w->arrays[i];
    for (int64_t j = thread; j < w->systems * w->sizes[i]; j += threads) {
      const int64_t s = j / w->sizes[i];
      if (s >= present || w->status[s] != 0) to[j] = 0;
    }
  }
}

static __global__ void __launch_bounds__(BLOCK) judge_systems(const neurlp_cuda_count w) {
  judge_thread(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

template <typename number> __global__ void __launch_bounds__(BLOCK) clear_systems(const neurlp_cuda_count w) {
  clear_thread<number>(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

static void imitate_judge(const void *arguments, int64_t thread, int64_t threads) {
  judge_thread((const neurlp_cuda_count *)arguments, thread, threads);
}

template <typename number> static void imitate_clear(const void *arguments, int64_t thread, int64_t threads) {
  clear_thread<number>((const neurlp_cuda_count *)arguments, thread, threads);
}

extern "C" const neurlp_cuda_count_kernels *neurlp_cuda_count_kernels_of(bool single) {
  static const neurlp_cuda_count_kernels kernels[2] = {
      {{(const void *)judge_systems, imitate_judge, BLOCK},
       {(const void *)clear_systems<double>, imitate_clear<double>, BLOCK}},
      {{(const void *)judge_systems, imitate_judge, BLOCK},
       {(const void *)clear_systems<float>, imitate_clear<float>, BLOCK}}};
  return &kernels[single];
}
