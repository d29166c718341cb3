/* What a batch's results are against the oracle: errors over their bounds.
 *
 * With kappa the condition number of the matrix in scaled unknowns, r its residual, and factors R that differ
 * from the exact ones by a relative error delta, first-order perturbation theory gives
 *   |dx|        <= delta ( kappa |x| + kappa |r| / sigma_min )
 *   |dr|        <= delta ( |A| |x| + kappa |r| )
 *   |dlambda|   <= delta kappa ( |lambda| + |A lambda| / sigma_min )
 *   |dA lambda| <= delta ( |A| |lambda| + kappa |A lambda| )
 * and the gradients' errors follow by the product rule, those of the tangent from its two parts, which are a
 * solution and a multiplier. A gradient that is a sum over what its input serves has the sum of the bounds,
 * and the rounding of a sum of so many numbers.
 *
 * Householder QR is stable by columns: delta is epsilon times the number of operations that an entry goes
 * through: a step's rows (at most 3n + E of them, n more of final values) take part in two eliminations of n
 * reflections. delta = (3n + E) epsilon is well below that worst case. Taylor rows are n more; what is left
 * of each step's rows goes into global columns, T times over; pieces are joined by rows as many again.
 * Refined answers are allowed four times the error of those that are computed at once.
 *
 * A solution that is a product of a map P with what is given: the columns of P share the error of the factor,
 * which is that of a solve of their sum. Of its own each has delta |b_j| / sigma_min from the reflections of
 * its right-hand side, and delta kappa |P_j| from its back-substitution, which add up before anything
 * cancels: over all columns, delta ( sqrt(M + N) / sigma_min + kappa |P|_F ) |b|. In the same way an adjoint
 * that is a product has the error of A lambda twice, and the rounding of a product.
 */
#ifndef TESTS_BLOCK_COMPARE_H
#define TESTS_BLOCK_COMPARE_H

#include "block/dense.h"

/* What is compared: the gradient of array i is quantity i. */
enum { SOLUTION = ARRAYS, TANGENT, QUANTITIES };

/* The worst ratio of an error to its bound, by quantity, and the seed it was met at. */
typedef struct ratio_table {
  double worst[QUANTITIES];
  uint64_t seed[QUANTITIES];
  double condition;           /* largest met */
  int64_t compared, left_out; /* systems; those too ill-conditioned for single precision are left out */
  int64_t not_converged;      /* mixed precision, where float's epsilon times the condition is above 0.001 */
  int64_t wrong_status;       /* any other failure */
} ratio_table;

/* The oracles of all systems; free with compare_close. */
dense_system *compare_open(const test_batch *batch);
void compare_close(dense_system *dense, int64_t systems);

/* Compares what batch_run wrote; prints each quantity that is beyond its bound. A tangent or a gradient that
 * was not wanted is not compared. */
void compare_batch(ratio_table *ratios, const test_batch *batch, const dense_system *dense, uint64_t seed,
                   int32_t wanted);

/* Name of a quantity. Static storage. */
const char *compare_name(int32_t quantity);

#endif
