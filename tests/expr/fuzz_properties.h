/* What must hold for any text at all; shared by the deterministic test and the fuzzer. */
#ifndef TESTS_EXPR_FUZZ_PROPERTIES_H
#define TESTS_EXPR_FUZZ_PROPERTIES_H

#include "expr_support.h"

enum { FUZZ_TEXT = 4096 };

/* The expression's text is read back as the same expression, unless it is too long to try here or too deeply
 * nested (derivatives and substitutes may be). */
static inline const char *fuzz_reading_back(neurlp_context *context, const neurlp_expr *expr) {
  char printed[FUZZ_TEXT];
  neurlp_expr *again = NULL;
  const char *violation = NULL;
  const size_t length = neurlp_expr_print(expr, &test_symbols, printed, sizeof printed);
  if (length >= sizeof printed) return strlen(printed) == sizeof printed - 1 ? NULL : "a full buffer is used";
  if (strlen(printed) != length) return "the printed length is the text's";
  if (neurlp_expr_parse(context, printed, &test_symbols, &again, NULL) != NEURLP_SUCCESS)
    violation =
        strstr(neurlp_context_message(context), "nested deeper") ? NULL : "what is printed can be read";
  else if (!neurlp_expr_equal(expr, again))
    violation = "what is printed is the same expression";
  neurlp_expr_destroy(&again);
  return violation;
}

/* NULL if all is well, else the property that does not hold. An unreadable text must have an error with a
 * column inside the text and a message; a readable one must survive printing, a derivative, substitution and
 * a run. */
static inline const char *fuzz_violation(neurlp_context *context, const char *text, bool *readable) {
  static const double point[SYMBOLS] = {0.5, -1.25, 2.0, 0.0, 1e3, -3.0};
  const int64_t blocks = neurlp_context_memory(context).blocks;
  const char *violation = NULL;
  neurlp_expr *expr = NULL, *slope = NULL, *replaced = NULL;
  neurlp_syntax_error error = {0};
  const neurlp_status status = neurlp_expr_parse(context, text, &test_symbols, &expr, &error);
  *readable = status == NEURLP_SUCCESS;
  if (status != NEURLP_SUCCESS) {
    if (status != NEURLP_ERROR_SYNTAX || expr)
      return "an unreadable text is a syntax error and no expression";
    if (error.column < 1 || (size_t)error.column > strlen(text) + 1) return "the column is in the text";
    if (!error.message[0]) return "there is a message";
    return neurlp_context_memory(context).blocks == blocks ? NULL : "nothing is held after an error";
  }
  violation = fuzz_reading_back(context, expr);
  const neurlp_expr *const replacements[2] = {expr, NULL};
  if (neurlp_expr_derivative(context, expr, 0, &slope) != NEURLP_SUCCESS) violation = "there is a derivative";
  if (neurlp_expr_substitute(context, expr, 2, replacements, &replaced) != NEURLP_SUCCESS)
    violation = "substitution succeeds";
  if (!violation) violation = fuzz_reading_back(context, slope);
  if (!violation) violation = fuzz_reading_back(context, replaced);
  if (!violation) {
    const neurlp_expr *const list[3] = {expr, slope, replaced};
    double values[3];
    values_at(context, 3, list, point, values);
    double constant = 0.0;
    if (neurlp_expr_constant(expr, &constant) && !same_bits(values[0], constant))
      violation = "a number has its value";
    if (!neurlp_expr_uses(expr, 0) && values[1] != 0.0) violation = "a constant has derivative 0";
    if (!neurlp_expr_uses(expr, 0) && !same_bits(values[0], values[2]))
      violation = "nothing to replace, same value";
  }
  neurlp_expr_destroy(&expr);
  neurlp_expr_destroy(&slope);
  neurlp_expr_destroy(&replaced);
  if (!violation && neurlp_context_memory(context).blocks != blocks) violation = "nothing is held at the end";
  return violation;
}

#endif
