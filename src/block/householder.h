/* Householder reflections of rows that are stored one below the other (docs/math.md, section 2). */
#ifndef NEURLP_BLOCK_HOUSEHOLDER_H
#define NEURLP_BLOCK_HOUSEHOLDER_H

#include "block/lanes.h"

/* H = I - factor v v^T with v = (head, the column below the pivot). */
typedef struct reflector {
  lanes head, factor;
} reflector;

/* The reflection that maps (pivot, below) to (-+norm, 0); *pivot becomes the new one. Where nothing is below,
 * it is the identity, exactly. `below` is an entry of the first row below, rows are `stride` apart. */
NEURLP_INLINE reflector reflector_make(lanes *pivot, const lanes *below, int32_t rows, int32_t stride) {
  const lanes zero = lanes_all(0.0);
  lanes tail = zero;
  for (int32_t i = 0; i < rows; i++) tail += below[i * stride] * below[i * stride];
  const lane_mask none = lanes_equal(tail, zero);
  const lanes alpha = *pivot;
  const lanes norm = lanes_with_sign(lanes_sqrt(alpha * alpha + tail), alpha);
  const lanes head = alpha + norm; /* of one sign: nothing cancels */
  *pivot = lanes_select(none, alpha, -norm);
  return (reflector){head, lanes_select(none, zero, lanes_all(1.0) / (norm * head))};
}

/* Applies it to columns [first, last) of the pivot's row and the rows below; `v` is the column it was made
 * from. */
NEURLP_INLINE void reflector_apply(reflector h, const lanes *v, lanes *pivot_row, lanes *below, int32_t rows,
                                   int32_t stride, int32_t first, int32_t last) {
  for (int32_t j = first; j < last; j++) {
    lanes w = h.head * pivot_row[j];
    for (int32_t i = 0; i < rows; i++) w += v[i * stride] * below[i * stride + j];
    w *= h.factor;
    pivot_row[j] -= w * h.head;
    for (int32_t i = 0; i < rows; i++) below[i * stride + j] -= w * v[i * stride];
  }
}

#endif
