#include "graph/cpu/column_sum.h"
#include "graph/cpu/product.h"

/* x [rows][inputs], weight [outputs][inputs], y [rows][outputs]. */
static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *weight = neurlp_graph_node(graph, node->inputs[1]);
  const int64_t outputs = weight->shape.extents[0], inputs = weight->shape.extents[1];
  const int64_t rows = x->numbers / inputs;
  const bool biased = node->input_count == 3;
  real *y = node->data;
  if (biased) {
    const real *bias = neurlp_graph_node(graph, node->inputs[2])->data;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t row = 0; row < rows; row++)
      for (int64_t o = 0; o < outputs; o++) y[row * outputs + o] = bias[o];
  }
  NEURLP_REAL(neurlp_graph_product)
  (graph, false, true, rows, outputs, inputs, x->data, weight->data, biased ? 1 : 0, y);
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *weight = neurlp_graph_node(graph, node->inputs[1]);
  const neurlp_node *bias = node->input_count == 3 ? neurlp_graph_node(graph, node->inputs[2]) : NULL;
  const int64_t outputs = weight->shape.extents[0], inputs = weight->shape.extents[1];
  const int64_t rows = x->numbers / inputs;
  const real *dy = node->gradient;
  if (x->trained) NEURLP_REAL(neurlp_graph_product)
  (graph, false, false, rows, inputs, outputs, dy, weight->data, 1, x->gradient);
  if (weight->trained) NEURLP_REAL(neurlp_graph_product)
  (graph, true, false, outputs, inputs, rows, dy, x->data, 1, weight->gradient);
  if (bias && bias->trained) neurlp_column_sum(graph, rows, outputs, dy, bias->gradient);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_dense) = {forward, backward};
