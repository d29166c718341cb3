/* Every order condition of the integrator's pair, one for each rooted tree (Butcher): for a tree tau of q
 * nodes, sum_i b_i Phi_i(tau) = 1 / gamma(tau), where Phi_i of a root with subtrees tau_1, tau_2, ... is the
 * product of sum_j a_ij Phi_j(tau_m), and gamma(tau) = q gamma(tau_1) gamma(tau_2) ... */
#include "system/tableau.h"

#include "support/check.h"

#include <float.h>
#include <stdint.h>

enum { STAGES = NEURLP_TABLEAU_STAGES, ORDERS = 6, TREES = 64 };

typedef struct tree {
  int nodes;
  double density;     /* gamma */
  double phi[STAGES]; /* of the tree as a whole */
} tree;

static tree trees[TREES];
static int tree_count, first_of[ORDERS + 2]; /* trees of q nodes are first_of[q] to first_of[q + 1] - 1 */

static double row_entry(int i, int j) {
  return j < STAGES - 1 ? neurlp_dormand_prince.a[i][j] : 0.0;
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
      double sum = 0.0;
      for (int j = 0; j < i; j++) sum += row_entry(i, j) * trees[m].phi[j];
      next.phi[i] *= sum;
    }
    grow(next, left - trees[m].nodes, m);
  }
}

static void make_trees(void) {
  static const int expected[ORDERS + 1] = {0, 1, 1, 2, 4, 9, 20};
  for (int q = 1; q <= ORDERS; q++) {
    first_of[q] = tree_count;
    tree root = {.nodes = q, .density = q};
    for (int i = 0; i < STAGES; i++) root.phi[i] = 1.0;
    grow(root, q - 1, tree_count - 1);
    check_equal("number of rooted trees", tree_count - first_of[q], expected[q]);
  }
  first_of[ORDERS + 1] = tree_count;
}

/* Worst violation over the trees of q nodes. */
static double violation(const double *b, int q) {
  double worst = 0.0;
  for (int m = first_of[q]; m < first_of[q + 1]; m++) {
    double sum = -1.0 / trees[m].density;
    for (int i = 0; i < STAGES; i++) sum += b[i] * trees[m].phi[i];
    worst = fmax(worst, fabs(sum));
  }
  return worst;
}

int main(void) {
  const neurlp_tableau *pair = &neurlp_dormand_prince;
  make_trees();
  /* A condition is a sum of products of at most 6 numbers up to 12 in size (row 5 sums to 26 in absolute
   * value), weighed by b (0.86 in absolute value): 100 units in the last place are more than rounding can
   * make. */
  const double rounding = 100.0 * DBL_EPSILON;
  for (int q = 1; q <= pair->order; q++) check_below("order condition of b", violation(pair->b, q), rounding);
  for (int q = 1; q <= pair->embedded_order; q++)
    check_below("order condition of the embedded b", violation(pair->b_embedded, q), rounding);
  check_above("b is of no higher order", violation(pair->b, pair->order + 1), 1e-5);
  check_above("the embedded b is of no higher order", violation(pair->b_embedded, pair->embedded_order + 1),
              1e-5);
  for (int i = 0; i < STAGES; i++) {
    double sum = 0.0;
    for (int j = 0; j < STAGES - 1; j++) sum += pair->a[i][j];
    check_below("row sum is c", fabs(sum - pair->c[i]), rounding);
    for (int j = i; j < STAGES - 1; j++) check_below("explicit", fabs(pair->a[i][j]), 0.0);
  }
  double difference = fabs(pair->b[STAGES - 1]);
  for (int j = 0; j < STAGES - 1; j++)
    difference = fmax(difference, fabs(pair->a[STAGES - 1][j] - pair->b[j]));
  check_below("first same as last", difference, 0.0);
  return check_verdict();
}
