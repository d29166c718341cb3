/* Text to tree, by recursive descent:
 *
 *   sum      product, then any number of + or - product
 *   product  signed, then any number of * or / signed
 *   signed   - signed, + signed, or power
 *   power    atom, or atom ^ signed
 *   atom     number, symbol, constant, function ( sum ), or ( sum )
 */
#include "expr/names.h"
#include "expr/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
  NEURLP_NESTING_MOST = 200,  /* of parentheses, signs and exponents; bounds the stack */
  NEURLP_TEXT_MOST = 1000000, /* bytes; keeps columns and nodes far inside 32 bits */
  NEURLP_NAME_SHOWN = 40,     /* of a name in a message, bytes */
  NEURLP_TEXT_SHOWN = 160     /* of the text in a message, bytes */
};

typedef struct parser {
  neurlp_pool pool;
  const neurlp_symbols *symbols;
  const char *text, *at; /* at is never on a space, except at the start of a token's reading */
  int32_t nesting;
  bool failed; /* the first error is in `error`, and nothing more is read */
  neurlp_syntax_error error;
} parser;

static int32_t parse_sum(parser *p);
static int32_t parse_signed(parser *p);

/* ---- characters and messages ------------------------------------------------------------------------- */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_continuation(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 character at text, 0 if it is none. */
static size_t character_bytes(const char *text) {
  const unsigned char c = (unsigned char)*text;
  const size_t bytes = c < 0x80                ? 1
                       : c >= 0xc2 && c < 0xe0 ? 2
                       : c >= 0xe0 && c < 0xf0 ? 3
                       : c >= 0xf0 && c < 0xf5 ? 4
                                               : 0;
  for (size_t i = 1; i < bytes; i++)
    if (!is_continuation(text[i])) return 0;
  return bytes;
}

/* Column of a place in the text, in characters, from 1. Whatever is not ASCII is an error, and reading stops
 * at the first one: so before any error a character is a byte. */
static int32_t column_of(const parser *p, const char *place) {
  return (int32_t)(place - p->text) + 1;
}

NEURLP_PRINTF(3, 4) static int32_t fail_at(parser *p, const char *place, const char *format, ...) {
  if (p->failed) return 0;
  p->failed = true;
  p->error.column = column_of(p, place);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(p->error.message, sizeof p->error.message, format, arguments);
  va_end(arguments);
  return 0;
}

/* Copies at most `most` bytes of text[0..length), whole characters only; what cannot be shown becomes '?'. */
static void show(const char *text, size_t length, size_t most, char *shown) {
  size_t from = 0, to = 0;
  while (from < length && text[from]) {
    const size_t bytes = character_bytes(text + from);
    const bool plain = bytes > 1 || (bytes == 1 && text[from] >= 0x20 && text[from] != 0x7f);
    if (to + (plain ? bytes : 1) > most) break;
    if (plain)
      memcpy(shown + to, text + from, bytes);
    else
      shown[to] = text[from] == '\n' || text[from] == '\t' || text[from] == '\r' ? ' ' : '?';
    to += plain ? bytes : 1;
    from += bytes > 0 ? bytes : 1;
  }
  memcpy(shown + to, from < length && text[from] ? "..." : "", from < length && text[from] ? 4 : 1);
}

static void skip_spaces(parser *p) {
  while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') p->at++;
}

/* Takes the character if it is next. */
static bool take(parser *p, char c) {
  skip_spaces(p);
  if (p->failed || *p->at != c) return false;
  p->at++;
  return true;
}

static size_t name_length(const char *text) {
  size_t n = 0;
  if (!is_letter(text[0])) return 0;
  while (is_letter(text[n]) || is_digit(text[n])) n++;
  while (text[n] == '\'') n++;
  return n;
}

/* What to type instead of characters that look like ours. */
static const char *plain_form(const char *text) {
  static const char *const forms[][2] = {{"\xe2\x88\x92", "-"},
                                         {"\xe2\x80\x93", "-"},
                                         {"\xc3\x97", "*"},
                                         {"\xc2\xb7", "*"},
                                         {"\xe2\x8b\x85", "*"},
                                         {"\xc3\xb7", "/"},
                                         {"\xc2\xb2", "^2"},
                                         {"\xc2\xb3", "^3"},
                                         {"\xe2\x80\x99", "'"},
                                         {"\xe2\x80\xb2", "'"},
                                         {"\xcf\x80", "pi"},
                                         {"\xe2\x88\x9a", "sqrt(...)"},
                                         {"[", "("},
                                         {"]", ")"},
                                         {"{", "("},
                                         {"}", ")"}};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
    if (strncmp(text, forms[i][0], strlen(forms[i][0])) == 0) return forms[i][1];
  return NULL;
}

/* The character at p->at cannot stand where `expected` is. */
static int32_t fail_unexpected(parser *p, const char *expected) {
  if (!*p->at) return fail_at(p, p->at, "expected %s, but the text ends here", expected);
  const size_t bytes = character_bytes(p->at);
  const unsigned char byte = (unsigned char)*p->at;
  const char *plain = plain_form(p->at);
  if (bytes == 0 || byte < 0x20 || byte == 0x7f)
    return fail_at(p, p->at, "expected %s, got the byte 0x%02x", expected, byte);
  if (plain) return fail_at(p, p->at, "'%.*s' cannot be read; write %s", (int)bytes, p->at, plain);
  if (byte == ',')
    return fail_at(p, p->at, "expected %s, got ','; functions take one argument, and decimals a point",
                   expected);
  return fail_at(p, p->at, "expected %s, got '%.*s'", expected, (int)bytes, p->at);
}

/* ---- atoms ------------------------------------------------------------------------------------------- */

static int32_t parse_parentheses(parser *p, const char *open) {
  p->at = open + 1;
  const int32_t inner = parse_sum(p);
  if (p->failed || take(p, ')')) return inner;
  const int32_t column = column_of(p, open);
  if (!*p->at)
    return fail_at(p, p->at, "expected ')' to close the '(' in column %d, but the text ends here", column);
  if (name_length(p->at) > 0 || is_digit(*p->at) || *p->at == '(' || *p->at == '.')
    return fail_at(p, p->at, "expected an operator (+ - * / ^) or ')'; a product is written with *");
  return fail_unexpected(p, "an operator (+ - * / ^) or ')'");
}

static int32_t parse_number(parser *p) {
  const char *start = p->at;
  double value = 0.0;
  size_t bytes = 0;
  const neurlp_number_result result = neurlp_number_read(p->at, &value, &bytes);
  char shown[NEURLP_NAME_SHOWN + 4];
  show(start, bytes, NEURLP_NAME_SHOWN, shown);
  if (result == NEURLP_NUMBER_NONE) return fail_at(p, start, "expected digits before or after the point");
  if (result == NEURLP_NUMBER_TOO_LARGE)
    return fail_at(p, start, "the number %s is too large; the largest is 1.7976931348623157e308", shown);
  p->at += bytes;
  if (*p->at == '.') return fail_at(p, p->at, "a second point in the number %s", shown);
  const size_t name = name_length(p->at);
  if (name > 0) {
    char after[NEURLP_NAME_SHOWN + 4];
    show(p->at, name, NEURLP_NAME_SHOWN, after);
    return fail_at(p, p->at, "expected an operator between %s and %s; a product is written %s*%s", shown,
                   after, shown, after);
  }
  return neurlp_pool_number(&p->pool, value);
}

static int32_t fail_unknown(parser *p, const char *name, size_t length, bool call) {
  char shown[NEURLP_NAME_SHOWN + 4], known[120];
  show(name, length, NEURLP_NAME_SHOWN, shown);
  const char *kind = call ? "function" : "name";
  double value = 0.0;
  if (call &&
      (neurlp_name_symbol(p->symbols, name, length) >= 0 || neurlp_name_constant(name, length, &value)))
    return fail_at(p, name, "'%s' is not a function; a product is written %s*(...)", shown, shown);
  const char *near = neurlp_name_nearest(p->symbols, name, length, call);
  if (near) {
    char near_shown[NEURLP_NAME_SHOWN + 4];
    show(near, strlen(near), NEURLP_NAME_SHOWN, near_shown);
    return fail_at(p, name, "unknown %s '%s'; did you mean '%s'?", kind, shown, near_shown);
  }
  neurlp_name_list(p->symbols, call, known, sizeof known);
  return fail_at(p, name, "unknown %s '%s'; known: %s", kind, shown, known);
}

static int32_t parse_name(parser *p, size_t length) {
  const char *name = p->at;
  p->at += length;
  skip_spaces(p);
  const char *after = p->at;
  const int32_t function = neurlp_name_function(name, length);
  const int32_t symbol = neurlp_name_symbol(p->symbols, name, length);
  double value = 0.0;
  if (*after == '(') {
    if (function < 0) return fail_unknown(p, name, length, true);
    const int32_t argument = parse_parentheses(p, after);
    return p->failed ? 0 : neurlp_pool_make(&p->pool, (neurlp_op)function, argument, -1);
  }
  if (symbol >= 0) return neurlp_pool_symbol(&p->pool, symbol);
  if (neurlp_name_constant(name, length, &value)) return neurlp_pool_number(&p->pool, value);
  if (function >= 0)
    return fail_at(p, after, "expected '(' after the function '%s'",
                   neurlp_name_of_function((neurlp_op)function));
  return fail_unknown(p, name, length, false);
}

static int32_t parse_atom(parser *p) {
  skip_spaces(p);
  const size_t name = name_length(p->at);
  if (name > 0) return parse_name(p, name);
  if (is_digit(*p->at) || *p->at == '.') return parse_number(p);
  if (*p->at == '(') return parse_parentheses(p, p->at);
  if (*p->at == '*' && p->at > p->text && p->at[-1] == '*')
    return fail_at(p, p->at - 1, "'**' cannot be read; a power is written with ^");
  return fail_unexpected(p, "a number, a name or '('");
}

/* ---- operators --------------------------------------------------------------------------------------- */

static int32_t parse_power(parser *p) {
  const int32_t base = parse_atom(p);
  if (!take(p, '^')) return base;
  const int32_t exponent = parse_signed(p);
  return p->failed ? 0 : neurlp_pool_make(&p->pool, NEURLP_OP_POWER, base, exponent);
}

static int32_t parse_signed(parser *p) {
  skip_spaces(p);
  if (p->nesting >= NEURLP_NESTING_MOST)
    return fail_at(p, p->at, "nested deeper than %d; split the expression", (int)NEURLP_NESTING_MOST);
  p->nesting++;
  int32_t result = 0;
  if (take(p, '-')) {
    result = parse_signed(p);
    if (!p->failed) result = neurlp_pool_make(&p->pool, NEURLP_OP_NEGATE, result, -1);
  } else if (take(p, '+')) {
    result = parse_signed(p);
  } else {
    result = parse_power(p);
  }
  p->nesting--;
  return result;
}

static int32_t parse_product(parser *p) {
  int32_t result = parse_signed(p);
  while (!p->failed) {
    const bool times = take(p, '*');
    if (!times && !take(p, '/')) break;
    const int32_t right = parse_signed(p);
    if (!p->failed)
      result = neurlp_pool_make(&p->pool, times ? NEURLP_OP_MULTIPLY : NEURLP_OP_DIVIDE, result, right);
  }
  return result;
}

static int32_t parse_sum(parser *p) {
  int32_t result = parse_product(p);
  while (!p->failed) {
    const bool plus = take(p, '+');
    if (!plus && !take(p, '-')) break;
    const int32_t right = parse_product(p);
    if (!p->failed)
      result = neurlp_pool_make(&p->pool, plus ? NEURLP_OP_ADD : NEURLP_OP_SUBTRACT, result, right);
  }
  return result;
}

/* The whole text: one sum and nothing behind it. */
static int32_t parse_all(parser *p) {
  skip_spaces(p);
  if (!*p->at) return fail_at(p, p->at, "the expression is empty; expected a number, a name or '('");
  const int32_t root = parse_sum(p);
  skip_spaces(p);
  if (p->failed || !*p->at) return root;
  if (*p->at == ')') return fail_at(p, p->at, "this ')' closes no '('");
  if (name_length(p->at) > 0 || is_digit(*p->at) || *p->at == '(' || *p->at == '.')
    return fail_at(p, p->at, "expected an operator (+ - * / ^) or the end; a product is written with *");
  return fail_unexpected(p, "an operator (+ - * / ^) or the end");
}

static neurlp_status fail_syntax(parser *p, neurlp_syntax_error *error) {
  char shown[NEURLP_TEXT_SHOWN + 4];
  show(p->text, strlen(p->text), NEURLP_TEXT_SHOWN, shown);
  if (error) *error = p->error;
  return neurlp_fail(p->pool.context, NEURLP_ERROR_SYNTAX, "column %d of '%s': %s", p->error.column, shown,
                     p->error.message);
}

neurlp_status neurlp_expr_parse(neurlp_context *context, const char *text, const neurlp_symbols *symbols,
                                neurlp_expr **expr, neurlp_syntax_error *error) {
  parser p = {.symbols = symbols, .text = text, .at = text};
  neurlp_status status = NEURLP_SUCCESS;
  *expr = NULL;
  NEURLP_TRY(neurlp_pool_start(context, &p.pool));
  int32_t root = 0;
  if (strlen(text) > NEURLP_TEXT_MOST)
    fail_at(&p, text, "the text has %zu bytes; at most %d can be read", strlen(text), (int)NEURLP_TEXT_MOST);
  else
    root = parse_all(&p);
  status = p.failed ? fail_syntax(&p, error) : neurlp_pool_finish(&p.pool, root, expr);
done:
  neurlp_pool_release(&p.pool);
  return status;
}
