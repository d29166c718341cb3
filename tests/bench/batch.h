/* Batches that are timed: damped oscillators, coupled if there are several dimensions, with hard initial
 * values. They stay well conditioned over any number of steps, so that every competitor can solve them.
 *
 * Arrays hold double or float, as the shape's precision says. With shared coefficients and steps, which the
 * shape says too, those two inputs have the numbers of one system only. */
#ifndef TESTS_BENCH_BATCH_H
#define TESTS_BENCH_BATCH_H

#include "neurlp.h"

/* The inputs, in the order of neurlp_inputs, and what is solved for. */
typedef enum bench_array {
  BENCH_COEFFICIENTS,
  BENCH_RHS,
  BENCH_INITIAL_VALUES,
  BENCH_STEPS,
  BENCH_INPUTS,
  BENCH_SOLUTION = BENCH_INPUTS,
  BENCH_ARRAYS
} bench_array;

/* What a competitor writes, for the whole batch: gradients of the inputs, then the solution. S systems each,
 * also where the input is shared. */
typedef struct bench_outputs {
  void *array[BENCH_ARRAYS];
} bench_outputs;

typedef struct bench_batch {
  neurlp_shape shape;
  neurlp_formulation formulation;
  int64_t size[BENCH_ARRAYS]; /* numbers of one system */
  void *input[BENCH_INPUTS];
  void *direction[BENCH_INPUTS]; /* for the tangent; NULL unless asked for */
  void *grad_output;             /* shaped as the solution */
  void *tangent;                 /* the same; NULL unless asked for */
  bench_outputs outputs;
  neurlp_status *status; /* [S] */
} bench_batch;

/* The shape with E = D and initial values for every derivative below the leading one, at the first step. */
neurlp_shape bench_shape(int64_t systems, int32_t steps, int32_t dimensions, int32_t order, int32_t columns);

/* Coefficients and steps become those of all systems. */
void bench_share(neurlp_shape *shape);
bool bench_is_shared(const neurlp_shape *shape);

/* Bytes of a number in arrays of this shape. */
size_t bench_number_bytes(const neurlp_shape *shape);

/* Bytes of all arrays of a batch of this shape, without tangent. */
double bench_batch_bytes(const neurlp_shape *shape);

/* Systems whose numbers an input holds: 1 or S. */
int64_t bench_input_systems(const bench_batch *batch, int32_t array);

/* Allocates a batch and fills its inputs; outputs are zeros. False if memory does not suffice. */
bool bench_batch_open(bench_batch *batch, const neurlp_shape *shape, bool tangent);
void bench_batch_close(bench_batch *batch);

/* A second set of outputs; the members are to be freed by bench_outputs_close. */
bool bench_outputs_open(bench_outputs *outputs, const bench_batch *batch);
void bench_outputs_close(bench_outputs *outputs);

/* The same batch with every array in double precision, number by number the same, for what reads only that.
 * Closed by bench_batch_close. */
bool bench_batch_widen(const bench_batch *batch, bench_batch *wide);

/* Numbers of system s of an input, and of an output; of batches in double precision. */
const double *bench_input(const bench_batch *batch, int32_t array, int64_t s);
double *bench_output(const bench_batch *batch, const bench_outputs *outputs, int32_t array, int64_t s);

#endif
