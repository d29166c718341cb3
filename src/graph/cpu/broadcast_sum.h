/* Gradients of tensors that broadcast: the sum over all places that a number serves. */
#ifndef NEURLP_GRAPH_CPU_BROADCAST_SUM_H
#define NEURLP_GRAPH_CPU_BROADCAST_SUM_H

#include "graph/cpu/real.h"
#include "graph/shape.h"

/* part[p] += sum over the places of `whole` that p serves of dy times `other` (NULL: 1), which broadcasts to
 * `whole` too. Each sum is formed in double precision, in
 * the order of `whole`. */
void NEURLP_REAL(neurlp_broadcast_sum)(const neurlp_graph *graph, const neurlp_tensor_shape *whole,
                                       const real *dy, const neurlp_tensor_shape *other_shape,
                                       const real *other, const neurlp_tensor_shape *part_shape, real *part);

#endif
