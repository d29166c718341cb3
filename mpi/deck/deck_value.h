/* From nodes to checked values. Internal to the deck. */
#ifndef NEURLP_MPI_DECK_VALUE_H
#define NEURLP_MPI_DECK_VALUE_H

#include "deck/deck_keys.h"
#include "deck/deck_tree.h"

/* What an entry of a list or mapping is. */
typedef enum neurlp_entry_form {
  NEURLP_ENTRY_TEXT = 't',
  NEURLP_ENTRY_NUMBER = 'c',
  NEURLP_ENTRY_UNIFORM = 'u', /* numbers: from, to */
  NEURLP_ENTRY_NORMAL = 'n',  /* numbers: mean, deviation */
  NEURLP_ENTRY_MEMBERS = 'm'  /* numbers by neurlp_deck_members */
} neurlp_entry_form;

enum { NEURLP_MEMBER_START, NEURLP_MEMBER_LOWER, NEURLP_MEMBER_UPPER, NEURLP_MEMBER_FIXED, NEURLP_MEMBERS };
extern const char *const neurlp_deck_members[NEURLP_MEMBERS]; /* "start", "lower", ... */

typedef struct neurlp_deck_entry {
  const char *key; /* NULL in a list */
  neurlp_entry_form form;
  const char *text;
  double numbers[NEURLP_MEMBERS];
  uint32_t members; /* bits: which are there */
  const neurlp_deck_node *node;
} neurlp_deck_entry;

typedef struct neurlp_deck_value {
  bool given;      /* in the deck or an override */
  bool present;    /* given, or has a default */
  int64_t integer; /* integers and flags */
  double number;
  const char *text;
  int32_t count;
  neurlp_deck_entry *entries;
  void *wiring;                 /* networks, a source, losses: as deck_wiring.h has them */
  const neurlp_deck_node *node; /* NULL: a default */
} neurlp_deck_value;

/* Reads the value of a key; what is wrong goes to the report. */
void neurlp_deck_value_read(neurlp_deck_report *report, const neurlp_deck_key *key,
                            const neurlp_deck_node *node, neurlp_deck_value *value);

/* A value of a text, cut to a length that fits a message. */
typedef struct neurlp_deck_quote {
  char text[48];
} neurlp_deck_quote;
neurlp_deck_quote neurlp_deck_quoted(const char *text);

#endif
