/* Variable projection: weights that enter a block's right-hand side linearly, in closed form.
 *
 * Where every dimension k of a sample satisfies an equation with the same left-hand side,
 *
 *   sum_j c[t][j] u_k^(j) = sum_l W[k][l] phi[t][l],
 *
 * the block's solution is linear in W: u_k = u_k^v + sum_l W[k][l] u^l, with u^l the solution for the
 * right-hand side phi_l and initial values 0, u_k^v that for the right-hand side 0. So the W that minimises
 *
 *   weight sum over samples, t, k of (u_k[t] - data[t][k])^2 + ridge |W|^2
 *
 * is a linear least-squares problem for each dimension. Samples are appended to a triangle for each
 * (core/triangle.h); triangles of shards are merged in a fixed order, so that the answer does not depend on
 * who computed which; then W is solved for. With W at its optimum the gradient of the loss with respect to
 * everything else is that with W held fixed: neurlp_graph_backward's. Source: Golub, Pereyra, SIAM J. Numer.
 * Anal. 10 (1973); docs/math.md, section 9. */
#ifndef NEURLP_GRAPH_PROJECTION_H
#define NEURLP_GRAPH_PROJECTION_H

#include "core/context.h"

typedef struct neurlp_projection_spec {
  int32_t steps;               /* T >= 2 */
  int32_t dimensions;          /* D >= 1 */
  int32_t terms;               /* L >= 1 */
  int32_t order;               /* d */
  int32_t initial_steps;       /* K */
  int32_t initial_derivatives; /* J */
  neurlp_formulation formulation;
  const double *coefficients; /* c [T][d+1], or [1][d+1] if constant_coefficients: of all samples */
  const double *step_sizes;   /* h [T-1], or [1] if constant_steps: of all samples, > 0 */
  bool constant_coefficients, constant_steps;
} neurlp_projection_spec;

typedef struct neurlp_projection neurlp_projection;

/* Makes a projection and allocates its workspace, which does not depend on the number of samples. The numbers
 * of the spec are only read during the call. The context is borrowed until the projection is destroyed. Fails
 * with NEURLP_ERROR_ARGUMENT, also where the left-hand side is singular, or NEURLP_ERROR_MEMORY; *projection
 * is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_projection_create(neurlp_context *context,
                                                       const neurlp_projection_spec *spec,
                                                       neurlp_projection **projection);

/* Frees the projection and sets *projection to NULL. Safe to call twice. */
void neurlp_projection_destroy(neurlp_projection **projection);

/* How many numbers the sums of a shard are: for each dimension a triangle on the terms and the data, and the
 * number of its rows. All 0 is a shard without samples. */
int64_t neurlp_projection_numbers(const neurlp_projection *projection);

/* Appends samples to the sums.
 *   library  [count][T][L]
 *   values   [count][K][D][J]; NULL if K J = 0
 *   data     [count][T][D]; NaN is missing
 *   statuses [count] samples with another than NEURLP_SUCCESS are left out; NULL: none is
 *   weight   >= 0, of each square
 *   sums     [neurlp_projection_numbers], added to
 * Samples whose library or values are not finite are left out, too. Fails only with what concerns no one
 * sample. Cost: a solve with L + D columns, 2 T (L+1)^2 D operations, for each sample. */
NEURLP_MUST_USE neurlp_status neurlp_projection_append(neurlp_projection *projection, int64_t count,
                                                       const double *library, const double *values,
                                                       const double *data, const neurlp_status *statuses,
                                                       double weight, double *sums);

/* Adds the sums of another shard. */
void neurlp_projection_merge(neurlp_projection *projection, double *sums, const double *other);

/* Solves for the weights.
 *   mask    [D][L] which weights may differ from 0; NULL: all
 *   ridge   >= 0
 *   weights [D][L], written, as the weight of neurlp_graph_dense_plain; 0 where the rows do not determine it
 *   errors  [D][L], written: standard errors, with the variance of the noise from each dimension's residuals
 * and the library held fixed; 0 where masked, infinite where not determined or where there are no more data
 * than weights; NULL: not wanted Returns the loss that is left, ridge |W|^2 included; NaN if the sums have a
 * NaN. */
double neurlp_projection_solve(neurlp_projection *projection, const double *sums, const bool *mask,
                               double ridge, double *weights, double *errors);

#endif
