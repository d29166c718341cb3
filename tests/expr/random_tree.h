/* Random expressions that know nothing of the parser: a tree of the test's own, its text with every
 * parenthesis written out, and a plain recursive evaluation of value, derivative and a bound of the rounding
 * error of each. */
#ifndef TESTS_EXPR_RANDOM_TREE_H
#define TESTS_EXPR_RANDOM_TREE_H

#include "expr_support.h"

#include <float.h>

enum { TREE_NODES = 256, TREE_TEXT = 8192 };

typedef struct tree_node {
  int kind; /* 'n' number, 'v' variable, 'm' minus, '+', '-', '*', '/', '^', or a function's index, 0 to 7 */
  int a, b;
  double number;
} tree_node;

static const char *const tree_functions[] = {"sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs"};

typedef struct random_tree {
  uint64_t seed, counter;
  int count;
  tree_node nodes[TREE_NODES];
} random_tree;

static inline uint64_t draw(random_tree *tree, uint64_t below) {
  return random_bits(tree->seed, tree->counter++) % below;
}

static inline int grow(random_tree *tree, int depth) {
  const int at = tree->count++;
  const uint64_t dice = draw(tree, 100);
  tree_node node = {.a = -1, .b = -1};
  if (depth <= 0 || tree->count > TREE_NODES - 8 || dice < 12) {
    node.kind = draw(tree, 3) == 0 ? 'n' : 'v';
    node.a = (int)draw(tree, 3);
    static const double numbers[] = {1, 2, 3, 0.5, 0.1, 1e-3, 7.25, 10, 3.14159265358979323846};
    node.number = draw(tree, 4) ? numbers[draw(tree, 9)] : (double)draw(tree, 1000000) / 997.0;
  } else if (dice < 30) {
    node.kind = (int)draw(tree, 8);
    node.a = grow(tree, depth - 1);
  } else if (dice < 36) {
    node.kind = 'm';
    node.a = grow(tree, depth - 1);
  } else if (dice < 44) {
    /* a power with a number as exponent: whole, half, negative, or any */
    static const double exponents[] = {2, 3, 4, 5, 7, 0.5, 1.5, 1, 0, 2.3, 12, 33};
    node.kind = '^';
    node.a = grow(tree, depth - 1);
    node.b = tree->count++;
    tree->nodes[node.b] = (tree_node){.kind = 'n', .a = -1, .b = -1, .number = exponents[draw(tree, 12)]};
    if (draw(tree, 3) == 0) {
      const int minus = tree->count++;
      tree->nodes[minus] = (tree_node){.kind = 'm', .a = node.b, .b = -1};
      node.b = minus;
    }
  } else {
    static const char kinds[] = "+++---****//^";
    node.kind = kinds[draw(tree, sizeof kinds - 1)];
    node.a = grow(tree, depth - 1);
    node.b = grow(tree, depth - 1);
  }
  tree->nodes[at] = node;
  return at;
}

/* The tree for a seed; its root is node 0. */
static inline void grow_tree(random_tree *tree, uint64_t seed, int depth) {
  tree->seed = seed;
  tree->counter = 0;
  tree->count = 0;
  grow(tree, depth);
}

static inline size_t tree_text(const random_tree *tree, int at, char *text, size_t length) {
  const tree_node *node = &tree->nodes[at];
  if (length > TREE_TEXT - 64) exit(99);
  if (node->kind == 'n') return length + (size_t)sprintf(text + length, "%.17g", node->number);
  if (node->kind == 'v') return length + (size_t)sprintf(text + length, "%s", symbol_names[node->a]);
  if (node->kind < 8)
    length += (size_t)sprintf(text + length, "%s(", tree_functions[node->kind]);
  else
    length += (size_t)sprintf(text + length, node->kind == 'm' ? "(-" : "(");
  length = tree_text(tree, node->a, text, length);
  if (node->b >= 0) {
    text[length++] = (char)node->kind;
    length = tree_text(tree, node->b, text, length);
  }
  text[length++] = ')';
  text[length] = '\0';
  return length;
}

/* A value and its derivative, each with a bound of the distance between the exact one and what an evaluation
 * in double precision gives whose elementary operations err by one unit in the last place. To first order:
 * where that does not hold (an error of a thousandth, numbers near overflow or underflow) the bound is
 * infinite. */
typedef struct dual {
  double value, error, slope, slope_error;
} dual;

static inline dual rounded(dual d) {
  const double size = fabs(d.value);
  d.error += DBL_EPSILON * size;
  d.slope_error += DBL_EPSILON * fabs(d.slope);
  const bool trusted = d.error <= 1e-3 * size && (size == 0.0 || (size > 1e-60 && size < 1e60));
  if (!trusted) d.error = INFINITY;
  return d;
}

