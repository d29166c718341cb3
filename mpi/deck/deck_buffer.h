/* Memory of a deck: an arena that is freed at once, and a text that grows. Both remember the first failure,
 * so that callers check once, at the end. Internal to the deck. */
#ifndef NEURLP_MPI_DECK_BUFFER_H
#define NEURLP_MPI_DECK_BUFFER_H

#include "core/context.h"

typedef struct neurlp_deck_arena {
  neurlp_context *context;
  struct neurlp_deck_chunk *chunks;
  neurlp_status status; /* of the first allocation that failed */
} neurlp_deck_arena;

/* Zeroed bytes that live as long as the arena; NULL, and arena->status set, if there are none. */
void *neurlp_deck_arena_take(neurlp_deck_arena *arena, size_t bytes);

/* A copy of `length` bytes with a final zero; NULL if there is no memory. */
char *neurlp_deck_arena_text(neurlp_deck_arena *arena, const char *text, size_t length);

void neurlp_deck_arena_release(neurlp_deck_arena *arena);

typedef struct neurlp_deck_buffer {
  neurlp_context *context;
  char *text; /* NULL until something is added */
  size_t length, capacity_bytes;
  neurlp_status status; /* of the first allocation that failed */
} neurlp_deck_buffer;

NEURLP_PRINTF(2, 3)
void neurlp_deck_buffer_add(neurlp_deck_buffer *buffer, const char *format, ...);
void neurlp_deck_buffer_add_bytes(neurlp_deck_buffer *buffer, const char *text, size_t length);

/* Hands the text over ("" if nothing was added); free it with neurlp_release. On failure *text is NULL. */
NEURLP_MUST_USE neurlp_status neurlp_deck_buffer_finish(neurlp_deck_buffer *buffer, char **text);

#endif
