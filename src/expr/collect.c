#include "expr/collect.h"

#include <math.h>

/* More factors or terms than this are not looked at: keeps the work for each node constant. */
enum { NEURLP_FACTORS_MOST = 12, NEURLP_TERMS_MOST = 12, NEURLP_EXPONENT_MOST = 1000 };

typedef struct factor {
  int32_t base;
  int32_t exponent; /* >= 1 */
} factor;

/* coefficient * factors[0] * factors[1] * ... / below; no base twice. */
typedef struct product {
  double coefficient;
  int32_t below; /* denominator, -1 if there is none */
  int32_t count;
  factor factors[NEURLP_FACTORS_MOST];
} product;

static const product empty_product = {.coefficient = 1.0, .below = -1};

/* No two terms with the same factors. */
typedef struct sum {
  int32_t count;
  product terms[NEURLP_TERMS_MOST];
} sum;

/* The whole exponent >= 1 that a number node holds, 0 if it holds no such thing. */
static int32_t whole_exponent(const neurlp_node *node) {
  const double value = node->value;
  if (node->op != NEURLP_OP_NUMBER || !(value >= 1.0 && value <= NEURLP_EXPONENT_MOST)) return 0;
  return value == floor(value) ? (int32_t)value : 0;
}

/* u^n, or u itself with exponent 1. */
static factor factor_of(const neurlp_pool *pool, int32_t i) {
  const neurlp_node *node = &pool->nodes[i];
  const int32_t exponent = node->op == NEURLP_OP_POWER ? whole_exponent(&pool->nodes[node->b]) : 0;
  return exponent > 0 ? (factor){node->a, exponent} : (factor){i, 1};
}

/* Multiplies p by one factor. */
static bool multiply_by(const neurlp_pool *pool, int32_t i, product *p) {
  if (pool->nodes[i].op == NEURLP_OP_NUMBER) {
    p->coefficient *= pool->nodes[i].value;
    return isnormal(p->coefficient);
  }
  const factor more = factor_of(pool, i);
  for (int32_t f = 0; f < p->count; f++)
    if (p->factors[f].base == more.base) {
      p->factors[f].exponent += more.exponent;
      return p->factors[f].exponent <= NEURLP_EXPONENT_MOST;
    }
  if (p->count == NEURLP_FACTORS_MOST) return false;
  p->factors[p->count++] = more;
  return true;
}

/* Multiplies p by node i, whose factors hang down its first operands. */
static bool gather_factors(const neurlp_pool *pool, int32_t i, product *p) {
  int32_t seconds[NEURLP_FACTORS_MOST], count = 0;
  for (;; i = pool->nodes[i].a) {
    const neurlp_node *node = &pool->nodes[i];
    if (node->op == NEURLP_OP_NEGATE) {
      p->coefficient = -p->coefficient;
    } else if (node->op == NEURLP_OP_DIVIDE && p->below < 0) {
      p->below = node->b;
    } else if (node->op == NEURLP_OP_MULTIPLY) {
      if (count == NEURLP_FACTORS_MOST) return false;
      seconds[count++] = node->b;
    } else {
      break;
    }
  }
  bool good = multiply_by(pool, i, p);
  while (good && count > 0) good = multiply_by(pool, seconds[--count], p);
  return good;
}

/* coefficient*f1*f2*.../below, the coefficient left out where it is 1, a sign on f1 where it is -1. */
static int32_t rebuild_product(neurlp_pool *pool, const product *p) {
  int32_t made = -1;
  if (p->count == 0 || fabs(p->coefficient) != 1.0) made = neurlp_pool_number(pool, p->coefficient);
  for (int32_t f = 0; f < p->count; f++) {
    int32_t next = p->factors[f].base;
    if (p->factors[f].exponent > 1)
      next = neurlp_pool_make(pool, NEURLP_OP_POWER, next, neurlp_pool_number(pool, p->factors[f].exponent));
    if (f == 0 && p->coefficient == -1.0) next = neurlp_pool_simplify(pool, NEURLP_OP_NEGATE, next, -1);
    made = made < 0 ? next : neurlp_pool_make(pool, NEURLP_OP_MULTIPLY, made, next);
  }
  return p->below < 0 ? made : neurlp_pool_make(pool, NEURLP_OP_DIVIDE, made, p->below);
}

static bool has_factor(const product *p, factor wanted) {
  for (int32_t f = 0; f < p->count; f++)
    if (p->factors[f].base == wanted.base) return p->factors[f].exponent == wanted.exponent;
  return false;
}

static bool same_factors(const product *one, const product *other) {
  if (one->count != other->count || one->below != other->below) return false;
  for (int32_t f = 0; f < one->count; f++)
    if (!has_factor(other, one->factors[f])) return false;
  return true;
}

