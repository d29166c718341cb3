#include "deck/deck_names.h"

#include <string.h>

enum { COMPARED_BYTES = 63 };

static int32_t smallest(int32_t a, int32_t b) {
  return a < b ? a : b;
}

/* Damerau and Levenshtein's distance (optimal string alignment), three rows of the table at a time. */
int32_t neurlp_name_distance(const char *a, const char *b) {
  const size_t m = strnlen(a, COMPARED_BYTES);
  const size_t n = strnlen(b, COMPARED_BYTES);
  int32_t rows[3][COMPARED_BYTES + 1];
  int32_t *before = rows[0];
  int32_t *above = rows[1];
  int32_t *row = rows[2];
  for (size_t j = 0; j <= n; j++) above[j] = before[j] = (int32_t)j;
  for (size_t i = 1; i <= m; i++) {
    row[0] = (int32_t)i;
    for (size_t j = 1; j <= n; j++) {
      const int32_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = smallest(replaced, smallest(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = smallest(row[j], before[j - 2] + 1);
    }
    int32_t *oldest = before;
    before = above;
    above = row;
    row = oldest;
  }
  return above[n];
}

/* A third of the name may be wrong, and one letter of the shortest, but not its first. */
void neurlp_name_offer(neurlp_name_search *search, const char *name) {
  const size_t length = strnlen(name, COMPARED_BYTES);
  const int32_t limit = length < 3 ? 1 : (int32_t)(length + 2) / 3;
  const int32_t distance = neurlp_name_distance(search->written, name);
  if (distance > limit || (search->nearest && distance >= search->distance)) return;
  if (distance >= (int32_t)length || (length <= 3 && search->written[0] != name[0])) return;
  search->nearest = name;
  search->distance = distance;
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool neurlp_name_is_symbol(const char *name) {
  if (!is_letter(*name)) return false;
  while (is_letter(*name) || (*name >= '0' && *name <= '9')) name++;
  while (*name == '\'') name++;
  return *name == '\0';
}

size_t neurlp_utf8_read(const char *text, size_t length, uint32_t *character) {
  static const uint32_t smallest_of_length[] = {0, 0, 0x80, 0x800, 0x10000};
  if (length == 0) return 0;
  const unsigned char first = (unsigned char)text[0];
  size_t bytes = 0;
  if (first < 0x80) bytes = 1;
  if (first >= 0xC2 && first < 0xE0) bytes = 2;
  if (first >= 0xE0 && first < 0xF0) bytes = 3;
  if (first >= 0xF0 && first < 0xF5) bytes = 4;
  if (bytes == 0 || bytes > length) return 0;
  uint32_t read = bytes == 1 ? first : first & (0x7Fu >> bytes);
  for (size_t i = 1; i < bytes; i++) {
    const unsigned char next = (unsigned char)text[i];
    if ((next & 0xC0) != 0x80) return 0;
    read = read << 6 | (next & 0x3Fu);
  }
  if (read < smallest_of_length[bytes] || read > 0x10FFFF || (read >= 0xD800 && read < 0xE000)) return 0;
  *character = read;
  return bytes;
}
