/* Grammar, precedence, names and numbers: two texts that must mean the same, and values in closed form. */
#include "expr_support.h"

#include "expr/number.h"

#include <locale.h>

/* What stands left is read as what stands right, which has every parenthesis. */
static const char *const same_trees[][2] = {
    {"1+2*3", "1+(2*3)"},
    {"x-y-z", "(x-y)-z"},
    {"x/y/z", "(x/y)/z"},
    {"x/y*z", "(x/y)*z"},
    {"x-y+z", "(x-y)+z"},
    {"2^3^2", "2^(3^2)"},
    {"-x^2", "-(x^2)"},
    {"-x*y", "(-x)*y"},
    {"x^-y^z", "x^(-(y^z))"},
    {"x*-y", "x*(-y)"},
    {"x- -y", "x-(-y)"},
    {"--x", "-(-x)"},
    {"+x", "x"},
    {"-+-x", "-(-x)"},
    {"2*-3^2", "2*(-(3^2))"},
    {"sin(x)^2", "(sin(x))^2"},
    {"sin (x)", "sin(x)"},
    {"-sin(x)", "-(sin(x))"},
    {"x'*x", "(x')*(x)"},
    {" x\t+\n y\r", "x+y"},
    {"1e3*x", "1000*x"},
    {"1.5e-3", "0.0015"},
    {".5", "0.5"},
    {"2.", "2"},
    {"2.e1", "20"},
    {"1E+2", "100"},
    {"pi", "3.14159265358979323846"},
    {"e", "2.71828182845904523536"},
    {"alpha_2*sigma", "(alpha_2)*(sigma)"},
};

static const char *const different_trees[][2] = {{"x-(y-z)", "x-y-z"}, {"(-x)^2", "-x^2"},
                                                 {"(x^y)^z", "x^y^z"}, {"x*y", "y*x"},
                                                 {"0*1", "-0*1"},      {"x/(y*z)", "x/y*z"}};

static void test_grammar(neurlp_context *context) {
  for (size_t i = 0; i < sizeof same_trees / sizeof same_trees[0]; i++) {
    neurlp_expr *one = must_parse(context, same_trees[i][0]), *other = must_parse(context, same_trees[i][1]);
    char what[80];
    snprintf(what, sizeof what, "%s is %s", same_trees[i][0], same_trees[i][1]);
    for (char *c = what; *c; c++)
      if (*c < ' ') *c = ' ';
    check_true(what, neurlp_expr_equal(one, other));
    neurlp_expr_destroy(&one);
    neurlp_expr_destroy(&other);
  }
  for (size_t i = 0; i < sizeof different_trees / sizeof different_trees[0]; i++) {
    neurlp_expr *one = must_parse(context, different_trees[i][0]),
                *other = must_parse(context, different_trees[i][1]);
    char what[80];
    snprintf(what, sizeof what, "%s is not %s", different_trees[i][0], different_trees[i][1]);
    check_true(what, !neurlp_expr_equal(one, other));
    neurlp_expr_destroy(&one);
    neurlp_expr_destroy(&other);
  }
}

static void check_value(neurlp_context *context, const char *text, double expected) {
  neurlp_expr *expr = must_parse(context, text);
  double value = NAN;
  check_true("it is a number", neurlp_expr_constant(expr, &value));
  check_below(text, fabs(value - expected), 4.0 * 0x1p-52 * fabs(expected));
  neurlp_expr_destroy(&expr);
}

static void test_values(neurlp_context *context) {
  check_value(context, "1 + 2*3 - 4/8", 6.5);
  check_value(context, "-2^2", -4.0);
  check_value(context, "2^-1", 0.5);
  check_value(context, "2^3^2", 512.0);
  check_value(context, "sin(pi/2) + cos(0) + tan(pi/4)", 3.0);
  check_value(context, "exp(1) - log(2) + sqrt(2)",
              2.71828182845904523536 - 0.69314718055994530942 + 1.41421356237309504880);
  check_value(context, "tanh(0.5)*abs(-3)", 3.0 * 0.46211715726000975850);
  neurlp_expr *expr = must_parse(context, "x*0");
  double value = 7.0;
  check_true("x*0 is not a number, for it depends on x", !neurlp_expr_constant(expr, &value) && value == 7.0);
  check_true("x*0 uses x", neurlp_expr_uses(expr, 0));
  check_true("x*0 does not use y", !neurlp_expr_uses(expr, 1));
  neurlp_expr_destroy(&expr);
}

