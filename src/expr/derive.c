/* Derivative and substitution: one pass over the nodes, operands before users. */
#include "expr/tree.h"

#include <math.h>

/* Simplified copy of a node and its derivative, as pool indices. */
typedef struct slope {
  int32_t value, by;
} slope;

static int32_t op2(neurlp_pool *pool, neurlp_op op, int32_t a, int32_t b) {
  return neurlp_pool_simplify(pool, op, a, b);
}

static int32_t op1(neurlp_pool *pool, neurlp_op op, int32_t a) {
  return neurlp_pool_simplify(pool, op, a, -1);
}

static int32_t times(neurlp_pool *pool, int32_t a, int32_t b) {
  return op2(pool, NEURLP_OP_MULTIPLY, a, b);
}

static int32_t number(neurlp_pool *pool, double value) {
  return neurlp_pool_number(pool, value);
}

static bool is_zero(const neurlp_pool *pool, int32_t i) {
  return pool->nodes[i].op == NEURLP_OP_NUMBER && pool->nodes[i].value == 0.0;
}

/* A denominator u^p, its power taken apart: where it is none, u is the denominator itself and p = 1. */
typedef struct denominator {
  slope whole, base;
  double exponent;
} denominator;

static denominator denominator_of(const neurlp_node *nodes, const slope *below, int32_t i) {
  const neurlp_node *node = &nodes[i];
  if (node->op == NEURLP_OP_SQRT) return (denominator){below[i], below[node->a], 0.5};
  if (node->op == NEURLP_OP_POWER && nodes[node->b].constant && isfinite(nodes[node->b].value))
    return (denominator){below[i], below[node->a], nodes[node->b].value};
  return (denominator){below[i], below[i], 1.0};
}

/* d(a/u^p) = a'/u^p - p a u'/u^(p+1) */
static int32_t slope_of_quotient(neurlp_pool *pool, slope a, denominator b) {
  const int32_t first = is_zero(pool, a.by) ? a.by : op2(pool, NEURLP_OP_DIVIDE, a.by, b.whole.value);
  if (is_zero(pool, b.base.by)) return first;
  const int32_t higher = op2(pool, NEURLP_OP_POWER, b.base.value, number(pool, b.exponent + 1.0));
  const int32_t change = times(pool, times(pool, number(pool, b.exponent), a.value), b.base.by);
  return op2(pool, NEURLP_OP_SUBTRACT, first, op2(pool, NEURLP_OP_DIVIDE, change, higher));
}

/* d(a^b) = b a^(b-1) a' + a^b log(a) b', each part only where a, or b, depends on the symbol: so x^2 has a
 * derivative at 0 and below. */
static int32_t slope_of_power(neurlp_pool *pool, slope a, slope b, int32_t whole) {
  int32_t sum = number(pool, 0.0);
  if (!is_zero(pool, a.by)) {
    const int32_t less = op2(pool, NEURLP_OP_SUBTRACT, b.value, number(pool, 1.0));
    const int32_t lower = op2(pool, NEURLP_OP_POWER, a.value, less);
    sum = times(pool, times(pool, b.value, lower), a.by);
  }
  if (!is_zero(pool, b.by)) {
    const int32_t log_a = op1(pool, NEURLP_OP_LOG, a.value);
    sum = op2(pool, NEURLP_OP_ADD, sum, times(pool, times(pool, whole, log_a), b.by));
  }
  return sum;
}

/* Derivative of a function at u; whole is the function's node. */
static int32_t slope_of_function(neurlp_pool *pool, neurlp_op op, slope u, int32_t whole) {
  const int32_t one = number(pool, 1.0), two = number(pool, 2.0);
  if (is_zero(pool, u.by)) return number(pool, 0.0);
  switch (op) {
  case NEURLP_OP_SIN:
    return times(pool, u.by, op1(pool, NEURLP_OP_COS, u.value));
  case NEURLP_OP_COS:
    return op1(pool, NEURLP_OP_NEGATE, times(pool, u.by, op1(pool, NEURLP_OP_SIN, u.value)));
  case NEURLP_OP_TAN:
    return times(pool, u.by, op2(pool, NEURLP_OP_ADD, one, op2(pool, NEURLP_OP_POWER, whole, two)));
  case NEURLP_OP_EXP:
    return times(pool, u.by, whole);
  case NEURLP_OP_LOG:
    return op2(pool, NEURLP_OP_DIVIDE, u.by, u.value);
  case NEURLP_OP_SQRT:
    return op2(pool, NEURLP_OP_DIVIDE, u.by, times(pool, two, whole));
  case NEURLP_OP_TANH:
    return times(pool, u.by, op2(pool, NEURLP_OP_SUBTRACT, one, op2(pool, NEURLP_OP_POWER, whole, two)));
  case NEURLP_OP_ABS:
    return times(pool, u.by, op2(pool, NEURLP_OP_DIVIDE, u.value, whole));
  default:
    return number(pool, 0.0);
  }
}

