/* Agreement between ranks, so that one failing rank never leaves the others waiting. */
#ifndef NEURLP_MPI_COMM_H
#define NEURLP_MPI_COMM_H

#include "core/context.h"

#include <mpi.h>

/* Collective. Every rank brings its own status; all leave with the same one: success if all succeeded, else
 * the status of the lowest failing rank (negative ones first), whose message every rank's context then holds,
 * with the rank's number in front if there is more than one rank. */
NEURLP_MUST_USE neurlp_status neurlp_agree(MPI_Comm comm, neurlp_context *context, neurlp_status status);

/* The exit status that a failure means (docs/formats.md). */
int neurlp_exit_status(neurlp_status status);

/* Contiguous blocks of `count` items over `size` ranks, balanced: rank owns [first, first + owned). */
void neurlp_partition(int64_t count, int rank, int size, int64_t *first, int64_t *owned);

#endif
