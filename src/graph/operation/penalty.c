#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  if (node->attributes.loss != NEURLP_LOSS_SQUARE && node->attributes.loss != NEURLP_LOSS_ABSOLUTE)
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "a penalty is of squares or of absolute values; nothing is there to be relative to");
  node->shape = neurlp_shape_scalar;
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_penalty = {.name = "penalty", .reads_inputs = true, .infer = infer};

neurlp_value neurlp_graph_penalty(neurlp_graph *graph, neurlp_loss_kind kind, neurlp_value x) {
  const neurlp_attributes attributes = {.loss = kind};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_penalty, 1, &x, &attributes, NULL);
}
