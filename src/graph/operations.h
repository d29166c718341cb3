/* The operations of a graph, as functions that add them. Each returns the new value. B below is the number of
 * samples of a shard; the first extent of a tensor is B, or 1 for what all samples share, unless it says
 * otherwise. Extents are in row-major order. Every operation is differentiable with respect to all inputs
 * unless it says otherwise. Errors: graph.h. */
#ifndef NEURLP_GRAPH_OPERATIONS_H
#define NEURLP_GRAPH_OPERATIONS_H

#include "expr/expr.h"
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

/* ---- mechanistic blocks ------------------------------------------------------------------------------ */

/* Terms as functions of points, which are rows of x: [...][D] -> [...][L]. Texts in the expression language
 * (docs/expressions.md), or those of a basis library (expr/library.h).
 *   parameters  [P], or NEURLP_NO_VALUE: what all points share
 *   symbols     names of the D numbers of a point, then of the P parameters; read during the call, as texts
 *   texts       [count], L of them
 * Evaluated in double precision in graphs of either. A sample that is absent or failed has zeros. A term
 * whose derivative is infinite where no gradient comes from adds nothing. Fails with NEURLP_ERROR_SYNTAX,
 * too. */
neurlp_value neurlp_graph_library(neurlp_graph *graph, neurlp_value x, neurlp_value parameters,
                                  const neurlp_symbols *symbols, int32_t count, const char *const *texts);

/* What a block is told beside its inputs. The letters are those of neurlp.h; D and E are extents of the
 * coefficients. */
typedef struct neurlp_graph_block_spec {
  int32_t steps;               /* T >= 2 */
  int32_t order;               /* d */
  int32_t initial_steps;       /* K */
  int32_t initial_derivatives; /* J */
  int32_t final_derivatives;   /* JF */
  int64_t blocks;              /* systems of each sample, 0: 1; S = B blocks, sample s has s blocks, ... */
  neurlp_formulation formulation;
  bool mixed; /* NEURLP_MIXED in graphs in double precision */
} neurlp_graph_block_spec;

/* Extents in bars may be 1: all systems, or all steps, share the numbers then. */
typedef struct neurlp_graph_block_inputs {
  neurlp_value coefficients;   /* |S||T|[E][D][d+1] */
  neurlp_value rhs;            /* |S||T|[E] */
  neurlp_value initial_values; /* |S|[K][D][J]; NEURLP_NO_VALUE if K J = 0 */
  neurlp_value final_values;   /* |S|[D][JF], shared as the initial values are; NEURLP_NO_VALUE if JF = 0 */
  neurlp_value steps;          /* |S||T-1|[1 or D], > 0 */
} neurlp_graph_block_inputs;

/* The linear mechanistic block: the solution [S][T][D][d+1] of neurlp_solver_solve, and the gradients of
 * neurlp_solver_adjoint. A system that fails has zeros as its solution, and no part in any gradient; its
 * sample's status says why (the first failure of a sample counts). Systems of absent samples are not solved.
 * Where coefficients and steps are constants that all systems share, they are factorised once, when the
 * graph's memory is allocated: they must not be written after that. Factors of other systems are kept from
 * forward to backward where that takes 16 MiB at most. Source: docs/math.md, sections 2, 3, 9. */
neurlp_value neurlp_graph_block(neurlp_graph *graph, const neurlp_graph_block_spec *spec,
                                const neurlp_graph_block_inputs *inputs);

/* What a nonlinear block is told; 0 is a default as in neurlp_nonlinear_shape. */
typedef struct neurlp_graph_nonlinear_spec {
  const neurlp_equations *equations; /* D, kappa, P; borrowed until the graph is destroyed */
  int32_t steps;                     /* T >= 2 */
  int32_t order;                     /* d */
  double nominal_step, weight_top;
  int32_t iterations;
  double tolerance, remainder;
  int32_t corrections;
  const double *scale; /* [D] typical sizes, read during the call; NULL: 1 */
} neurlp_graph_nonlinear_spec;

/* The nonlinear block: u^(kappa) = f(u, theta, t) -> [B][T][D][d+1] by neurlp_nonlinear_solve, in double
 * precision in graphs of either. t is 0 at the first grid point. Extents in bars may be 1.
 *   initial_values |B|[D][kappa]
 *   parameters     |B|[P], or NEURLP_NO_VALUE if P = 0
 *   steps          |B||T-1|, > 0; not differentiable where the equations use t
 *   guess          |B||T|[D][kappa]: where the iteration starts, no gradient flows to it; NEURLP_NO_VALUE:
 * the initial values at all times Failures as in neurlp_graph_block; what the gradient neglects:
 * neurlp_nonlinear_adjoint. */
neurlp_value neurlp_graph_nonlinear_block(neurlp_graph *graph, const neurlp_graph_nonlinear_spec *spec,
                                          neurlp_value initial_values, neurlp_value parameters,
                                          neurlp_value steps, neurlp_value guess);

#endif
