/* Kernels for tensors of any shape: walking over them, sums in a fixed order, functions of one number. Shapes
 * and strides are in numbers; places are counted from the pointer given. */
#ifndef NEURLP_CUDA_GRAPH_TENSOR_KERNELS_H
#define NEURLP_CUDA_GRAPH_TENSOR_KERNELS_H

#include "cuda/device/kernel.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NEURLP_CUDA_AXES = 6 };

/* Axes and how many numbers apart neighbours along them are in three tensors. */
typedef struct neurlp_cuda_axes {
  int32_t rank;
  int64_t numbers; /* product of the extents */
  int64_t extents[NEURLP_CUDA_AXES];
  int64_t strides[3][NEURLP_CUDA_AXES];
} neurlp_cuda_axes;

typedef enum neurlp_cuda_walk_kind {
  NEURLP_CUDA_COPY,     /* y = a */
  NEURLP_CUDA_ADD,      /* y = a + b */
  NEURLP_CUDA_MULTIPLY, /* y = a b */
  NEURLP_CUDA_ADD_TO    /* y += factor a */
} neurlp_cuda_walk_kind;

/* For every place; strides are those of y, a, b. */
typedef struct neurlp_cuda_walk {
  neurlp_cuda_walk_kind kind;
  neurlp_cuda_axes axes;
  double factor;
  void *y;
  const void *a, *b;
} neurlp_cuda_walk;

/* part = factor times the sum over the axes `summed` of whole times other (NULL: 1), plus what is there if
 * `add`, for every place of the axes `own`. Strides of own are those of part, whole, other; of summed 0,
 * whole, other. A sum has `parts` parts of every parts-th term, which are first formed in the workspace
 * [parts][own], then added up; without a workspace there is one part, and nothing to add up. */
typedef struct neurlp_cuda_reduction {
  neurlp_cuda_axes own, summed;
  int64_t parts;
  bool columns; /* whether neighbours in memory are along `own` */
  bool add;
  double factor;
  const void *whole, *other;
  void *part;
  double *workspace;
} neurlp_cuda_reduction;

/* y = f(x), or dx += dy f'(x), with f of graph/pointwise.h. */
typedef struct neurlp_cuda_pointwise {
  int32_t function; /* neurlp_unary */
  bool slope;
  double p, q;
  int64_t numbers;
  const void *x, *dy;
  void *y; /* or dx */
} neurlp_cuda_pointwise;

typedef struct neurlp_cuda_tensor_kernels {
  neurlp_cuda_kernel walk;
  neurlp_cuda_kernel form_parts, add_parts; /* neurlp_cuda_reduction; the first alone without a workspace */
  neurlp_cuda_kernel pointwise;
} neurlp_cuda_tensor_kernels;

const neurlp_cuda_tensor_kernels *neurlp_cuda_tensor_kernels_of(bool single);

/* Reductions of double tensors to numbers of either precision. */
const neurlp_cuda_kernel *neurlp_cuda_form_double_parts(void);
const neurlp_cuda_kernel *neurlp_cuda_add_double_parts(bool single);

#ifdef __cplusplus
}
#endif

#endif
