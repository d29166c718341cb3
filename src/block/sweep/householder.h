/* Householder reflections of rows that are stored one below the other (docs/math.md, section 2). */
#ifndef NEURLP_BLOCK_HOUSEHOLDER_H
#define NEURLP_BLOCK_HOUSEHOLDER_H

#include "block/sweep/lanes.h"

/* Columns that a reflection is applied to at one time. */
enum { REFLECTOR_BLOCK = 4 };

/* H = I - factor v v^T with v = (head, the column below the pivot) and head = alpha + norm, alpha the pivot
 * that was. */
typedef struct reflector {
  lanes alpha, norm, head, factor;
} reflector;

/* The reflection that maps (pivot, below) to (-+norm, 0); *pivot becomes the new one. Where nothing is below,
 * or nothing whose square is a number, it is the identity, exactly. `below` is an entry of the first row
 * below, rows are `stride` apart. */
NEURLP_INLINE reflector reflector_make(work_cell *pivot, const work_cell *below, int32_t rows,
                                       int32_t stride) {
  const lanes zero = lanes_all(0.0);
  lanes tail = zero;
  EACH (i, 0, rows) tail = lanes_fma(below[i * stride], below[i * stride], tail);
  const lanes alpha = *pivot;
  const lanes norm = lanes_with_sign(lanes_sqrt(lanes_fma(alpha, alpha, tail)), alpha);
  const lanes head = alpha + norm; /* of one sign: nothing cancels */
  const lanes product = norm * head;
  const lane_mask none = lanes_equal(tail, zero) | lanes_greater(lanes_all(INNER_SMALLEST), product);
  *pivot = lanes_select(none, alpha, -norm);
  const lanes one = lanes_all(1.0); /* selected before the division, or compilers divide twice */
  return (reflector){alpha, norm, head, lanes_select(none, zero, one) / lanes_select(none, one, product)};
}

/* Applies it to `width` columns; a constant, so that their sums stay in registers. They do not wait for the
 * square root: norm comes in last. */
NEURLP_INLINE void reflector_apply_block(reflector h, const work_cell *v, work_cell *pivot_row,
                                         work_cell *below, int32_t rows, int32_t stride, int32_t width) {
  lanes w[REFLECTOR_BLOCK];
  EACH (q, 0, width) w[q] = h.alpha * pivot_row[q];
  EACH (i, 0, rows)
    EACH (q, 0, width) w[q] = lanes_fma(v[i * stride], below[i * stride + q], w[q]);
  EACH (q, 0, width) {
    w[q] = lanes_fma(h.norm, pivot_row[q], w[q]) * h.factor;
    pivot_row[q] = lanes_fma(-w[q], h.head, pivot_row[q]);
  }
  EACH (i, 0, rows) {
    const lanes x = v[i * stride];
    EACH (q, 0, width) below[i * stride + q] = lanes_fma(-w[q], x, below[i * stride + q]);
  }
}

/* Applies it to columns [first, last) of the pivot's row and of the rows below; `v` is the column it was made
 * from. */
NEURLP_INLINE void reflector_apply(reflector h, const work_cell *v, work_cell *pivot_row, work_cell *below,
                                   int32_t rows, int32_t stride, int32_t first, int32_t last) {
  int32_t j = first;
  for (; j + REFLECTOR_BLOCK <= last; j += REFLECTOR_BLOCK)
    reflector_apply_block(h, v, pivot_row + j, below + j, rows, stride, REFLECTOR_BLOCK);
  if (last - j == 3) reflector_apply_block(h, v, pivot_row + j, below + j, rows, stride, 3);
  if (last - j == 2) reflector_apply_block(h, v, pivot_row + j, below + j, rows, stride, 2);
  if (last - j == 1) reflector_apply_block(h, v, pivot_row + j, below + j, rows, stride, 1);
}

#endif
