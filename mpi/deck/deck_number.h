/* Numbers as decks write them, read to the last character, and printed so that they read back exactly.
 * Internal to the deck. */
#ifndef NEURLP_MPI_DECK_NUMBER_H
#define NEURLP_MPI_DECK_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Room for the text of any double. */
enum { NEURLP_DECK_NUMBER_BYTES = 32 };

/* Reads a decimal number: 3, -2.5, .5, 1e3. NULL on success, else what is wrong with it, in words that
 * follow "'64x' ": "is not a number". Infinite and undefined numbers, hexadecimal ones and those that a
 * double cannot hold are refused. */
const char *neurlp_deck_read_number(const char *text, double *value);

/* The same for an integer, which may be written 1000, 1e3 or 1000.0, up to 2^53 in magnitude. */
const char *neurlp_deck_read_integer(const char *text, int64_t *value);

/* A decimal form that reads back as the same double: whole numbers in full (up to 2^53), others the shortest.
 */
void neurlp_deck_print_number(double value, char text[NEURLP_DECK_NUMBER_BYTES]);

#endif
