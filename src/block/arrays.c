#include "block/arrays.h"

static neurlp_extents extents_of(int64_t steps, int64_t per_step, neurlp_sharing sharing) {
  const bool shared = (sharing & NEURLP_SHARED) != 0, constant = (sharing & NEURLP_CONSTANT) != 0;
  const int64_t per_system = constant ? per_step : steps * per_step;
  return (neurlp_extents){.per_step = per_step,
                          .per_system = per_system,
                          .step_stride = constant ? 0 : per_step,
                          .system_stride = shared ? 0 : per_system};
}

neurlp_extents neurlp_array_extents(const neurlp_shape *z, neurlp_array array) {
  const int64_t T = z->steps, D = z->dimensions, E = z->equations, R = z->columns;
  const int64_t n = D * (z->order + 1);
  switch (array) {
  case NEURLP_ARRAY_COEFFICIENTS:
    return extents_of(T, E * n, z->coefficients_sharing);
  case NEURLP_ARRAY_RHS:
    return extents_of(T, E * R, z->rhs_sharing);
  case NEURLP_ARRAY_INITIAL_VALUES:
    return extents_of(z->initial_steps, D * z->initial_derivatives * R, z->values_sharing);
  case NEURLP_ARRAY_FINAL_VALUES:
    return extents_of(1, D * z->final_derivatives * R, z->values_sharing);
  case NEURLP_ARRAY_STEPS:
    return extents_of(T - 1, z->steps_per_dimension ? D : 1, z->steps_sharing);
  case NEURLP_ARRAY_SOLUTION:
    return extents_of(T, n * R, NEURLP_VARYING);
  case NEURLP_ARRAY_SLACK:
    return extents_of(1, R, NEURLP_VARYING);
  }
  return (neurlp_extents){0};
}

int64_t neurlp_array_numbers(neurlp_extents extents, int64_t systems) {
  return extents.system_stride == 0 ? extents.per_system : systems * extents.per_system;
}

size_t neurlp_number_bytes(const neurlp_shape *shape) {
  return shape->precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
}
