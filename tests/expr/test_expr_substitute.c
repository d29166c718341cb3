/* Substitution: texts in closed form, all at once rather than one after another, and values that stay the
 * same. */
#include "random_tree.h"

static void check_substitution(neurlp_context *context, const char *text, const char *const by[SYMBOLS],
                               const char *expected) {
  neurlp_expr *expr = must_parse(context, text), *owned[SYMBOLS] = {NULL}, *result = NULL;
  const neurlp_expr *replacements[SYMBOLS] = {NULL};
  for (int k = 0; k < SYMBOLS; k++)
    if (by[k]) replacements[k] = owned[k] = must_parse(context, by[k]);
  if (neurlp_expr_substitute(context, expr, SYMBOLS, replacements, &result) != NEURLP_SUCCESS) exit(99);
  char *got = text_of(result), what[160];
  snprintf(what, sizeof what, "%s becomes %s", text, got);
  check_true(what, strcmp(got, expected) == 0);
  free(got);
  neurlp_expr_destroy(&expr);
  neurlp_expr_destroy(&result);
  for (int k = 0; k < SYMBOLS; k++) neurlp_expr_destroy(&owned[k]);
}

static void test_texts(neurlp_context *context) {
  const char *const swap[SYMBOLS] = {"y", "x"}, *const ten[SYMBOLS] = {[4] = "10"};
  const char *const zero[SYMBOLS] = {[4] = "0"}, *const minus[SYMBOLS] = {[4] = "-3"},
                    *const none[SYMBOLS] = {NULL};
  const char *const sum[SYMBOLS] = {"y + 1"}, *const one[SYMBOLS] = {[4] = "1"};
  const char *const same[SYMBOLS] = {[1] = "x"};
  check_substitution(context, "x - y^2", swap, "y - x^2");
  check_substitution(context, "sigma*(y - x)", ten, "10*(y - x)");
  check_substitution(context, "x + sigma*y", zero, "x");
  check_substitution(context, "x + sigma*y", minus, "x - 3*y");
  check_substitution(context, "x + sigma*y", one, "x + y");
  check_substitution(context, "x - sigma*y*z", minus, "x + 3*y*z");
  check_substitution(context, "x^sigma", one, "x");
  check_substitution(context, "x^2*x", sum, "(y + 1)^2*(y + 1)");
  check_substitution(context, "2*x + 0*y", none, "2*x + 0*y");
  check_substitution(context, "x*y", swap, "y*x");
  check_substitution(context, "1/sigma", zero, "1/0");
  check_substitution(context, "y*sigma", minus, "-3*y");
  check_substitution(context, "x - y", same, "0");
  check_substitution(context, "x + y", same, "2*x");
  check_substitution(context, "x*y", same, "x^2");
}

/* Numbers for two of three symbols: the value is what it was, but for powers, whose exponent is a number now
 * and may be a product; the bound counts every rounding. */
static void test_values(neurlp_context *context) {
  enum { TREES = 2000 };
  static random_tree tree;
  static char text[TREE_TEXT];
  double worst = 0.0;
  long long compared = 0, smaller = 0, left_over = 0;
  for (uint64_t seed = 0; seed < TREES; seed++) {
    grow_tree(&tree, seed + 300000, 4);
    tree_text(&tree, 0, text, 0);
    neurlp_expr *expr = must_parse(context, text), *y = must_parse(context, seed % 2 ? "1.7" : "1"),
                *z = must_parse(context, "0.25*x"), *result = NULL;
    const neurlp_expr *const replacements[3] = {NULL, y, z};
    if (neurlp_expr_substitute(context, expr, 3, replacements, &result) != NEURLP_SUCCESS) exit(99);
    const double x = random_between(seed, 9, 0.1, 2.0), point[SYMBOLS] = {x, seed % 2 ? 1.7 : 1.0, 0.25 * x};
    const dual exact = dual_of(&tree, 0, point, 0);
    if (isfinite(exact.value) && isfinite(exact.error)) {
      const double value = value_at(context, result, point);
      const double ratio = value == exact.value ? 0.0 : fabs(value - exact.value) / (2.0 * exact.error);
      worst = ratio <= worst ? worst : ratio;
      compared++;
    }
    smaller += result->count <= expr->count + y->count + z->count;
    left_over += neurlp_expr_uses(result, 1) || neurlp_expr_uses(result, 2);
    neurlp_expr_destroy(&expr);
    neurlp_expr_destroy(&result);
    neurlp_expr_destroy(&y);
    neurlp_expr_destroy(&z);
  }
  check_below("values after substitution: difference over its bound", worst, 1.0);
  check_equal("  trees that still use what was replaced", left_over, 0);
  check_above("  compared", (double)compared, 0.6 * TREES);
  check_above("  trees that did not grow by more than a little", (double)smaller, 0.9 * TREES);
}

int main(void) {
  neurlp_context *context = make_context();
  test_texts(context);
  test_values(context);
  end_context(context);
  return check_verdict();
}
