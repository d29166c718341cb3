/* How learning talks to the other ranks: the only way, so that the library itself needs no MPI. */
#ifndef NEURLP_LEARN_EXCHANGE_H
#define NEURLP_LEARN_EXCHANGE_H

#include "core/context.h"

/* Gathers `count` numbers for each bin of a plan, in the order of the bins, on every rank.
 *   mine    this rank's status: every rank returns the worst of all, so that one failing rank stops all
 *   local   [bin_count][count] of this rank's bins
 *   global  [bins][count], written
 * Collective over all ranks. Alone, neurlp_exchange_alone() copies.
 *
 * `largest` brings each of `numbers` [count], which may be none, to the largest that any rank has: what ranks
 * decide together. `mine` as above. Collective over all ranks; alone, numbers stay as they are. */
typedef struct neurlp_exchange {
  neurlp_status (*gather)(void *user, neurlp_context *context, neurlp_status mine, int64_t count,
                          const double *local, double *global);
  neurlp_status (*largest)(void *user, neurlp_context *context, neurlp_status mine, int32_t count,
                           int64_t *numbers);
  void *user;
} neurlp_exchange;

/* The exchange of a single process; `bins` must stay where it is and hold the number of bins. */
neurlp_exchange neurlp_exchange_alone(const int64_t *bins);

/* Sums vectors over all shards of a batch, in the order of a fixed tree (shard_sum.h): the sum is the same,
 * to the last bit, for any number of ranks. The vectors' length, precision and memory are settled where the
 * table is made. A step of learning is
 *   begin()                        forgets what was added before
 *   add(shard, vector)             for each of this rank's shards, in ascending order, as it is computed; the
 *                                  vector is the caller's, and may be overwritten by what is put into queue 0
 *                                  of its device later, or at once where it is the host's
 *   finish(mine, sum)              collective over all ranks. sum [count] is written on every rank. `mine` is
 *                                  this rank's status so far, of add too: a rank that has failed comes here
 *                                  like the others, and all of them return the failure of the lowest such
 *                                  rank. NaN is no failure, and travels.
 * begin and add are local; so is the memory of a few vectors, O(log shards), that is held in between. */
typedef struct neurlp_reducer {
  int64_t first_shard, shard_count; /* this rank's */
  bool alone;                       /* there are no other ranks: the sum of a single shard is its vector */
  neurlp_status (*begin)(void *user);
  neurlp_status (*add)(void *user, int64_t shard, const void *vector);
  neurlp_status (*finish)(void *user, neurlp_status mine, void *sum);
  void *user;
} neurlp_reducer;

#endif
