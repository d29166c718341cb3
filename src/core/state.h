/* What a checkpoint keeps: the state of objects, as plain arrays that are read and written in place; and who
 * keeps it.
 *
 * A room's `neurlp_..._state(object, arrays)` lists its arrays. Writing all of them, and reading them back
 * into an object that was made with the same arguments, lets it go on bit for bit as if nothing had happened:
 * there is nothing else that changes. Counts depend on those arguments alone, sums over ranks of parts too,
 * so that any number of ranks can go on. */
#ifndef NEURLP_CORE_STATE_H
#define NEURLP_CORE_STATE_H

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
  /* Whether they are this rank's: all ranks' parts, in the order of ranks, make an array that does not depend
   * on how many ranks there are. Otherwise every rank has the same numbers. */
  bool part;
} neurlp_state_array;

/* The most arrays that any object lists. */
enum { NEURLP_STATE_MOST = 12 };

/* Keeps what a long computation has reached, and gives it back. Both are collective over the ranks of the
 * computation, begin with agreement, and return the same status on all ranks; the computation passes the same
 * names and kinds each time. A table whose functions are NULL keeps nothing. */
typedef struct neurlp_keeper {
  void *user;
  /* Between two steps, where the arrays are whole: keeps them if it is time to. NEURLP_SUCCESS: go on;
   * NEURLP_STOPPED: somebody asked for an end, and what was reached is kept: return that. A failure to keep
   * is no failure of the computation; the keeper says so by itself. */
  neurlp_status (*keep)(void *user, int32_t count, const neurlp_state_array *arrays);
  /* Once, before the first step: *found says whether arrays hold what was kept earlier, or are as they were.
   */
  neurlp_status (*restore)(void *user, int32_t count, const neurlp_state_array *arrays, bool *found);
  /* Between two steps, before keep: whether that would keep now. Who has to fetch arrays from somewhere asks
   * first, and then need not call keep. Begins with agreement on `mine`, for ranks that may have failed
   * alone; every rank is told the same. May be NULL: then keep is called each time. */
  neurlp_status (*due)(void *user, neurlp_status mine, bool *due);
} neurlp_keeper;

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
