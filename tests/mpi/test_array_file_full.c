/* Writes a file that may not fit: test_array_file_full PATH MEGABYTES COMPRESS EXPECTED_MEGABYTES, for
 * test_array_file_full.sh. The numbers cannot be compressed. Exit status: 0 written, 1 an error inside a
 * transfer, 9 refused on all ranks with a message. */
#include "comm.h"
#include "file/array_file.h"

#include <stdio.h>
#include <stdlib.h>

enum { REFUSED = 9 };

/* The 64-bit finaliser of a counter: bits that look random. */
static double noise(uint64_t i) {
  i = (i ^ (i >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  i = (i ^ (i >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (double)(i ^ (i >> 31));
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  if (argc != 5) return 2;
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 2;

  const int64_t rows = atoll(argv[2]) * 1000;
  neurlp_array_file *file = NULL;
  neurlp_status status =
      neurlp_array_file_create(MPI_COMM_WORLD, context, argv[1], atoll(argv[4]) * 1000000, &file);
  int64_t first = 0, count = 0;
  neurlp_partition(rows, rank, size, &first, &count);
  double *values = malloc((size_t)count * 125 * sizeof *values);
  for (int64_t i = 0; i < count * 125; i++) values[i] = noise((uint64_t)(first * 125 + i + 1));
  const neurlp_array array = {.path = "noise",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 2,
                              .extents = {rows, 125},
                              .compress = atoi(argv[3])};
  if (status == NEURLP_SUCCESS) status = neurlp_array_write_rows(file, &array, first, count, values);
  if (status == NEURLP_SUCCESS)
    status = neurlp_array_file_commit(&file);
  else
    (void)neurlp_array_file_discard(&file, status);
  free(values);
  if (status != NEURLP_SUCCESS && rank == 0) fprintf(stderr, "%s\n", neurlp_context_message(context));
  neurlp_context_destroy(&context);
  MPI_Finalize();
  return status == NEURLP_SUCCESS ? 0 : REFUSED;
}
