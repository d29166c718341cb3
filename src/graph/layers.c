#include "graph/layers.h"

#include <stdio.h>

/* The parameter "layer.part". */
static neurlp_value make(neurlp_graph *graph, const char *layer, const char *part, neurlp_tensor_shape shape,
                         neurlp_parameter_kind kind, int64_t fan_in) {
  char name[256];
  snprintf(name, sizeof name, "%.200s.%s", layer, part);
  const neurlp_value value = neurlp_graph_parameter(graph, name, shape, kind == NEURLP_PARAMETER_WEIGHT);
  neurlp_graph_describe(graph, value, kind, fan_in);
  return value;
}

neurlp_value neurlp_layer_dense(neurlp_graph *graph, const char *name, neurlp_value x, int64_t outputs) {
  const neurlp_tensor_shape shape = neurlp_graph_shape(graph, x);
  const int64_t inputs = shape.rank > 0 ? shape.extents[shape.rank - 1] : 1;
  if (x < 0) return x;
  const neurlp_value weight =
      make(graph, name, "weight", neurlp_shape_of(2, outputs, inputs), NEURLP_PARAMETER_WEIGHT, inputs);
  const neurlp_value bias =
      make(graph, name, "bias", neurlp_shape_of(1, outputs), NEURLP_PARAMETER_BIAS, inputs);
  return neurlp_graph_dense(graph, x, weight, bias);
}

neurlp_value neurlp_layer_convolution(neurlp_graph *graph, const char *name, neurlp_value x, int64_t outputs,
                                      int64_t kernel, neurlp_convolution convolution) {
  const neurlp_tensor_shape shape = neurlp_graph_shape(graph, x);
  const int64_t channels = shape.rank > 1 ? shape.extents[1] : 1;
  if (x < 0) return x;
  const neurlp_value weight = make(graph, name, "weight", neurlp_shape_of(3, outputs, channels, kernel),
                                   NEURLP_PARAMETER_WEIGHT, channels * kernel);
  const neurlp_value bias =
      make(graph, name, "bias", neurlp_shape_of(1, outputs), NEURLP_PARAMETER_BIAS, channels * kernel);
  return neurlp_graph_convolution(graph, x, weight, bias, convolution);
}

neurlp_value neurlp_layer_normalise(neurlp_graph *graph, const char *name, neurlp_value x, int32_t axes) {
  const neurlp_tensor_shape shape = neurlp_graph_shape(graph, x);
  const double epsilon = 1e-5;
  neurlp_tensor_shape inner = {.rank = axes};
  if (x < 0) return x;
  if (axes < 1 || axes > shape.rank) /* refused, with its message */
    return neurlp_graph_normalise_plain(graph, x, axes, epsilon);
  for (int32_t i = 0; i < axes; i++) inner.extents[i] = shape.extents[shape.rank - axes + i];
  const neurlp_value gain = make(graph, name, "gain", inner, NEURLP_PARAMETER_GAIN, 0);
  const neurlp_value shift = make(graph, name, "shift", inner, NEURLP_PARAMETER_SHIFT, 0);
  return neurlp_graph_normalise(graph, x, axes, gain, shift, epsilon);
}

/* Whether axis `axis` is the only one along which extents differ. */
static bool differ_only(const neurlp_tensor_shape *a, const neurlp_tensor_shape *b, int32_t axis) {
  neurlp_tensor_shape same = *a;
  if (a->rank != b->rank || axis < 0 || axis >= a->rank || a->extents[axis] == b->extents[axis]) return false;
  same.extents[axis] = b->extents[axis];
  return neurlp_shape_equal(&same, b);
}

neurlp_value neurlp_layer_residual(neurlp_graph *graph, const char *name, neurlp_value x, neurlp_value y) {
  const neurlp_tensor_shape from = neurlp_graph_shape(graph, x), to = neurlp_graph_shape(graph, y);
  const neurlp_convolution plain = {.stride = 1, .dilation = 1};
  if (x < 0 || y < 0) return NEURLP_NO_VALUE;
  if (differ_only(&from, &to, from.rank - 1))
    x = neurlp_layer_dense(graph, name, x, to.extents[to.rank - 1]);
  else if (from.rank == 3 && differ_only(&from, &to, 1))
    x = neurlp_layer_convolution(graph, name, x, to.extents[1], 1, plain);
  return neurlp_graph_add(graph, x, y);
}
