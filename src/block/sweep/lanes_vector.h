/* Lanes in vector registers of a CPU. Included by lanes.h. */
#ifndef NEURLP_BLOCK_LANES_VECTOR_H
#define NEURLP_BLOCK_LANES_VECTOR_H

#if defined(__FMA__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define REGISTER_BYTES 64
#elif defined(__AVX__)
#define REGISTER_BYTES 32
#else
#define REGISTER_BYTES 16
#endif

/* As many as outer numbers fit into a register: halves of one then hold the inner numbers of mixed precision.
 */
#if defined(NEURLP_KERNEL_SINGLE)
#define NEURLP_LANES (REGISTER_BYTES / 4)
#else
#define NEURLP_LANES (REGISTER_BYTES / 8)
#endif
enum { LANES = NEURLP_LANES, GROUP = LANES };

typedef inner lanes __attribute__((vector_size(LANES * sizeof(inner))));
typedef outer wide __attribute__((vector_size(LANES * sizeof(outer))));
typedef inner_mask lane_mask __attribute__((vector_size(LANES * sizeof(inner)))); /* all bits set: true */
typedef outer_mask wide_mask __attribute__((vector_size(LANES * sizeof(outer))));

typedef lanes lane_cell, work_cell;
typedef wide wide_cell;

/* a b + c, and square roots, of whole registers. Contractions are spelled out, and the compiler's own are
 * off: then a system's numbers do not depend on which copy of the code it went through. Where there is fma
 * they are intrinsics: compilers find such a register in a loop over lanes, too, but not before they have
 * given up unrolling the loops around it. */
#if defined(__FMA__)
#define FMA_DOUBLE_64(a, b, c) _mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c))
#define FMA_DOUBLE_32(a, b, c) _mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c))
#define FMA_FLOAT_64(a, b, c)  _mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c))
#define FMA_FLOAT_32(a, b, c)  _mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c))
#define FMA_FLOAT_16(a, b, c)  _mm_fmadd_ps((__m128)(a), (__m128)(b), (__m128)(c))
#define SQRT_DOUBLE_64(x)      _mm512_sqrt_pd((__m512d)(x))
#define SQRT_DOUBLE_32(x)      _mm256_sqrt_pd((__m256d)(x))
#define SQRT_FLOAT_64(x)       _mm512_sqrt_ps((__m512)(x))
#define SQRT_FLOAT_32(x)       _mm256_sqrt_ps((__m256)(x))
#define SQRT_FLOAT_16(x)       _mm_sqrt_ps((__m128)(x))
#if defined(NEURLP_KERNEL_MIXED) && REGISTER_BYTES == 64
#define INNER(operation) operation##_FLOAT_32
#elif defined(NEURLP_KERNEL_MIXED)
#define INNER(operation) operation##_FLOAT_16
#elif defined(NEURLP_KERNEL_SINGLE) && REGISTER_BYTES == 64
#define INNER(operation) operation##_FLOAT_64
#elif defined(NEURLP_KERNEL_SINGLE)
#define INNER(operation) operation##_FLOAT_32
#elif REGISTER_BYTES == 64
#define INNER(operation) operation##_DOUBLE_64
#else
#define INNER(operation) operation##_DOUBLE_32
#endif
#if !defined(NEURLP_KERNEL_MIXED)
#define OUTER(operation) INNER(operation)
#elif REGISTER_BYTES == 64
#define OUTER(operation) operation##_DOUBLE_64
#else
#define OUTER(operation) operation##_DOUBLE_32
#endif
#define FMA_INNER(a, b, c) INNER(FMA)(a, b, c)
#define FMA_OUTER(a, b, c) OUTER(FMA)(a, b, c)
#else
#define FMA_INNER(a, b, c) ((a) * (b) + (c))
#define FMA_OUTER(a, b, c) ((a) * (b) + (c))
#endif

/* Sanitizers look at every access: inlined everywhere it would take them a quarter of an hour to compile. */
#if defined(__SANITIZE_ADDRESS__)
#define NEURLP_INLINE static inline __attribute__((unused))
#else
#define NEURLP_INLINE static inline __attribute__((always_inline, unused))
#endif

/* Before loops over unknowns, rows and right-hand sides; compilers for CPUs unroll them without being told.
 */
#define UNROLLED

/* Comparisons are spelled out where there is no AVX: gcc 12 ends with an internal error when it moves vector
 * comparisons around for an instruction set that has no blend. */
#if defined(__SSE2__) && !defined(__AVX__)
#define COMPARE(mask, mask_number, x, operation, y)                                                          \
  mask r;                                                                                                    \
  for (int32_t l = 0; l < LANES; l++) r[l] = x[l] operation y[l] ? (mask_number)-1 : 0;                      \
  return r
#else
#define COMPARE(mask, mask_number, x, operation, y) return (mask)((x)operation(y))
#endif

