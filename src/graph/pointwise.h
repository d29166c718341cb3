/* Functions of one number and their derivatives, for the CPU and for threads of a GPU alike. */
#ifndef NEURLP_GRAPH_POINTWISE_H
#define NEURLP_GRAPH_POINTWISE_H

#include "core/anywhere.h"
#include "graph/operation.h"

#include <math.h>

/* The error function and so on in the precision of the numbers. C has a name for each; C++ overloads one. */
#define NEURLP_POINTWISE_FUNCTIONS(REAL, SUFFIX, EXP, EXPM1, LOG1P, TANH, ERF, FABS)                         \
  NEURLP_ANYWHERE REAL neurlp_unary_value_##SUFFIX(neurlp_unary kind, REAL p, REAL q, REAL x) {              \
    switch (kind) {                                                                                          \
    case NEURLP_UNARY_RELU:                                                                                  \
      return x > 0 ? x : (x == x ? (REAL)0 : x);                                                             \
    case NEURLP_UNARY_ELU:                                                                                   \
      return x > 0 ? x : EXPM1(x);                                                                           \
    case NEURLP_UNARY_GELU:                                                                                  \
      return x * (REAL)0.5 * (1 + ERF(x * (REAL)0.70710678118654752440));                                    \
    case NEURLP_UNARY_TANH:                                                                                  \
      return TANH(x);                                                                                        \
    case NEURLP_UNARY_SIGMOID:                                                                               \
      return 1 / (1 + EXP(-x));                                                                              \
    case NEURLP_UNARY_SOFTPLUS:                                                                              \
      return (x > 0 ? x : (REAL)0) + LOG1P(EXP(-FABS(x)));                                                   \
    case NEURLP_UNARY_SCALE:                                                                                 \
      return p * x + q;                                                                                      \
    case NEURLP_UNARY_CLIP:                                                                                  \
      return x < p ? p : x > q ? q : x;                                                                      \
    case NEURLP_UNARY_EXP:                                                                                   \
      return EXP(x);                                                                                         \
    case NEURLP_UNARY_SQUARE:                                                                                \
      return x * x;                                                                                          \
    case NEURLP_UNARY_COUNT:                                                                                 \
      break;                                                                                                 \
    }                                                                                                        \
    return x;                                                                                                \
  }                                                                                                          \
  /* The derivative at x. */                                                                                 \
  NEURLP_ANYWHERE REAL neurlp_unary_slope_##SUFFIX(neurlp_unary kind, REAL p, REAL q, REAL x) {              \
    switch (kind) {                                                                                          \
    case NEURLP_UNARY_RELU:                                                                                  \
      return x > 0 ? (REAL)1 : (REAL)0;                                                                      \
    case NEURLP_UNARY_ELU:                                                                                   \
      return x > 0 ? (REAL)1 : EXP(x);                                                                       \
    case NEURLP_UNARY_GELU:                                                                                  \
      return (REAL)0.5 * (1 + ERF(x * (REAL)0.70710678118654752440)) +                                       \
             x * (REAL)0.39894228040143267794 * EXP((REAL)-0.5 * x * x);                                     \
    case NEURLP_UNARY_TANH: {                                                                                \
      const REAL y = TANH(x);                                                                                \
      return 1 - y * y;                                                                                      \
    }                                                                                                        \
    case NEURLP_UNARY_SIGMOID: {                                                                             \
      const REAL y = 1 / (1 + EXP(-x));                                                                      \
      return y * (1 - y);                                                                                    \
    }                                                                                                        \
    case NEURLP_UNARY_SOFTPLUS:                                                                              \
      return 1 / (1 + EXP(-x));                                                                              \
    case NEURLP_UNARY_SCALE:                                                                                 \
      return p;                                                                                              \
    case NEURLP_UNARY_CLIP:                                                                                  \
      return x < p || x > q ? (REAL)0 : (REAL)1;                                                             \
    case NEURLP_UNARY_EXP:                                                                                   \
      return EXP(x);                                                                                         \
    case NEURLP_UNARY_SQUARE:                                                                                \
      return 2 * x;                                                                                          \
    case NEURLP_UNARY_COUNT:                                                                                 \
      break;                                                                                                 \
    }                                                                                                        \
    return 1;                                                                                                \
  }

NEURLP_POINTWISE_FUNCTIONS(double, double, exp, expm1, log1p, tanh, erf, fabs)
NEURLP_POINTWISE_FUNCTIONS(float, single, expf, expm1f, log1pf, tanhf, erff, fabsf)

#endif
