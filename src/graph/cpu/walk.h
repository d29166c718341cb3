/* Walking over a tensor and others that broadcast to it. */
#ifndef NEURLP_GRAPH_CPU_WALK_H
#define NEURLP_GRAPH_CPU_WALK_H

#include "graph/shape.h"

/* Place, in a tensor with these strides, of the first number of row `row` of `whole`: a row is all numbers
 * along the last axis. */
static inline int64_t neurlp_walk_row(const neurlp_tensor_shape *whole, const int64_t *strides, int64_t row) {
  int64_t place = 0;
  for (int32_t axis = whole->rank - 2; axis >= 0; axis--) {
    place += row % whole->extents[axis] * strides[axis];
    row /= whole->extents[axis];
  }
  return place;
}

/* Numbers in a row, and rows; one row of one number for rank 0. */
static inline int64_t neurlp_walk_length(const neurlp_tensor_shape *whole) {
  return whole->rank > 0 ? whole->extents[whole->rank - 1] : 1;
}

static inline int64_t neurlp_walk_rows(const neurlp_tensor_shape *whole) {
  return neurlp_shape_product(whole, 0, whole->rank - 1);
}

/* Stride along the last axis. */
static inline int64_t neurlp_walk_step(const neurlp_tensor_shape *whole, const int64_t *strides) {
  return whole->rank > 0 ? strides[whole->rank - 1] : 0;
}

#endif
