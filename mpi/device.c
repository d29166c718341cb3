#include "device.h"

#include "block/backend.h"
#include "comm.h"
#include "device_seats.h"

#include <stdio.h>
#include <string.h>

static neurlp_status find_seat(MPI_Comm comm, neurlp_context *context, const char *backend,
                               neurlp_seat *own) {
  MPI_Comm node = MPI_COMM_NULL;
  int length = 0, local = 0, size = 1;
  memset(own, 0, sizeof *own);
  if (MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node) != MPI_SUCCESS)
    return neurlp_fail(context, NEURLP_ERROR_INTERNAL, "MPI cannot say which ranks are on one node");
  MPI_Comm_rank(node, &local);
  MPI_Comm_size(node, &size);
  MPI_Comm_free(&node);
  MPI_Get_processor_name(own->node, &length);
  own->local = local;
  own->local_size = size;
  own->devices = neurlp_backend_devices(backend, own->reason, sizeof own->reason);
  if (own->devices > 0)
    neurlp_backend_device_identity(backend, local % own->devices, own->identity, sizeof own->identity);
  return NEURLP_SUCCESS;
}

/* The first rank that sees no GPU, or -1. */
static int find_blind(const neurlp_seat *seats, int size) {
  for (int rank = 0; rank < size; rank++)
    if (seats[rank].devices == 0) return rank;
  return -1;
}

/* What all ranks do, from what all of them see. */
static neurlp_status settle(neurlp_context *context, const char *backend, const neurlp_seat *seats, int rank,
                            int size) {
  const bool may_fall_back = strcmp(backend, "auto") == 0;
  const int blind = find_blind(seats, size);
  neurlp_status status = NEURLP_SUCCESS;
  if (blind < 0) {
    if (rank == 0) neurlp_seats_print(stderr, seats, size);
    NEURLP_TRY(neurlp_context_set_backend(context, may_fall_back ? "cuda" : backend));
    status = neurlp_context_set_device(context, seats[rank].local % seats[rank].devices);
  } else if (may_fall_back) {
    if (rank == 0)
      fprintf(stderr, "backend auto: the CPU is used, as rank %d on %s has no GPU: %s\n", blind,
              seats[blind].node, seats[blind].reason);
    status = neurlp_context_set_backend(context, "cpu");
  } else {
    status = neurlp_fail(context, NEURLP_ERROR_DECK,
                         "the backend %s needs a GPU, and rank %d on %s has none: %s; take the backend auto "
                         "or cpu",
                         backend, blind, seats[blind].node, seats[blind].reason);
  }
done:
  return status;
}

neurlp_status neurlp_bind_device(MPI_Comm comm, neurlp_context *context, const char *backend) {
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, size = 1;
  neurlp_seat own, *seats = NULL;
  if (strcmp(backend, "cpu") == 0) return neurlp_context_set_backend(context, backend);
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  NEURLP_TRY(neurlp_agree(comm, context, find_seat(comm, context, backend, &own)));
  NEURLP_TRY(neurlp_agree(comm, context, neurlp_allocate(context, size, sizeof *seats, &seats)));
  MPI_Allgather(&own, (int)sizeof own, MPI_BYTE, seats, (int)sizeof own, MPI_BYTE, comm);
  NEURLP_TRY(neurlp_agree(comm, context, settle(context, backend, seats, rank, size)));
done:
  neurlp_release(context, &seats);
  return status;
}