/* The same functions for both kinds. */
#define DEFINE_LANE_FUNCTIONS(prefix, vector, number, mask, mask_number, FMA_VECTOR)                         \
  /* Less 0, as plus 0 would change -0. */                                                                   \
  NEURLP_INLINE vector prefix##_all(double x) {                                                              \
    return (number)x - (vector){0};                                                                          \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_select(mask where, vector yes, vector no) {                                  \
    return (vector)((where & (mask)yes) | (~where & (mask)no));                                              \
  }                                                                                                          \
  NEURLP_INLINE mask prefix##_greater(vector x, vector y) {                                                  \
    COMPARE(mask, mask_number, x, >, y);                                                                     \
  }                                                                                                          \
  NEURLP_INLINE mask prefix##_equal(vector x, vector y) {                                                    \
    COMPARE(mask, mask_number, x, ==, y);                                                                    \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_abs(vector x) {                                                              \
    return (vector)((mask)x & ~(mask)prefix##_all(-0.0));                                                    \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_fma(vector a, vector b, vector c) {                                          \
    return (vector)FMA_VECTOR(a, b, c);                                                                      \
  }                                                                                                          \
  /* |size| with the sign of `sign`; size must not be negative. */                                           \
  NEURLP_INLINE vector prefix##_with_sign(vector size, vector sign) {                                        \
    return (vector)((mask)size | ((mask)sign & (mask)prefix##_all(-0.0)));                                   \
  }                                                                                                          \
  /* True where x is neither infinite nor undefined. */                                                      \
  NEURLP_INLINE mask prefix##_finite(vector x) {                                                             \
    return prefix##_equal(x - x, prefix##_all(0.0));                                                         \
  }

DEFINE_LANE_FUNCTIONS(lanes, lanes, inner, lane_mask, inner_mask, FMA_INNER)
DEFINE_LANE_FUNCTIONS(wide, wide, outer, wide_mask, outer_mask, FMA_OUTER)

NEURLP_INLINE lanes lanes_sqrt(lanes x) {
#if defined(__FMA__)
  return (lanes)INNER(SQRT)(x);
#else
  lanes r;
  for (int32_t l = 0; l < LANES; l++)
    r[l] = (inner)(sizeof(inner) == sizeof(float) ? sqrtf((float)x[l]) : sqrt((double)x[l]));
  return r;
#endif
}

/* From one kind to the other; nothing is done where they are the same. */
#if defined(NEURLP_KERNEL_MIXED)
NEURLP_INLINE lanes narrow(wide x) {
  return __builtin_convertvector(x, lanes);
}
NEURLP_INLINE wide widen(lanes x) {
  return __builtin_convertvector(x, wide);
}
NEURLP_INLINE lane_mask narrow_mask(wide_mask x) {
  return __builtin_convertvector(x, lane_mask);
}
NEURLP_INLINE wide_mask widen_mask(lane_mask x) {
  return __builtin_convertvector(x, wide_mask);
}
#else
NEURLP_INLINE lanes narrow(wide x) {
  return x;
}
NEURLP_INLINE wide widen(lanes x) {
  return x;
}
NEURLP_INLINE lane_mask narrow_mask(wide_mask x) {
  return x;
}
NEURLP_INLINE wide_mask widen_mask(lane_mask x) {
  return x;
}
#endif

/* Lane l gets source[l][offset]. Written as one list: gcc 12 makes a masked move of every lane out of a loop.
 */
NEURLP_INLINE wide wide_gather(const outer *const source[LANES], int64_t offset) {
#define LANE(l)   source[l][offset]
#define LANE_2(l) LANE(l), LANE(l + 1)
#define LANE_4(l) LANE_2(l), LANE_2(l + 2)
#define LANE_8(l) LANE_4(l), LANE_4(l + 4)
#if NEURLP_LANES == 2
  return (wide){LANE_2(0)};
#elif NEURLP_LANES == 4
  return (wide){LANE_4(0)};
#elif NEURLP_LANES == 8
  return (wide){LANE_8(0)};
#else
  return (wide){LANE_8(0), LANE_8(8)};
#endif
}

/* The first `count` lanes go to target[l][offset]. */
NEURLP_INLINE void wide_scatter(wide x, outer *const target[LANES], int64_t offset, int32_t count) {
  if (count == LANES)
    for (int32_t l = 0; l < LANES; l++) target[l][offset] = x[l];
  else
    for (int32_t l = 0; l < count; l++) target[l][offset] = x[l];
}

/* Where a workspace of cells begins. */
NEURLP_INLINE wide_cell *wide_cells(const void *memory, int32_t lane) {
  (void)lane;
  return (wide_cell *)memory;
}
NEURLP_INLINE lane_cell *lane_cells(const void *memory, int32_t lane) {
  (void)lane;
  return (lane_cell *)memory;
}

#endif
