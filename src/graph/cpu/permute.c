#include "graph/cpu/real.h"
#include "graph/cpu/walk.h"

/* How many numbers apart neighbours along the axes of the result are in the input. */
static void input_strides(neurlp_graph *graph, const neurlp_node *node, int64_t strides[NEURLP_TENSOR_RANK]) {
  const neurlp_tensor_shape *x = &neurlp_graph_node(graph, node->inputs[0])->shape;
  for (int32_t axis = 0; axis < x->rank; axis++)
    strides[axis] = neurlp_shape_product(x, node->attributes.order[axis] + 1, x->rank);
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const int64_t length = neurlp_walk_length(&node->shape), rows = neurlp_walk_rows(&node->shape);
  int64_t strides[NEURLP_TENSOR_RANK] = {0};
  input_strides(graph, node, strides);
  const int64_t step = neurlp_walk_step(&node->shape, strides);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *x = (const real *)input->data + neurlp_walk_row(&node->shape, strides, row);
    real *y = (real *)node->data + row * length;
    for (int64_t i = 0; i < length; i++) y[i] = x[i * step];
  }
  return NEURLP_SUCCESS;
}

/* Each number of the input is in one place of the result: threads do not meet. */
static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const int64_t length = neurlp_walk_length(&node->shape), rows = neurlp_walk_rows(&node->shape);
  int64_t strides[NEURLP_TENSOR_RANK] = {0};
  input_strides(graph, node, strides);
  const int64_t step = neurlp_walk_step(&node->shape, strides);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *dy = (const real *)node->gradient + row * length;
    real *dx = (real *)input->gradient + neurlp_walk_row(&node->shape, strides, row);
    for (int64_t i = 0; i < length; i++) dx[i * step] += dy[i];
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_permute) = {forward, backward};
