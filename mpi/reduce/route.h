/* Which sums of shards travel from which rank to which, so that all ranks have the sum of all: known before
 * anything is summed. */
#ifndef NEURLP_MPI_ROUTE_H
#define NEURLP_MPI_ROUTE_H

#include "core/context.h"

/* Instead of a slot: what is received; nothing. */
enum { NEURLP_ROUTE_RECEIVED = -1, NEURLP_ROUTE_NONE = -2 };

typedef struct neurlp_route_send {
  int32_t to;   /* rank */
  int32_t slot; /* or NEURLP_ROUTE_RECEIVED */
} neurlp_route_send;

/* One node of the tree: sends what others lack, receives what this rank lacks, and adds. */
typedef struct neurlp_route_step {
  int32_t from;        /* rank that sends, or -1 */
  int32_t left, right; /* slots, or NEURLP_ROUTE_...; left NEURLP_ROUTE_NONE: nothing is added */
  int32_t into;        /* slot of the sum: that of left or of right */
  int32_t first_send, sends;
  int64_t first, middle, end; /* the node's shards: left of middle, and right; 0 where nothing is added */
} neurlp_route_step;

/* Slots are those of neurlp_shard_sum: the subtrees that are all this rank's. */
typedef struct neurlp_route {
  int64_t shards;
  int32_t rank, size;
  int64_t first, end; /* this rank's shards */
  int32_t slots;
  int32_t result; /* the slot of the sum in the end, or NEURLP_ROUTE_RECEIVED on a rank without shards */
  int32_t step_count, send_count, received_count;
  neurlp_route_step *steps;
  neurlp_route_send *sends;
} neurlp_route;

/* The route of `rank` of `size`, whose shards are those of neurlp_partition. Every rank that has shards below
 * a node of the tree learns that node's sum: a rank of one half gets the other half's from a rank that knows
 * it, each from another one as far as there are enough. Where both halves have the same number of ranks this
 * is recursive doubling. Ranks without shards get the sum in the end. */
NEURLP_MUST_USE neurlp_status neurlp_route_create(neurlp_context *context, int64_t shards, int32_t rank,
                                                  int32_t size, neurlp_route *route);
void neurlp_route_release(neurlp_context *context, neurlp_route *route);

#endif
