/* Layers: every thread works on the places thread, thread + threads, ... */
#include "cuda/graph/layer_kernels.h"

#include "cuda/graph/kernel_body.h"

#include <math.h>

/* ---- convolutions ------------------------------------------------------------------------------------ */

/* rows[s places + j][c kernel + k] = x[s][c][stride j + dilation k - padding]. */
template <typename number>
NEURLP_ANYWHERE void gather(const neurlp_cuda_convolution *w, int64_t thread, int64_t threads) {
  const number *x = (const number *)w->x;
  number *rows = (number *)w->rows;
  const int64_t taps = w->channels * w->kernel;
  for (int64_t i = thread; i < w->samples * w->places * taps; i += threads) {
    const int64_t row = i / taps, tap = i - row * taps, s = row / w->places, j = row - s * w->places;
    const int64_t c = tap / w->kernel, k = tap - c * w->kernel;
    int64_t at = w->stride * j + w->dilation * k - w->padding;
    if (w->circular) at += at < 0 ? w->length : at >= w->length ? -w->length : 0;
    const bool inside = at >= 0 && at < w->length;
    rows[i] = inside ? x[(s * w->channels + c) * w->length + at] : (number)0;
  }
}

/* What the rows have of the number at place `at` of the padded input, from -padding on. */
template <typename number>
NEURLP_ANYWHERE double collect(const neurlp_cuda_convolution *w, int64_t s, int64_t c, int64_t at) {
  const number *rows = (const number *)w->rows;
  const int64_t taps = w->channels * w->kernel;
  double sum = 0;
  for (int64_t k = 0; k < w->kernel; k++) {
    const int64_t first = at + w->padding - w->dilation * k, j = first / w->stride;
    if (first >= 0 && first == j * w->stride && j < w->places)
      sum += (double)rows[(s * w->places + j) * taps + c * w->kernel + k];
  }
  return sum;
}

/* The transpose of gather: adds to dx. */
template <typename number>
NEURLP_ANYWHERE void scatter(const neurlp_cuda_convolution *w, int64_t thread, int64_t threads) {
  number *dx = (number *)w->x;
  for (int64_t i = thread; i < w->samples * w->channels * w->length; i += threads) {
    const int64_t channel = i / w->length, at = i - channel * w->length;
    const int64_t s = channel / w->channels, c = channel - s * w->channels;
    double sum = collect<number>(w, s, c, at);
    if (w->circular && at >= w->length - w->padding) sum += collect<number>(w, s, c, at - w->length);
    if (w->circular && at < w->padding) sum += collect<number>(w, s, c, at + w->length);
    dx[i] += (number)sum;
  }
}

/* ---- normalisation (graph/cpu/normalise.c) ----------------------------------------------------------- */

template <typename number>
NEURLP_ANYWHERE void measure(const neurlp_cuda_normalisation *w, int64_t thread, int64_t threads) {
  for (int64_t row = thread; row < w->rows; row += threads) {
    const number *x = (const number *)w->x + row * w->count;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < w->count; i++) sum += (double)x[i];
    const double mean = sum / (double)w->count;
    for (int64_t i = 0; i < w->count; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    w->saved[2 * row] = mean;
    w->saved[2 * row + 1] = 1 / sqrt(squares / (double)w->count + w->epsilon);
  }
}

template <typename number>
NEURLP_ANYWHERE double normalised(const neurlp_cuda_normalisation *w, int64_t row, int64_t i) {
  return ((double)((const number *)w->x)[i] - w->saved[2 * row]) * w->saved[2 * row + 1];
}

template <typename number>
NEURLP_ANYWHERE void apply(const neurlp_cuda_normalisation *w, int64_t thread, int64_t threads) {
  const number *gain = (const number *)w->gain, *shift = (const number *)w->shift;
  for (int64_t i = thread; i < w->rows * w->count; i += threads) {
    const int64_t row = i / w->count, column = i - row * w->count;
    const number z = (number)normalised<number>(w, row, i);
    ((number *)w->y)[i] = gain ? z * gain[column] + shift[column] : z;
  }
}

/* g = gain dy. */
template <typename number>
NEURLP_ANYWHERE double weighted(const neurlp_cuda_normalisation *w, int64_t i, int64_t column) {
  const double dy = (double)((const number *)w->dy)[i];
  return w->gain ? dy * (double)((const number *)w->gain)[column] : dy;
}

template <typename number>
NEURLP_ANYWHERE void project(const neurlp_cuda_normalisation *w, int64_t thread, int64_t threads) {
  for (int64_t row = thread; row < w->rows; row += threads) {
    double sum = 0, product = 0;
    for (int64_t column = 0; column < w->count; column++) {
      const int64_t i = row * w->count + column;
      const double g = weighted<number>(w, i, column);
      sum += g;
      product += g * normalised<number>(w, row, i);
    }
    w->sums[2 * row] = sum / (double)w->count;
    w->sums[2 * row + 1] = product / (double)w->count;
  }
}

template <typename number>
NEURLP_ANYWHERE void slopes(const neurlp_cuda_normalisation *w, int64_t thread, int64_t threads) {
  for (int64_t i = thread; i < w->rows * w->count; i += threads) {
    const int64_t row = i / w->count;
    const double g = weighted<number>(w, i, i - row * w->count), *sums = w->sums + 2 * row;
    const double slope = g - sums[0] - normalised<number>(w, row, i) * sums[1];
    ((number *)w->y)[i] += (number)(w->saved[2 * row + 1] * slope);
  }
}

template <typename number>
NEURLP_ANYWHERE void gain_parts(const neurlp_cuda_normalisation *w, int64_t thread, int64_t threads) {
  for (int64_t task = thread; task < w->parts * w->count; task += threads) {
    const int64_t part = task / w->count, column = task - part * w->count;
    double sum = 0;
    for (int64_t row = part; row < w->rows; row += w->parts) {
      const int64_t i = row * w->count + column;
      sum += (double)((const number *)w->dy)[i] * normalised<number>(w, row, i);
    }
    w->sums[task] = sum;
  }
}

#define KERNELS(number)                                                                                      \
  {                                                                                                          \
    NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_convolution, gather<number>),                                         \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_convolution, scatter<number>),                                    \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_normalisation, measure<number>),                                  \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_normalisation, apply<number>),                                    \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_normalisation, project<number>),                                  \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_normalisation, slopes<number>),                                   \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_normalisation, gain_parts<number>)                                \
  }

extern "C" const neurlp_cuda_layer_kernels *neurlp_cuda_layer_kernels_of(bool single) {
  static const neurlp_cuda_layer_kernels kernels[2] = {KERNELS(double), KERNELS(float)};
  return &kernels[single];
}

#undef KERNELS
