/* Memory that the ranks of a node have once: all of them read and write it where it is. */
#ifndef NEURLP_MPI_NODE_MEMORY_H
#define NEURLP_MPI_NODE_MEMORY_H

#include "core/context.h"

#include <mpi.h>

typedef struct neurlp_node_memory {
  neurlp_context *context;
  MPI_Comm comm;         /* the ranks of the node */
  int rank, size;        /* of those that share it; 0 and 1 where nothing is shared */
  bool first;            /* these have rank 0 of all: what the nodes have alike is theirs to write */
  bool shared;           /* else it is memory of the context */
  unsigned char *memory; /* bytes; zero */
  int64_t bytes;
} neurlp_node_memory;

/* Collective. Memory of so many bytes, the same number on all ranks; aligned as that of the context. Where a
 * node has one rank, or its ranks cannot share so much (a /dev/shm that is too small, say), each rank has its
 * own. Returns a status that all ranks share: NEURLP_ERROR_MEMORY. Release it either way. */
NEURLP_MUST_USE neurlp_status neurlp_node_memory_open(MPI_Comm comm, neurlp_context *context, int64_t bytes,
                                                      neurlp_node_memory *memory);

/* Collective over the ranks that share it: what was written before is seen by all after. */
void neurlp_node_memory_settle(const neurlp_node_memory *memory);

/* This rank's part of what is shared, which the context does not count; 0 where nothing is. */
int64_t neurlp_node_memory_part(const neurlp_node_memory *memory);

/* Collective over the node. Safe on what did not open, or is all zero. */
void neurlp_node_memory_release(neurlp_node_memory *memory);

#endif
