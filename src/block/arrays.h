/* Sizes of the arrays that cross the public interface, sharing and precision included. */
#ifndef NEURLP_BLOCK_ARRAYS_H
#define NEURLP_BLOCK_ARRAYS_H

#include "neurlp.h"

/* The arrays of neurlp_inputs, which neurlp_gradients and neurlp_direction have too, then the others.
 * grad_output and the tangent are as the solution. */
typedef enum neurlp_array {
  NEURLP_ARRAY_COEFFICIENTS,
  NEURLP_ARRAY_RHS,
  NEURLP_ARRAY_INITIAL_VALUES,
  NEURLP_ARRAY_FINAL_VALUES,
  NEURLP_ARRAY_STEPS,
  NEURLP_ARRAY_INPUTS, /* how many those are */
  NEURLP_ARRAY_SOLUTION = NEURLP_ARRAY_INPUTS,
  NEURLP_ARRAY_SLACK
} neurlp_array;

/* How an array is laid out, in numbers: that of system s and step t begin at s system_stride + t step_stride.
 */
typedef struct neurlp_extents {
  int64_t per_step;      /* of one system and step (interval for step sizes) */
  int64_t per_system;    /* of one system, of all if they share it */
  int64_t step_stride;   /* per_step; 0 if constant */
  int64_t system_stride; /* per_system; 0 if shared */
} neurlp_extents;

neurlp_extents neurlp_array_extents(const neurlp_shape *shape, neurlp_array array);

/* Numbers of the whole array in a call with so many systems. */
int64_t neurlp_array_numbers(neurlp_extents extents, int64_t systems);

/* Bytes of one number. */
size_t neurlp_number_bytes(const neurlp_shape *shape);

#endif
