/* What cannot be read: the column, counted in characters, and what the message must contain. */
#include "expr_support.h"

static const struct {
  const char *text;
  int column;
  const char *contains;
} cases[] = {
    {"", 1, "empty"},
    {"  \t", 4, "empty"},
    {"sgima*(y - x)", 1, "did you mean 'sigma'?"},
    {"x + sigmaa", 5, "did you mean 'sigma'?"},
    {"alpha2", 1, "did you mean 'alpha_2'?"},
    {"X", 1, "did you mean 'x'?"},
    {"x''", 1, "did you mean 'x''?"},
    {"sn(x)", 1, "did you mean 'sin'?"},
    {"sqr(x)", 1, "did you mean 'sqrt'?"},
    {"2*SIN(x)", 3, "did you mean 'sin'?"},
    {"rather_different", 1, "known: x, y, z, x', sigma, alpha_2, pi, e"},
    {"gamma(x)", 1, "known: sin, cos, tan, exp, log, sqrt, tanh, abs"},
    {"x(y)", 1, "'x' is not a function"},
    {"pi (y)", 1, "'pi' is not a function"},
    {"sin x", 5, "expected '(' after the function 'sin'"},
    {"sin", 4, "expected '('"},
    {"2x", 2, "2*x"},
    {"2 x", 3, "product is written with *"},
    {"(x)(y)", 4, "product is written with *"},
    {"(x y)", 4, "product is written with *"},
    {"x +", 4, "the text ends here"},
    {"x + * y", 5, "got '*'"},
    {"(x + y", 7, "to close the '(' in column 1"},
    {"sin(x + y", 10, "to close the '(' in column 4"},
    {"x)", 2, "closes no '('"},
    {"()", 2, "expected a number, a name or '('"},
    {"x**2", 2, "written with ^"},
    {"x, y", 2, "one argument"},
    {"1,5", 2, "decimals a point"},
    {"1.2.3", 4, "second point"},
    {".", 1, "digits"},
    {"1e", 2, "1*e"},
    {"1e400*x", 1, "too large"},
    {"x + 2e308", 5, "too large"},
    {"0x10", 2, "0*x10"},
    {"x = 2", 3, "got '='"},
    {"x % y", 3, "got '%'"},
    {"[x]", 1, "write ("},
    {"inf", 1, "unknown name 'inf'"},
    {"nan", 1, "unknown name 'nan'"},
    {"x \xe2\x88\x92 y", 3, "write -"},
    {"x\xc2\xb2", 2, "write ^2"},
    {"\xcf\x80*x", 1, "write pi"},
    {"\xc3\xa4 + x", 1, "got '\xc3\xa4'"},
    {"x + \xf0\x9f\x98\x80 + \xc3\xa4", 5, "got '\xf0\x9f\x98\x80'"},
    {"x + \x80", 5, "byte 0x80"},
    {"x + \xff", 5, "byte 0xff"},
    {"x\x01y", 2, "byte 0x01"},
};

/* The message must be UTF-8 whatever the text was, for it goes to logs and files. */
static bool is_utf8(const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    const int more = *c < 0x80                 ? 0
                     : *c >= 0xc2 && *c < 0xe0 ? 1
                     : *c >= 0xe0 && *c < 0xf0 ? 2
                     : *c >= 0xf0 && *c < 0xf5 ? 3
                                               : -1;
    if (more < 0) return false;
    for (int i = 1; i <= more; i++)
      if ((c[i] & 0xc0) != 0x80) return false;
    c += more + 1;
  }
  return true;
}

static void test_case(neurlp_context *context, const char *text, int column, const char *contains) {
  neurlp_expr *expr = NULL;
  neurlp_syntax_error error = {0};
  const neurlp_status status = neurlp_expr_parse(context, text, &test_symbols, &expr, &error);
  const char *line = neurlp_context_message(context);
  printf("%s\n", status < 0 ? line : "(no error)");
  check_equal("  status", status, NEURLP_ERROR_SYNTAX);
  check_true("  no expression", expr == NULL);
  check_equal("  column", error.column, column);
  check_true(contains, strstr(error.message, contains) != NULL);
  check_true("  the context's message has it too", strstr(line, contains) != NULL);
  check_true("  UTF-8", is_utf8(line) && is_utf8(error.message));
  neurlp_expr_destroy(&expr);
}

/* Names of any length and any number of them fit into messages. */
static void test_long_names(neurlp_context *context) {
  enum { COUNT = 500, LENGTH = 3000 };
  static char text[LENGTH + 10], names[COUNT][24];
  static const char *list[COUNT];
  for (int i = 0; i < COUNT; i++) {
    snprintf(names[i], sizeof names[i], "state_%d", i);
    list[i] = names[i];
  }
  const neurlp_symbols many = {COUNT, list};
  memset(text, 'q', LENGTH);
  neurlp_expr *expr = NULL;
  neurlp_syntax_error error = {0};
  check_equal("a name of 3000 letters", neurlp_expr_parse(context, text, &many, &expr, &error),
              NEURLP_ERROR_SYNTAX);
  printf("%s\n", error.message);
  check_true("  is shortened", strstr(error.message, "qqq...'") != NULL);
  check_true("  so is the list of names",
             strstr(error.message, "state_0, state_1,") && strstr(error.message, "..."));
  for (int i = 0; i < LENGTH; i += 2) memcpy(text + i, "\xc3\xa4", 2);
  check_equal("3000 bytes of umlauts", neurlp_expr_parse(context, text, &many, &expr, &error),
              NEURLP_ERROR_SYNTAX);
  check_true("  UTF-8 where it was cut", is_utf8(neurlp_context_message(context)));
}

int main(void) {
  neurlp_context *context = make_context();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    test_case(context, cases[i].text, cases[i].column, cases[i].contains);
  test_long_names(context);
  end_context(context);
  return check_verdict();
}
