#include "graph/operations.h"

/* How many partial sums of the weight's gradient there are at most; they are formed side by side. Fixed, so
 * that results do not depend on the number of threads. */
enum { BLOCKS = 16 };

static neurlp_status check_convolution(neurlp_context *context, const neurlp_convolution *c, int64_t length,
                                       int64_t kernel) {
  if (c->stride < 1 || c->dilation < 1 || c->padding < 0)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "stride %lld, dilation %lld, padding %lld; the first two are 1 or more, the last 0 or more",
        (long long)c->stride, (long long)c->dilation, (long long)c->padding);
  if (c->circular && c->padding > length)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "circular padding by %lld would wrap an input of length %lld more than once",
                       (long long)c->padding, (long long)length);
  if (length + 2 * c->padding <= c->dilation * (kernel - 1))
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "a kernel of %lld numbers, dilation %lld, does not fit into length %lld with padding %lld",
        (long long)kernel, (long long)c->dilation, (long long)length, (long long)c->padding);
  return NEURLP_SUCCESS;
}

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_tensor_shape x = neurlp_graph_shape(graph, node->inputs[0]);
  const neurlp_tensor_shape weight = neurlp_graph_shape(graph, node->inputs[1]);
  const neurlp_convolution *c = &node->attributes.convolution;
  char one[NEURLP_SHAPE_TEXT], other[NEURLP_SHAPE_TEXT];
  if (x.rank != 3 || weight.rank != 3 || weight.extents[1] != x.extents[1])
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "the input is %s and the weight %s; they have to be [samples][channels][length] and "
                       "[outputs][channels][kernel]",
                       neurlp_shape_print(&x, one), neurlp_shape_print(&weight, other));
  const int64_t outputs = weight.extents[0], kernel = weight.extents[2], length = x.extents[2];
  const neurlp_status status = check_convolution(context, c, length, kernel);
  if (status < 0) return status;
  if (node->input_count == 3) {
    const neurlp_tensor_shape bias = neurlp_graph_shape(graph, node->inputs[2]);
    if (bias.rank != 1 || bias.extents[0] != outputs)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "the bias is %s and has to be [%lld]",
                         neurlp_shape_print(&bias, one), (long long)outputs);
  }
  const int64_t places = (length + 2 * c->padding - c->dilation * (kernel - 1) - 1) / c->stride + 1;
  node->shape = neurlp_shape_of(3, x.extents[0], outputs, places);
  /* each block has the columns of one sample, its part of the weight's gradient, and of the bias's */
  const int64_t blocks = x.extents[0] < BLOCKS ? x.extents[0] : BLOCKS;
  const int64_t numbers = weight.extents[1] * kernel * (places + outputs);
  const size_t number_bytes = neurlp_graph_precision(graph) == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
  node->attributes.count = blocks;
  node->scratch_bytes = (size_t)blocks * ((size_t)outputs * sizeof(double) + (size_t)numbers * number_bytes);
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_convolution = {
    .name = "convolution", .reads_inputs = true, .infer = infer};

neurlp_value neurlp_graph_convolution(neurlp_graph *graph, neurlp_value x, neurlp_value weight,
                                      neurlp_value bias, neurlp_convolution convolution) {
  const neurlp_attributes attributes = {.convolution = convolution};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_convolution, 3, (neurlp_value[]){x, weight, bias},
                               &attributes, NULL);
}

neurlp_value neurlp_graph_convolution_plain(neurlp_graph *graph, neurlp_value x, neurlp_value weight,
                                            neurlp_convolution convolution) {
  const neurlp_attributes attributes = {.convolution = convolution};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_convolution, 2, (neurlp_value[]){x, weight},
                               &attributes, NULL);
}
