#include "expr/names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  double value;
} constants[] = {{"pi", 3.14159265358979323846}, {"e", 2.71828182845904523536}};

enum { NEURLP_CONSTANTS = sizeof constants / sizeof constants[0], NEURLP_NAME_COMPARED = 64 };

static bool same_name(const char *name, const char *text, size_t length) {
  return strlen(name) == length && memcmp(name, text, length) == 0;
}

int32_t neurlp_name_symbol(const neurlp_symbols *symbols, const char *text, size_t length) {
  for (int32_t i = 0; symbols && i < symbols->count; i++)
    if (same_name(symbols->names[i], text, length)) return i;
  return -1;
}

int32_t neurlp_name_function(const char *text, size_t length) {
  for (int32_t op = NEURLP_OP_SIN; op < NEURLP_OP_COUNT; op++)
    if (same_name(neurlp_name_of_function((neurlp_op)op), text, length)) return op;
  return -1;
}

bool neurlp_name_constant(const char *text, size_t length, double *value) {
  for (int32_t i = 0; i < NEURLP_CONSTANTS; i++)
    if (same_name(constants[i].name, text, length)) {
      *value = constants[i].value;
      return true;
    }
  return false;
}

const char *neurlp_name_of_function(neurlp_op op) {
#define NEURLP_FUNCTION_NAME(name, text, function)                                                           \
  if (op == NEURLP_OP_##name) return text;
  NEURLP_FUNCTION_LIST(NEURLP_FUNCTION_NAME)
#undef NEURLP_FUNCTION_NAME
  return NULL;
}

const char *neurlp_name_of_constant(double value) {
  for (int32_t i = 0; i < NEURLP_CONSTANTS; i++)
    if (memcmp(&constants[i].value, &value, sizeof value) == 0) return constants[i].name;
  return NULL;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Number of insertions, deletions, substitutions and swaps of neighbours that lead from one text to the other
 * (Damerau's distance, optimal string alignment). Letters that differ in case only count as the same. */
static int distance(const char *one, size_t one_length, const char *other, size_t other_length) {
  int rows[3][NEURLP_NAME_COMPARED + 1];
  for (size_t j = 0; j <= other_length; j++) rows[0][j] = (int)j;
  for (size_t i = 1; i <= one_length; i++) {
    int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
    row[0] = (int)i;
    for (size_t j = 1; j <= other_length; j++) {
      int best = above[j - 1] + (lower(one[i - 1]) != lower(other[j - 1]));
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] &&
          two_above[j - 2] + 1 < best)
        best = two_above[j - 2] + 1;
      row[j] = best;
    }
  }
  return rows[one_length % 3][other_length];
}

typedef struct nearest_name {
  const char *name;
  int distance;
} nearest_name;

static void offer(nearest_name *nearest, const char *name, const char *text, size_t length) {
  const size_t name_length = strlen(name);
  if (length > NEURLP_NAME_COMPARED || name_length > NEURLP_NAME_COMPARED) return;
  const int d = distance(name, name_length, text, length);
  if (d < nearest->distance) *nearest = (nearest_name){name, d};
}

/* The i-th name that may stand here, NULL after the last. */
static const char *candidate(const neurlp_symbols *symbols, bool call, int32_t i) {
  if (call)
    return i < NEURLP_OP_COUNT - NEURLP_OP_SIN ? neurlp_name_of_function((neurlp_op)(NEURLP_OP_SIN + i))
                                               : NULL;
  const int32_t count = symbols ? symbols->count : 0;
  if (i < count) return symbols->names[i];
  return i - count < NEURLP_CONSTANTS ? constants[i - count].name : NULL;
}

const char *neurlp_name_nearest(const neurlp_symbols *symbols, const char *text, size_t length, bool call) {
  /* near: no slip in one letter, one in two to four letters, two in five to nine, and so on */
  nearest_name nearest = {.distance = length < 2 ? 1 : 2 + (int)(length / 5)};
  const char *name = NULL;
  for (int32_t i = 0; (name = candidate(symbols, call, i)); i++) offer(&nearest, name, text, length);
  return nearest.name;
}

void neurlp_name_list(const neurlp_symbols *symbols, bool call, char *text, size_t size_bytes) {
  size_t length = 0;
  const char *name = NULL;
  text[0] = '\0';
  for (int32_t i = 0; (name = candidate(symbols, call, i)); i++) {
    const char *comma = i > 0 ? ", " : "";
    const bool last = !candidate(symbols, call, i + 1);
    if (length + strlen(comma) + strlen(name) + (last ? 1 : 6) > size_bytes) {
      snprintf(text + length, size_bytes - length, "%s", i > 0 ? ", ..." : "...");
      return;
    }
    length += (size_t)snprintf(text + length, size_bytes - length, "%s%s", comma, name);
  }
}
