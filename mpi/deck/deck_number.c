#include "deck/deck_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *skip_digits(const char *text, int *count) {
  while (*text >= '0' && *text <= '9') {
    text++;
    ++*count;
  }
  return text;
}

/* [+-] (digits [. digits*] | . digits) [e [+-] digits], and nothing after it */
static bool is_decimal(const char *text) {
  int mantissa = 0;
  if (*text == '+' || *text == '-') text++;
  text = skip_digits(text, &mantissa);
  if (*text == '.') text = skip_digits(text + 1, &mantissa);
  if (mantissa == 0) return false;
  if (*text == 'e' || *text == 'E') {
    int exponent = 0;
    text++;
    if (*text == '+' || *text == '-') text++;
    text = skip_digits(text, &exponent);
    if (exponent == 0) return false;
  }
  return *text == '\0';
}

static bool is_infinite_or_undefined(const char *text) {
  static const char *const words[] = {"nan", "inf", "infinity"};
  if (*text == '+' || *text == '-') text++;
  if (*text == '.') text++;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcasecmp(text, words[i]) == 0) return true;
  return false;
}

/* A digit other than 0 in front of the exponent. */
static bool has_nonzero_digit(const char *text) {
  return text[strcspn(text, "123456789eE")] > '0' && text[strcspn(text, "123456789eE")] <= '9';
}

const char *neurlp_deck_read_number(const char *text, double *value) {
  if (is_infinite_or_undefined(text)) return "is not allowed; write a finite number";
  if (!is_decimal(text)) return "is not a number";
  const double read = strtod(text, NULL);
  if (isinf(read)) return "is too large for a double (1.8e308)";
  if (read == 0.0 && has_nonzero_digit(text)) return "is too small for a double (4.9e-324)";
  *value = read;
  return NULL;
}

const char *neurlp_deck_read_integer(const char *text, int64_t *value) {
  double read = 0.0;
  const char *wrong = neurlp_deck_read_number(text, &read);
  if (wrong) return strcmp(wrong, "is not a number") == 0 ? "is not an integer" : wrong;
  if (read != floor(read)) return "is not an integer";
  if (fabs(read) > 9007199254740992.0) return "is too large (2^53)";
  *value = (int64_t)read;
  return NULL;
}

void neurlp_deck_print_number(double value, char text[NEURLP_DECK_NUMBER_BYTES]) {
  if (value == floor(value) && fabs(value) <= 9007199254740992.0) {
    snprintf(text, NEURLP_DECK_NUMBER_BYTES, "%.0f", value);
    return;
  }
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(text, NEURLP_DECK_NUMBER_BYTES, "%.*g", digits, value);
    if (strtod(text, NULL) == value) return;
  }
}
