/* One training, from a deck to a result. */
#ifndef NEURLP_MPI_NETWORK_RUN_H
#define NEURLP_MPI_NETWORK_RUN_H

#include "job.h"

/* Collective. Trains what the deck says and writes the result to `path`; rank 0 reports. The exit status is
 * that of a run whose status is not negative. */
NEURLP_MUST_USE neurlp_status neurlp_network_run(MPI_Comm comm, neurlp_job *job, const char *path,
                                                 int *exit_code);

/* Collective. Everything but the training and its memory; rank 0 says what it would be. */
NEURLP_MUST_USE neurlp_status neurlp_network_validate(MPI_Comm comm, neurlp_job *job);

#endif
