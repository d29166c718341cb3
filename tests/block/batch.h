/* Random batches for the block's tests: a pure function of a seed, so that a case can be run alone.
 *
 * Numbers are kept as double, whatever the precision; in NEURLP_SINGLE all inputs are numbers that float has,
 * and batch_run lends the library float copies. */
#ifndef TESTS_BLOCK_BATCH_H
#define TESTS_BLOCK_BATCH_H

#include "neurlp.h"

#include <math.h>

/* The larger of two errors; NaN is larger than any number, and stays. */
static inline double worse(double one, double other) {
  return isnan(one) || other <= one ? one : other;
}

/* The arrays of neurlp_inputs, in its order. */
enum { COEFFICIENTS, RHS, INITIAL_VALUES, FINAL_VALUES, STEPS, ARRAYS };

/* One input of a batch: [systems][steps][each]; an extent that serves all systems or steps is 1. */
typedef struct test_array {
  const char *name;
  int64_t systems, steps, each;
  int64_t system_stride, step_stride; /* 0 where the extent serves all */
  int64_t whole;                      /* steps that the longest system has of it: T, T-1, K or 1 */
  double *numbers, *gradient, *direction;
  bool missing, unwanted, fixed; /* batch_run gives NULL for numbers, gradient, direction */
} test_array;

/* A shape and a formulation, and how they are run. */
typedef struct test_case {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged;
  bool prepared; /* the factor is kept, and calls have NULL for coefficients and steps */
} test_case;

/* One batch: inputs, a gradient of the solution, a direction, and room for all outputs. Arrays are its own.
 */
typedef struct test_batch {
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool ragged, prepared;
  int64_t systems; /* of a call */
  test_array arrays[ARRAYS];
  int64_t size_solution;                            /* of one system */
  double *grad_output, *solution, *tangent, *slack; /* [S][T][D][d+1][R]; slack [S][R] */
  int32_t *lengths;                                 /* [S], T where not ragged */
  neurlp_status *status; /* [S] of the solve or, if that was a success, of what came after it */
} test_batch;

/* Place of number i at step t of system s. */
static inline int64_t batch_place(const test_array *array, int64_t s, int64_t t, int64_t i) {
  return s * array->system_stride + t * array->step_stride + i;
}

/* Numbers of an array, of all systems. */
static inline int64_t batch_count(const test_array *array) {
  return array->systems * array->steps * array->each;
}

/* How many steps system s has of an array, within its length. */
int64_t batch_steps(const test_batch *batch, int32_t array, int64_t s);

/* A random case whose systems are determined: hermite, taylor, central, slack and periodic rows, hard and
 * soft values, ragged or not. Seeds beyond BATCH_PLAIN_SEEDS also draw final values, shared inputs,
 * precisions, pieces and kept factors. */
enum { BATCH_PLAIN_SEEDS = 300 };
test_case batch_random(uint64_t seed);

/* Allocates a batch, filled with random numbers that depend on seed and on each system's index only:
 * coefficients of order 1, leading one dominant; steps between half and twice the nominal one. */
void batch_open(test_batch *batch, const test_case *drawn, uint64_t seed);
void batch_close(test_batch *batch);

/* What batch_run does after the solve. */
enum { BATCH_SOLVE = 0, BATCH_ADJOINT = 1, BATCH_TANGENT = 2 };

/* Solves and does what is wanted, with solver objects of its own, on the backend that the environment
 * variable NEURLP_TEST_BACKEND names. If that begins with cpu: it does all on cpu, too, and gives
 * NEURLP_ERROR_INTERNAL if a single bit differs. What is to be written is NaN before. */
neurlp_status batch_run(test_batch *batch, int32_t threads, int32_t wanted);

/* neurlp_inputs of a batch in double precision, for tests that make calls of their own. */
neurlp_inputs batch_inputs(const test_batch *batch);

/* A number in (from, to) or an integer in from..to, for this seed and index. */
double batch_uniform(uint64_t seed, int64_t index, double from, double to);
int32_t batch_integer(uint64_t seed, int64_t index, int32_t from, int32_t to);

/* One line that says what the case is. */
void batch_print(const test_batch *batch, uint64_t seed);

#endif
