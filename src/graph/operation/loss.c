#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  const neurlp_tensor_shape target = neurlp_graph_shape(graph, node->inputs[1]);
  const int64_t samples = neurlp_graph_samples(graph);
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  if (!neurlp_shape_equal(&x, &target) || x.rank < 1 || x.extents[0] != samples)
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "%s is compared with %s; both need the same shape, and first the %lld samples",
                       neurlp_shape_print(&x, one), neurlp_shape_print(&target, other), (long long)samples);
  if (neurlp_graph_node(graph, node->inputs[1])->trained)
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "the target depends on parameters, and no gradient flows to a target");
  node->shape = neurlp_shape_scalar;
  node->saved_bytes = 2 * (size_t)samples * sizeof(double); /* each sample's part; what it is relative to */
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_loss = {.name = "loss", .reads_inputs = true, .infer = infer};

neurlp_value neurlp_graph_loss_of(neurlp_graph *graph, neurlp_loss_kind kind, neurlp_value x,
                                  neurlp_value target) {
  const neurlp_attributes attributes = {.loss = kind};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_loss, 2, (neurlp_value[]){x, target}, &attributes,
                               NULL);
}
