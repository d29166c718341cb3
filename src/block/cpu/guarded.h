/* A copy of a caller's array for the duration of one call: guards on either side, the systems in an order of
 * its own, and what is only written filled with NaN beforehand. Elements have 4 or 8 bytes. */
#ifndef NEURLP_BLOCK_GUARDED_H
#define NEURLP_BLOCK_GUARDED_H

#include "block/arrays.h"
#include "core/context.h"

/* The systems of a call and the place of each among the copies. */
typedef struct neurlp_order {
  int64_t systems;
  int64_t *place; /* [systems], a permutation */
} neurlp_order;

typedef struct neurlp_guarded {
  neurlp_extents extents; /* in elements */
  size_t element_bytes;
  unsigned char *block; /* guard, elements, guard */
  /* The call at hand. */
  const char *name;   /* of the caller's array; NULL between calls, and in calls without it */
  const void *source; /* the caller's array, if it is read */
  void *target;       /* the same, if it is written */
} neurlp_guarded;

/* Bytes that neurlp_guarded_create allocates. */
size_t neurlp_guarded_bytes(neurlp_extents extents, size_t element_bytes, int64_t systems);

/* Allocates room for calls with up to so many systems. Fails with NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_guarded_create(neurlp_context *context, neurlp_extents extents,
                                                    size_t element_bytes, int64_t systems,
                                                    neurlp_guarded *guarded);
void neurlp_guarded_destroy(neurlp_context *context, neurlp_guarded *guarded);

/* Begins a call: the copy of an array that it reads, or one to be written; NULL for NULL. */
void *neurlp_guarded_read(neurlp_guarded *guarded, const neurlp_order *order, const char *name,
                          const void *source);
void *neurlp_guarded_write(neurlp_guarded *guarded, const neurlp_order *order, const char *name,
                           void *target);

/* Whether the guards are whole, and what was read unchanged, what was to be written written: every element.
 * Fails with NEURLP_ERROR_INTERNAL; the message names the array. */
NEURLP_MUST_USE neurlp_status neurlp_guarded_verify(neurlp_context *context, const neurlp_guarded *guarded,
                                                    const neurlp_order *order);

/* Ends a call; `good`: hands what was written to the caller. The copy is overwritten, so that a pointer that
 * was kept leads to NaN. */
void neurlp_guarded_end(neurlp_guarded *guarded, const neurlp_order *order, bool good);

#endif
