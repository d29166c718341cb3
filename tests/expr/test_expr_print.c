/* Printed text: closed cases, and thousands of random trees that must be read back as they were. */
#include "random_tree.h"

#include "expr/number.h"

#include <float.h>

static const char *const canonical[] = {
    "sigma*(y - x)",   "x*y",       "x^2*y",       "sin(2*x)",  "-x^2",        "(-x)^2", "x^-2",
    "2^x^y",           "(2^x)^y",   "x - (y - z)", "x - y - z", "x/(y*z)",     "x/y*z",  "x*(y/z)",
    "-(x + y)",        "-(x*y)",    "-x*y",        "x*-y",      "--x",         "x - -2", "x + -y",
    "(-2)^x",          "-2^x",      "2*pi*x",      "e^-x",      "exp(-x^2/2)", "-pi",    "x'*x",
    "(x + y)*(x - y)", "-sin(x)",   "0.1",         "1e-7",      "1e22",        "-0",     "abs(x)^0.5",
    "1 + 2*3",         "(x + y)^2", "x^(y + 1)",   "x^(y*z)",   "x^sin(y)"};

static void test_canonical(neurlp_context *context) {
  for (size_t i = 0; i < sizeof canonical / sizeof canonical[0]; i++) {
    neurlp_expr *expr = must_parse(context, canonical[i]);
    char *text = text_of(expr), what[100];
    snprintf(what, sizeof what, "%s is printed %s", canonical[i], text);
    check_true(what, strcmp(text, canonical[i]) == 0);
    free(text);
    neurlp_expr_destroy(&expr);
  }
}

/* Taking any one pair of parentheses away must change the tree, or make the text unreadable. */
static int superfluous_parentheses(neurlp_context *context, const neurlp_expr *expr, const char *text) {
  const size_t length = strlen(text);
  int superfluous = 0;
  char *fewer = malloc(length + 1);
  if (!fewer) exit(99);
  for (size_t open = 0; open < length; open++) {
    if (text[open] != '(' || (open > 0 && text[open - 1] >= 'a' && text[open - 1] <= 'z')) continue;
    size_t close = open;
    for (int height = 0; close < length; close++) {
      height += (text[close] == '(') - (text[close] == ')');
      if (height == 0) break;
    }
    memcpy(fewer, text, length + 1);
    fewer[open] = ' ';
    fewer[close] = ' ';
    neurlp_expr *other = NULL;
    if (neurlp_expr_parse(context, fewer, &test_symbols, &other, NULL) == NEURLP_SUCCESS)
      superfluous += neurlp_expr_equal(expr, other);
    neurlp_expr_destroy(&other);
  }
  free(fewer);
  return superfluous;
}

static void test_round_trip(neurlp_context *context) {
  enum { TREES = 5000 };
  static random_tree tree;
  static char full[TREE_TEXT];
  long long wrong = 0, superfluous = 0, wrong_lengths = 0;
  for (uint64_t seed = 0; seed < TREES; seed++) {
    grow_tree(&tree, seed, 2 + (int)(seed % 5));
    tree_text(&tree, 0, full, 0);
    neurlp_expr *expr = must_parse(context, full);
    char *text = text_of(expr);
    neurlp_expr *again = must_parse(context, text);
    wrong += !neurlp_expr_equal(expr, again);
    if (seed % 5 == 0) superfluous += superfluous_parentheses(context, expr, text);
    /* a buffer that is too small gets the beginning, and the length of all */
    char small[12];
    const size_t length = neurlp_expr_print(expr, &test_symbols, small, sizeof small);
    wrong_lengths +=
        length != strlen(text) || strncmp(small, text, sizeof small - 1) != 0 || strlen(small) > 11;
    free(text);
    neurlp_expr_destroy(&expr);
    neurlp_expr_destroy(&again);
  }
  check_equal("random trees that are not read back as they were", wrong, 0);
  check_equal("parentheses that are not needed", superfluous, 0);
  check_equal("wrong lengths or beginnings in a small buffer", wrong_lengths, 0);
}

