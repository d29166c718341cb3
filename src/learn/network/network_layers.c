#include "learn/network/network_layers.h"

#include "graph/layers.h"

#include <stdio.h>

enum { NAME_BYTES = 128 };

/* A tensor on its way through the layers: [B][places][C], or [B][N] once it is flat. */
typedef struct passage {
  neurlp_graph *graph;
  const char *network;
  int64_t needed;                     /* numbers of a sample at the end */
  const neurlp_layer_spec *last_wide; /* whose width may be left to `needed` */
  bool averaged;                      /* a mean over time follows it */
} passage;

static neurlp_value refuse(const passage *p, const char *where, const char *why) {
  return neurlp_graph_refuse(p->graph, neurlp_fail(neurlp_graph_context(p->graph), NEURLP_ERROR_DECK,
                                                   "network %s, layer %s: %s", p->network, where, why));
}

/* Channels first and back: convolutions run over the last axis. */
static neurlp_value swap_axes(neurlp_graph *graph, neurlp_value x) {
  return neurlp_graph_permute(graph, x, (int32_t[]){0, 2, 1});
}

static int32_t padding_of(const neurlp_layer_spec *layer) {
  return layer->dilation * (layer->kernel - 1) / 2;
}

/* How many points in time a layer of x leaves to those behind it. */
static int64_t points_after(const passage *p, const neurlp_layer_spec *layer, neurlp_value x) {
  const neurlp_tensor_shape shape = neurlp_graph_shape(p->graph, x);
  if (shape.rank != 3 || p->averaged) return 1;
  if (layer->kind != NEURLP_LAYER_CONVOLUTION) return shape.extents[1];
  const int64_t reach = (int64_t)layer->dilation * (layer->kernel - 1);
  return (shape.extents[1] + 2 * (int64_t)padding_of(layer) - reach - 1) / layer->stride + 1;
}

/* The width of a layer; what is left open follows from the numbers that are needed. */
static int64_t width_of(const passage *p, const neurlp_layer_spec *layer, neurlp_value x) {
  if (layer->width > 0) return layer->width;
  const int64_t points = points_after(p, layer, x);
  if (layer != p->last_wide || points < 1 || p->needed % points != 0) return 0;
  return p->needed / points;
}

static neurlp_value add_convolution(const passage *p, const neurlp_layer_spec *layer, neurlp_value x,
                                    const char *name) {
  const int64_t width = width_of(p, layer, x);
  if (neurlp_graph_shape(p->graph, x).rank != 3)
    return refuse(p, name, "a convolution needs places; flatten comes later");
  if (width < 1) return refuse(p, name, "its width cannot follow from what the network's result is used for");
  const neurlp_convolution convolution = {.stride = layer->stride,
                                          .dilation = layer->dilation,
                                          .padding = padding_of(layer),
                                          .circular = layer->circular};
  return swap_axes(p->graph, neurlp_layer_convolution(p->graph, name, swap_axes(p->graph, x), width,
                                                      layer->kernel, convolution));
}

static neurlp_value add_dense(const passage *p, const neurlp_layer_spec *layer, neurlp_value x,
                              const char *name) {
  const int64_t width = width_of(p, layer, x);
  if (width < 1) return refuse(p, name, "its width cannot follow from what the network's result is used for");
  return neurlp_layer_dense(p->graph, name, x, width);
}

static neurlp_value add_flatten(const passage *p, neurlp_value x) {
  const neurlp_tensor_shape shape = neurlp_graph_shape(p->graph, x);
  if (x < 0 || shape.rank == 2) return x;
  return neurlp_graph_reshape(
      p->graph, x, neurlp_shape_of(2, shape.extents[0], neurlp_shape_product(&shape, 1, shape.rank)));
}

static neurlp_value add_mean(const passage *p, neurlp_value x, const char *name) {
  const neurlp_tensor_shape shape = neurlp_graph_shape(p->graph, x);
  if (shape.rank != 3) return refuse(p, name, "a mean over places needs places; flatten comes later");
  return neurlp_graph_reshape(p->graph, neurlp_graph_reduce(p->graph, x, 1u << 1, true),
                              neurlp_shape_of(2, shape.extents[0], shape.extents[2]));
}

