/* 200,000 texts, the same every time: random bytes, random tokens, and valid expressions with random changes.
 */
#include "fuzz_properties.h"

enum { CASES = 200000, LONGEST = 120 };

static const char *const tokens[] = {
    "x",    "y",        "z",     "x'",    "sigma", "alpha_2", "pi",   "e",   "sin(", "cos(", "tan(",
    "exp(", "log(",     "sqrt(", "tanh(", "abs(",  "(",       ")",    "+",   "-",    "*",    "/",
    "^",    "1",        "2",     "0",     "0.5",   "1e308",   "1e-3", "3.7", ".",    " ",    "''",
    "**",   "\xc2\xb2", "1e",    "q",     ",",     "-2",      "^-",   "10"};

static const char *const valid[] = {"sigma*(y - x)",
                                    "x*(28 - z) - y",
                                    "-alpha_2*sin(x) - 0.1*x'",
                                    "1/(1 + exp(-x))",
                                    "(x^2 + y^2)^-1.5",
                                    "2^x^y + log(abs(z) + 1)/sqrt(2)",
                                    "tanh(x)*tan(y/2) + 1e-3*cos(2*pi*z)",
                                    "1/x^0^-5"};

/* Writes the text of case i; returns its length. */
static size_t make_text(uint64_t i, char *text) {
  uint64_t counter = 0;
  size_t length = 0;
#define DRAW(below) ((size_t)(random_bits(i + 1, counter++) % (below)))
  const size_t kind = DRAW(4);
  if (kind == 0) {
    for (size_t n = DRAW(40); length < n; length++) text[length] = (char)(1 + DRAW(255));
  } else if (kind == 1) {
    for (size_t n = DRAW(25); n > 0; n--) {
      const char *token = tokens[DRAW(sizeof tokens / sizeof tokens[0])];
      memcpy(text + length, token, strlen(token));
      length += strlen(token);
    }
  } else {
    const char *from = valid[DRAW(sizeof valid / sizeof valid[0])];
    length = strlen(from);
    memcpy(text, from, length);
    for (size_t n = DRAW(4); n > 0 && length > 0 && length < LONGEST - 40; n--) {
      const size_t at = DRAW(length), change = DRAW(3);
      if (change == 0) {
        text[at] = (char)(DRAW(4) ? 32 + DRAW(95) : 1 + DRAW(255));
      } else if (change == 1) {
        memmove(text + at, text + at + 1, length - at - 1);
        length--;
      } else {
        const char *token = tokens[DRAW(sizeof tokens / sizeof tokens[0])];
        memmove(text + at + strlen(token), text + at, length - at);
        memcpy(text + at, token, strlen(token));
        length += strlen(token);
      }
    }
  }
#undef DRAW
  text[length] = '\0';
  return length;
}

int main(void) {
  neurlp_context *context = make_context();
  long long violations = 0, readable_texts = 0;
  for (uint64_t i = 0; i < CASES; i++) {
    char text[2 * LONGEST + 100];
    bool readable = false;
    make_text(i, text);
    const char *violation = fuzz_violation(context, text, &readable);
    readable_texts += readable;
    if (violation && violations++ < 10)
      printf("case %llu, does not hold: %s\n  %s\n", (unsigned long long)i, violation, text);
  }
  check_equal("texts for which a property does not hold", violations, 0);
  check_above("texts that are expressions", (double)readable_texts, 0.1 * CASES);
  check_above("texts that are not", (double)(CASES - readable_texts), 0.1 * CASES);
  end_context(context);
  return check_verdict();
}
