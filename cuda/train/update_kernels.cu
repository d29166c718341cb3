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

template <typename number> struct vectors {
  number *parameters;
  const number *gradient;
  number *firsts, *seconds; /* moments, or NULL */
  const uint8_t *mask;
};

template <typename number, typename arrays> NEURLP_ANYWHERE vectors<number> vectors_of(const arrays *a) {
  return {(number *)a->parameters, (const number *)a->gradient, (number *)a->first, (number *)a->second,
          a->mask};
}

/* Number i. */
#define STEPS(space, number)                                                                                 \
  NEURLP_ANYWHERE void step_sgd(const neurlp_update *update, const vectors<number> *v, int64_t i) {          \
    const space::update_numbers n = space::update_round(update);                                             \
    number kept = v->firsts ? v->firsts[i] : 0;                                                              \
    const number moved = v->firsts ? space::update_momentum(&n, v->parameters[i], v->gradient[i], &kept)     \
                                   : space::update_descent(&n, v->parameters[i], v->gradient[i]);            \
    v->parameters[i] = v->mask[i] ? moved : 0;                                                               \
    if (v->firsts) v->firsts[i] = v->mask[i] ? kept : 0;                                                     \
  }                                                                                                          \
  NEURLP_ANYWHERE void step_adam(const neurlp_update *update, const vectors<number> *v, int64_t i) {         \
    const space::update_numbers n = space::update_round(update);                                             \
    number first = v->firsts[i], second = v->seconds[i];                                                     \
    const number moved = space::update_adam(&n, v->parameters[i], v->gradient[i], &first, &second);          \
    v->parameters[i] = v->mask[i] ? moved : 0;                                                               \
    v->firsts[i] = v->mask[i] ? first : 0;                                                                   \
    v->seconds[i] = v->mask[i] ? second : 0;                                                                 \
  }

STEPS(in_double, double)
STEPS(in_single, float)

