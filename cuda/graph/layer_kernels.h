/* Kernels of layers: convolutions as matrix products, and normalisation. */
#ifndef NEURLP_CUDA_GRAPH_LAYER_KERNELS_H
#define NEURLP_CUDA_GRAPH_LAYER_KERNELS_H

#include "cuda/device/kernel.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A row for each place of each sample: the numbers of x that meet the kernel there. */
typedef struct neurlp_cuda_convolution {
  int64_t samples, channels, length, kernel, places;
  int64_t stride, dilation, padding;
  bool circular;
  void *x;    /* [samples][channels][length], or its gradient */
  void *rows; /* [samples places][channels kernel] */
} neurlp_cuda_convolution;

typedef struct neurlp_cuda_normalisation {
  int64_t rows, count, parts;
  double epsilon;
  const void *x, *gain, *shift, *dy; /* gain, shift: [count] or NULL */
  void *y;                           /* or dx */
  double *saved;                     /* [rows][2] mean, one over the deviation */
  double *sums;                      /* [rows][2] mean of g, of g z; of gain_parts [parts][count] */
} neurlp_cuda_normalisation;

typedef struct neurlp_cuda_layer_kernels {
  neurlp_cuda_kernel gather;     /* every number of rows */
  neurlp_cuda_kernel scatter;    /* every number of x: dx += what rows have of it */
  neurlp_cuda_kernel measure;    /* rows: saved */
  neurlp_cuda_kernel apply;      /* rows count: y */
  neurlp_cuda_kernel project;    /* rows: sums */
  neurlp_cuda_kernel slopes;     /* rows count: dx += */
  neurlp_cuda_kernel gain_parts; /* parts count: sums of dy z over every parts-th row */
} neurlp_cuda_layer_kernels;

const neurlp_cuda_layer_kernels *neurlp_cuda_layer_kernels_of(bool single);

#ifdef __cplusplus
}
#endif

#endif
