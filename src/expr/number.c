#include "expr/number.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library converts by the decimal sign of the locale; ask this thread for the "C" locale meanwhile. */
typedef struct plain_locale {
  locale_t plain, before;
} plain_locale;

static plain_locale plain_locale_enter(void) {
  plain_locale change = {.plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0)};
  if (change.plain) change.before = uselocale(change.plain);
  return change;
}

static void plain_locale_leave(plain_locale change) {
  if (!change.plain) return;
  uselocale(change.before);
  freelocale(change.plain);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static size_t digits_at(const char *text) {
  size_t n = 0;
  while (is_digit(text[n])) n++;
  return n;
}

/* Length of the unsigned number at the beginning of the text, 0 if there is none. */
static size_t number_length(const char *text) {
  size_t n = digits_at(text), digits = n;
  if (text[n] == '.') {
    const size_t fraction = digits_at(text + n + 1);
    digits += fraction;
    n += 1 + fraction;
  }
  if (digits == 0) return 0;
  if (text[n] == 'e' || text[n] == 'E') {
    const size_t sign = text[n + 1] == '+' || text[n + 1] == '-';
    const size_t exponent = digits_at(text + n + 1 + sign);
    if (exponent > 0) n += 1 + sign + exponent;
  }
  return n;
}

neurlp_number_result neurlp_number_read(const char *text, double *value, size_t *bytes) {
  *value = 0.0;
  *bytes = number_length(text);
  if (*bytes == 0) return NEURLP_NUMBER_NONE;
  /* strtod would also take 0x10 as a number; a number of ours that begins so is the 0 alone */
  if (*bytes == 1) {
    *value = text[0] - '0';
    return NEURLP_NUMBER_READ;
  }
  const plain_locale change = plain_locale_enter();
  *value = strtod(text, NULL);
  plain_locale_leave(change);
  return isfinite(*value) ? NEURLP_NUMBER_READ : NEURLP_NUMBER_TOO_LARGE;
}

/* The fewest significant digits of |value| that read back; value = 0.d1d2d3... * 10^exponent. */
static int shortest_digits(double value, char digits[20], int *exponent) {
  char text[NEURLP_NUMBER_BYTES];
  for (int precision = 0; precision < 17; precision++) {
    snprintf(text, sizeof text, "%.*e", precision, fabs(value));
    if (strtod(text, NULL) == fabs(value)) break;
  }
  int count = 0;
  const char *c = text;
  for (; *c && *c != 'e'; c++)
    if (is_digit(*c)) digits[count++] = *c;
  *exponent = *c == 'e' ? atoi(c + 1) + 1 : 1;
  return count;
}

size_t neurlp_number_print(double value, char text[NEURLP_NUMBER_BYTES]) {
  const char *sign = signbit(value) ? "-" : "";
  char digits[20] = {0};
  int exponent = 1;
  const plain_locale change = plain_locale_enter();
  const int count = shortest_digits(value, digits, &exponent);
  plain_locale_leave(change);
  int length = 0;
  if (exponent > 16 || exponent < -4)
    length = snprintf(text, NEURLP_NUMBER_BYTES, "%s%.1s%s%se%d", sign, digits, count > 1 ? "." : "",
                      digits + 1, exponent - 1);
  else if (exponent <= 0)
    length = snprintf(text, NEURLP_NUMBER_BYTES, "%s0.%.*s%s", sign, -exponent, "0000", digits);
  else if (count <= exponent)
    length =
        snprintf(text, NEURLP_NUMBER_BYTES, "%s%s%.*s", sign, digits, exponent - count, "000000000000000");
  else
    length = snprintf(text, NEURLP_NUMBER_BYTES, "%s%.*s.%s", sign, exponent, digits, digits + exponent);
  return (size_t)length;
}
