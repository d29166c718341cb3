/* Numbers of several systems side by side, one in each lane of a vector register. Arithmetic operators act on
 * every lane; so does everything here. Code written with `lanes` is code for one system: with `lanes` a plain
 * double it would be scalar code, line by line the same. No lane ever sees another. */
#ifndef NEURLP_BLOCK_LANES_H
#define NEURLP_BLOCK_LANES_H

#include <math.h>
#include <stdint.h>

/* SSE2 comparisons are spelled out: gcc 12 ends with an internal error when it moves vector comparisons
 * around for an instruction set that has no blend. */
#if defined(__SSE2__) && !defined(__AVX__)
#include <emmintrin.h>
#define LANES_GREATER(x, y) ((lane_mask)_mm_cmpgt_pd(x, y))
#define LANES_EQUAL(x, y)   ((lane_mask)_mm_cmpeq_pd(x, y))
#else
#define LANES_GREATER(x, y) ((lane_mask)((x) > (y)))
#define LANES_EQUAL(x, y)   ((lane_mask)((x) == (y)))
#endif

#if defined(__AVX512F__)
enum { LANES = 8 };
#elif defined(__AVX__)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif

typedef double lanes __attribute__((vector_size(LANES * 8)));
typedef int64_t lane_mask __attribute__((vector_size(LANES * 8))); /* all bits set: true */

#define NEURLP_INLINE static inline __attribute__((always_inline, unused))

NEURLP_INLINE lanes lanes_all(double x) {
  lanes r;
  for (int32_t l = 0; l < LANES; l++) r[l] = x;
  return r;
}

/* Lane l gets source[l][offset]. */
NEURLP_INLINE lanes lanes_gather(const double *const source[LANES], int64_t offset) {
  lanes r;
  for (int32_t l = 0; l < LANES; l++) r[l] = source[l][offset];
  return r;
}

/* The first `count` lanes go to target[l][offset]. */
NEURLP_INLINE void lanes_scatter(lanes x, double *const target[LANES], int64_t offset, int32_t count) {
  if (count == LANES)
    for (int32_t l = 0; l < LANES; l++) target[l][offset] = x[l];
  else
    for (int32_t l = 0; l < count; l++) target[l][offset] = x[l];
}

NEURLP_INLINE lanes lanes_select(lane_mask where, lanes yes, lanes no) {
  return (lanes)((where & (lane_mask)yes) | (~where & (lane_mask)no));
}

NEURLP_INLINE lane_mask lanes_greater(lanes x, lanes y) {
  return LANES_GREATER(x, y);
}

NEURLP_INLINE lane_mask lanes_equal(lanes x, lanes y) {
  return LANES_EQUAL(x, y);
}

NEURLP_INLINE lanes lanes_sqrt(lanes x) {
  lanes r;
  for (int32_t l = 0; l < LANES; l++) r[l] = sqrt(x[l]);
  return r;
}

NEURLP_INLINE lanes lanes_abs(lanes x) {
  return (lanes)((lane_mask)x & ~(lane_mask)lanes_all(-0.0));
}

/* |size| with the sign of `sign`; size must not be negative. */
NEURLP_INLINE lanes lanes_with_sign(lanes size, lanes sign) {
  return (lanes)((lane_mask)size | ((lane_mask)sign & (lane_mask)lanes_all(-0.0)));
}

/* True where x is neither infinite nor undefined. */
NEURLP_INLINE lane_mask lanes_finite(lanes x) {
  return lanes_equal(x - x, lanes_all(0.0));
}

#endif
