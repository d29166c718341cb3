/* One system of a batch (tests/block/batch.h) as a long system: read from its arrays, and written to arrays
 * that ranks put together. */
#ifndef TESTS_MPI_LONG_BATCH_H
#define TESTS_MPI_LONG_BATCH_H

#include "block/batch.h"
#include "time/long_system.h"

/* What came of it. */
typedef struct long_answer {
  neurlp_status call;            /* what neurlp_long_solve returned */
  neurlp_status status;          /* of the system, on this rank */
  neurlp_traffic solve, adjoint; /* of this rank */
  int64_t pieces, own_pieces;
  int64_t written_wrongly; /* steps of the solution that were not written by exactly one rank */
  int64_t again;           /* slabs of this rank that were written again */
} long_answer;

/* A read or a write that fails, on one rank, which all agree on. */
typedef struct long_fault {
  int32_t read, write; /* the number of the call, from 1; 0: none */
  int rank;
} long_fault;

/* Collective. Solves the batch's only system; the batch gets solution and gradients, as batch_run writes
 * them, on every rank. */
long_answer long_batch_run(MPI_Comm comm, test_batch *batch, int32_t threads, int64_t slab_bytes,
                           const long_fault *fault);

#endif
