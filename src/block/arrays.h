/* Sizes of the arrays that cross the public interface, sharing and precision included. */
#ifndef NEURLP_BLOCK_ARRAYS_H
#define NEURLP_BLOCK_ARRAYS_H

#include "core/anywhere.h"
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

/* Of so many steps, each with per_step numbers. */
NEURLP_ANYWHERE neurlp_extents neurlp_extents_of(int64_t steps, int64_t per_step, neurlp_sharing sharing) {
  const bool shared = (sharing & NEURLP_SHARED) != 0, constant = (sharing & NEURLP_CONSTANT) != 0;
  const int64_t per_system = constant ? per_step : steps * per_step;
  return (neurlp_extents){.per_step = per_step,
                          .per_system = per_system,
                          .step_stride = constant ? 0 : per_step,
                          .system_stride = shared ? 0 : per_system};
}

NEURLP_ANYWHERE neurlp_extents neurlp_array_extents(const neurlp_shape *z, neurlp_array array) {
  const int64_t T = z->steps, D = z->dimensions, E = z->equations, R = z->columns;
  const int64_t n = D * (z->order + 1);
  switch (array) {
  case NEURLP_ARRAY_COEFFICIENTS:
    return neurlp_extents_of(T, E * n, z->coefficients_sharing);
  case NEURLP_ARRAY_RHS:
    return neurlp_extents_of(T, E * R, z->rhs_sharing);
  case NEURLP_ARRAY_INITIAL_VALUES:
    return neurlp_extents_of(z->initial_steps, D * z->initial_derivatives * R, z->values_sharing);
  case NEURLP_ARRAY_FINAL_VALUES:
    return neurlp_extents_of(1, D * z->final_derivatives * R, z->values_sharing);
  case NEURLP_ARRAY_STEPS:
    return neurlp_extents_of(T - 1, z->steps_per_dimension ? D : 1, z->steps_sharing);
  case NEURLP_ARRAY_SOLUTION:
    return neurlp_extents_of(T, n * R, NEURLP_VARYING);
  case NEURLP_ARRAY_SLACK:
    return neurlp_extents_of(1, R, NEURLP_VARYING);
  }
  return neurlp_extents_of(0, 0, NEURLP_VARYING);
}

/* Numbers of the whole array in a call with so many systems. */
NEURLP_ANYWHERE int64_t neurlp_array_numbers(neurlp_extents extents, int64_t systems) {
  return extents.system_stride == 0 ? extents.per_system : systems * extents.per_system;
}

/* Bytes of one number. */
NEURLP_ANYWHERE size_t neurlp_number_bytes(const neurlp_shape *shape) {
  return shape->precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
}

#endif
