/* Batches that are timed: damped oscillators, coupled if there are several dimensions, with hard initial
 * values. They stay well conditioned over any number of steps, so that every competitor can solve them. */
#ifndef TESTS_BENCH_BATCH_H
#define TESTS_BENCH_BATCH_H

#include "neurlp.h"

/* What a competitor writes, for the whole batch. */
typedef struct bench_outputs {
  double *solution; /* [S][T][D][d+1][R] */
  neurlp_gradients gradients;
} bench_outputs;

typedef struct bench_batch {
  neurlp_shape shape;
  neurlp_formulation formulation;
  neurlp_inputs inputs; /* borrows the five arrays below */
  int64_t size_coefficients, size_rhs, size_initial_values, size_steps, size_solution; /* of one system */
  double *coefficients, *rhs, *initial_values, *steps, *grad_output;
  bench_outputs outputs;
  neurlp_status *status; /* [S] */
} bench_batch;

/* The shape with E = D and initial values for every derivative below the leading one, at the first step. */
neurlp_shape bench_shape(int64_t systems, int32_t steps, int32_t dimensions, int32_t order, int32_t columns);

/* Bytes of all arrays of a batch of this shape. */
double bench_batch_bytes(const neurlp_shape *shape);

/* Allocates a batch and fills its inputs; outputs are zeros. False if memory does not suffice. */
bool bench_batch_open(bench_batch *batch, const neurlp_shape *shape);
void bench_batch_close(bench_batch *batch);

/* A second set of outputs; the members are to be freed by bench_outputs_close. */
bool bench_outputs_open(bench_outputs *outputs, const bench_batch *batch);
void bench_outputs_close(bench_outputs *outputs);

#endif
