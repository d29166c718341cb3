/* Convolutions as matrix products: the numbers of x that meet the kernel at one place are a column. Samples
 * are cut into blocks, a fixed number of them, that threads share. */
#include "graph/cpu/product.h"

#include <string.h>

typedef struct sizes {
  int64_t samples, channels, length, outputs, kernel, places;
  int64_t taps; /* channels kernel: rows of the columns */
  int64_t blocks;
  neurlp_convolution walk;
} sizes;

static sizes sizes_of(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_tensor_shape *x = &neurlp_graph_node(graph, node->inputs[0])->shape;
  const neurlp_tensor_shape *weight = &neurlp_graph_node(graph, node->inputs[1])->shape;
  return (sizes){.samples = x->extents[0],
                 .channels = x->extents[1],
                 .length = x->extents[2],
                 .outputs = weight->extents[0],
                 .kernel = weight->extents[2],
                 .places = node->shape.extents[2],
                 .taps = weight->extents[1] * weight->extents[2],
                 .blocks = node->attributes.count,
                 .walk = node->attributes.convolution};
}

/* Block b's part of the workspace, as operation/convolution.c sizes it: the sums for the bias first. */
static double *bias_sums(const sizes *n, const neurlp_node *node, int64_t b) {
  return (double *)node->scratch + b * n->outputs;
}

static real *columns_of(const sizes *n, const neurlp_node *node, int64_t b) {
  return (real *)(void *)bias_sums(n, node, n->blocks) + b * n->taps * n->places;
}

static real *weight_sums(const sizes *n, const neurlp_node *node, int64_t b) {
  return columns_of(n, node, n->blocks) + b * n->outputs * n->taps;
}

static int64_t first_sample(const sizes *n, int64_t b) {
  return b * n->samples / n->blocks;
}

/* Which number of x is at a place of the padded input that starts at -padding; -1: none, it counts 0. */
static inline int64_t source(const sizes *n, int64_t at) {
  if (at >= 0 && at < n->length) return at;
  if (!n->walk.circular) return -1;
  return at < 0 ? at + n->length : at - n->length;
}

/* columns[c kernel + k][j] = x[c][stride j + dilation k - padding]. */
static void gather(const sizes *n, const real *x, real *columns) {
  for (int64_t tap = 0; tap < n->taps; tap++) {
    const real *channel = x + tap / n->kernel * n->length;
    const int64_t begin = tap % n->kernel * n->walk.dilation - n->walk.padding;
    real *row = columns + tap * n->places;
    for (int64_t j = 0; j < n->places; j++) {
      const int64_t from = source(n, begin + j * n->walk.stride);
      row[j] = from < 0 ? 0 : channel[from];
    }
  }
}

/* The transpose of gather: adds to dx. */
static void scatter(const sizes *n, const real *columns, real *dx) {
  for (int64_t tap = 0; tap < n->taps; tap++) {
    real *channel = dx + tap / n->kernel * n->length;
    const int64_t begin = tap % n->kernel * n->walk.dilation - n->walk.padding;
    const real *row = columns + tap * n->places;
    for (int64_t j = 0; j < n->places; j++) {
      const int64_t to = source(n, begin + j * n->walk.stride);
      if (to >= 0) channel[to] += row[j];
    }
  }
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const sizes n = sizes_of(graph, node);
  const real *x = neurlp_graph_node(graph, node->inputs[0])->data;
  const real *weight = neurlp_graph_node(graph, node->inputs[1])->data;
  const real *bias = node->input_count == 3 ? neurlp_graph_node(graph, node->inputs[2])->data : NULL;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t b = 0; b < n.blocks; b++) {
    real *columns = columns_of(&n, node, b);
    for (int64_t s = first_sample(&n, b); s < first_sample(&n, b + 1); s++) {
      real *y = (real *)node->data + s * n.outputs * n.places;
      gather(&n, x + s * n.channels * n.length, columns);
      for (int64_t o = 0; bias && o < n.outputs; o++)
        for (int64_t j = 0; j < n.places; j++) y[o * n.places + j] = bias[o];
      NEURLP_REAL(neurlp_graph_product_one)
      (false, false, n.outputs, n.places, n.taps, weight, columns, bias ? 1 : 0, y);
    }
  }
  return NEURLP_SUCCESS;
}

/* What one sample adds to the gradients of x, and to its block's sums for weight and bias. */
static void sample_backward(const sizes *n, const neurlp_node *const *inputs, const neurlp_node *node,
                            int64_t b, int64_t s) {
  const neurlp_node *x = inputs[0], *weight = inputs[1], *bias = inputs[2];
  const real *dy = (const real *)node->gradient + s * n->outputs * n->places;
  const int64_t first = s * n->channels * n->length;
  real *columns = columns_of(n, node, b);
  if (weight->trained) {
    gather(n, (const real *)x->data + first, columns);
    NEURLP_REAL(neurlp_graph_product_one)
    (false, true, n->outputs, n->taps, n->places, dy, columns, 1, weight_sums(n, node, b));
  }
  if (x->trained) {
    NEURLP_REAL(neurlp_graph_product_one)
    (true, false, n->taps, n->places, n->outputs, weight->data, dy, 0, columns);
    scatter(n, columns, (real *)x->gradient + first);
  }
  if (bias && bias->trained)
    for (int64_t o = 0; o < n->outputs; o++)
      for (int64_t j = 0; j < n->places; j++) bias_sums(n, node, b)[o] += (double)dy[o * n->places + j];
}

/* Adds the sums of all blocks, in the order of the blocks. */
static void add_blocks(neurlp_graph *graph, const sizes *n, const neurlp_node *const *inputs,
                       const neurlp_node *node) {
  const neurlp_node *weight = inputs[1], *bias = inputs[2];
  if (weight->trained) {
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t i = 0; i < n->outputs * n->taps; i++) {
      double sum = 0;
      for (int64_t b = 0; b < n->blocks; b++) sum += (double)weight_sums(n, node, b)[i];
      ((real *)weight->gradient)[i] += (real)sum;
    }
  }
  for (int64_t o = 0; bias && bias->trained && o < n->outputs; o++) {
    double sum = 0;
    for (int64_t b = 0; b < n->blocks; b++) sum += bias_sums(n, node, b)[o];
    ((real *)bias->gradient)[o] += (real)sum;
  }
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const sizes n = sizes_of(graph, node);
  const neurlp_node *inputs[3] = {NULL, NULL, NULL};
  for (int32_t j = 0; j < node->input_count; j++) inputs[j] = neurlp_graph_node(graph, node->inputs[j]);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t b = 0; b < n.blocks; b++) {
    memset(bias_sums(&n, node, b), 0, (size_t)n.outputs * sizeof(double));
    memset(weight_sums(&n, node, b), 0, (size_t)(n.outputs * n.taps) * sizeof(real));
    for (int64_t s = first_sample(&n, b); s < first_sample(&n, b + 1); s++)
      sample_backward(&n, inputs, node, b, s);
  }
  add_blocks(graph, &n, inputs, node);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_convolution) = {forward, backward};
