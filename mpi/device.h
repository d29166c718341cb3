/* Ranks and GPUs: which of them a rank uses. */
#ifndef NEURLP_MPI_DEVICE_H
#define NEURLP_MPI_DEVICE_H

#include "neurlp.h"

#include <mpi.h>

/* Collective. Sets the context's backend as a deck names it: "cpu", "cuda", "cuda:check", or "auto", which is
 * cuda where every rank sees a GPU, else cpu. A rank's GPU is its number among the ranks of its node, modulo
 * the GPUs that it sees. Rank 0 says on standard error who uses which, that ranks share one, or, for auto,
 * why the CPU is used. NEURLP_ERROR_DECK on every rank if the deck asks for a GPU and some rank sees none. */
NEURLP_MUST_USE neurlp_status neurlp_bind_device(MPI_Comm comm, neurlp_context *context, const char *backend);

#endif
