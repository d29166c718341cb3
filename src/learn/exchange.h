/* How learning talks to the other ranks: the only way, so that the library itself needs no MPI. */
#ifndef NEURLP_LEARN_EXCHANGE_H
#define NEURLP_LEARN_EXCHANGE_H

#include "core/context.h"

/* Gathers `count` numbers for each bin of a plan, in the order of the bins, on every rank.
 *   mine    this rank's status: every rank returns the worst of all, so that one failing rank stops all
 *   local   [bin_count][count] of this rank's bins
 *   global  [bins][count], written
 * Collective over all ranks. Alone, neurlp_exchange_alone() copies. */
typedef struct neurlp_exchange {
  neurlp_status (*gather)(void *user, neurlp_context *context, neurlp_status mine, int64_t count,
                          const double *local, double *global);
  void *user;
} neurlp_exchange;

/* The exchange of a single process; `bins` must stay where it is and hold the number of bins. */
neurlp_exchange neurlp_exchange_alone(const int64_t *bins);

#endif
