#include "graph/cpu/broadcast_sum.h"

#include "graph/cpu/walk.h"

/* The axes of `whole` split into those along which a part has numbers of its own, and those that it is summed
 * over. */
typedef struct split {
  neurlp_tensor_shape own, summed;
  int64_t own_whole[NEURLP_TENSOR_RANK], own_other[NEURLP_TENSOR_RANK], own_part[NEURLP_TENSOR_RANK];
  int64_t summed_whole[NEURLP_TENSOR_RANK], summed_other[NEURLP_TENSOR_RANK];
} split;

static split split_axes(const neurlp_tensor_shape *whole, const int64_t *of_whole, const int64_t *of_other,
                        const int64_t *of_part) {
  split s = {.own.rank = 0};
  for (int32_t axis = 0; axis < whole->rank; axis++) {
    const bool own = of_part[axis] != 0;
    neurlp_tensor_shape *shape = own ? &s.own : &s.summed;
    const int32_t i = shape->rank++;
    shape->extents[i] = whole->extents[axis];
    (own ? s.own_whole : s.summed_whole)[i] = of_whole[axis];
    (own ? s.own_other : s.summed_other)[i] = of_other[axis];
    if (own) s.own_part[i] = of_part[axis];
  }
  return s;
}

static int64_t place(const neurlp_tensor_shape *shape, const int64_t *strides, int64_t index) {
  int64_t at = 0;
  for (int32_t axis = shape->rank - 1; axis >= 0; axis--) {
    at += index % shape->extents[axis] * strides[axis];
    index /= shape->extents[axis];
  }
  return at;
}

void NEURLP_REAL(neurlp_broadcast_sum)(const neurlp_graph *graph, const neurlp_tensor_shape *whole,
                                       const real *dy, const neurlp_tensor_shape *other_shape,
                                       const real *other, const neurlp_tensor_shape *part_shape, real *part) {
  int64_t of_whole[NEURLP_TENSOR_RANK], of_other[NEURLP_TENSOR_RANK], of_part[NEURLP_TENSOR_RANK];
  neurlp_shape_strides(whole, whole, of_whole);
  neurlp_shape_strides(other ? other_shape : whole, whole, of_other);
  neurlp_shape_strides(part_shape, whole, of_part);
  const split s = split_axes(whole, of_whole, of_other, of_part);
  const int64_t owns = neurlp_shape_numbers(&s.own), rows = neurlp_walk_rows(&s.summed);
  const int64_t length = neurlp_walk_length(&s.summed);
  const int64_t step_whole = neurlp_walk_step(&s.summed, s.summed_whole);
  const int64_t step_other = neurlp_walk_step(&s.summed, s.summed_other);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t p = 0; p < owns; p++) {
    const int64_t from = place(&s.own, s.own_whole, p), beside = place(&s.own, s.own_other, p);
    real sum = 0;
    for (int64_t row = 0; row < rows; row++) {
      const real *d = dy + from + neurlp_walk_row(&s.summed, s.summed_whole, row);
      const real *o = other ? other + beside + neurlp_walk_row(&s.summed, s.summed_other, row) : NULL;
      for (int64_t i = 0; i < length; i++) sum += d[i * step_whole] * (o ? o[i * step_other] : 1);
    }
    part[place(&s.own, s.own_part, p)] += sum;
  }
}
