#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  uint32_t seen = 0;
  node->shape.rank = x.rank;
  for (int32_t axis = 0; axis < x.rank; axis++) {
    const int32_t from = node->attributes.order[axis];
    if (from < 0 || from >= x.rank || seen >> from & 1)
      return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                         "axis %d is to be axis %d of the input; each of 0 to %d is wanted once", axis, from,
                         x.rank - 1);
    seen |= 1u << from;
    node->shape.extents[axis] = x.extents[from];
  }
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_permute = {.name = "permute", .infer = infer};

neurlp_value neurlp_graph_permute(neurlp_graph *graph, neurlp_value x, const int32_t *order) {
  neurlp_attributes attributes = {.axis = 0};
  const int32_t rank = neurlp_graph_shape(graph, x).rank;
  for (int32_t axis = 0; axis < rank; axis++) attributes.order[axis] = order[axis];
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_permute, 1, &x, &attributes, NULL);
}
