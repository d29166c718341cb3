/* From layers of a deck to operations of a graph. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_LAYERS_H
#define NEURLP_LEARN_NETWORK_NETWORK_LAYERS_H

#include "learn/network/network_spec.h"

/* Adds the layers of a network to the graph: x [B][T][channels] -> y [B][numbers] in all. `needed` is how
 * many numbers each sample's result shall have: the last layer with a width of 0 takes the width that gives
 * them. Parameters are named "<network>.<layer>.weight" and so on. Fails, as building does, where the layers
 * do not fit or the result has another number of numbers. */
neurlp_value neurlp_network_layers(neurlp_graph *graph, const neurlp_network_spec *network, neurlp_value x,
                                   int64_t needed);

#endif
