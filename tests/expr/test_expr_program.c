/* Values of programs against a plain recursive evaluation of trees that the test made itself, within the
 * bound that counts every rounding; powers; sharing; and the size of the workspace. */
#include "random_tree.h"

static void test_random_values(neurlp_context *context) {
  enum { TREES = 4000, POINTS = 5 };
  static random_tree tree;
  static char text[TREE_TEXT];
  double worst = 0.0;
  long long compared = 0, left_out = 0;
  for (uint64_t seed = 0; seed < TREES; seed++) {
    grow_tree(&tree, seed, 2 + (int)(seed % 4));
    tree_text(&tree, 0, text, 0);
    neurlp_expr *expr = must_parse(context, text);
    for (uint64_t p = 0; p < POINTS; p++) {
      double point[SYMBOLS] = {0};
      for (uint64_t k = 0; k < 3; k++)
        point[k] = random_between(seed + 100000, 3 * p + k, p < 3 ? 0.1 : -3.0, 3.0);
      const dual exact = dual_of(&tree, 0, point, 0);
      if (!isfinite(exact.value) || !isfinite(exact.error)) {
        left_out++;
        continue;
      }
      const double value = value_at(context, expr, point);
      /* both evaluations are within the bound of the exact value */
      const double bound = 2.0 * exact.error;
      const double ratio = value == exact.value ? 0.0 : fabs(value - exact.value) / bound;
      if (!(ratio <= 1.0))
        printf("%s at %.17g %.17g %.17g: %.17g, not %.17g\n", text, point[0], point[1], point[2], value,
               exact.value);
      worst = ratio <= worst ? worst : ratio;
      compared++;
    }
    neurlp_expr_destroy(&expr);
  }
  check_below("random values: difference over its bound", worst, 1.0);
  check_above("  points compared (some are singular)", (double)compared, 0.6 * TREES * POINTS);
  printf("  %lld left out\n", left_out);
}

/* Every exponent of every kind against pow; a product of n factors has n - 1 roundings. */
static void test_powers(neurlp_context *context) {
  double worst = 0.0;
  for (int twice = -100; twice <= 100; twice++)
    for (uint64_t p = 0; p < 10; p++) {
      const double exponent = 0.5 * twice, x = random_between(11, p, 0.2, 5.0), point[SYMBOLS] = {x};
      char text[64];
      snprintf(text, sizeof text, "x^%.1f", exponent);
      neurlp_expr *expr = must_parse(context, text);
      const double value = value_at(context, expr, point), expected = pow(x, exponent);
      const double error = fabs(value - expected) / (fabs(expected) * 0x1p-53 * (fabs(exponent) + 4.0));
      worst = error <= worst ? worst : error;
      neurlp_expr_destroy(&expr);
    }
  check_below("powers: error over (|n| + 4) half units", worst, 1.0);
}

static void check_point(neurlp_context *context, const char *text, double x, double expected) {
  const double point[SYMBOLS] = {x, 2.0, 3.0};
  neurlp_expr *expr = must_parse(context, text);
  char what[80];
  snprintf(what, sizeof what, "%s at x = %g is %g", text, x, expected);
  check_true(what, same_bits(value_at(context, expr, point), expected));
  neurlp_expr_destroy(&expr);
}

/* Where IEEE arithmetic says inf or NaN, so does a program; and nothing is simplified away. */
static void test_domains(neurlp_context *context) {
  check_point(context, "1/x", 0.0, INFINITY);
  check_point(context, "-1/x", 0.0, -INFINITY);
  check_point(context, "x/x", 0.0, NAN);
  check_point(context, "log(x)", 0.0, -INFINITY);
  check_point(context, "log(x)", -1.0, NAN);
  check_point(context, "sqrt(x)", -1.0, NAN);
  check_point(context, "x^0.3", -1.0, NAN);
  check_point(context, "x^-1.5", 0.0, INFINITY);
  check_point(context, "0*x", INFINITY, NAN);
  check_point(context, "x - x", INFINITY, NAN);
  check_point(context, "exp(x)", 1000.0, INFINITY);
  check_point(context, "x^0", NAN, 1.0);
  check_point(context, "x^0 + 1", 5.0, 2.0);
  check_point(context, "sin(x^0*0) + y", 5.0, 2.0);
  check_point(context, "1/0 + x", 1.0, INFINITY);
  check_point(context, "2^x", 10.0, 1024.0);
  check_point(context, "x^y", 3.0, 9.0);
  check_point(context, "x^2", -3.0, 9.0);
  check_point(context, "5 - x", 3.0, 2.0);
  check_point(context, "x - 5", 3.0, -2.0);
  check_point(context, "5/x", 2.0, 2.5);
  check_point(context, "x/5", 2.0, 0.4);
  check_point(context, "7", 2.0, 7.0);
  check_point(context, "x", 2.5, 2.5);
  check_point(context, "abs(-x)", 2.5, 2.5);
  check_point(context, "e^x", 1.0, exp(1.0));
}

/* Slots of the workspace: short-lived values share one. */
static long long slots_of(neurlp_context *context, int32_t count, const neurlp_expr *const *exprs) {
  neurlp_program *program = NULL;
  if (neurlp_program_create(context, count, exprs, &program) != NEURLP_SUCCESS) exit(99);
  const size_t bytes = neurlp_program_workspace_bytes(program);
  neurlp_program_destroy(&program);
  return (long long)(bytes / (NEURLP_PROGRAM_LANES * sizeof(double)));
}

static void test_workspace(neurlp_context *context) {
  static char text[100000];
  char *c = text;
  for (int i = 1; i <= 1000; i++) c += sprintf(c, "%ssin(%d*x)", i > 1 ? "+" : "", i);
  neurlp_expr *wide = must_parse(context, text);
  const neurlp_expr *list[2] = {wide, wide};
  check_equal("slots of a sum of a thousand sines", slots_of(context, 1, list), 3);
  check_equal("slots of the same expression twice", slots_of(context, 2, list), 3);
  /* x - (x - (x - ...)): the innermost first, or every x would wait */
  c = text;
  for (int i = 0; i < 150; i++) c += sprintf(c, "y*(z - ");
  c += sprintf(c, "x");
  for (int i = 0; i < 150; i++) c += sprintf(c, ")");
  neurlp_expr *deep = must_parse(context, text);
  list[0] = deep;
  check_below("slots of a nested difference", (double)slots_of(context, 1, list), 4.0);
  neurlp_expr_destroy(&wide);
  neurlp_expr_destroy(&deep);
  check_equal("slots of no expressions at all", slots_of(context, 0, NULL), 0);
}

int main(void) {
  neurlp_context *context = make_context();
  test_random_values(context);
  test_powers(context);
  test_domains(context);
  test_workspace(context);
  end_context(context);
  return check_verdict();
}
