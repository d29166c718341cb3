#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_tensor_shape a = neurlp_graph_shape(graph, node->inputs[0]);
  const neurlp_tensor_shape b = neurlp_graph_shape(graph, node->inputs[1]);
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  if (!neurlp_shape_broadcast(&a, &b, &node->shape))
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "%s and %s do not fit: aligned at the last axis, extents have to be equal or 1",
                       neurlp_shape_print(&a, one), neurlp_shape_print(&b, other));
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_add = {.name = "add", .infer = infer};
const neurlp_operation neurlp_operation_multiply = {.name = "multiply", .reads_inputs = true, .infer = infer};

neurlp_value neurlp_graph_add(neurlp_graph *graph, neurlp_value a, neurlp_value b) {
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_add, 2, (neurlp_value[]){a, b}, NULL, NULL);
}

neurlp_value neurlp_graph_multiply(neurlp_graph *graph, neurlp_value a, neurlp_value b) {
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_multiply, 2, (neurlp_value[]){a, b}, NULL, NULL);
}
