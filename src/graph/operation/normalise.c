#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  const int32_t axes = node->attributes.axis;
  neurlp_tensor_shape inner = {.rank = axes};
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  if (axes < 1 || axes > x.rank)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "over the last %d axes of %s: it has %d", axes,
                       neurlp_shape_print(&x, one), x.rank);
  if (!(node->attributes.numbers[0] >= 0))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "epsilon is %g and has to be 0 or more",
                       node->attributes.numbers[0]);
  for (int32_t i = 0; i < axes; i++) inner.extents[i] = x.extents[x.rank - axes + i];
  for (int32_t j = 1; j < node->input_count; j++) {
    const neurlp_tensor_shape part = neurlp_graph_shape(graph, node->inputs[j]);
    if (!neurlp_shape_equal(&part, &inner))
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "%s is %s and has to be %s",
                         j == 1 ? "gain" : "shift", neurlp_shape_print(&part, one),
                         neurlp_shape_print(&inner, other));
  }
  node->shape = x;
  node->attributes.count = neurlp_shape_numbers(&inner);
  /* of each row its mean, and one over its deviation */
  node->saved_bytes = (size_t)(neurlp_shape_numbers(&x) / node->attributes.count) * 2 * sizeof(double);
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_normalise = {
    .name = "normalise", .reads_inputs = true, .infer = infer};

neurlp_value neurlp_graph_normalise(neurlp_graph *graph, neurlp_value x, int32_t axes, neurlp_value gain,
                                    neurlp_value shift, double epsilon) {
  const neurlp_attributes attributes = {.axis = axes, .numbers = {epsilon}};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_normalise, 3, (neurlp_value[]){x, gain, shift},
                               &attributes, NULL);
}

neurlp_value neurlp_graph_normalise_plain(neurlp_graph *graph, neurlp_value x, int32_t axes, double epsilon) {
  const neurlp_attributes attributes = {.axis = axes, .numbers = {epsilon}};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_normalise, 1, &x, &attributes, NULL);
}
