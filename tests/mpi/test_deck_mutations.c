/* Thousands of damaged decks, the same ones every time: none may crash the parser, and what deck_property.h
 * says must hold for each. */
#include "core/random.h"
#include "deck_property.h"
#include "support/check.h"

#include <stdlib.h>

enum { CASES = 9000, TEXT_BYTES = 4096, EDITS = 6 };

/* Pieces that mean something to YAML or to a deck. */
static const char *const pieces[] = {":",
                                     ": ",
                                     "- ",
                                     "[",
                                     "]",
                                     "{",
                                     "}",
                                     ",",
                                     "\n",
                                     "\n  ",
                                     "\t",
                                     "\"",
                                     "'",
                                     "#",
                                     " # ",
                                     "&a ",
                                     "*a",
                                     "!t ",
                                     "|\n",
                                     ">-\n ",
                                     "---\n",
                                     "...\n",
                                     "? ",
                                     "~",
                                     "null",
                                     "nan",
                                     ".inf",
                                     "1e999",
                                     "-1",
                                     "0x10",
                                     "64x",
                                     "1e3",
                                     "\\",
                                     "\r\n",
                                     "\xff",
                                     "\xc3",
                                     "\xc3\xa4",
                                     "\x01",
                                     "@",
                                     "`",
                                     "%",
                                     "<<: ",
                                     "task: fit",
                                     "a: 1\n",
                                     "block",
                                     "order: ",
                                     "window: 3\n",
                                     "\\u2028",
                                     "\\0",
                                     "\\ud800",
                                     "\xef\xbb\xbf",
                                     "\xe2\x80\xa8",
                                     "{dense: ",
                                     "gelu",
                                     "network: n1",
                                     "range: [0, 1]",
                                     "parameter: ",
                                     "steps: [",
                                     "shared",
                                     "flatten, "};
enum { PIECES = sizeof pieces / sizeof pieces[0] };

static uint32_t draw(int64_t case_number, int64_t *index, uint32_t below) {
  return (uint32_t)(neurlp_random_uniform(20, NEURLP_RANDOM_TEST, case_number, (*index)++) * below);
}

/* Replaces `removed` bytes at `at` by others. */
static void splice(char *text, size_t at, size_t removed, const char *inserted, size_t length) {
  const size_t total = strlen(text);
  if (removed > total - at) removed = total - at;
  if (total - removed + length + 1 > TEXT_BYTES) return;
  memmove(text + at + length, text + at + removed, total - at - removed + 1);
  memcpy(text + at, inserted, length);
}

static void mutate(char *text, int64_t case_number, int64_t *index) {
  const uint32_t length = (uint32_t)strlen(text);
  const size_t at = draw(case_number, index, length + 1);
  const char *piece = pieces[draw(case_number, index, PIECES)];
  char copied[64];
  switch (draw(case_number, index, 6)) {
  case 0:
  case 1:
    splice(text, at, 0, piece, strlen(piece));
    break;
  case 2:
    splice(text, at, draw(case_number, index, 8), piece, strlen(piece));
    break;
  case 3:
    splice(text, at, 1 + draw(case_number, index, 12), "", 0);
    break;
  case 4:
    text[at] = (char)(at < length ? 1 + draw(case_number, index, 255) : 0);
    break;
  default: {
    const size_t bytes = draw(case_number, index, sizeof copied);
    const size_t from = draw(case_number, index, length + 1);
    const size_t there = length - from < bytes ? length - from : bytes;
    memcpy(copied, text + from, there);
    splice(text, at, 0, copied, there);
  }
  }
}

int main(void) {
  int32_t good = 0;
  int32_t broken_cases = 0;
  for (int64_t i = 0; i < CASES; i++) {
    char text[TEXT_BYTES];
    char override[64] = "block.order=2";
    int64_t index = 0;
    snprintf(text, sizeof text, "%s", deck_seeds[i % DECK_SEEDS]);
    const uint32_t edits = draw(i, &index, EDITS);
    for (uint32_t e = 0; e < edits; e++) mutate(text, i, &index);
    const uint32_t at = draw(i, &index, (uint32_t)strlen(override));
    override[at] = (char)(1 + draw(i, &index, 255));
    const char *overrides[1] = {override};
    bool is_good = false;
    const char *broken = deck_property(text, i % 3 == 0, overrides, &is_good);
    good += is_good;
    if (!broken) continue;
    broken_cases++;
    printf("case %lld: %s\n%s\n", (long long)i, broken, text);
  }
  check_equal("mutated decks that break a property", broken_cases, 0);
  check_above("decks that were still good", good, 100);
  check_above("decks that were not", CASES - good, 100);
  return check_verdict();
}
