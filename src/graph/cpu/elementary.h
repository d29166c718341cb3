/* exp, expm1, tanh and erf for loops that the compiler turns into vector instructions: no branches, no
 * tables, no calls. The C library's are called number by number: with gcc and SSE2 they take 1.3 to 3.3 times
 * as long in double precision, and 2 to 9 times in single precision.
 *
 * exp(x) = 2^n exp(r) with n the integer next to x / log 2, and r = x - n log 2 within +-0.35, where q(r) =
 * exp(r) - 1 is summed up to the term that is below half a unit. log 2 is split in two, so that n times its
 * first part is exact. n is found by adding 1.5 times 2^52 (2^23), which leaves no bits behind the point: n
 * is then in the last bits of the sum. Errors are below 2 units in the last place of a result (4 halves, as
 * tests/graph/test_graph_values.c counts them); what is infinite or NaN goes where it should. */
#ifndef NEURLP_GRAPH_CPU_ELEMENTARY_H
#define NEURLP_GRAPH_CPU_ELEMENTARY_H

#include "graph/cpu/real.h"

#include <math.h>
#include <string.h>

#ifdef NEURLP_GRAPH_SINGLE
typedef uint32_t real_bits;
enum { NEURLP_MANTISSA = 23, NEURLP_BIAS = 127 };
#define NEURLP_ROUNDER     12582912.0f /* 1.5 2^23 */
#define NEURLP_LOG2_FIRST  0x1.63p-1f
#define NEURLP_LOG2_REST   -0x1.bd0106p-13f
#define NEURLP_EXP_LOWEST  -104.0f /* exp is 0 below, and infinite above the highest */
#define NEURLP_EXP_HIGHEST 89.0f
#define NEURLP_ONE_AT      10.0f /* tanh is 1 from here on */
#else
typedef uint64_t real_bits;
enum { NEURLP_MANTISSA = 52, NEURLP_BIAS = 1023 };
#define NEURLP_ROUNDER     6755399441055744.0 /* 1.5 2^52 */
#define NEURLP_LOG2_FIRST  0x1.62e42feep-1
#define NEURLP_LOG2_REST   0x1.a39ef35793c76p-33
#define NEURLP_EXP_LOWEST  -746.0
#define NEURLP_EXP_HIGHEST 710.0
#define NEURLP_ONE_AT      20.0
#endif

static inline real_bits neurlp_bits_of(real x) {
  real_bits bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* 2 to the power of `biased` less the bias. */
static inline real neurlp_power_of_two(real_bits biased) {
  const real_bits bits = biased << NEURLP_MANTISSA;
  real x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* exp(r) - 1 for |r| <= 0.35. */
static inline real neurlp_expm1_small(real r) {
#ifdef NEURLP_GRAPH_SINGLE
  real p = (real)(1.0 / 5040);
#else
  real p = 1.0 / 6227020800;
  p = p * r + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
#endif
  p = p * r + (real)(1.0 / 720);
  p = p * r + (real)(1.0 / 120);
  p = p * r + (real)(1.0 / 24);
  p = p * r + (real)(1.0 / 6);
  p = p * r + (real)0.5;
  return r + r * r * p;
}

/* q(r), and n with NEURLP_ROUNDER added, for |x| not much above the largest exponent. */
static inline real neurlp_exp_parts(real x, real *rounded) {
  *rounded = x * (real)1.44269504088896340736 + NEURLP_ROUNDER;
  const real n = *rounded - NEURLP_ROUNDER;
  return neurlp_expm1_small((x - n * NEURLP_LOG2_FIRST) - n * NEURLP_LOG2_REST);
}

/* As n is between the smallest and the largest power of two, and beyond, it is applied in two halves. */
static inline real neurlp_exp(real x) {
  const real t = x < NEURLP_EXP_LOWEST ? NEURLP_EXP_LOWEST : x > NEURLP_EXP_HIGHEST ? NEURLP_EXP_HIGHEST : x;
  real rounded;
  const real q = neurlp_exp_parts(t, &rounded);
  const real_bits n = neurlp_bits_of(rounded) - neurlp_bits_of(NEURLP_ROUNDER) + 2 * NEURLP_BIAS;
  const real_bits half = n >> 1;
  const real power = neurlp_power_of_two(half);
  return (power + power * q) * neurlp_power_of_two(n - half);
}

/* exp(x) - 1; what is above 2 NEURLP_ONE_AT counts as that: for the negative side of ELU, and for tanh. */
static inline real neurlp_expm1(real x) {
  const real most = 2 * NEURLP_ONE_AT, t = x < -2 * most ? -2 * most : x > most ? most : x;
  real rounded;
  const real q = neurlp_exp_parts(t, &rounded);
  const real power =
      neurlp_power_of_two(neurlp_bits_of(rounded) - neurlp_bits_of(NEURLP_ROUNDER) + NEURLP_BIAS);
  return power * q + (power - 1);
}

static inline real neurlp_tanh(real x) {
  const real e = neurlp_expm1(2 * x);
  return e / (e + 2);
}

/* In single precision 1 - exp(-x p(x)), with p = -log(1 - erf(x)) / x interpolated at 13 Chebyshev points
 * between 0 and 4, from where on erf is 1. In double precision p would need 40 terms, and the library is
 * faster. */
static inline real neurlp_erf(real x) {
#ifdef NEURLP_GRAPH_SINGLE
  static const float p[] = {2.682470632f,      1.735690203f,     0.1118114901f,     -0.04595186194f,
                            0.01738553978f,    -0.005660189927f, 0.001332338029f,   -3.224683197e-5f,
                            -0.0002238709355f, 0.000217209244f,  -0.0001204567571f, 1.959446514e-5f,
                            6.19831529e-6f};
  const float size = fabsf(x), at = size > 4 ? 4 : size, t = at * 0.5f - 1;
  float sum = p[12];
  for (int i = 11; i >= 0; i--) sum = sum * t + p[i];
  const float y = -neurlp_expm1(-at * sum);
  return x < 0 ? -y : y;
#else
  return erf(x);
#endif
}

#endif
