/* The reducer of learning (learn/exchange.h) over MPI. */
#ifndef NEURLP_MPI_REDUCE_H
#define NEURLP_MPI_REDUCE_H

#include "learn/exchange.h"
#include "learn/vectors.h"
#include "reduce/transport.h"

typedef struct neurlp_reduce_spec {
  int64_t shards; /* of the batch; each rank has those that neurlp_partition gives it */
  int64_t count;  /* numbers of a vector */
  bool single;    /* float, else double */
  bool fast;      /* MPI_Allreduce of each rank's sum: in whatever order MPI likes */
  neurlp_transport transport;
  int64_t piece; /* numbers that travel at one time; 0: 1 MiB of them */
} neurlp_reduce_spec;

/* What this rank has sent so far, and how often all ranks have summed. Statuses, 4 bytes by MPI_Allreduce
 * each time, are not counted. Within MPI_Allreduce (fast) it counts what MPI is given. */
typedef struct neurlp_traffic {
  int64_t sums, messages, bytes;
} neurlp_traffic;

typedef struct neurlp_reduce neurlp_reduce;

/* Collective. Allocates all memory, of the vectors and of the host, that sums need; makes a communicator of
 * its own. Context and vectors are borrowed, the table copied. All ranks return the same status:
 * NEURLP_ERROR_MEMORY, or what the vectors' device says; *reduce is NULL then. */
NEURLP_MUST_USE neurlp_status neurlp_reduce_create(MPI_Comm comm, neurlp_context *context,
                                                   const neurlp_vectors *vectors,
                                                   const neurlp_reduce_spec *spec, neurlp_reduce **reduce);

/* Collective. Sets *reduce to NULL; safe on NULL. */
void neurlp_reduce_destroy(neurlp_reduce **reduce);

/* Its functions, for as long as it is there. finish begins with neurlp_agree on the communicator that was
 * given: a rank that has left early with an error, and agrees on that, ends the others' waiting. */
neurlp_reducer neurlp_reduce_table(neurlp_reduce *reduce);

neurlp_traffic neurlp_reduce_traffic(const neurlp_reduce *reduce);

#endif