/* Node i of a tree; `below` holds the slopes of its operands. */
static slope slope_of(neurlp_pool *pool, const neurlp_node *nodes, int32_t i, const slope *below,
                      int32_t symbol) {
  const neurlp_node *node = &nodes[i];
  const slope none = {0, 0};
  if (node->op == NEURLP_OP_NUMBER) return (slope){number(pool, node->value), number(pool, 0.0)};
  if (node->op == NEURLP_OP_SYMBOL)
    return (slope){neurlp_pool_symbol(pool, node->a), number(pool, node->a == symbol ? 1.0 : 0.0)};
  const slope a = below[node->a], b = node->b < 0 ? none : below[node->b];
  const neurlp_op op = (neurlp_op)node->op;
  slope made = {neurlp_pool_simplify(pool, op, a.value, node->b < 0 ? -1 : b.value), 0};
  switch (op) {
  case NEURLP_OP_NEGATE:
    made.by = op1(pool, op, a.by);
    break;
  case NEURLP_OP_ADD:
  case NEURLP_OP_SUBTRACT:
    made.by = op2(pool, op, a.by, b.by);
    break;
  case NEURLP_OP_MULTIPLY:
    made.by = op2(pool, NEURLP_OP_ADD, times(pool, a.by, b.value), times(pool, a.value, b.by));
    break;
  case NEURLP_OP_DIVIDE:
    made.by = slope_of_quotient(pool, a, denominator_of(nodes, below, node->b));
    break;
  case NEURLP_OP_POWER:
    made.by = slope_of_power(pool, a, b, made.value);
    break;
  default:
    made.by = slope_of_function(pool, op, a, made.value);
    break;
  }
  return made;
}

neurlp_status neurlp_expr_derivative(neurlp_context *context, const neurlp_expr *expr, int32_t symbol,
                                     neurlp_expr **derivative) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_pool pool = {0};
  slope *slopes = NULL;
  *derivative = NULL;
  NEURLP_TRY(neurlp_pool_start(context, &pool));
  pool.regroup = true;
  NEURLP_TRY(neurlp_allocate(context, expr->count, sizeof *slopes, &slopes));
  for (int32_t i = 0; i < expr->count && pool.status == NEURLP_SUCCESS; i++)
    slopes[i] = slope_of(&pool, expr->nodes, i, slopes, symbol);
  status = neurlp_pool_finish(&pool, slopes[expr->count - 1].by, derivative);
done:
  neurlp_release(context, &slopes);
  neurlp_pool_release(&pool);
  return status;
}

/* A node of the copy, and whether a replacement occurs in it. */
typedef struct copied {
  int32_t node;
  bool changed;
} copied;

/* What is not changed stays as it was written; what is changed is simplified. */
static copied copy_of(neurlp_pool *pool, const neurlp_node *node, const copied *below, int32_t count,
                      const neurlp_expr *const *replacements) {
  if (node->op == NEURLP_OP_NUMBER) return (copied){number(pool, node->value), false};
  if (node->op == NEURLP_OP_SYMBOL) {
    const bool replaced = node->a < count && replacements[node->a];
    return (copied){replaced ? neurlp_pool_import(pool, replacements[node->a], NULL)
                             : neurlp_pool_symbol(pool, node->a),
                    replaced};
  }
  const copied a = below[node->a], b = node->b < 0 ? (copied){-1, false} : below[node->b];
  const neurlp_op op = (neurlp_op)node->op;
  if (a.changed || b.changed) return (copied){neurlp_pool_simplify(pool, op, a.node, b.node), true};
  return (copied){neurlp_pool_make(pool, op, a.node, b.node), false};
}

neurlp_status neurlp_expr_substitute(neurlp_context *context, const neurlp_expr *expr, int32_t count,
                                     const neurlp_expr *const *replacements, neurlp_expr **result) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_pool pool = {0};
  copied *copies = NULL;
  *result = NULL;
  NEURLP_TRY(neurlp_pool_start(context, &pool));
  NEURLP_TRY(neurlp_allocate(context, expr->count, sizeof *copies, &copies));
  for (int32_t i = 0; i < expr->count && pool.status == NEURLP_SUCCESS; i++)
    copies[i] = copy_of(&pool, &expr->nodes[i], copies, count, replacements);
  status = neurlp_pool_finish(&pool, copies[expr->count - 1].node, result);
done:
  neurlp_release(context, &copies);
  neurlp_pool_release(&pool);
  return status;
}
