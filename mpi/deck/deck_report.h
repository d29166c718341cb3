/* The errors of a deck: collected, sorted by place, printed with their source line. Internal to the deck. */
#ifndef NEURLP_MPI_DECK_REPORT_H
#define NEURLP_MPI_DECK_REPORT_H

#include "deck/deck_buffer.h"

/* A place: a byte of the deck's text, or an override. */
typedef struct neurlp_deck_place {
  int32_t origin; /* NEURLP_PLACE_DECK, or the index of an override */
  size_t offset;  /* in the deck's text; NEURLP_PLACE_NOWHERE: the deck as a whole */
} neurlp_deck_place;

enum { NEURLP_PLACE_DECK = -1 };
#define NEURLP_PLACE_NOWHERE SIZE_MAX

/* Where texts come from. Borrowed. */
typedef struct neurlp_deck_source {
  const char *name;
  const char *text;
  size_t length;
  const char *const *overrides;
} neurlp_deck_source;

typedef struct neurlp_deck_report {
  neurlp_deck_source source;
  neurlp_deck_arena *arena;
  int32_t count; /* of all errors; only the first few are kept */
  struct neurlp_deck_error *first;
} neurlp_deck_report;

/* Errors that a report holds; further ones are only counted. */
enum { NEURLP_REPORT_ERRORS = 50 };

/* True while errors are still kept: what is costly to word can be left out afterwards. */
bool neurlp_deck_report_open(const neurlp_deck_report *report);

NEURLP_PRINTF(3, 4)
void neurlp_deck_report_add(neurlp_deck_report *report, neurlp_deck_place place, const char *format, ...);

/* All errors, by place, each with its source line and a caret, and their number. */
void neurlp_deck_report_print(const neurlp_deck_report *report, neurlp_deck_buffer *buffer);

/* One error in the same style, without a line end. */
void neurlp_deck_print_error(const neurlp_deck_source *source, neurlp_deck_place place, const char *message,
                             neurlp_deck_buffer *buffer);

/* 1-based line of a byte of the text, and (unless NULL) its column, counted in characters. */
int32_t neurlp_deck_locate(const neurlp_deck_source *source, size_t offset, int32_t *column);

#endif
