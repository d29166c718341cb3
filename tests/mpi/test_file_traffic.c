/* Bytes that go between a file and the ranks, counted by the system (/proc/self/io): a file that is written
 * is written once and read back once; one that is read, is read once; all in calls of a chunk or so. What the
 * file system or MPI-IO might add (reading what is about to be overwritten, chunks that are read again) shows
 * here. Skipped aloud where the system does not count. */
#include "comm.h"
#include "data/data_set.h"
#include "file/array_file_parts.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 1501, SAMPLES = 500, STATES = 2, SKIPPED = 77 };

typedef struct traffic {
  long long read_bytes, written_bytes, reads, writes;
} traffic;

static int rank, size;
static neurlp_context *context;

/* Collective. Of all ranks since they began; false: not known. */
static bool count_traffic(traffic *sum) {
  FILE *file = fopen("/proc/self/io", "r");
  int known = file && fscanf(file, "rchar: %lld wchar: %lld syscr: %lld syscw: %lld", &sum->read_bytes,
                             &sum->written_bytes, &sum->reads, &sum->writes) == 4;
  if (file) fclose(file);
  MPI_Allreduce(MPI_IN_PLACE, &known, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, sum, 4, MPI_LONG_LONG, MPI_SUM, MPI_COMM_WORLD);
  return known;
}

static traffic between(const traffic *begin) {
  traffic end = {0};
  count_traffic(&end);
  return (traffic){end.read_bytes - begin->read_bytes, end.written_bytes - begin->written_bytes,
                   end.reads - begin->reads, end.writes - begin->writes};
}

static double state_of(int64_t i) {
  return (double)(i % 1000003);
}

static neurlp_status write_file(int64_t first, int64_t owned, const double *states) {
  neurlp_array_file *file = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  double times[SAMPLES];
  const neurlp_array time = {.path = "time", .type = H5T_NATIVE_DOUBLE, .rank = 1, .extents = {SAMPLES}};
  const neurlp_array array = {
      .path = "states", .type = H5T_NATIVE_DOUBLE, .rank = 3, .extents = {SYSTEMS, SAMPLES, STATES}};
  for (int t = 0; t < SAMPLES; t++) times[t] = t;
  NEURLP_TRY(neurlp_array_file_create(MPI_COMM_WORLD, context, "traffic.h5", 0, &file));
  NEURLP_TRY(neurlp_array_write_rows(file, &time, 0, rank == 0 ? SAMPLES : 0, times));
  NEURLP_TRY(neurlp_array_write_rows(file, &array, first, owned, states));
  NEURLP_TRY(neurlp_array_file_commit(&file));
done:
  (void)neurlp_array_file_discard(&file, NEURLP_SUCCESS);
  return status;
}

/* *wrong: numbers that are not what was written, of the first `dimensions` states. */
static neurlp_status read_file(int64_t first, int64_t owned, int32_t dimensions, int64_t stride,
                               int64_t *wrong) {
  static const char *const names[] = {"x1", "x2"};
  const neurlp_data_request request = {
      .path = "traffic.h5", .state_count = dimensions, .states = names, .end = -1, .stride = stride};
  const int64_t samples = (SAMPLES - 1) / stride + 1;
  const neurlp_sample_range range = {first, first + owned, 0, owned > 0 ? samples : 0};
  neurlp_data_set *data = NULL;
  neurlp_samples read = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_data_open(MPI_COMM_WORLD, context, &request, &data));
  NEURLP_TRY(neurlp_data_read(data, &range, &read));
  *wrong = 0;
  for (int64_t i = 0; i < owned * samples; i++)
    for (int32_t k = 0; k < dimensions; k++) {
      const int64_t at = (first + i / samples) * SAMPLES + i % samples * stride;
      *wrong += read.states[i * dimensions + k] != state_of(at * STATES + k);
    }
done:
  neurlp_samples_release(context, &read);
  neurlp_data_close(&data);
  return status;
}

static void check_reading(const char *what, int64_t first, int64_t owned, int32_t dimensions, int64_t stride,
                          double most) {
  traffic begin = {0};
  int64_t wrong = -1;
  count_traffic(&begin);
  check_equal(what, read_file(first, owned, dimensions, stride, &wrong), NEURLP_SUCCESS);
  const traffic moved = between(&begin);
  check_equal("  numbers that differ", wrong, 0);
  check_below("  bytes that were read", (double)moved.read_bytes, most);
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  traffic begin = {0};
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  if (!count_traffic(&begin)) {
    if (rank == 0) printf("SKIPPED: the system does not count what a process reads (/proc/self/io)\n");
    neurlp_context_destroy(&context);
    MPI_Finalize();
    return SKIPPED;
  }
  int64_t first = 0, owned = 0;
  neurlp_partition(SYSTEMS, rank, size, &first, &owned);
  double *states = calloc((size_t)(owned * SAMPLES * STATES + 1), sizeof *states);
  if (!states) return 1;
  for (int64_t i = 0; i < owned * SAMPLES * STATES; i++) states[i] = state_of(first * SAMPLES * STATES + i);

  /* Beside the numbers: HDF5's structures, which every rank reads some times in pieces of 512 bytes to 4 kB,
   * libraries and files of MPI-IO, which are loaded on first use; and chunks that two ranks share. */
  const double bytes = 8.0 * SYSTEMS * SAMPLES * STATES, extra = 1e5 * size;
  const double calls = bytes / NEURLP_CHUNK_BYTES + 50 * size;
  check_equal("written", write_file(first, owned, states), NEURLP_SUCCESS); /* loads libraries */
  count_traffic(&begin);
  check_equal("written again", write_file(first, owned, states), NEURLP_SUCCESS);
  const traffic moved = between(&begin);
  check_above("  bytes that were written", (double)moved.written_bytes, bytes);
  check_below("  and at most", (double)moved.written_bytes, bytes + extra);
  check_above("  bytes that were read back", (double)moved.read_bytes, bytes);
  check_below("  and at most", (double)moved.read_bytes, bytes + extra);
  check_below("  calls that wrote", (double)moved.writes, calls);
  check_reading("read", first, owned, STATES, 1, bytes + extra);
  check_reading("read, every third sample", first, owned, STATES, 3,
                bytes + extra + NEURLP_CHUNK_BYTES * size);
  check_reading("read, one state", first, owned, 1, 1, bytes + extra);
  free(states);
  check_equal("nothing is left allocated", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
