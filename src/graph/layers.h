/* Layers: operations with parameters of their own, which are made, named and described here. A layer `name`
 * has the parameters "name.weight" and so on; names are at most 200 characters long (what is longer is cut).
 * Each function returns the new value; errors as in graph.h. */
#ifndef NEURLP_GRAPH_LAYERS_H
#define NEURLP_GRAPH_LAYERS_H

#include "graph/operations.h"

/* y = x weight^T + bias over the last axis of x: "weight" [outputs][inputs], decayed, "bias" [outputs]. */
neurlp_value neurlp_layer_dense(neurlp_graph *graph, const char *name, neurlp_value x, int64_t outputs);

/* x [B][channels][length] -> [B][outputs][length of y]: "weight" [outputs][channels][kernel], decayed, "bias"
 * [outputs]. */
neurlp_value neurlp_layer_convolution(neurlp_graph *graph, const char *name, neurlp_value x, int64_t outputs,
                                      int64_t kernel, neurlp_convolution convolution);

/* Normalised over the last `axes` axes with epsilon 1e-5: "gain" and "shift", of these extents. */
neurlp_value neurlp_layer_normalise(neurlp_graph *graph, const char *name, neurlp_value x, int32_t axes);

/* x + y, where y was made of x. If only their last extents differ, x goes through a dense layer first; if
 * they are [B][channels][length] and only the channels differ, through a convolution whose kernel is one
 * number: both with the name `name`. Otherwise there are no parameters, and x and y have to fit as in
 * neurlp_graph_add. */
neurlp_value neurlp_layer_residual(neurlp_graph *graph, const char *name, neurlp_value x, neurlp_value y);

#endif
