/* Products as a coefficient times powers, and sums as products: how derivatives are tidied up. */
#ifndef NEURLP_EXPR_COLLECT_H
#define NEURLP_EXPR_COLLECT_H

#include "expr/tree.h"

/* Each of these writes *made and returns true, or returns false where there is nothing to gain, or more terms
 * or factors than it looks at: then the operation is made as it is. Coefficients are multiplied and added,
 * which replaces one rounding by another. */

/* a*b with one coefficient in front and equal factors as one power: x*(2*x) is 2*x^2. */
bool neurlp_pool_collect_product(neurlp_pool *pool, int32_t a, int32_t b, int32_t *made);

/* a + sign*b without inner parentheses and with like terms added up: 2 - x - x is 2 - 2*x. */
bool neurlp_pool_collect_sum(neurlp_pool *pool, int32_t a, int32_t b, double sign, int32_t *made);

/* a/b where the coefficient of b divides that of a: 6*x/(2*y) is 3*x/y. */
bool neurlp_pool_collect_quotient(neurlp_pool *pool, int32_t a, int32_t b, int32_t *made);

/* (u^m)^n with whole m and n as one power of u. */
bool neurlp_pool_collect_power(neurlp_pool *pool, int32_t a, int32_t b, int32_t *made);

#endif
