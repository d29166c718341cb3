/* Who uses which GPU, in words. */
#ifndef NEURLP_MPI_DEVICE_SEATS_H
#define NEURLP_MPI_DEVICE_SEATS_H

#include "neurlp.h"

#include <mpi.h>
#include <stdio.h>

/* What rank 0 is told of every rank. */
typedef struct neurlp_seat {
  int32_t local, local_size; /* among the ranks of the node */
  int32_t devices;           /* that it sees; it uses number local modulo devices, as it counts them */
  char node[MPI_MAX_PROCESSOR_NAME];
  char identity[48]; /* of that one, the same for all ranks of the node (neurlp_backend_device_identity) */
  char reason[160];  /* why it sees none */
} neurlp_seat;

/* One line for each node: how many GPUs its ranks use and see, and which rank has which, by the number that
 * the rank counts it as; where different ones have the same number, as launchers do it that show each rank
 * its own GPU only, with the beginning of their identities. And a warning where ranks share one: by
 * identities, or by numbers where a rank has none. seats [size], by rank. Local. */
void neurlp_seats_print(FILE *file, const neurlp_seat *seats, int size);

#endif
