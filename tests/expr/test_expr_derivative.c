/* Derivatives: closed forms, dual numbers on random trees that the test made itself, Taylor remainders of
 * slope two, and second derivatives by differentiating twice. */
#include "random_tree.h"

static neurlp_expr *derive(neurlp_context *context, const neurlp_expr *expr, int32_t symbol) {
  neurlp_expr *slope = NULL;
  if (neurlp_expr_derivative(context, expr, symbol, &slope) != NEURLP_SUCCESS) exit(99);
  return slope;
}

/* Expression, and the text of its derivative with respect to x. */
static const char *const closed_forms[][2] = {
    {"7", "0"},
    {"y", "0"},
    {"x", "1"},
    {"-x", "-1"},
    {"sigma*(y - x)", "-sigma"},
    {"x*(sigma - z) - y", "sigma - z"},
    {"x^2*y", "2*x*y"},
    {"3*x^3", "9*x^2"},
    {"x*x*x", "3*x^2"},
    {"x*(2 - x)", "2 - 2*x"},
    {"x^y", "y*x^(y - 1)"},
    {"y^x", "y^x*log(y)"},
    {"e^x", "e^x"},
    {"1/x", "-1/x^2"},
    {"y/x^3", "-3*y/x^4"},
    {"sin(2*x)", "2*cos(2*x)"},
    {"cos(x)", "-sin(x)"},
    {"tan(x)", "1 + tan(x)^2"},
    {"exp(-x^2/2)", "-x*exp(-x^2/2)"},
    {"log(2*x)", "1/x"},
    {"sqrt(x^2 + y^2)", "x/sqrt(x^2 + y^2)"},
    {"tanh(3*x)", "3*(1 - tanh(3*x)^2)"},
    {"abs(x)", "x/abs(x)"},
    {"abs(2*x - y)", "2*(2*x - y)/abs(2*x - y)"},
    {"-sigma*x/(x^2 + y^2)^1.5", "3*sigma*x^2/(x^2 + y^2)^2.5 - sigma/(x^2 + y^2)^1.5"},
    {"x - x", "0"},
    {"0*x", "0"},
    {"x^0", "0"},
    {"(x + y)*(x - y)", "2*x"},
};

static void test_closed_forms(neurlp_context *context) {
  for (size_t i = 0; i < sizeof closed_forms / sizeof closed_forms[0]; i++) {
    neurlp_expr *expr = must_parse(context, closed_forms[i][0]), *slope = derive(context, expr, 0);
    char *text = text_of(slope), what[160];
    snprintf(what, sizeof what, "d/dx %s = %s", closed_forms[i][0], text);
    check_true(what, strcmp(text, closed_forms[i][1]) == 0);
    free(text);
    neurlp_expr_destroy(&expr);
    neurlp_expr_destroy(&slope);
  }
}

/* Both sides err by their bound, and the printed rules take up to twice as many operations as dual numbers.
 */
static void test_dual_numbers(neurlp_context *context) {
  enum { TREES = 4000, PLACES = 3 };
  static random_tree tree;
  static char text[TREE_TEXT];
  double worst = 0.0;
  long long compared = 0, most_nodes = 0, nodes = 0;
  for (uint64_t seed = 0; seed < TREES; seed++) {
    grow_tree(&tree, seed + 50000, 2 + (int)(seed % 4));
    tree_text(&tree, 0, text, 0);
    neurlp_expr *expr = must_parse(context, text);
    const int by = (int)(seed % 3);
    neurlp_expr *slope = derive(context, expr, by);
    for (uint64_t p = 0; p < PLACES; p++) {
      double point[SYMBOLS] = {0};
      for (uint64_t k = 0; k < 3; k++)
        point[k] = random_between(seed + 200000, 3 * p + k, p < 2 ? 0.1 : -2.0, 2.0);
      const dual exact = dual_of(&tree, 0, point, by);
      if (!isfinite(exact.error) || !isfinite(exact.slope) ||
          !(exact.slope_error <= 1e-3 * fabs(exact.slope)))
        continue;
      const double value = value_at(context, slope, point), bound = 3.0 * exact.slope_error;
      const double ratio = value == exact.slope ? 0.0 : fabs(value - exact.slope) / bound;
      if (!(ratio <= 1.0)) {
        char *slope_text = text_of(slope);
        printf("d %s = %s\n at %.17g %.17g %.17g: %.17g, not %.17g (%.3g)\n", text, slope_text, point[0],
               point[1], point[2], value, exact.slope, ratio);
        free(slope_text);
      }
      worst = ratio <= worst ? worst : ratio;
      compared++;
    }
    most_nodes = slope->count > most_nodes ? slope->count : most_nodes;
    nodes = expr->count > nodes ? expr->count : nodes;
    neurlp_expr_destroy(&expr);
    neurlp_expr_destroy(&slope);
  }
  check_below("random derivatives: difference over its bound", worst, 1.0);
  check_above("  points compared (the others are singular or 0)", (double)compared, 0.2 * TREES * PLACES);
  printf("  largest tree %lld nodes, largest derivative %lld\n", nodes, most_nodes);
}

/* |f(x + h) - f(x) - h f'(x)| falls by four when h is halved. Where the remainder says so: the next two terms
 * of the series (from third and fourth derivatives) and rounding are below a fiftieth of it, so that the
 * observed slope, log2(R(h)/R(h/2)), is within log2(1.06/0.94) < 0.18 of two. */
