/* The inside of a problem: its shape, its formulation, and the numbers that follow from them. */
#ifndef NEURLP_BLOCK_PROBLEM_H
#define NEURLP_BLOCK_PROBLEM_H

#include "core/context.h"

enum { NEURLP_MAX_ORDER = 4, NEURLP_MAX_DERIVATIVES = NEURLP_MAX_ORDER + 1 };

struct neurlp_problem {
  neurlp_context *context;
  neurlp_shape shape;
  neurlp_formulation formulation;
  int32_t derivatives;    /* d + 1 */
  int32_t unknowns;       /* n = D (d+1), of one step */
  int32_t hard_steps;     /* K if initial values are hard, else 0 */
  int32_t soft_steps;     /* K if initial values are soft, else 0 */
  double weight_equation; /* w_e, never 0 */
  /* Unknown j is scaled by the j-th power of `unit`, the power of two next to the nominal step: scaling and
   * unscaling are exact. */
  double unit;
  double scale[NEURLP_MAX_DERIVATIVES];
  double inverse_scale[NEURLP_MAX_DERIVATIVES];
  /* Smoothness row i of a dimension has hermite[i][p] z^p in column p >= i of step t, and that times
   * -(-1)^(p-i) in column p of step t+1; z = h / unit. Row d is the top row. w_s is not in it. */
  double hermite[NEURLP_MAX_DERIVATIVES][NEURLP_MAX_DERIVATIVES];
};

#endif
