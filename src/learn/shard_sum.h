/* Sums over shards in a fixed order, inside one rank.
 *
 * The order is a binary tree that depends on nothing but the number of shards: the sum of shards [first, end)
 * is that of [first, middle) plus that of [middle, end), middle = first + ceil((end - first) / 2), and a
 * single shard's is its vector. Ranks own contiguous shards, so each can sum the subtrees that are all its
 * own, and only their sums have to travel: where the number of ranks is a power of two that divides that of
 * shards, one for each rank. The tree is no deeper than ceil(log2 shards), so the error of a sum grows with
 * the logarithm of the number of shards.
 *
 * Vectors are added one after the other, as they are computed; what is complete is summed at once, so that no
 * more than 2 ceil(log2 shards) + 1 are held. */
#ifndef NEURLP_LEARN_SHARD_SUM_H
#define NEURLP_LEARN_SHARD_SUM_H

#include "learn/exchange.h"
#include "learn/vectors.h"

/* Where a range of shards is halved. */
static inline int64_t neurlp_shard_middle(int64_t first, int64_t end) {
  return first + (end - first + 1) / 2;
}

typedef struct neurlp_shard_sum_spec {
  int64_t shards;                   /* of the batch */
  int64_t first_shard, shard_count; /* this rank's */
  int64_t count;                    /* numbers of a vector */
  bool single;                      /* float, else double */
  bool in_order; /* one sum of all, one after the other, instead of the tree: of the same shards on the same
                  * number of ranks it is the same, too */
} neurlp_shard_sum_spec;

typedef struct neurlp_shard_sum {
  neurlp_shard_sum_spec spec;
  neurlp_context *context;
  neurlp_vectors vectors;
  unsigned char *slots; /* the sums that are held, in the order of their shards */
  size_t slot_bytes;    /* from one to the next */
  int64_t slot_count;   /* that there is memory for */
  int64_t held, next;   /* sums that are held; the shard that has to come */
} neurlp_shard_sum;

/* Allocates all memory that is needed. After all shards were added the sums of the largest subtrees that are
 * all this rank's are held: neurlp_shard_sum_subtrees of them. */
NEURLP_MUST_USE neurlp_status neurlp_shard_sum_create(neurlp_context *context, const neurlp_vectors *vectors,
                                                      const neurlp_shard_sum_spec *spec,
                                                      neurlp_shard_sum *sum);
void neurlp_shard_sum_release(neurlp_shard_sum *sum);
int64_t neurlp_shard_sum_subtrees(const neurlp_shard_sum_spec *spec);

/* Bytes of a vector. */
size_t neurlp_shard_sum_bytes(const neurlp_shard_sum_spec *spec);

/* As the table in exchange.h says; add returns NEURLP_ERROR_ARGUMENT for a shard that is not the next one,
 * and check, which is for finish, if one is missing. */
void neurlp_shard_sum_begin(neurlp_shard_sum *sum);
NEURLP_MUST_USE neurlp_status neurlp_shard_sum_add(neurlp_shard_sum *sum, int64_t shard, const void *vector);
NEURLP_MUST_USE neurlp_status neurlp_shard_sum_check(const neurlp_shard_sum *sum);

/* The reducer of a single process, which has all shards; `sum` is borrowed for as long as it is used. */
neurlp_reducer neurlp_reducer_alone(neurlp_shard_sum *sum);

#endif
