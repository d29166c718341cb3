/* Every order condition of the integrators' pairs, one for each rooted tree (Butcher): for a tree tau of q
 * nodes, sum_i b_i Phi_i(tau) = 1 / gamma(tau), where Phi_i of a root with subtrees tau_1, tau_2, ... is the
 * product of sum_j a_ij Phi_j(tau_m), and gamma(tau) = q gamma(tau_1) gamma(tau_2) ... */
#include "system/tableau.h"

#include "support/check.h"

#include <float.h>
#include <stdint.h>

enum { STAGES = NEURLP_TABLEAU_STAGES, ORDERS = 6, TREES = 64 };

typedef struct tree {
  int nodes;
  double density;      /* gamma */
  double phi[STAGES];  /* of the tree as a whole */
  double size[STAGES]; /* the same of absolute values: what rounding is measured by */
} tree;

static tree trees[TREES];
static int tree_count, first_of[ORDERS + 2]; /* trees of q nodes are first_of[q] to first_of[q + 1] - 1 */

static const neurlp_tableau *pair; /* the one under test */

static double row_entry(int i, int j) {
  return j < STAGES - 1 ? pair->a[i][j] : 0.0;
}

/* Adds to a root one subtree after another, with numbers that do not increase, until `left` nodes are used
 * up: each multiset of subtrees comes once. */
static void grow(tree root, int left, int greatest) {
  if (left == 0) {
    trees[tree_count++] = root;
    return;
  }
  for (int m = greatest; m >= 0; m--) {
    if (trees[m].nodes > left) continue;
    tree next = root;
    next.density *= trees[m].density;
    for (int i = 0; i < STAGES; i++) {
      double sum = 0.0, size = 0.0;
      for (int j = 0; j < i; j++) {
        sum += row_entry(i, j) * trees[m].phi[j];
        size += fabs(row_entry(i, j)) * trees[m].size[j];
      }
      next.phi[i] *= sum;
      next.size[i] *= size;
    }
    grow(next, left - trees[m].nodes, m);
  }
}

static void make_trees(void) {
  static const int expected[ORDERS + 1] = {0, 1, 1, 2, 4, 9, 20};
  tree_count = 0;
  for (int q = 1; q <= ORDERS; q++) {
    first_of[q] = tree_count;
    tree root = {.nodes = q, .density = q};
    for (int i = 0; i < STAGES; i++) root.phi[i] = root.size[i] = 1.0;
    grow(root, q - 1, tree_count - 1);
    check_equal("number of rooted trees", tree_count - first_of[q], expected[q]);
  }
  first_of[ORDERS + 1] = tree_count;
}

/* Worst violation over the trees of q nodes, at the fraction theta of a step: there the sum is
 * theta^q / gamma. */
static double violation_at(const double *b, int q, double theta) {
  double worst = 0.0;
  for (int m = first_of[q]; m < first_of[q + 1]; m++) {
    double sum = -pow(theta, q) / trees[m].density;
    for (int i = 0; i < STAGES; i++) sum += b[i] * trees[m].phi[i];
    worst = fmax(worst, fabs(sum));
  }
  return worst;
}

static double violation(const double *b, int q) {
  return violation_at(b, q, 1.0);
}

/* What rounding may make of the conditions of q nodes: every factor of every product is a number of the
 * tableau, rounded (half a unit), and each product and sum rounds once more; 2 q + 2 STAGES factors and
 * operations at most lie between a number and the result. */
static double rounding(const double *b, int q) {
  double worst = 0.0;
  for (int m = first_of[q]; m < first_of[q + 1]; m++) {
    double sum = 1.0;
    for (int i = 0; i < STAGES; i++) sum += fabs(b[i]) * trees[m].size[i];
    worst = fmax(worst, sum);
  }
  return (2 * q + 2 * STAGES) * DBL_EPSILON * worst;
}

/* All 17 conditions to order 5, the 8 to order 4 of the embedded weights, and no more than those. */
static void test_pair(const neurlp_tableau *tested) {
  pair = tested;
  make_trees();
  for (int q = 1; q <= pair->order; q++)
    check_below("order condition of b", violation(pair->b, q), rounding(pair->b, q));
  for (int q = 1; q <= pair->embedded_order; q++)
    check_below("order condition of the embedded b", violation(pair->b_embedded, q),
                rounding(pair->b_embedded, q));
  check_above("b is of no higher order", violation(pair->b, pair->order + 1), 1e-5);
  check_above("the embedded b is of no higher order", violation(pair->b_embedded, pair->embedded_order + 1),
              1e-5);
  for (int i = 0; i < STAGES; i++) {
    double sum = 0.0, size = 0.0;
    for (int j = 0; j < STAGES - 1; j++) {
      sum += pair->a[i][j];
      size += fabs(pair->a[i][j]);
    }
    check_below("row sum is c", fabs(sum - pair->c[i]), STAGES * DBL_EPSILON * (size + pair->c[i]));
    for (int j = i; j < STAGES - 1; j++) check_below("explicit", fabs(pair->a[i][j]), 0.0);
  }
  double difference = fabs(pair->b[STAGES - 1]);
  for (int j = 0; j < STAGES - 1; j++)
    difference = fmax(difference, fabs(pair->a[STAGES - 1][j] - pair->b[j]));
  check_below("first same as last", difference, 0.0);
}

/* The weights b(theta) of the continuous solution. Returns a bound of the sizes of their terms. */
static double dense_weights(double theta, double b[STAGES]) {
  double greatest = 0.0;
  for (int i = 0; i < STAGES; i++) {
    double power = theta, size = 0.0;
    b[i] = 0.0;
    for (int m = 0; m < 4; m++, power *= theta) {
      b[i] += neurlp_tsitouras_dense().weights[i][m] * power;
      size += fabs(neurlp_tsitouras_dense().weights[i][m]) * power;
    }
    greatest = fmax(greatest, size);
  }
  return greatest;
}

/* Order 4 at any fraction of a step: of the polynomials' terms, up to `greatest` in size, each is rounded
 * before it cancels. b(1) is b, and the slope at 0 is the first stage's: the continuous solution is as smooth
 * as its steps. */
static void test_dense(void) {
  double b[STAGES], worst = 0.0;
  for (int step = 1; step <= 10; step++) {
    const double theta = 0.1 * step, greatest = dense_weights(theta, b);
    for (int q = 1; q <= 4; q++) {
      double sizes = 0.0;
      for (int m = first_of[q]; m < first_of[q + 1]; m++)
        for (int i = 0; i < STAGES; i++) sizes = fmax(sizes, trees[m].size[i]);
      check_below("order condition of the continuous solution", violation_at(b, q, theta),
                  rounding(b, q) + 8.0 * STAGES * DBL_EPSILON * greatest * sizes);
    }
    worst = fmax(worst, violation_at(b, 5, theta));
  }
  check_above("it is of no higher order", worst, 1e-6);
  const double greatest = dense_weights(1.0, b);
  for (int i = 0; i < STAGES; i++) {
    check_below("b(1) is b", fabs(b[i] - pair->b[i]), 8.0 * DBL_EPSILON * greatest);
    check_below("slope at 0", fabs(neurlp_tsitouras_dense().weights[i][0] - (i == 0)), 0.0);
  }
}

int main(void) {
  test_pair(&neurlp_dormand_prince);
  const neurlp_tableau tsitouras = neurlp_tsitouras();
  test_pair(&tsitouras);
  test_dense();
  return check_verdict();
}
