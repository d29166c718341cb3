#include "graph/operations.h"

/* The gradient of a small weight is a sum over many rows: pieces of rows, whose number depends on nothing but
 * the shapes, have partial sums of their own, which threads form side by side. A large weight is cut itself.
 */
enum { PIECES = 16, ROWS_EACH = 512, SMALL_WEIGHT = 1 << 16 };

static void plan_pieces(const neurlp_graph *graph, neurlp_node *node, int64_t rows, int64_t weights) {
  const size_t number_bytes = neurlp_graph_precision(graph) == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
  int64_t pieces = weights <= SMALL_WEIGHT ? rows / ROWS_EACH : 1;
  if (pieces > PIECES) pieces = PIECES;
  node->attributes.count = pieces > 1 ? pieces : 1;
  if (pieces > 1) node->scratch_bytes = (size_t)(pieces * weights) * number_bytes;
}

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  const neurlp_tensor_shape weight = neurlp_graph_shape(graph, node->inputs[1]);
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  if (x.rank < 1 || weight.rank != 2 || weight.extents[1] != x.extents[x.rank - 1])
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "the input is %s and the weight %s, which has to be [outputs][last extent of the input]",
        neurlp_shape_print(&x, one), neurlp_shape_print(&weight, other));
  if (node->input_count == 3) {
    const neurlp_tensor_shape bias = neurlp_graph_shape(graph, node->inputs[2]);
    if (bias.rank != 1 || bias.extents[0] != weight.extents[0])
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "the bias is %s and has to be [%lld]",
                         neurlp_shape_print(&bias, one), (long long)weight.extents[0]);
  }
  node->shape = x;
  node->shape.extents[x.rank - 1] = weight.extents[0];
  plan_pieces(graph, node, neurlp_shape_product(&x, 0, x.rank - 1), neurlp_shape_numbers(&weight));
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_dense = {.name = "dense", .reads_inputs = true, .infer = infer};

neurlp_value neurlp_graph_dense(neurlp_graph *graph, neurlp_value x, neurlp_value weight, neurlp_value bias) {
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_dense, 3, (neurlp_value[]){x, weight, bias}, NULL,
                               NULL);
}

neurlp_value neurlp_graph_dense_plain(neurlp_graph *graph, neurlp_value x, neurlp_value weight) {
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_dense, 2, (neurlp_value[]){x, weight}, NULL, NULL);
}
