#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  node->shape = neurlp_graph_shape(graph, node->inputs[0]);
  if (node->attributes.axes >> node->shape.rank != 0)
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "axes 0x%x are asked for, but the input has only %d", (unsigned)node->attributes.axes,
                       node->shape.rank);
  for (int32_t axis = 0; axis < node->shape.rank; axis++)
    if (node->attributes.axes >> axis & 1) node->shape.extents[axis] = 1;
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_reduce = {.name = "reduce", .infer = infer};

neurlp_value neurlp_graph_reduce(neurlp_graph *graph, neurlp_value x, uint32_t axes, bool mean) {
  const neurlp_attributes attributes = {.axes = axes, .mean = mean};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_reduce, 1, &x, &attributes, NULL);
}
