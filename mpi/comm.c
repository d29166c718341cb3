#include "comm.h"

#include "command/command.h"

#include <stdio.h>
#include <string.h>

/* Ranks compare one number, and the lowest wins: hard errors by rank, then numerical failures by rank, then
 * success. */
static int precedence(neurlp_status status, int rank, int size) {
  if (status == NEURLP_SUCCESS) return 2 * size;
  return status < 0 ? rank : size + rank;
}

static bool names_a_rank(const char *message) {
  int rank = 0;
  int length = 0;
  return sscanf(message, "rank %d:%n", &rank, &length) == 1 && length > 0;
}

neurlp_status neurlp_agree(MPI_Comm comm, neurlp_context *context, neurlp_status status) {
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  int first = precedence(status, rank, size);
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm);
  if (first == 2 * size) return NEURLP_SUCCESS;

  const int speaker = first % size;
  char message[2048] = "";
  if (rank == speaker) {
    const char *own = neurlp_context_message(context);
    if (size > 1 && status != NEURLP_STOPPED && !names_a_rank(own))
      snprintf(message, sizeof message, "rank %d: %s", rank, own);
    else
      snprintf(message, sizeof message, "%s", own);
  }
  int code = (int)status;
  MPI_Bcast(&code, 1, MPI_INT, speaker, comm);
  MPI_Bcast(message, (int)sizeof message, MPI_CHAR, speaker, comm);
  return neurlp_fail(context, (neurlp_status)code, "%s", message);
}

int neurlp_exit_status(neurlp_status status) {
  switch (status) {
  case NEURLP_SUCCESS:
    return NEURLP_EXIT_DONE;
  case NEURLP_ERROR_ARGUMENT:
  case NEURLP_ERROR_SYNTAX:
  case NEURLP_ERROR_DECK:
    return NEURLP_EXIT_DECK;
  case NEURLP_ERROR_DATA:
  case NEURLP_TOO_SHORT:
    return NEURLP_EXIT_DATA;
  case NEURLP_NOT_CONVERGED:
    return NEURLP_EXIT_NOT_CONVERGED;
  case NEURLP_SINGULAR:
  case NEURLP_NOT_FINITE:
  case NEURLP_SOME_FAILED:
    return NEURLP_EXIT_SOME_FAILED;
  case NEURLP_STOPPED:
    return NEURLP_EXIT_STOPPED;
  case NEURLP_ERROR_MEMORY:
  case NEURLP_ERROR_IO:
  case NEURLP_ERROR_DEVICE:
  case NEURLP_ERROR_INTERNAL:
    return NEURLP_EXIT_INTERNAL;
  }
  return NEURLP_EXIT_INTERNAL;
}

void neurlp_partition(int64_t count, int rank, int size, int64_t *first, int64_t *owned) {
  const int64_t share = count / size;
  const int64_t extra = count % size;
  *first = share * rank + (rank < extra ? rank : extra);
  *owned = share + (rank < extra ? 1 : 0);
}
