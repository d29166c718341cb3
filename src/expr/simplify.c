/* Simplification, one node at a time, from the leaves up: the operands are simple already. Without
 * pool->regroup only identities that keep every rounding are used; with it sums and products are collected
 * (collect.h) as well. */
#include "expr/collect.h"

#include <math.h>

/* A longer chain of factors than this is not searched for its sign: keeps the work for each node constant. */
enum { NEURLP_FACTORS_MOST = 16 };

static const neurlp_node *node_at(const neurlp_pool *pool, int32_t i) {
  return &pool->nodes[i];
}

static bool is_op(const neurlp_pool *pool, int32_t i, neurlp_op op) {
  return node_at(pool, i)->op == op;
}

static bool is_number(const neurlp_pool *pool, int32_t i, double value) {
  return is_op(pool, i, NEURLP_OP_NUMBER) && node_at(pool, i)->value == value;
}

static bool is_negative_number(const neurlp_pool *pool, int32_t i) {
  return is_op(pool, i, NEURLP_OP_NUMBER) && node_at(pool, i)->value < 0.0;
}

/* The nodes from i down the first operands of products and quotients, to where a leading sign would be.
 * Returns how many; *front is the node below them. Too long a chain counts as none: the work for each node
 * stays constant. */
static int32_t walk_to_front(const neurlp_pool *pool, int32_t i, int32_t path[NEURLP_FACTORS_MOST],
                             int32_t *front) {
  int32_t steps = 0;
  *front = i;
  while (is_op(pool, *front, NEURLP_OP_MULTIPLY) || is_op(pool, *front, NEURLP_OP_DIVIDE)) {
    if (steps == NEURLP_FACTORS_MOST) {
      *front = i;
      return 0;
    }
    path[steps++] = *front;
    *front = node_at(pool, *front)->a;
  }
  return steps;
}

/* The chain again, with another node at its front; a factor 1 in front is left out. */
static int32_t replace_front(neurlp_pool *pool, const int32_t *path, int32_t steps, int32_t front) {
  for (int32_t s = steps - 1; s >= 0 && pool->status == NEURLP_SUCCESS; s--) {
    const neurlp_node link = *node_at(pool, path[s]);
    const bool absorbed = link.op == NEURLP_OP_MULTIPLY && is_number(pool, front, 1.0);
    front = absorbed ? link.b : neurlp_pool_make(pool, (neurlp_op)link.op, front, link.b);
  }
  return front;
}

/* If the node begins with a minus sign that can be taken off (-a, -2, -a*b, -a/b), true, and what is left. */
static bool strip_sign(neurlp_pool *pool, int32_t i, int32_t *rest) {
  int32_t path[NEURLP_FACTORS_MOST], front = 0;
  const int32_t steps = walk_to_front(pool, i, path, &front);
  const neurlp_node node = *node_at(pool, front);
  if (node.op != NEURLP_OP_NEGATE && !is_negative_number(pool, front)) return false;
  const int32_t bare = node.op == NEURLP_OP_NEGATE ? node.a : neurlp_pool_number(pool, -node.value);
  *rest = replace_front(pool, path, steps, bare);
  return true;
}

/* -a with the sign on the first factor: -x*y rather than -(x*y); b - a rather than -(a - b). */
static int32_t negate(neurlp_pool *pool, int32_t a) {
  int32_t path[NEURLP_FACTORS_MOST], front = 0, rest = 0;
  if (strip_sign(pool, a, &rest)) return rest;
  const int32_t steps = walk_to_front(pool, a, path, &front);
  const neurlp_node node = *node_at(pool, front);
  const int32_t negated = node.op == NEURLP_OP_SUBTRACT
                              ? neurlp_pool_make(pool, NEURLP_OP_SUBTRACT, node.b, node.a)
                              : neurlp_pool_make(pool, NEURLP_OP_NEGATE, front, -1);
  return replace_front(pool, path, steps, negated);
}

/* ---- each operation ---------------------------------------------------------------------------------- */

static int32_t add(neurlp_pool *pool, int32_t a, int32_t b) {
  int32_t rest = 0;
  if (is_number(pool, a, 0.0)) return b;
  if (is_number(pool, b, 0.0)) return a;
  if (pool->regroup && neurlp_pool_collect_sum(pool, a, b, 1.0, &rest)) return rest;
  if (a == b) return neurlp_pool_simplify(pool, NEURLP_OP_MULTIPLY, neurlp_pool_number(pool, 2.0), a);
  if (strip_sign(pool, b, &rest)) return neurlp_pool_make(pool, NEURLP_OP_SUBTRACT, a, rest);
  if (is_op(pool, a, NEURLP_OP_NEGATE))
    return neurlp_pool_make(pool, NEURLP_OP_SUBTRACT, b, node_at(pool, a)->a);
  return neurlp_pool_make(pool, NEURLP_OP_ADD, a, b);
}

