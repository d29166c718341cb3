#include "graph/cpu/broadcast_sum.h"
#include "graph/cpu/walk.h"

/* One over the numbers that are averaged, or 1. */
static real factor(const neurlp_node *node, const neurlp_node *input) {
  return node->attributes.mean ? (real)node->numbers / (real)input->numbers : 1;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const real f = factor(node, input);
  real *y = node->data;
  for (int64_t i = 0; i < node->numbers; i++) y[i] = 0;
  NEURLP_REAL(neurlp_broadcast_sum)(graph, &input->shape, input->data, NULL, NULL, &node->shape, y);
  for (int64_t i = 0; i < node->numbers; i++) y[i] *= f;
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const int64_t length = neurlp_walk_length(&input->shape), rows = neurlp_walk_rows(&input->shape);
  const real f = factor(node, input);
  int64_t strides[NEURLP_TENSOR_RANK] = {0};
  neurlp_shape_strides(&node->shape, &input->shape, strides);
  const int64_t step = neurlp_walk_step(&input->shape, strides);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *dy = (const real *)node->gradient + neurlp_walk_row(&input->shape, strides, row);
    real *dx = (real *)input->gradient + row * length;
    for (int64_t i = 0; i < length; i++) dx[i] += f * dy[i * step];
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_reduce) = {forward, backward};
