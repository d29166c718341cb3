#include "study/exchange.h"

#include "comm.h"

#include <limits.h>

/* Bins go out in slices of their numbers, so that counts and displacements stay within an int whatever their
 * size. */
static int64_t slice_size(int64_t bins, int64_t count) {
  const int64_t most = bins > 0 ? INT_MAX / 8 / bins : count;
  return most < 1 ? 1 : most < count ? most : count;
}

/* Gathers numbers [offset, offset + width) of every bin. buffers: [bins][width] each. */
static neurlp_status gather_slice(neurlp_mpi_exchange *mine, int64_t count, int64_t offset, int64_t width,
                                  const double *local, double *global, double *send, double *receive,
                                  int *counts) {
  int size = 1;
  MPI_Comm_size(mine->comm, &size);
  int *displacements = counts + size;
  for (int r = 0; r < size; r++) {
    int64_t first = 0, owned = 0;
    neurlp_partition(mine->bins, r, size, &first, &owned);
    counts[r] = (int)(owned * width);
    displacements[r] = (int)(first * width);
  }
  for (int64_t b = 0; b < mine->bin_count; b++)
    for (int64_t i = 0; i < width; i++) send[b * width + i] = local[b * count + offset + i];
  if (MPI_Allgatherv(send, (int)(mine->bin_count * width), MPI_DOUBLE, receive, counts, displacements,
                     MPI_DOUBLE, mine->comm) != MPI_SUCCESS)
    return NEURLP_ERROR_INTERNAL;
  for (int64_t b = 0; b < mine->bins; b++)
    for (int64_t i = 0; i < width; i++) global[b * count + offset + i] = receive[b * width + i];
  mine->bytes += mine->bins * width * (int64_t)sizeof(double);
  mine->messages++;
  return NEURLP_SUCCESS;
}

static neurlp_status gather(void *user, neurlp_context *context, neurlp_status status, int64_t count,
                            const double *local, double *global) {
  neurlp_mpi_exchange *mine = user;
  int size = 1;
  double *send = NULL, *receive = NULL;
  int *counts = NULL;
  MPI_Comm_size(mine->comm, &size);
  const int64_t width = slice_size(mine->bins, count);
  if (status >= 0) status = neurlp_allocate(context, mine->bin_count * width, sizeof *send, &send);
  if (status >= 0) status = neurlp_allocate(context, mine->bins * width, sizeof *receive, &receive);
  if (status >= 0) status = neurlp_allocate(context, 2 * (int64_t)size, sizeof *counts, &counts);
  status = neurlp_agree(mine->comm, context, status);
  for (int64_t offset = 0; status >= 0 && offset < count; offset += width)
    status = gather_slice(mine, count, offset, offset + width < count ? width : count - offset, local, global,
                          send, receive, counts);
  neurlp_release(context, &counts);
  neurlp_release(context, &receive);
  neurlp_release(context, &send);
  return status;
}

static neurlp_status largest(void *user, neurlp_context *context, neurlp_status status, int32_t count,
                             int64_t *numbers) {
  neurlp_mpi_exchange *mine = user;
  status = neurlp_agree(mine->comm, context, status);
  if (status < 0 || count == 0) return status;
  if (MPI_Allreduce(MPI_IN_PLACE, numbers, count, MPI_INT64_T, MPI_MAX, mine->comm) != MPI_SUCCESS)
    return NEURLP_ERROR_INTERNAL;
  mine->bytes += count * (int64_t)sizeof *numbers;
  mine->messages++;
  return NEURLP_SUCCESS;
}

neurlp_exchange neurlp_exchange_mpi(neurlp_mpi_exchange *mine) {
  return (neurlp_exchange){.gather = gather, .largest = largest, .user = mine};
}