/* All groups one behind the other. */
template <typename number, void (*step)(const neurlp_update *, const vectors<number> *, int64_t)>
NEURLP_ANYWHERE void update(const neurlp_cuda_updates *w, int64_t thread, int64_t threads) {
  for (int64_t i = thread; i < w->numbers; i += threads) {
    int64_t rest = i;
    int32_t g = 0;
    while (rest >= w->calls[g].count) rest -= w->calls[g++].count;
    const vectors<number> group = vectors_of<number>(&w->calls[g]);
    step(&w->calls[g].update, &group, rest);
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

NEURLP_ANYWHERE double all_largest(const double *folds) {
  double most = 0;
  for (int32_t i = 0; i < NEURLP_CUDA_NORM_FOLDS; i++) most = larger(most, folds[i]);
  return most;
}

NEURLP_ANYWHERE double all_sum(const double *folds) {
  double sum = 0;
  for (int32_t i = 0; i < NEURLP_CUDA_NORM_FOLDS; i++) sum += folds[i];
  return sum;
}

NEURLP_ANYWHERE double fold_largest(const double *parts, int64_t fold) {
  double most = 0;
  for (int64_t i = fold; i < NEURLP_CUDA_NORM_PARTS; i += NEURLP_CUDA_NORM_FOLDS)
    most = larger(most, parts[i]);
  return most;
}

NEURLP_ANYWHERE double fold_sum(const double *parts, int64_t fold) {
  double sum = 0;
  for (int64_t i = fold; i < NEURLP_CUDA_NORM_PARTS; i += NEURLP_CUDA_NORM_FOLDS) sum += parts[i];
  return sum;
}

NEURLP_ANYWHERE bool is_finite(double x) {
  return x - x == 0;
}

/* Of the sums that folds hold. */
NEURLP_ANYWHERE double norm_of(const double *largest_folds, const double *square_folds) {
  const double largest = all_largest(largest_folds), sum = all_sum(square_folds);
  return is_finite(largest) && largest > 0 ? largest * sqrt(sum) : largest;
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
  for (int64_t fold = thread; fold < NEURLP_CUDA_NORM_FOLDS; fold += threads)
    w->largest[fold] = fold_largest(w->parts, fold);
}

/* Of what is divided by the largest one; of zeros, and where that is not finite, the sum is not needed. */
template <typename number>
NEURLP_ANYWHERE double square_part(const number *a, int64_t count, double unit, int64_t part) {
  double sum = 0;
  for (int64_t i = part; i < count && unit > 0; i += NEURLP_CUDA_NORM_PARTS) {
    const double scaled = (double)a[i] / unit;
    sum += scaled * scaled;
  }
  return sum;
}

template <typename number>
NEURLP_ANYWHERE void square_parts(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  const double unit = all_largest(w->largest);
  for (int64_t part = thread; part < NEURLP_CUDA_NORM_PARTS; part += threads)
    w->parts[part] = square_part((const number *)w->a, w->count, unit, part);
}

NEURLP_ANYWHERE void square_folds(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  for (int64_t fold = thread; fold < NEURLP_CUDA_NORM_FOLDS; fold += threads)
    w->square[fold] = fold_sum(w->parts, fold);
}

/* As neurlp_clip_norm. */
template <typename number>
NEURLP_ANYWHERE void clip(const neurlp_cuda_norm *w, int64_t thread, int64_t threads) {
  const double norm = norm_of(w->largest, w->square);
  const double factor = w->most / (norm + 1e-6);
  const number by = (number)factor;
  if (thread == 0) *w->norm = norm;
  if (!is_finite(norm) || !(factor < 1)) return;
  for (int64_t i = thread; i < w->count; i += threads) ((number *)w->a)[i] *= by;
}

/* ---- all that follows a gradient --------------------------------------------------------------------- */

/* The group of number i, from one before it on. */
NEURLP_ANYWHERE int32_t group_from(const neurlp_descent_call *c, int32_t g, int64_t i) {
  while (i >= c->group[g].end) g++;
  return g;
}

/* Every PARTS-th number: fixed ones become 0, and the largest of the others is found. A fixed one that is not
 * finite stays, for who looks for it, and counts. */
template <typename number> NEURLP_ANYWHERE double fix_part(const neurlp_descent_call *c, int64_t part) {
  number *a = (number *)c->gradient;
  double most = 0;
  int32_t g = 0;
  for (int64_t i = part; i < c->count; i += NEURLP_CUDA_NORM_PARTS) {
    const double size = fabs((double)a[i]);
    g = group_from(c, g, i);
    const bool fixed = c->group[g].frozen || !c->mask[i];
    if (fixed && is_finite(size))
      a[i] = 0;
    else
      most = larger(most, size);
  }
  return most;
}

template <typename number>
NEURLP_ANYWHERE void fix_parts(const neurlp_cuda_descent *w, int64_t thread, int64_t threads) {
  for (int64_t part = thread; part < NEURLP_CUDA_NORM_PARTS; part += threads) {
    double failed = 0;
    for (int64_t s = part; w->call.loss && s < *w->call.present; s += NEURLP_CUDA_NORM_PARTS)
      failed += w->call.statuses[s] != 0;
    w->failed_parts[part] = failed;
    w->parts[part] = fix_part<number>(&w->call, part);
  }
}

NEURLP_ANYWHERE void fix_folds(const neurlp_cuda_descent *w, int64_t thread, int64_t threads) {
  for (int64_t fold = thread; fold < NEURLP_CUDA_NORM_FOLDS; fold += threads) {
    w->largest[fold] = fold_largest(w->parts, fold);
    w->failed[fold] = fold_sum(w->failed_parts, fold);
  }
}

template <typename number>
NEURLP_ANYWHERE void descend_parts(const neurlp_cuda_descent *w, int64_t thread, int64_t threads) {
  const double unit = all_largest(w->largest);
  for (int64_t part = thread; part < NEURLP_CUDA_NORM_PARTS; part += threads)
    w->parts[part] = square_part((const number *)w->call.gradient, w->call.count, unit, part);
}

NEURLP_ANYWHERE void descend_folds(const neurlp_cuda_descent *w, int64_t thread, int64_t threads) {
  for (int64_t fold = thread; fold < NEURLP_CUDA_NORM_FOLDS; fold += threads)
    w->square[fold] = fold_sum(w->parts, fold);
}

/* What the host looks at, too (train/watch.h), before it goes on. */
NEURLP_ANYWHERE bool is_good(const neurlp_cuda_descent *w, double norm) {
  const neurlp_descent_orders *o = w->call.orders;
  if (!is_finite(norm)) return false;
  if (!w->call.loss) return true;
  const double loss = *w->call.loss;
  return is_finite(loss) && !(loss > o->most_loss) && all_sum(w->failed) < (double)o->samples;
}

template <typename number, void (*step)(const neurlp_update *, const vectors<number> *, int64_t)>
NEURLP_ANYWHERE void descend(const neurlp_cuda_descent *w, int64_t thread, int64_t threads) {
  const neurlp_descent_call *c = &w->call;
  const vectors<number> all = vectors_of<number>(c);
  const double norm = norm_of(w->largest, w->square), factor = c->orders->clip / (norm + 1e-6);
  const bool good = is_good(w, norm), keep = c->orders->keep;
  const number by = (number)factor;
  neurlp_update update;
  int32_t g = 0, read = -1; /* the group whose numbers `update` has */
  if (thread == 0) *c->answer = {norm, good};
  for (int64_t i = thread; good && i < c->count; i += threads) {
    if (factor < 1) ((number *)c->gradient)[i] *= by;
    if (keep) ((number *)c->kept)[i] = all.parameters[i];
    g = group_from(c, g, i);
    if (c->group[g].frozen) continue;
    if (g != read) update = c->group[g].update;
    read = g;
    step(&update, &all, i);
  }
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
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_norm, clip<number>),                                              \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_descent, fix_parts<number>),                                      \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_descent, fix_folds),                                              \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_descent, descend_parts<number>),                                  \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_descent, descend_folds),                                          \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_descent, descend<number, step_sgd>),                              \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_descent, descend<number, step_adam>)                              \
  }

extern "C" const neurlp_cuda_update_kernels *neurlp_cuda_update_kernels_of(bool single) {
  static const neurlp_cuda_update_kernels kernels[2] = {KERNELS(double), KERNELS(float)};
  return &kernels[single];
}

#undef KERNELS