static inline dual dual_times(dual a, dual b) {
  return rounded((dual){
      a.value * b.value, fabs(a.value) * b.error + fabs(b.value) * a.error + a.error * b.error,
      a.slope * b.value + a.value * b.slope,
      fabs(a.slope) * b.error + fabs(b.value) * a.slope_error + fabs(a.value) * b.slope_error +
          fabs(b.slope) * a.error + 2.0 * DBL_EPSILON * (fabs(a.slope * b.value) + fabs(a.value * b.slope))});
}

/* f(u) from f, f', f'' at u, |f'| and |f''| taken as constant over the error of u. */
static inline dual dual_function(dual u, double f, double f1, double f2) {
  return rounded((dual){f, fabs(f1) * u.error, u.slope == 0.0 ? 0.0 : f1 * u.slope,
                        u.slope == 0.0 && u.slope_error == 0.0
                            ? 0.0
                            : fabs(f2 * u.slope) * u.error + fabs(f1) * u.slope_error +
                                  8.0 * DBL_EPSILON * fabs(f1 * u.slope)});
}

static inline dual dual_call(int function, dual u) {
  const double v = u.value;
  switch (function) {
  case 0:
    return dual_function(u, sin(v), cos(v), sin(v));
  case 1:
    return dual_function(u, cos(v), -sin(v), cos(v));
  case 2:
    return dual_function(u, tan(v), 1.0 + tan(v) * tan(v), 2.0 * tan(v) * (1.0 + tan(v) * tan(v)));
  case 3:
    return dual_function(u, exp(v), exp(v), exp(v));
  case 4:
    return dual_function(u, log(v), 1.0 / v, 1.0 / (v * v));
  case 5:
    return dual_function(u, sqrt(v), 0.5 / sqrt(v), 0.25 / (v * sqrt(v)));
  case 6: {
    /* 1 - tanh^2 cancels for large arguments: an absolute error of a few epsilon in f' */
    dual d = dual_function(u, tanh(v), 1.0 / (cosh(v) * cosh(v)), 2.0);
    d.slope_error += 8.0 * DBL_EPSILON * fabs(u.slope);
    return d;
  }
  default:
    return dual_function(u, fabs(v), v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : NAN, 0.0);
  }
}

/* a^n, n a number. |n| roundings at most where it is a product. */
static inline dual dual_power(dual a, double n) {
  const double f = pow(a.value, n), f1 = n == 0.0 ? 0.0 : n * pow(a.value, n - 1.0);
  const double f2 = n == 0.0 || n == 1.0 ? 0.0 : n * (n - 1.0) * pow(a.value, n - 2.0);
  dual d = dual_function(a, f, f1, f2);
  d.error += (fabs(n) + 2.0) * DBL_EPSILON * fabs(f);
  d.slope_error += (fabs(n) + 4.0) * DBL_EPSILON * fabs(d.slope);
  return d;
}

static inline dual dual_of(const random_tree *tree, int at, const double point[SYMBOLS], int by) {
  const tree_node *node = &tree->nodes[at];
  if (node->kind == 'n') return (dual){.value = node->number};
  if (node->kind == 'v') return (dual){.value = point[node->a], .slope = node->a == by};
  const dual a = dual_of(tree, node->a, point, by);
  if (node->kind == 'm') return (dual){-a.value, a.error, -a.slope, a.slope_error};
  if (node->kind < 8) return dual_call(node->kind, a);
  dual b = dual_of(tree, node->b, point, by);
  const tree_node *right = &tree->nodes[node->b];
  switch (node->kind) {
  case '+':
  case '-': {
    const double sign = node->kind == '+' ? 1.0 : -1.0;
    dual d = {a.value + sign * b.value, a.error + b.error, a.slope + sign * b.slope,
              a.slope_error + b.slope_error};
    d.slope_error += 2.0 * DBL_EPSILON * (fabs(a.slope) + fabs(b.slope));
    return rounded(d);
  }
  case '*':
    return dual_times(a, b);
  case '/':
    return dual_times(a, dual_power(b, -1.0));
  default:
    break;
  }
  if (right->kind == 'n') return dual_power(a, right->number);
  if (right->kind == 'm' && tree->nodes[right->a].kind == 'n')
    return dual_power(a, -tree->nodes[right->a].number);
  if (b.slope == 0.0 && b.slope_error == 0.0 && b.error == 0.0) return dual_power(a, b.value);
  /* a^b = exp(b log a) */
  const dual product = dual_times(b, dual_call(4, a));
  dual d = dual_call(3, product);
  const double f1 = b.value * pow(a.value, b.value - 1.0);
  d.value = pow(a.value, b.value);
  if (b.slope == 0.0) d.slope = f1 * a.slope;
  return d;
}

#endif
