/* The operations of a graph, as functions that add them. Each returns the new value. B below is the number of
 * samples of a shard; the first extent of a tensor is B, or 1 for what all samples share, unless it says
 * otherwise. Extents are in row-major order. Every operation is differentiable with respect to all inputs
 * unless it says otherwise. Errors: graph.h. */
#ifndef NEURLP_GRAPH_OPERATIONS_H
#define NEURLP_GRAPH_OPERATIONS_H

#include "graph/operation.h"

/* ---- element by element ------------------------------------------------------------------------------ */

neurlp_value neurlp_graph_relu(neurlp_graph *graph, neurlp_value x); /* max(x, 0); derivative 0 at 0 */
neurlp_value neurlp_graph_elu(neurlp_graph *graph, neurlp_value x);  /* x > 0: x; else exp(x) - 1 */
neurlp_value neurlp_graph_gelu(neurlp_graph *graph, neurlp_value x); /* x Phi(x), Phi the normal integral */
neurlp_value neurlp_graph_tanh(neurlp_graph *graph, neurlp_value x);
neurlp_value neurlp_graph_sigmoid(neurlp_graph *graph, neurlp_value x);  /* 1 / (1 + exp(-x)) */
neurlp_value neurlp_graph_softplus(neurlp_graph *graph, neurlp_value x); /* log(1 + exp(x)) */
neurlp_value neurlp_graph_exp(neurlp_graph *graph, neurlp_value x);
neurlp_value neurlp_graph_square(neurlp_graph *graph, neurlp_value x);
neurlp_value neurlp_graph_scale(neurlp_graph *graph, neurlp_value x, double factor, double offset);
neurlp_value neurlp_graph_clip(neurlp_graph *graph, neurlp_value x, double lower, double upper);

/* a + b, a b: extents are aligned at the last axis, and an extent of 1 serves all. */
neurlp_value neurlp_graph_add(neurlp_graph *graph, neurlp_value a, neurlp_value b);
neurlp_value neurlp_graph_multiply(neurlp_graph *graph, neurlp_value a, neurlp_value b);

/* ---- layers ------------------------------------------------------------------------------------------ */

/* y[...][o] = sum_i x[...][i] weight[o][i] + bias[o], weight and bias as PyTorch's Linear has them. `bias`
 * may be NEURLP_NO_VALUE only in neurlp_graph_dense_plain. */
neurlp_value neurlp_graph_dense(neurlp_graph *graph, neurlp_value x, neurlp_value weight, neurlp_value bias);
neurlp_value neurlp_graph_dense_plain(neurlp_graph *graph, neurlp_value x, neurlp_value weight);

/* y[s][o][j] = sum_ck x[s][c][stride j + dilation k - padding] weight[o][c][k] + bias[o], as PyTorch's
 * Conv1d: x [B][channels][length], weight [outputs][channels][kernel], bias [outputs], y [B][outputs][length
 * of y] with (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down. */
neurlp_value neurlp_graph_convolution(neurlp_graph *graph, neurlp_value x, neurlp_value weight,
                                      neurlp_value bias, neurlp_convolution convolution);
neurlp_value neurlp_graph_convolution_plain(neurlp_graph *graph, neurlp_value x, neurlp_value weight,
                                            neurlp_convolution convolution);

/* (x - m) / sqrt(v + epsilon) gain + shift, as PyTorch's LayerNorm: m is the mean and v the mean square
 * deviation over the last `axes` axes, whose extents gain and shift have. PyTorch's epsilon is 1e-5. */
neurlp_value neurlp_graph_normalise(neurlp_graph *graph, neurlp_value x, int32_t axes, neurlp_value gain,
                                    neurlp_value shift, double epsilon);
neurlp_value neurlp_graph_normalise_plain(neurlp_graph *graph, neurlp_value x, int32_t axes, double epsilon);

/* ---- structure --------------------------------------------------------------------------------------- */

/* The same numbers in the same order, as another shape. Costs nothing. */
neurlp_value neurlp_graph_reshape(neurlp_graph *graph, neurlp_value x, neurlp_tensor_shape shape);

/* Sum or mean over axes; their extents become 1. */
neurlp_value neurlp_graph_reduce(neurlp_graph *graph, neurlp_value x, uint32_t axes, bool mean);

/* One after the other along `axis`, which alone may have different extents: at most NEURLP_NODE_INPUTS. */
neurlp_value neurlp_graph_concatenate(neurlp_graph *graph, int32_t count, const neurlp_value *x,
                                      int32_t axis);

/* The places first, first + stride, ... of `axis`, `count` of them; stride is 1 or more. */
neurlp_value neurlp_graph_slice(neurlp_graph *graph, neurlp_value x, int32_t axis, int64_t first,
                                int64_t count, int64_t stride);

/* Axes in another order: axis i of the result is axis order[i] of x, [rank of x]. */
neurlp_value neurlp_graph_permute(neurlp_graph *graph, neurlp_value x, const int32_t *order);

/* As many copies as that shape takes: extents are aligned at the last axis, those of x equal to it or 1. */
neurlp_value neurlp_graph_broadcast(neurlp_graph *graph, neurlp_value x, neurlp_tensor_shape shape);

/* ---- losses ------------------------------------------------------------------------------------------ */

/* weight sum over samples s of the mean over a sample's N numbers of
 *   square    (x - target)^2
 *   absolute  |x - target|
 *   relative  (x - target)^2 / (mean of target^2 over the sample's known numbers)
 * A number rank 0. Targets that are NaN are missing: they count 0, and no gradient flows. Samples that are
 * absent or failed count nothing. x and target have the same shape, B first; no gradient flows to the target.
 */
neurlp_value neurlp_graph_loss_of(neurlp_graph *graph, neurlp_loss_kind kind, neurlp_value x,
                                  neurlp_value target);

/* weight present sum of all numbers' squares, or absolute values: a number of rank 0 that is added to losses.
 * weight and present are those of neurlp_graph_begin, so that the penalties of all shards of a batch add up
 * to the plain sum; samples that fail change nothing. For a parameter, or what all samples share. The
 * derivative of |p| at 0 is 0. */
neurlp_value neurlp_graph_penalty(neurlp_graph *graph, neurlp_loss_kind kind, neurlp_value x);

#endif
