#include "graph/cpu/broadcast_sum.h"
#include "graph/cpu/walk.h"

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node, bool multiply) {
  const neurlp_node *left = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *right = neurlp_graph_node(graph, node->inputs[1]);
  const int64_t length = neurlp_walk_length(&node->shape), rows = neurlp_walk_rows(&node->shape);
  int64_t a_strides[NEURLP_TENSOR_RANK] = {0}, b_strides[NEURLP_TENSOR_RANK] = {0};
  neurlp_shape_strides(&left->shape, &node->shape, a_strides);
  neurlp_shape_strides(&right->shape, &node->shape, b_strides);
  const int64_t a_step = neurlp_walk_step(&node->shape, a_strides);
  const int64_t b_step = neurlp_walk_step(&node->shape, b_strides);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *a = (const real *)left->data + neurlp_walk_row(&node->shape, a_strides, row);
    const real *b = (const real *)right->data + neurlp_walk_row(&node->shape, b_strides, row);
    real *y = (real *)node->data + row * length;
    if (multiply)
      for (int64_t i = 0; i < length; i++) y[i] = a[i * a_step] * b[i * b_step];
    else
      for (int64_t i = 0; i < length; i++) y[i] = a[i * a_step] + b[i * b_step];
  }
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node, bool multiply) {
  for (int32_t j = 0; j < 2; j++) {
    const neurlp_node *input = neurlp_graph_node(graph, node->inputs[j]);
    const neurlp_node *other = neurlp_graph_node(graph, node->inputs[1 - j]);
    if (!input->trained) continue;
    NEURLP_REAL(neurlp_broadcast_sum)
    (graph, &node->shape, node->gradient, &other->shape, multiply ? other->data : NULL, &input->shape,
     input->gradient);
  }
  return NEURLP_SUCCESS;
}

static neurlp_status add_forward(neurlp_graph *graph, neurlp_node *node) {
  return forward(graph, node, false);
}

static neurlp_status add_backward(neurlp_graph *graph, neurlp_node *node) {
  return backward(graph, node, false);
}

static neurlp_status multiply_forward(neurlp_graph *graph, neurlp_node *node) {
  return forward(graph, node, true);
}

static neurlp_status multiply_backward(neurlp_graph *graph, neurlp_node *node) {
  return backward(graph, node, true);
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_add) = {add_forward, add_backward};
const neurlp_kernel NEURLP_REAL(neurlp_kernel_multiply) = {multiply_forward, multiply_backward};
