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

/* weight's gradient += dy^T x, as the sum over pieces of the rows (operation/dense.c). */
static void add_weight_gradient(neurlp_graph *graph, const neurlp_node *node, const real *x, int64_t rows,
                                const neurlp_node *weight) {
  const int64_t outputs = weight->shape.extents[0], inputs = weight->shape.extents[1];
  const int64_t pieces = node->attributes.count;
  const real *dy = node->gradient;
  real *parts = node->scratch, *gradient = weight->gradient;
  if (pieces == 1) {
    NEURLP_REAL(neurlp_graph_product)(graph, true, false, outputs, inputs, rows, dy, x, 1, gradient);
    return;
  }
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t piece = 0; piece < pieces; piece++) {
    const int64_t first = piece * rows / pieces, end = (piece + 1) * rows / pieces;
    NEURLP_REAL(neurlp_graph_product_one)
    (true, false, outputs, inputs, end - first, dy + first * outputs, x + first * inputs, 0,
     parts + piece * weight->numbers);
  }
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t i = 0; i < weight->numbers; i++) {
    double sum = 0;
    for (int64_t piece = 0; piece < pieces; piece++) sum += (double)parts[piece * weight->numbers + i];
    gradient[i] += (real)sum;
  }
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
  if (weight->trained) add_weight_gradient(graph, node, x->data, rows, weight);
  if (bias && bias->trained) neurlp_column_sum(graph, rows, outputs, dy, bias->gradient);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_dense) = {forward, backward};