static void test_taylor(neurlp_context *context) {
  enum { TREES = 3000 };
  static random_tree tree;
  static char text[TREE_TEXT];
  double lowest = 2.0, highest = 2.0;
  long long tried = 0;
  for (uint64_t seed = 0; seed < TREES; seed++) {
    grow_tree(&tree, seed + 90000, 2 + (int)(seed % 3));
    tree_text(&tree, 0, text, 0);
    neurlp_expr *d[5] = {must_parse(context, text)};
    double f[5], point[SYMBOLS] = {0};
    const double h = 0x1p-12;
    for (uint64_t k = 0; k < 3; k++) point[k] = random_between(seed, 70 + k, 0.5, 2.0);
    for (int i = 1; i < 5; i++) d[i] = derive(context, d[i - 1], 0);
    for (int i = 0; i < 5; i++) f[i] = value_at(context, d[i], point);
    const dual here = dual_of(&tree, 0, point, 0);
    const double remainder = fabs(f[2]) * h * h / 8.0;
    if (fabs(f[3]) * h / 3.0 < 0.02 * fabs(f[2]) && fabs(f[4]) * h * h / 12.0 < 0.02 * fabs(f[2]) &&
        4.0 * here.error + h * here.slope_error < 0.02 * remainder) {
      double r[2];
      for (int i = 0; i < 2; i++) {
        const double step = i == 0 ? h : h / 2.0, x = point[0];
        point[0] = x + step;
        r[i] = fabs(value_at(context, d[0], point) - f[0] - (point[0] - x) * f[1]);
        point[0] = x;
      }
      const double slope = log2(r[0] / r[1]);
      if (!(fabs(slope - 2.0) < 0.18)) printf("%s: slope %g\n", text, slope);
      lowest = slope >= lowest ? lowest : slope;
      highest = slope <= highest ? highest : slope;
      tried++;
    }
    for (int i = 0; i < 5; i++) neurlp_expr_destroy(&d[i]);
  }
  check_above("slope of the Taylor remainder, lowest", lowest, 1.82);
  check_below("slope of the Taylor remainder, highest", highest, 2.18);
  check_above("  expressions with a remainder to measure", (double)tried, 300.0);
}

/* Second derivatives, closed: sums of products of the test's own. */
static void test_second(neurlp_context *context) {
  const double x = 0.7, y = 1.3, point[SYMBOLS] = {x, y};
  const double r = sqrt(x * x + y * y);
  const struct {
    const char *text;
    int first, second;
    double expected;
  } cases[] = {{"sin(x*y)", 0, 0, -y * y * sin(x * y)},
               {"sin(x*y)", 0, 1, cos(x * y) - x * y * sin(x * y)},
               {"exp(-x^2)", 0, 0, (4.0 * x * x - 2.0) * exp(-x * x)},
               {"1/sqrt(x^2 + y^2)", 0, 0, (3.0 * x * x - r * r) / pow(r, 5.0)},
               {"1/sqrt(x^2 + y^2)", 0, 1, 3.0 * x * y / pow(r, 5.0)},
               {"x^y", 1, 1, pow(x, y) * log(x) * log(x)},
               {"x^x", 0, 0, pow(x, x) * ((log(x) + 1.0) * (log(x) + 1.0) + 1.0 / x)},
               {"tanh(x)", 0, 0, -2.0 * tanh(x) / (cosh(x) * cosh(x))},
               {"log(x)/y", 0, 1, -1.0 / (x * y * y)},
               {"abs(x)", 0, 0, 0.0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    neurlp_expr *expr = must_parse(context, cases[i].text), *once = derive(context, expr, cases[i].first);
    neurlp_expr *twice = derive(context, once, cases[i].second);
    char what[80];
    snprintf(what, sizeof what, "second derivative of %s", cases[i].text);
    /* at most 32 roundings of terms of the size of ten times the result or one */
    check_below(what, fabs(value_at(context, twice, point) - cases[i].expected),
                32.0 * 0x1p-53 * 10.0 * fmax(1.0, fabs(cases[i].expected)));
    neurlp_expr_destroy(&expr);
    neurlp_expr_destroy(&once);
    neurlp_expr_destroy(&twice);
  }
}

/* A product of n factors and sixty-fold nesting: the derivative stays proportional to the expression. */
static void test_size(neurlp_context *context) {
  static char text[100000];
  char *c = text;
  for (int i = 0; i < 3000; i++) c += sprintf(c, "%s(x + %d)", i ? "*" : "", i);
  neurlp_expr *expr = must_parse(context, text), *slope = derive(context, expr, 0);
  check_below("nodes of the derivative of a product of 3000 factors, over its own",
              (double)slope->count / expr->count, 20.0);
  neurlp_expr_destroy(&expr);
  neurlp_expr_destroy(&slope);
  expr = must_parse(context, "sin(x)*exp(x)/(1 + x^2)");
  for (int i = 0; i < 8; i++) {
    slope = derive(context, expr, 0);
    neurlp_expr_destroy(&expr);
    expr = slope;
  }
  printf("8th derivative of sin(x)*exp(x)/(1 + x^2): %d nodes\n", expr->count);
  check_below("  distinct nodes", expr->count, 3000);
  neurlp_expr_destroy(&expr);
}

int main(void) {
  neurlp_context *context = make_context();
  test_closed_forms(context);
  test_dual_numbers(context);
  test_taylor(context);
  test_second(context);
  test_size(context);
  end_context(context);
  return check_verdict();
}
