/* Agreement between ranks, so that one failing rank never leaves the others waiting. */
#ifndef NEURLP_MPI_COMM_H
#define NEURLP_MPI_COMM_H

#include "core/context.h"

#include <mpi.h>

/* Collective. Every rank brings its own status; all leave with the same one: success if all succeeded, else
 * the status of the lowest failing rank (negative ones first), whose message every rank's context then holds,
 * with the rank's number in front ("rank 2: ...") if there is more than one rank and the message does not
 * name one already, as it does where the failure was agreed on before; a stop is no rank's own. One small
 * reduction if all succeeded.
 */
NEURLP_MUST_USE neurlp_status neurlp_agree(MPI_Comm comm, neurlp_context *context, neurlp_status status);

/* The exit status that a status means (NEURLP_EXIT_... in command.h): deck, argument and syntax errors are 2;
 * data errors and too few samples 3; not converged 4; systems that failed 5; what is nobody's input (memory,
 * a file that cannot be written, an internal error) 1. */
int neurlp_exit_status(neurlp_status status);

/* Contiguous blocks of `count` items over `size` ranks, balanced: rank owns [first, first + owned), and no
 * two ranks differ by more than one item. */
void neurlp_partition(int64_t count, int rank, int size, int64_t *first, int64_t *owned);

#endif