/* A symbol called e hides the constant; a symbol called sin is no obstacle to the function. */
static void test_hiding(neurlp_context *context) {
  const char *const names[] = {"e", "sin"};
  const neurlp_symbols symbols = {2, names};
  neurlp_expr *expr = NULL;
  check_equal("sin(sin)*e", neurlp_expr_parse(context, "sin(sin)*e", &symbols, &expr, NULL), NEURLP_SUCCESS);
  check_true("e is the symbol", neurlp_expr_uses(expr, 0));
  check_true("sin is the symbol, too", neurlp_expr_uses(expr, 1));
  neurlp_expr_destroy(&expr);
  check_equal("2.718281828459045*sin",
              neurlp_expr_parse(context, "2.718281828459045*sin", &symbols, &expr, NULL), NEURLP_SUCCESS);
  char text[64];
  neurlp_expr_print(expr, &symbols, text, sizeof text);
  check_true("a hidden constant is printed in digits", strcmp(text, "2.718281828459045*sin") == 0);
  neurlp_expr_destroy(&expr);
  check_equal("no symbols at all", neurlp_expr_parse(context, "2*pi", NULL, &expr, NULL), NEURLP_SUCCESS);
  neurlp_expr_destroy(&expr);
  neurlp_expr_destroy(&expr);
}

/* Nesting up to the limit is read, one more is refused; long flat texts are no nesting. */
static void test_depth(neurlp_context *context) {
  static const char *const opening[] = {"(", "-", "2^", "sin(", "1-("}, *const closing[] = {")", "", "", ")",
                                                                                            ")"};
  static char text[2000000];
  neurlp_expr *expr = NULL;
  for (int form = 0; form < 5; form++)
    for (int depth = 199; depth <= 100000; depth = depth < 200 ? depth + 1 : depth * 22) {
      char *c = text;
      for (int i = 0; i < depth; i++) c += sprintf(c, "%s", opening[form]);
      *c++ = 'x';
      for (int i = 0; i < depth; i++) c += sprintf(c, "%s", closing[form]);
      neurlp_syntax_error error = {0};
      const neurlp_status status = neurlp_expr_parse(context, text, &test_symbols, &expr, &error);
      char what[80];
      snprintf(what, sizeof what, "%s nested %d times", opening[form], depth);
      check_equal(what, status, depth < 200 ? NEURLP_SUCCESS : NEURLP_ERROR_SYNTAX);
      if (status < 0) check_equal("  column", error.column, (long long)strlen(opening[form]) * 200 + 1);
      neurlp_expr_destroy(&expr);
    }
  char *c = text;
  for (int i = 0; i < 200000; i++) c += sprintf(c, "x+");
  sprintf(c, "y");
  check_equal("a sum of 200001 terms", neurlp_expr_parse(context, text, &test_symbols, &expr, NULL),
              NEURLP_SUCCESS);
  check_equal("  its length in print", (long long)neurlp_expr_print(expr, &test_symbols, NULL, 0),
              200000 * 4 + 1);
  double point[SYMBOLS] = {1.0, 2.0};
  check_below("  its value", fabs(value_at(context, expr, point) - 200002.0), 0.0);
  neurlp_expr_destroy(&expr);
  memset(text, ' ', 1000001);
  text[1000001] = '\0';
  check_equal("a million and one bytes", neurlp_expr_parse(context, text, &test_symbols, &expr, NULL),
              NEURLP_ERROR_SYNTAX);
}

/* Numbers are read and printed with a point, whatever the locale says. */
static void test_locale(neurlp_context *context) {
  const bool other =
      setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "de_DE") || setlocale(LC_ALL, "fr_FR.UTF-8");
  printf("a locale with a decimal comma is %s\n", other ? "set" : "not installed; the test is weaker");
  check_value(context, "1.5*2", 3.0);
  char text[NEURLP_NUMBER_BYTES];
  neurlp_number_print(-0.125, text);
  check_true("-0.125 is printed with a point", strcmp(text, "-0.125") == 0);
  setlocale(LC_ALL, "C");
}

int main(void) {
  neurlp_context *context = make_context();
  test_grammar(context);
  test_values(context);
  test_hiding(context);
  test_depth(context);
  test_locale(context);
  end_context(context);
  return check_verdict();
}
