#include "graph/shape.h"

#include <stdio.h>

int64_t neurlp_shape_product(const neurlp_tensor_shape *shape, int32_t first, int32_t end) {
  int64_t product = 1;
  for (int32_t axis = first; axis < end; axis++) product *= shape->extents[axis];
  return product;
}

int64_t neurlp_shape_numbers(const neurlp_tensor_shape *shape) {
  return neurlp_shape_product(shape, 0, shape->rank);
}

bool neurlp_shape_equal(const neurlp_tensor_shape *a, const neurlp_tensor_shape *b) {
  if (a->rank != b->rank) return false;
  for (int32_t axis = 0; axis < a->rank; axis++)
    if (a->extents[axis] != b->extents[axis]) return false;
  return true;
}

/* Extent of an axis that is counted from the last one; 1 beyond the first. */
static int64_t from_last(const neurlp_tensor_shape *shape, int32_t axis) {
  return axis < shape->rank ? shape->extents[shape->rank - 1 - axis] : 1;
}

bool neurlp_shape_broadcast(const neurlp_tensor_shape *a, const neurlp_tensor_shape *b,
                            neurlp_tensor_shape *result) {
  result->rank = a->rank > b->rank ? a->rank : b->rank;
  for (int32_t axis = 0; axis < result->rank; axis++) {
    const int64_t one = from_last(a, axis), other = from_last(b, axis);
    if (one != other && one != 1 && other != 1) return false;
    result->extents[result->rank - 1 - axis] = one == 1 ? other : one;
  }
  return true;
}

void neurlp_shape_strides(const neurlp_tensor_shape *part, const neurlp_tensor_shape *whole,
                          int64_t strides[NEURLP_TENSOR_RANK]) {
  int64_t stride = 1;
  for (int32_t axis = 0; axis < whole->rank; axis++) {
    const int64_t extent = from_last(part, axis);
    strides[whole->rank - 1 - axis] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
}

const char *neurlp_shape_print(const neurlp_tensor_shape *shape, char text[NEURLP_SHAPE_TEXT]) {
  int end = 0;
  if (shape->rank == 0) snprintf(text, NEURLP_SHAPE_TEXT, "a number");
  for (int32_t axis = 0; axis < shape->rank && end < NEURLP_SHAPE_TEXT; axis++)
    end += snprintf(text + end, (size_t)(NEURLP_SHAPE_TEXT - end), "[%lld]", (long long)shape->extents[axis]);
  return text;
}