static neurlp_value add_activation(neurlp_graph *graph, neurlp_unary activation, neurlp_value x) {
  switch (activation) {
  case NEURLP_UNARY_ELU:
    return neurlp_graph_elu(graph, x);
  case NEURLP_UNARY_GELU:
    return neurlp_graph_gelu(graph, x);
  case NEURLP_UNARY_TANH:
    return neurlp_graph_tanh(graph, x);
  case NEURLP_UNARY_SIGMOID:
    return neurlp_graph_sigmoid(graph, x);
  case NEURLP_UNARY_SOFTPLUS:
    return neurlp_graph_softplus(graph, x);
  default:
    return neurlp_graph_relu(graph, x);
  }
}

static neurlp_value add_layers(const passage *p, const neurlp_layer_spec *layers, int32_t count,
                               neurlp_value x, const char *name);

static neurlp_value add_layer(const passage *p, const neurlp_layer_spec *layer, neurlp_value x,
                              const char *name) {
  if (x < 0) return x;
  switch (layer->kind) {
  case NEURLP_LAYER_DENSE:
    return add_dense(p, layer, x, name);
  case NEURLP_LAYER_CONVOLUTION:
    return add_convolution(p, layer, x, name);
  case NEURLP_LAYER_NORMALISE:
    return neurlp_layer_normalise(p->graph, name, x, 1);
  case NEURLP_LAYER_RESIDUAL:
    return neurlp_layer_residual(p->graph, name, x,
                                 add_layers(p, layer->children, layer->child_count, x, name));
  case NEURLP_LAYER_FLATTEN:
    return add_flatten(p, x);
  case NEURLP_LAYER_MEAN:
    return add_mean(p, x, name);
  case NEURLP_LAYER_ACTIVATION:
    return add_activation(p->graph, layer->activation, x);
  case NEURLP_LAYER_SCALE:
    return neurlp_graph_scale(p->graph, x, layer->numbers[0], layer->numbers[1]);
  case NEURLP_LAYER_CLIP:
    return neurlp_graph_clip(p->graph, x, layer->numbers[0], layer->numbers[1]);
  }
  return NEURLP_NO_VALUE;
}

/* Layer i of "denoise" is "denoise.i". */
static neurlp_value add_layers(const passage *p, const neurlp_layer_spec *layers, int32_t count,
                               neurlp_value x, const char *name) {
  char own[NAME_BYTES];
  for (int32_t i = 0; i < count; i++) {
    snprintf(own, sizeof own, "%s.%d", name, i);
    x = add_layer(p, &layers[i], x, own);
  }
  return x;
}

static void find_last_wide(passage *p, const neurlp_network_spec *network) {
  for (int32_t i = network->layer_count - 1; i >= 0 && !p->last_wide; i--) {
    const neurlp_layer_kind kind = network->layers[i].kind;
    if (kind == NEURLP_LAYER_MEAN) p->averaged = true;
    if (kind == NEURLP_LAYER_DENSE || kind == NEURLP_LAYER_CONVOLUTION) p->last_wide = &network->layers[i];
  }
}

neurlp_value neurlp_network_layers(neurlp_graph *graph, const neurlp_network_spec *network, neurlp_value x,
                                   int64_t needed) {
  passage p = {.graph = graph, .network = network->name, .needed = needed};
  find_last_wide(&p, network);
  const neurlp_value y = add_layers(&p, network->layers, network->layer_count, x, network->name);
  if (y < 0) return y;
  const neurlp_tensor_shape shape = neurlp_graph_shape(graph, y);
  const int64_t numbers = neurlp_shape_product(&shape, 1, shape.rank);
  if (numbers == needed) return add_flatten(&p, y);
  return neurlp_graph_refuse(
      graph, neurlp_fail(
                 neurlp_graph_context(graph), NEURLP_ERROR_DECK,
                 "network %s gives %lld numbers for each sample, and its use needs %lld; give its last layer "
                 "that width, or leave its width out",
                 network->name, (long long)numbers, (long long)needed));
}
