#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  node->shape = node->attributes.shape;
  node->alias = neurlp_graph_node(graph, node->inputs[0])->alias;
  if (neurlp_shape_numbers(&x) == neurlp_shape_numbers(&node->shape)) return NEURLP_SUCCESS;
  return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT, "%s has other numbers than %s",
                     neurlp_shape_print(&x, one), neurlp_shape_print(&node->shape, other));
}

const neurlp_operation neurlp_operation_reshape = {.name = "reshape", .infer = infer};

neurlp_value neurlp_graph_reshape(neurlp_graph *graph, neurlp_value x, neurlp_tensor_shape shape) {
  const neurlp_attributes attributes = {.shape = shape};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_reshape, 1, &x, &attributes, NULL);
}
