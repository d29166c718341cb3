/* How vectors in a GPU's memory get to other ranks. */
#ifndef NEURLP_MPI_TRANSPORT_H
#define NEURLP_MPI_TRANSPORT_H

#include "learn/vectors.h"

#include <mpi.h>

typedef enum neurlp_transport {
  NEURLP_TRANSPORT_DIRECT, /* MPI gets addresses of the vectors: they are in the host's memory */
  NEURLP_TRANSPORT_STAGED, /* by way of pinned memory of the host, copies beside messages */
  NEURLP_TRANSPORT_AWARE   /* MPI gets addresses of the vectors, which are in a GPU's memory */
} neurlp_transport;

/* What a deck's run.gpu_aware wants. */
typedef enum neurlp_gpu_aware { NEURLP_AWARE_OFF, NEURLP_AWARE_AUTO, NEURLP_AWARE_ON } neurlp_gpu_aware;

/* The wish that a word stands for: off, auto or on. */
neurlp_gpu_aware neurlp_gpu_aware_of(const char *word);

/* Collective. The transport for such vectors, the same on all ranks. That MPI is given addresses of a GPU
 * takes more than the wish: every rank's MPI has to say that it can, and then has to prove it by an exchange
 * of vectors with known contents. If either fails: `auto` takes the staged one, and `on` is
 * NEURLP_ERROR_DECK; `reason` [bytes] is a sentence why, empty where there is nothing to say. */
NEURLP_MUST_USE neurlp_status neurlp_transport_choose(MPI_Comm comm, neurlp_context *context,
                                                      const neurlp_vectors *vectors, neurlp_gpu_aware wish,
                                                      neurlp_transport *transport, char *reason,
                                                      size_t bytes);

/* Collective. All of it at the start of a program: vectors of the context's backend, and the transport that a
 * deck's run.gpu_aware (`word`) gets them; rank 0 prints the reason, if there is one, on standard error.
 * Fails as neurlp_vectors_of and the function above do, on all ranks alike. */
NEURLP_MUST_USE neurlp_status neurlp_transport_open(MPI_Comm comm, neurlp_context *context, const char *word,
                                                    neurlp_vectors *vectors, neurlp_transport *transport);

/* Collective. The proof: every rank gives the next one, by MPI, a vector of the table's memory, and looks at
 * the one that came. *works is the same on all ranks. A failure is one of the device. */
NEURLP_MUST_USE neurlp_status neurlp_transport_prove(MPI_Comm comm, neurlp_context *context,
                                                     const neurlp_vectors *vectors, bool *works);

#endif
