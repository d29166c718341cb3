/* The exchange of learning (learn/exchange.h) over MPI. */
#ifndef NEURLP_MPI_EXCHANGE_H
#define NEURLP_MPI_EXCHANGE_H

#include "learn/exchange.h"

#include <mpi.h>

typedef struct neurlp_mpi_exchange {
  MPI_Comm comm;
  int64_t bins, first_bin, bin_count; /* of the plan: all, and this rank's */
  int64_t bytes, messages;            /* gathered on this rank so far, for the table of phases */
} neurlp_mpi_exchange;

/* `mine` is borrowed for as long as the exchange is used. Every gather begins with neurlp_agree: a rank that
 * has left early with an error, and agrees on that, ends the others' waiting. */
neurlp_exchange neurlp_exchange_mpi(neurlp_mpi_exchange *mine);

#endif
