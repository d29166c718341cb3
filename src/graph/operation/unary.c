#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  node->shape = neurlp_graph_shape(graph, node->inputs[0]);
  if (node->attributes.unary == NEURLP_UNARY_CLIP &&
      !(node->attributes.numbers[0] <= node->attributes.numbers[1]))
    return neurlp_fail(neurlp_graph_context(graph), NEURLP_ERROR_ARGUMENT,
                       "clip: the bounds %g and %g are not in order", node->attributes.numbers[0],
                       node->attributes.numbers[1]);
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_unary = {.name = "unary", .reads_inputs = true, .infer = infer};

static neurlp_value add_unary(neurlp_graph *graph, neurlp_value x, neurlp_unary kind, double p, double q) {
  const neurlp_attributes attributes = {.unary = kind, .numbers = {p, q}};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_unary, 1, &x, &attributes, NULL);
}

neurlp_value neurlp_graph_relu(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_RELU, 0, 0);
}

neurlp_value neurlp_graph_elu(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_ELU, 0, 0);
}

neurlp_value neurlp_graph_gelu(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_GELU, 0, 0);
}

neurlp_value neurlp_graph_tanh(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_TANH, 0, 0);
}

neurlp_value neurlp_graph_sigmoid(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_SIGMOID, 0, 0);
}

neurlp_value neurlp_graph_softplus(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_SOFTPLUS, 0, 0);
}

neurlp_value neurlp_graph_exp(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_EXP, 0, 0);
}

neurlp_value neurlp_graph_square(neurlp_graph *graph, neurlp_value x) {
  return add_unary(graph, x, NEURLP_UNARY_SQUARE, 0, 0);
}

neurlp_value neurlp_graph_scale(neurlp_graph *graph, neurlp_value x, double factor, double offset) {
  return add_unary(graph, x, NEURLP_UNARY_SCALE, factor, offset);
}

neurlp_value neurlp_graph_clip(neurlp_graph *graph, neurlp_value x, double lower, double upper) {
  return add_unary(graph, x, NEURLP_UNARY_CLIP, lower, upper);
}
