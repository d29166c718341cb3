/* Tensors of any shape: every thread works on the places thread, thread + threads, ... */
#include "cuda/graph/tensor_kernels.h"

#include "cuda/graph/kernel_body.h"
#include "graph/pointwise.h"

/* ---- walking ----------------------------------------------------------------------------------------- */

/* Place of number `index` in up to three tensors. Indices below 2^32 are divided in 32 bits, which takes a
 * GPU a fraction of the time. */
template <typename integer, int tensors>
NEURLP_ANYWHERE void find_places(const neurlp_cuda_axes *axes, integer index, int first, int64_t *places) {
  for (int i = 0; i < tensors; i++) places[i] = 0;
  for (int32_t axis = axes->rank - 1; axis >= 0; axis--) {
    const integer extent = (integer)axes->extents[axis], rest = axis > 0 ? index / extent : 0;
    const int64_t along = (int64_t)(index - rest * extent);
    for (int i = 0; i < tensors; i++) places[i] += along * axes->strides[first + i][axis];
    index = rest;
  }
}

template <int tensors>
NEURLP_ANYWHERE void places_of(const neurlp_cuda_axes *axes, int64_t index, int first, int64_t *places) {
  if (axes->numbers <= UINT32_MAX)
    find_places<uint32_t, tensors>(axes, (uint32_t)index, first, places);
  else
    find_places<int64_t, tensors>(axes, index, first, places);
}

template <typename number>
NEURLP_ANYWHERE void walk(const neurlp_cuda_walk *w, int64_t thread, int64_t threads) {
  const number *a = (const number *)w->a, *b = (const number *)w->b, factor = (number)w->factor;
  number *y = (number *)w->y;
  for (int64_t i = thread; i < w->axes.numbers; i += threads) {
    int64_t at[3];
    places_of<3>(&w->axes, i, 0, at);
    switch (w->kind) {
    case NEURLP_CUDA_COPY:
      y[at[0]] = a[at[1]];
      break;
    case NEURLP_CUDA_ADD:
      y[at[0]] = a[at[1]] + b[at[2]];
      break;
    case NEURLP_CUDA_MULTIPLY:
      y[at[0]] = a[at[1]] * b[at[2]];
      break;
    case NEURLP_CUDA_ADD_TO:
      y[at[0]] += factor * a[at[1]];
      break;
    }
  }
}

/* ---- sums -------------------------------------------------------------------------------------------- */

/* Writes a sum that is complete. */
template <typename number>
NEURLP_ANYWHERE void finish_sum(const neurlp_cuda_reduction *r, int64_t own, double sum) {
  int64_t place;
  places_of<1>(&r->own, own, 0, &place);
  number *to = (number *)r->part + place;
  const number value = (number)(r->factor * sum);
  *to = r->add ? *to + value : value;
}

template <typename number>
NEURLP_ANYWHERE double sum_part(const neurlp_cuda_reduction *r, int64_t own, int64_t part) {
  const number *whole = (const number *)r->whole, *other = (const number *)r->other;
  int64_t from[2], at[2];
  double sum = 0;
  places_of<2>(&r->own, own, 1, from);
  for (int64_t j = part; j < r->summed.numbers; j += r->parts) {
    places_of<2>(&r->summed, j, 1, at);
    const double factor = other ? (double)other[from[1] + at[1]] : 1;
    sum += (double)whole[from[0] + at[0]] * factor;
  }
  return sum;
}

template <typename number>
NEURLP_ANYWHERE void form_parts(const neurlp_cuda_reduction *r, int64_t thread, int64_t threads) {
  const int64_t owns = r->own.numbers;
  for (int64_t task = thread; task < owns * r->parts; task += threads) {
    const int64_t own = r->columns ? task % owns : task / r->parts;
    const int64_t part = r->columns ? task / owns : task % r->parts;
    const double sum = sum_part<number>(r, own, part);
    if (r->workspace)
      r->workspace[part * owns + own] = sum;
    else
      finish_sum<number>(r, own, sum);
  }
}

template <typename number>
NEURLP_ANYWHERE void add_parts(const neurlp_cuda_reduction *r, int64_t thread, int64_t threads) {
  const int64_t owns = r->own.numbers;
  for (int64_t own = thread; own < owns; own += threads) {
    double sum = 0;
    for (int64_t part = 0; part < r->parts; part++) sum += r->workspace[part * owns + own];
    finish_sum<number>(r, own, sum);
  }
}

/* ---- functions of one number ------------------------------------------------------------------------- */

NEURLP_ANYWHERE double value_of(neurlp_unary f, double p, double q, double x) {
  return neurlp_unary_value_double(f, p, q, x);
}
NEURLP_ANYWHERE float value_of(neurlp_unary f, float p, float q, float x) {
  return neurlp_unary_value_single(f, p, q, x);
}
NEURLP_ANYWHERE double slope_of(neurlp_unary f, double p, double q, double x) {
  return neurlp_unary_slope_double(f, p, q, x);
}
NEURLP_ANYWHERE float slope_of(neurlp_unary f, float p, float q, float x) {
  return neurlp_unary_slope_single(f, p, q, x);
}

template <typename number>
NEURLP_ANYWHERE void pointwise(const neurlp_cuda_pointwise *w, int64_t thread, int64_t threads) {
  const neurlp_unary f = (neurlp_unary)w->function;
  const number p = (number)w->p, q = (number)w->q, *x = (const number *)w->x, *dy = (const number *)w->dy;
  number *y = (number *)w->y;
  for (int64_t i = thread; i < w->numbers; i += threads)
    if (w->slope)
      y[i] += dy[i] * slope_of(f, p, q, x[i]);
    else
      y[i] = value_of(f, p, q, x[i]);
}

#define KERNELS(number)                                                                                      \
  {                                                                                                          \
    NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_walk, walk<number>),                                                  \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_reduction, form_parts<number>),                                   \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_reduction, add_parts<number>),                                    \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_pointwise, pointwise<number>)                                     \
  }

extern "C" const neurlp_cuda_tensor_kernels *neurlp_cuda_tensor_kernels_of(bool single) {
  static const neurlp_cuda_tensor_kernels kernels[2] = {KERNELS(double), KERNELS(float)};
  return &kernels[single];
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_form_double_parts(void) {
  return &neurlp_cuda_tensor_kernels_of(false)->form_parts;
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_add_double_parts(bool single) {
  return &neurlp_cuda_tensor_kernels_of(single)->add_parts;
}

#undef KERNELS
