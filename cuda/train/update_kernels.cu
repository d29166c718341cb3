/* Steps of optimisers, by the formulas of train/updates.h; every thread works on the numbers thread,
 * thread + threads, ... */
#include "cuda/train/update_kernels.h"

#include "cuda/graph/kernel_body.h"

#include <math.h>

/* ---- steps ------------------------------------------------------------------------------------------- */

namespace in_double {
#define REAL        double
#define SQUARE_ROOT sqrt
#include "train/updates.h"
#undef REAL
#undef SQUARE_ROOT
} // namespace in_double

namespace in_single {
#define REAL        float
#define SQUARE_ROOT sqrtf
#include "train/updates.h"
#undef REAL
#undef SQUARE_ROOT
} // namespace in_single

/* Number i of a group. */
#define STEPS(space, number)                                                                                 \
  NEURLP_ANYWHERE void step_sgd(const neurlp_update_call *call, int64_t i, number *parameters) {             \
    const space::update_numbers n = space::update_round(&call->update);                                      \
    const number gradient = ((const number *)call->gradient)[i];                                             \
    number *velocity = (number *)call->first;                                                                \
    number kept = velocity ? velocity[i] : 0;                                                                \
    const number moved = velocity ? space::update_momentum(&n, parameters[i], gradient, &kept)               \
                                  : space::update_descent(&n, parameters[i], gradient);                      \
    parameters[i] = call->mask[i] ? moved : 0;                                                               \
    if (velocity) velocity[i] = call->mask[i] ? kept : 0;                                                    \
  }                                                                                                          \
  NEURLP_ANYWHERE void step_adam(const neurlp_update_call *call, int64_t i, number *parameters) {            \
    const space::update_numbers n = space::update_round(&call->update);                                      \
    number *firsts = (number *)call->first, *seconds = (number *)call->second;                               \
    number first = firsts[i], second = seconds[i];                                                           \
    const number gradient = ((const number *)call->gradient)[i];                                             \
    const number moved = space::update_adam(&n, parameters[i], gradient, &first, &second);                   \
    parameters[i] = call->mask[i] ? moved : 0;                                                               \
    firsts[i] = call->mask[i] ? first : 0;                                                                   \
    seconds[i] = call->mask[i] ? second : 0;                                                                 \
  }

STEPS(in_double, double)
STEPS(in_single, float)

/* All groups one behind the other. */
template <typename number, void (*step)(const neurlp_update_call *, int64_t, number *)>
NEURLP_ANYWHERE void update(const neurlp_cuda_updates *w, int64_t thread, int64_t threads) {
  for (int64_t i = thread; i < w->numbers; i += threads) {
    int64_t rest = i;
    int32_t g = 0;
    while (rest >= w->calls[g].count) rest -= w->calls[g++].count;
    step(&w->calls[g], rest, (number *)w->calls[g].parameters);
  }
}

template <typename number>
NEURLP_ANYWHERE void mask_out(const neurlp_cuda_mask *w, int64_t thread, int64_t threads) {
  number *a = (number *)w->a;
  for (int64_t i = thread; i < w->count; i += threads) a[i] = w->mask[i] ? a[i] : (number)0;
}

/* ---- norms ------------------------------------------------------------------------------------------- */

/* The larger one; NaN if one of them is. */
NEURLP_ANYWHERE double larger(double a, double b) {
  return a != a || a > b ? a : b;
}

NEURLP_ANYWHERE double all_largest(const neurlp_cuda_norm *w) {
  double most = 0;
  for (int32_t i = 0; i < NEURLP_CUDA_NORM_FOLDS; i++) most = larger(most, w->largest[i]);
  return most;
}

template <typename number>
NEURLP_ANYWHERE void largest_parts(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  for (int64_t part = thread; part < NEURLP_CUDA_NORM_PARTS; part += threads) {
    double most = 0;
    for (int64_t i = part; i < w->count; i += NEURLP_CUDA_NORM_PARTS)
      most = larger(most, fabs((double)((const number *)w->a)[i]));
    w->parts[part] = most;
  }
}

NEURLP_ANYWHERE void largest_folds(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  for (int64_t fold = thread; fold < NEURLP_CUDA_NORM_FOLDS; fold += threads) {
    double most = 0;
    for (int64_t i = fold; i < NEURLP_CUDA_NORM_PARTS; i += NEURLP_CUDA_NORM_FOLDS)
      most = larger(most, w->parts[i]);
    w->largest[fold] = most;
  }
}

/* Of zeros, and where the largest one is not finite, the sum is not needed. */
template <typename number>
NEURLP_ANYWHERE void square_parts(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  const double unit = all_largest(w);
  for (int64_t part = thread; part < NEURLP_CUDA_NORM_PARTS; part += threads) {
    double sum = 0;
    for (int64_t i = part; i < w->count && unit > 0; i += NEURLP_CUDA_NORM_PARTS) {
      const double scaled = (double)((const number *)w->a)[i] / unit;
      sum += scaled * scaled;
    }
    w->parts[part] = sum;
  }
}

NEURLP_ANYWHERE void square_folds(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  for (int64_t fold = thread; fold < NEURLP_CUDA_NORM_FOLDS; fold += threads) {
    double sum = 0;
    for (int64_t i = fold; i < NEURLP_CUDA_NORM_PARTS; i += NEURLP_CUDA_NORM_FOLDS) sum += w->parts[i];
    w->square[fold] = sum;
  }
}

/* As neurlp_clip_norm. */
template <typename number>
NEURLP_ANYWHERE void clip(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  const double largest = all_largest(w);
  const bool finite = largest - largest == 0;
  double sum = 0;
  for (int32_t i = 0; i < NEURLP_CUDA_NORM_FOLDS; i++) sum += w->square[i];
  const double norm = finite && largest > 0 ? largest * sqrt(sum) : largest;
  const double factor = w->most / (norm + 1e-6);
  const number by = (number)factor;
  if (thread == 0) *w->norm = norm;
  if (!(norm - norm == 0) || !(factor < 1)) return;
  for (int64_t i = thread; i < w->count; i += threads) ((number *)w->a)[i] *= by;
}

#define KERNELS(number)                                                                                      \
  {                                                                                                          \
    NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_updates, update<number, step_sgd>),                                   \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_updates, update<number, step_adam>),                              \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_mask, mask_out<number>),                                          \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_norm, largest_parts<number>),                                     \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_norm, square_parts<number>),                                      \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_norm, largest_folds),                                             \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_norm, square_folds),                                              \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_norm, clip<number>)                                               \
  }

extern "C" const neurlp_cuda_update_kernels *neurlp_cuda_update_kernels_of(bool single) {
  static const neurlp_cuda_update_kernels kernels[2] = {KERNELS(double), KERNELS(float)};
  return &kernels[single];
}

#undef KERNELS
