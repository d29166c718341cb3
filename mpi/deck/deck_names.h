/* Names: which are close to a mistyped one, which are well-formed, and well-formed UTF-8. Internal to the
 * deck and the command line. */
#ifndef NEURLP_MPI_DECK_NAMES_H
#define NEURLP_MPI_DECK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Edits (insertion, deletion, replacement, exchange of neighbours) between two names, of which only the first
 * 63 bytes count. */
int32_t neurlp_name_distance(const char *a, const char *b);

/* Of names offered one by one, the nearest to what was written, if it is near enough to be meant. */
typedef struct neurlp_name_search {
  const char *written;
  const char *nearest; /* NULL: nothing is near */
  int32_t distance;
} neurlp_name_search;

void neurlp_name_offer(neurlp_name_search *search, const char *name);

/* A symbol of the expression language: letter or underscore, then letters, digits, underscores, then primes.
 */
bool neurlp_name_is_symbol(const char *name);

/* Reads one character of UTF-8; returns its bytes, 0 if it is malformed, overlong or a surrogate. */
size_t neurlp_utf8_read(const char *text, size_t length, uint32_t *character);

#endif