/* Adds sign * node i, one term, to the sum. */
static bool add_term(const neurlp_pool *pool, int32_t i, double sign, sum *s) {
  product p = empty_product;
  if (!gather_factors(pool, i, &p))
    p = (product){.coefficient = 1.0, .below = -1, .count = 1, .factors[0] = {.base = i, .exponent = 1}};
  p.coefficient *= sign;
  for (int32_t t = 0; t < s->count; t++)
    if (same_factors(&s->terms[t], &p)) {
      s->terms[t].coefficient += p.coefficient;
      return isfinite(s->terms[t].coefficient);
    }
  if (s->count == NEURLP_TERMS_MOST) return false;
  s->terms[s->count++] = p;
  return true;
}

/* Adds sign * node i, whose terms hang down its first operands. */
static bool gather_terms(const neurlp_pool *pool, int32_t i, double sign, sum *s) {
  int32_t seconds[NEURLP_TERMS_MOST], count = 0;
  double signs[NEURLP_TERMS_MOST];
  for (;;) {
    const neurlp_node *node = &pool->nodes[i];
    if (node->op != NEURLP_OP_ADD && node->op != NEURLP_OP_SUBTRACT) break;
    if (count == NEURLP_TERMS_MOST) return false;
    signs[count] = node->op == NEURLP_OP_ADD ? sign : -sign;
    seconds[count++] = node->b;
    i = node->a;
  }
  bool good = add_term(pool, i, sign, s);
  for (; good && count > 0; count--) good = add_term(pool, seconds[count - 1], signs[count - 1], s);
  return good;
}

/* The terms in their order, but a positive one in front if there is one. */
static int32_t rebuild_sum(neurlp_pool *pool, sum *s) {
  int32_t first = 0, made = -1;
  while (first < s->count && !(s->terms[first].coefficient > 0.0)) first++;
  if (first == s->count) first = 0;
  for (int32_t place = -1; place < s->count; place++) {
    const int32_t t = place < 0 ? first : place;
    if (place == first || s->count == 0 || s->terms[t].coefficient == 0.0) continue;
    product term = s->terms[t];
    const bool minus = made >= 0 && term.coefficient < 0.0;
    if (minus) term.coefficient = -term.coefficient;
    const int32_t next = rebuild_product(pool, &term);
    made = made < 0 ? next : neurlp_pool_make(pool, minus ? NEURLP_OP_SUBTRACT : NEURLP_OP_ADD, made, next);
  }
  return made < 0 ? neurlp_pool_number(pool, 0.0) : made;
}

bool neurlp_pool_collect_product(neurlp_pool *pool, int32_t a, int32_t b, int32_t *made) {
  product p = empty_product;
  if (!gather_factors(pool, a, &p) || !gather_factors(pool, b, &p)) return false;
  *made = rebuild_product(pool, &p);
  return true;
}

bool neurlp_pool_collect_sum(neurlp_pool *pool, int32_t a, int32_t b, double sign, int32_t *made) {
  sum s = {.count = 0};
  if (!gather_terms(pool, a, 1.0, &s) || !gather_terms(pool, b, sign, &s)) return false;
  *made = rebuild_sum(pool, &s);
  return true;
}

bool neurlp_pool_collect_quotient(neurlp_pool *pool, int32_t a, int32_t b, int32_t *made) {
  product above = empty_product, below = empty_product;
  if (!gather_factors(pool, a, &above) || !gather_factors(pool, b, &below)) return false;
  const double ratio = above.coefficient / below.coefficient;
  if (above.below >= 0 || below.below >= 0 || below.coefficient == 1.0 || !isfinite(ratio) ||
      ratio != floor(ratio) || fma(ratio, below.coefficient, -above.coefficient) != 0.0)
    return false;
  above.coefficient = ratio;
  below.coefficient = 1.0;
  *made = rebuild_product(pool, &above);
  if (below.count > 0) *made = neurlp_pool_make(pool, NEURLP_OP_DIVIDE, *made, rebuild_product(pool, &below));
  return true;
}

bool neurlp_pool_collect_power(neurlp_pool *pool, int32_t a, int32_t b, int32_t *made) {
  const factor inner = factor_of(pool, a);
  const int64_t exponent = (int64_t)inner.exponent * whole_exponent(&pool->nodes[b]);
  if (inner.exponent == 1 || exponent == 0 || exponent > NEURLP_EXPONENT_MOST) return false;
  *made = neurlp_pool_make(pool, NEURLP_OP_POWER, inner.base, neurlp_pool_number(pool, (double)exponent));
  return true;
}
