#include "graph/cpu/real.h"

#include <string.h>

/* Numbers of a tensor from one index of the axes before `axis` to the next. */
static int64_t run_length(const neurlp_node *node, int32_t axis) {
  return neurlp_shape_product(&node->shape, axis, node->shape.rank);
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const int32_t axis = node->attributes.axis;
  const int64_t outer = neurlp_shape_product(&node->shape, 0, axis), whole = run_length(node, axis);
  int64_t begin = 0;
  for (int32_t j = 0; j < node->input_count; j++) {
    const neurlp_node *input = neurlp_graph_node(graph, node->inputs[j]);
    const int64_t length = run_length(input, axis);
    const real *x = input->data;
    real *y = (real *)node->data + begin;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t i = 0; i < outer; i++) memcpy(y + i * whole, x + i * length, (size_t)length * sizeof *y);
    begin += length;
  }
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const int32_t axis = node->attributes.axis;
  const int64_t outer = neurlp_shape_product(&node->shape, 0, axis), whole = run_length(node, axis);
  int64_t begin = 0;
  for (int32_t j = 0; j < node->input_count; j++) {
    const neurlp_node *input = neurlp_graph_node(graph, node->inputs[j]);
    const int64_t length = run_length(input, axis);
    const real *dy = (const real *)node->gradient + begin;
    real *dx = input->gradient;
    begin += length;
    if (!input->trained) continue;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t i = 0; i < outer; i++)
      for (int64_t l = 0; l < length; l++) dx[i * length + l] += dy[i * whole + l];
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_concatenate) = {forward, backward};
