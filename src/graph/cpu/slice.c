#include "graph/cpu/real.h"

/* x is [outer][extent][inner], y [outer][count][inner]; a row is y[o][i]. Place in x of the row's first
 * number. */
static int64_t place(const neurlp_node *node, int64_t extent, int64_t inner, int64_t row) {
  const neurlp_attributes *a = &node->attributes;
  return (row / a->count * extent + a->first + row % a->count * a->stride) * inner;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const int32_t axis = node->attributes.axis;
  const int64_t inner = neurlp_shape_product(&node->shape, axis + 1, node->shape.rank);
  const int64_t extent = input->shape.extents[axis], rows = node->numbers / inner;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *x = (const real *)input->data + place(node, extent, inner, row);
    real *y = (real *)node->data + row * inner;
    for (int64_t i = 0; i < inner; i++) y[i] = x[i];
  }
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const int32_t axis = node->attributes.axis;
  const int64_t inner = neurlp_shape_product(&node->shape, axis + 1, node->shape.rank);
  const int64_t extent = input->shape.extents[axis], rows = node->numbers / inner;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *dy = (const real *)node->gradient + row * inner;
    real *dx = (real *)input->gradient + place(node, extent, inner, row);
    for (int64_t i = 0; i < inner; i++) dx[i] += dy[i];
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_slice) = {forward, backward};