static int32_t subtract(neurlp_pool *pool, int32_t a, int32_t b) {
  int32_t rest = 0;
  if (is_number(pool, b, 0.0)) return a;
  if (is_number(pool, a, 0.0)) return negate(pool, b);
  if (a == b) return neurlp_pool_number(pool, 0.0);
  if (pool->regroup && neurlp_pool_collect_sum(pool, a, b, -1.0, &rest)) return rest;
  if (strip_sign(pool, b, &rest)) return neurlp_pool_make(pool, NEURLP_OP_ADD, a, rest);
  return neurlp_pool_make(pool, NEURLP_OP_SUBTRACT, a, b);
}

static int32_t multiply(neurlp_pool *pool, int32_t a, int32_t b) {
  if (is_number(pool, a, 0.0) || is_number(pool, b, 0.0)) return neurlp_pool_number(pool, 0.0);
  if (is_op(pool, b, NEURLP_OP_NUMBER)) {
    const int32_t swap = a;
    a = b;
    b = swap;
  }
  if (is_number(pool, a, 1.0)) return b;
  if (is_number(pool, a, -1.0)) return negate(pool, b);
  int32_t rest = 0;
  if (pool->regroup && neurlp_pool_collect_product(pool, a, b, &rest)) return rest;
  if (strip_sign(pool, b, &rest)) {
    a = negate(pool, a);
    b = rest;
    if (is_number(pool, b, 1.0)) return a;
  }
  if (a == b) return neurlp_pool_make(pool, NEURLP_OP_POWER, a, neurlp_pool_number(pool, 2.0));
  return neurlp_pool_make(pool, NEURLP_OP_MULTIPLY, a, b);
}

static int32_t divide(neurlp_pool *pool, int32_t a, int32_t b) {
  int32_t rest = 0;
  if (is_number(pool, b, 1.0)) return a;
  if (is_number(pool, b, -1.0)) return negate(pool, a);
  if (is_number(pool, a, 0.0) && !is_number(pool, b, 0.0)) return a;
  if (pool->regroup && neurlp_pool_collect_quotient(pool, a, b, &rest)) return rest;
  if (strip_sign(pool, b, &rest)) return neurlp_pool_make(pool, NEURLP_OP_DIVIDE, negate(pool, a), rest);
  return neurlp_pool_make(pool, NEURLP_OP_DIVIDE, a, b);
}

static int32_t power(neurlp_pool *pool, int32_t a, int32_t b) {
  if (is_number(pool, b, 0.0) || is_number(pool, a, 1.0)) return neurlp_pool_number(pool, 1.0);
  if (is_number(pool, b, 1.0)) return a;
  int32_t collected = 0;
  if (pool->regroup && neurlp_pool_collect_power(pool, a, b, &collected)) return collected;
  return neurlp_pool_make(pool, NEURLP_OP_POWER, a, b);
}

int32_t neurlp_pool_simplify(neurlp_pool *pool, neurlp_op op, int32_t a, int32_t b) {
  if (pool->status < 0) return 0;
  const bool numbers = is_op(pool, a, NEURLP_OP_NUMBER) && (b < 0 || is_op(pool, b, NEURLP_OP_NUMBER));
  if (numbers) {
    const double value = neurlp_op_value(op, node_at(pool, a)->value, b < 0 ? 0.0 : node_at(pool, b)->value);
    if (isfinite(value)) return neurlp_pool_number(pool, value == 0.0 ? 0.0 : value);
  }
  switch (op) {
  case NEURLP_OP_NEGATE:
    return negate(pool, a);
  case NEURLP_OP_ADD:
    return add(pool, a, b);
  case NEURLP_OP_SUBTRACT:
    return subtract(pool, a, b);
  case NEURLP_OP_MULTIPLY:
    return multiply(pool, a, b);
  case NEURLP_OP_DIVIDE:
    return divide(pool, a, b);
  case NEURLP_OP_POWER:
    return power(pool, a, b);
  default:
    return neurlp_pool_make(pool, op, a, b);
  }
}
