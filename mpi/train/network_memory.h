/* What a training holds in memory, known before it is allocated. */
#ifndef NEURLP_MPI_NETWORK_MEMORY_H
#define NEURLP_MPI_NETWORK_MEMORY_H

#include "train/network_study.h"

typedef struct neurlp_network_memory {
  int64_t graph_bytes; /* neurlp_graph_bytes */
  int64_t most_bytes;  /* that this rank's context ever has at one time, from reading data to the result */
} neurlp_network_memory;

/* Of an open study, with or without the graph's memory; before the training. Not collective. */
neurlp_network_memory neurlp_network_memory_of(neurlp_network_study *study);

/* Collective. Rank 0 says it, of the rank that has most. */
void neurlp_network_memory_report(neurlp_network_study *study);

#endif
