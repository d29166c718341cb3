#include "graph/operations.h"

static neurlp_status infer(neurlp_graph *graph, neurlp_node *node) {
  neurlp_context *context = neurlp_graph_context(graph);
  const neurlp_attributes *a = &node->attributes;
  node->shape = neurlp_graph_shape(graph, node->inputs[0]);
  if (a->axis < 0 || a->axis >= node->shape.rank)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "of axis %d, but the input has %d axes", a->axis,
                       node->shape.rank);
  const int64_t extent = node->shape.extents[a->axis];
  /* divided, as first + (count - 1) stride may be too large a number */
  if (a->first < 0 || a->first >= extent || a->count < 1 || a->stride < 1 ||
      a->count - 1 > (extent - 1 - a->first) / a->stride)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "%lld places from %lld on, %lld apart, are not all within axis %d, which has %lld",
                       (long long)a->count, (long long)a->first, (long long)a->stride, a->axis,
                       (long long)extent);
  node->shape.extents[a->axis] = a->count;
  return NEURLP_SUCCESS;
}

const neurlp_operation neurlp_operation_slice = {.name = "slice", .infer = infer};

neurlp_value neurlp_graph_slice(neurlp_graph *graph, neurlp_value x, int32_t axis, int64_t first,
                                int64_t count, int64_t stride) {
  const neurlp_attributes attributes = {.axis = axis, .first = first, .count = count, .stride = stride};
  return neurlp_graph_add_node(graph, NEURLP_OPERATION_slice, 1, &x, &attributes, NULL);
}