/* Every double is printed so that it reads back, with no more digits than needed and never more than 17. */
static void test_numbers(neurlp_context *context) {
  long long wrong = 0, long_ones = 0;
  for (uint64_t i = 0; i < 20000; i++) {
    uint64_t bits = random_bits(7, i) & 0x7fffffffffffffffu;
    double value = 0.0, again = 0.0;
    if (i % 2) bits = (bits & 0x000fffffffffffffu) | (1000 + random_bits(8, i) % 60) << 52;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    char text[NEURLP_NUMBER_BYTES], shorter[40];
    size_t bytes = 0;
    const size_t length = neurlp_number_print(value, text);
    const bool read = neurlp_number_read(text, &again, &bytes) == NEURLP_NUMBER_READ && bytes == length;
    wrong += !read || memcmp(&value, &again, sizeof value) != 0 || length != strlen(text);
    int digits = 0, zeros = 0;
    for (const char *c = text; *c && *c != 'e'; c++) {
      if (*c == '.' || (*c == '0' && digits == 0)) continue;
      digits++;
      zeros = *c == '0' ? zeros + 1 : 0;
    }
    digits -= zeros;
    if (digits > 1) snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
    long_ones += digits > 17 || (digits > 1 && strtod(shorter, NULL) == value);
  }
  check_equal("numbers that are not read back as they were", wrong, 0);
  check_equal("numbers with a digit too many", long_ones, 0);
  static const struct {
    double value;
    const char *text;
  } pairs[] = {{0.1, "0.1"},
               {1e15, "1000000000000000"},
               {1e16, "1e16"},
               {0.00001, "0.00001"},
               {1e-6, "1e-6"},
               {1.0 / 3.0, "0.3333333333333333"},
               {-2.5e-300, "-2.5e-300"},
               {DBL_MAX, "1.7976931348623157e308"},
               {5e-324, "5e-324"},
               {-0.0, "-0"},
               {123456.75, "123456.75"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    char text[NEURLP_NUMBER_BYTES];
    neurlp_number_print(pairs[i].value, text);
    check_true(pairs[i].text, strcmp(text, pairs[i].text) == 0);
  }
  neurlp_expr *expr = must_parse(context, "x + sigma");
  char text[32];
  const neurlp_symbols few = {1, symbol_names};
  neurlp_expr_print(expr, &few, text, sizeof text);
  check_true("a symbol without a name is printed by number", strcmp(text, "x + #4") == 0);
  neurlp_expr_destroy(&expr);
}

/* x -> x*x + 1, sixty times over: a tree of some 2^60 leaves in 180 nodes. */
static void test_huge_text(neurlp_context *context) {
  neurlp_expr *expr = must_parse(context, "y*y + 1"), *step = must_parse(context, "y*y + y*x");
  for (int i = 0; i < 60; i++) {
    const neurlp_expr *replacements[2] = {NULL, expr};
    neurlp_expr *next = NULL;
    if (neurlp_expr_substitute(context, step, 2, replacements, &next) != NEURLP_SUCCESS) exit(99);
    neurlp_expr_destroy(&expr);
    expr = next;
  }
  char text[41];
  const size_t length = neurlp_expr_print(expr, &test_symbols, text, sizeof text);
  check_equal("length of a text that is longer than any memory", (long long)(length >> 59), 2);
  check_equal("  its beginning is written", (long long)strlen(text), 40);
  check_below("  distinct nodes", expr->count, 400);
  neurlp_expr *slope = NULL;
  check_equal("  its derivative", neurlp_expr_derivative(context, expr, 0, &slope), NEURLP_SUCCESS);
  check_below("  distinct nodes of the derivative", slope->count, 20.0 * expr->count);
  neurlp_expr_destroy(&slope);
  neurlp_expr_destroy(&step);
  neurlp_expr_destroy(&expr);
}

int main(void) {
  neurlp_context *context = make_context();
  test_canonical(context);
  test_round_trip(context);
  test_numbers(context);
  test_huge_text(context);
  end_context(context);
  return check_verdict();
}
