#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]), *to = &node->attributes.shape;
  neurlp_tensor_shape both;
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  node->shape = *to;
  if (neurlp_shape_broadcast(&x, to, &both) && neurlp_shape_equal(&both, to)) return NEURLP_SUCCESS;
  return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                     "%s to %s: aligned at the last axis, extents have to be equal, or 1 before",
                     neurlp_shape_print(&x, one), neurlp_shape_print(to, other));
}

const neurlp_operation neurlp_operation_broadcast = {.name = "broadcast", .infer = infer};

neurlp_value neurlp_graph_broadcast(neurlp_graph *graph, neurlp_value x, neurlp_tensor_shape shape) {
  const neurlp_attributes attributes = {.shape = shape};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_broadcast, 1, &x, &attributes, NULL);
}
