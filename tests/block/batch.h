/* Random batches for the block's tests: a pure function of a seed, so that a case can be run alone. */
#ifndef TESTS_BLOCK_BATCH_H
#define TESTS_BLOCK_BATCH_H

#include "neurlp.h"

#include <math.h>

/* The larger of two errors; NaN is larger than any number, and stays. */
static inline double worse(double one, double other) {
  return isnan(one) || other <= one ? one : other;
}

/* One batch: shape, inputs, a gradient of the solution, and room for all outputs. Arrays are the batch's. */
typedef struct test_batch {
  neurlp_shape shape;
  neurlp_formulation formulation;
  neurlp_inputs inputs;
  int64_t size_coefficients, size_rhs, size_initial_values, size_steps, size_solution; /* of one system */
  double *coefficients, *rhs, *initial_values, *steps, *grad_output; /* what inputs borrow, writable */
  int32_t *lengths;
  double *solution, *slack;
  neurlp_gradients gradients;
  neurlp_status *status;
} test_batch;

/* Allocates a batch of this shape, filled with random numbers that depend on seed and on each system's index
 * only: coefficients of order 1, leading one dominant; steps between half and twice the nominal one. */
void batch_open(test_batch *batch, const neurlp_shape *shape, const neurlp_formulation *formulation,
                bool ragged, uint64_t seed);
void batch_close(test_batch *batch);

/* A random shape and formulation whose systems are determined. */
void batch_random_shape(uint64_t seed, neurlp_shape *shape, neurlp_formulation *formulation, bool *ragged);

/* Solves and, if wanted, runs the adjoint, with solver objects of its own, on the backend that the
 * environment variable NEURLP_TEST_BACKEND names, cpu if there is none. */
neurlp_status batch_run(test_batch *batch, int32_t threads, bool adjoint);

/* A number in (from, to) or an integer in from..to, for this seed and index. */
double batch_uniform(uint64_t seed, int64_t index, double from, double to);
int32_t batch_integer(uint64_t seed, int64_t index, int32_t from, int32_t to);

void batch_print(const test_batch *batch, uint64_t seed);

#endif
