#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  const int32_t axis = node->attributes.axis;
  node->shape = neurlp_graph_shape(graph, node->inputs[0]);
  if (axis < 0 || axis >= node->shape.rank)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "along axis %d, but the first input has %d axes", axis,
                       node->shape.rank);
  for (int32_t j = 1; j < node->input_count; j++) {
    neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[j]), fitting = x;
    char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
    if (axis < x.rank) fitting.extents[axis] = node->shape.extents[axis];
    if (!neurlp_shape_equal(&fitting, &node->shape))
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s after %s: only extents of axis %d may differ",
                         neurlp_shape_print(&x, one), neurlp_shape_print(&node->shape, other), axis);
    node->shape.extents[axis] += x.extents[axis];
  }
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_concatenate = {.name = "concatenate", .infer = infer};

neurlp_value neurlp_graph_concatenate(neurlp_graph *graph, int32_t count, const neurlp_value *x,
                                      int32_t axis) {
  const neurlp_attributes attributes = {.axis = axis};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_concatenate, count, x, &attributes, NULL);
}
