/* What a checkpoint keeps of an object: its state, as plain arrays that are read and written in place.
 *
 * A room's `neurlp_..._state(object, arrays)` lists them. Writing all of them, and reading them back into an
 * object that was made with the same arguments, lets it go on bit for bit as if nothing had happened: there
 * is nothing else that changes. Counts depend on those arguments alone. */
#ifndef NEURLP_TRAIN_STATE_H
#define NEURLP_TRAIN_STATE_H

#include "neurlp.h"

/* What the numbers of an array are. */
typedef enum neurlp_state_kind {
  NEURLP_STATE_DOUBLE,
  NEURLP_STATE_FLOAT,
  NEURLP_STATE_INT64,
  NEURLP_STATE_BYTE /* uint8_t */
} neurlp_state_kind;

typedef struct neurlp_state_array {
  const char *name; /* unique in its object, static storage: "first_moment" */
  neurlp_state_kind kind;
  int64_t count;
  void *numbers; /* [count], the object's own */
} neurlp_state_array;

/* The most arrays that any object lists. */
enum { NEURLP_STATE_MOST = 12 };

/* Bytes of one number. */
static inline size_t neurlp_state_number_bytes(neurlp_state_kind kind) {
  if (kind == NEURLP_STATE_BYTE) return 1;
  return kind == NEURLP_STATE_FLOAT ? sizeof(float) : 8;
}

/* The kind of arrays in the parameters' precision. */
static inline neurlp_state_kind neurlp_state_real(neurlp_precision precision) {
  return precision == NEURLP_SINGLE ? NEURLP_STATE_FLOAT : NEURLP_STATE_DOUBLE;
}

#endif
