#include "graph/cpu/broadcast_sum.h"
#include "graph/cpu/walk.h"

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const int64_t length = neurlp_walk_length(&node->shape), rows = neurlp_walk_rows(&node->shape);
  int64_t strides[NEURLP_TENSOR_RANK] = {0};
  neurlp_shape_strides(&input->shape, &node->shape, strides);
  const int64_t step = neurlp_walk_step(&node->shape, strides);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *x = (const real *)input->data + neurlp_walk_row(&node->shape, strides, row);
    real *y = (real *)node->data + row * length;
    for (int64_t i = 0; i < length; i++) y[i] = x[i * step];
  }
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  NEURLP_REAL(neurlp_broadcast_sum)
  (graph, &node->shape, node->gradient, NULL, NULL, &input->shape, input->gradient);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_broadcast) = {forward, backward};
