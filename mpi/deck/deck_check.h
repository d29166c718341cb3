/* A deck as it is kept, and the steps of checking one. Internal to the deck. */
#ifndef NEURLP_MPI_DECK_CHECK_H
#define NEURLP_MPI_DECK_CHECK_H

#include "deck/deck.h"
#include "deck/deck_value.h"

struct neurlp_deck {
  neurlp_context *context;
  neurlp_deck_arena arena;
  neurlp_deck_source source;
  neurlp_deck_node *root;
  uint32_t task;             /* its bit; NEURLP_TASK_ALL while it is not known */
  neurlp_deck_value *values; /* [neurlp_deck_key_count] */
  char *resolved;
};

/* Walks the tree: unknown and duplicate keys, keys of other tasks; reads the values of the others. */
void neurlp_deck_check(neurlp_deck *deck, neurlp_deck_report *report);

/* What one key cannot tell: missing keys, keys that exclude or need each other, limits that depend on others.
 */
void neurlp_deck_check_rules(neurlp_deck *deck, neurlp_deck_report *report);

/* Gives every key that was left out its default. */
void neurlp_deck_fill_defaults(neurlp_deck *deck, neurlp_deck_report *report);

/* Writes deck->resolved. */
NEURLP_MUST_USE neurlp_status neurlp_deck_resolve(neurlp_deck *deck);

/* Writes key `index` as the resolved deck has it, "name: value" and a line end; nothing where that leaves it
 * out. */
void neurlp_deck_write_key(neurlp_deck_buffer *buffer, const neurlp_deck *deck, int32_t index);

#endif
