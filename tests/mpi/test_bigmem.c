/* A data set of 1e7 systems with more than 2^31 numbers, in a file above 4 GB, written and read by the
 * program's own functions: test_bigmem PATH, for test_bigmem.sh. Every number says where it belongs, and
 * every one is compared. */
#include "comm.h"
#include "data/data_set.h"
#include "file/array_file.h"
#include "support/check.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { SYSTEMS = 10000000, SAMPLES = 108, STATES = 2, SLAB = 100000 };

static int rank, size;
static neurlp_context *context;

/* A whole number below 2^23, so that single precision holds it: 8 million different ones in an order without
 * pattern. */
static float state_of(int64_t s, int64_t t, int64_t k) {
  const uint64_t i = (uint64_t)((s * SAMPLES + t) * STATES + k);
  return (float)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 41);
}

/* Slab after slab of each rank's systems, so that a rank holds 86 MB. */
static void write_states(neurlp_array_file *file, int64_t first, int64_t owned) {
  const neurlp_array array = {
      .path = "states", .type = H5T_NATIVE_FLOAT, .rank = 3, .extents = {SYSTEMS, SAMPLES, STATES}};
  float *slab = malloc(sizeof *slab * SLAB * SAMPLES * STATES);
  const int64_t slabs = (SYSTEMS / size + SLAB) / SLAB; /* the same for all: the call is collective */
  int64_t failed = slab ? 0 : 1;
  for (int64_t i = 0; slab && i < slabs; i++) {
    const int64_t begin = i * SLAB < owned ? i * SLAB : owned;
    const int64_t count = owned - begin < SLAB ? owned - begin : SLAB;
    for (int64_t s = 0; s < count; s++)
      for (int64_t j = 0; j < SAMPLES * STATES; j++)
        slab[s * SAMPLES * STATES + j] = state_of(first + begin + s, j / STATES, j % STATES);
    failed += neurlp_array_write_rows(file, &array, first + begin, count, slab) != NEURLP_SUCCESS;
  }
  check_equal("slabs that were not written", failed, 0);
  free(slab);
}

static void write_data(const char *path, int64_t first, int64_t owned) {
  static const char *const names[STATES] = {"x", "y"};
  const neurlp_array time = {.path = "time", .type = H5T_NATIVE_DOUBLE, .rank = 1, .extents = {SAMPLES}};
  double times[SAMPLES];
  neurlp_array_file *file = NULL;
  for (int t = 0; t < SAMPLES; t++) times[t] = 0.5 * t;
  const int64_t bytes = (int64_t)SYSTEMS * SAMPLES * STATES * (int64_t)sizeof(float);
  check_equal("create", neurlp_array_file_create(MPI_COMM_WORLD, context, path, bytes, &file), 0);
  if (!file) return;
  check_equal("time", neurlp_array_write_rows(file, &time, 0, rank == 0 ? SAMPLES : 0, times), 0);
  check_equal("names", neurlp_array_write_texts(file, "names", "states", STATES, names), 0);
  write_states(file, first, owned);
  check_equal("commit", neurlp_array_file_commit(&file), 0);
}

/* Numbers of a range that are not what they should be. */
static int64_t wrong(const neurlp_samples *samples) {
  int64_t count = 0;
  for (int64_t s = samples->range.first_system; s < samples->range.end_system; s++) {
    const int64_t at = samples->offsets[s - samples->range.first_system];
    for (int64_t j = 0; j < SAMPLES * STATES; j++)
      count += samples->states[at * STATES + j] != (double)state_of(s, j / STATES, j % STATES);
    for (int64_t t = 0; t < SAMPLES; t++) count += samples->times[at + t] != 0.5 * (double)t;
  }
  return count;
}

static void read_data(const char *path, int64_t first, int64_t owned) {
  const neurlp_data_request request = {.path = path, .end = -1, .stride = 1};
  neurlp_data_set *data = NULL;
  check_equal("open", neurlp_data_open(MPI_COMM_WORLD, context, &request, &data), 0);
  if (!data) {
    printf("     %s\n", neurlp_context_message(context));
    return;
  }
  check_equal("systems", data->systems, SYSTEMS);
  check_above("numbers in one data set", (double)data->systems * (double)data->samples * data->dimensions,
              2147483649.0);
  int64_t bad = 0, read = 0;
  const int64_t slabs = (SYSTEMS / size + SLAB) / SLAB;
  for (int64_t i = 0; i < slabs; i++) {
    const int64_t begin = i * SLAB < owned ? i * SLAB : owned;
    const int64_t count = owned - begin < SLAB ? owned - begin : SLAB;
    const neurlp_sample_range range = {first + begin, first + begin + count, 0, count > 0 ? SAMPLES : 0};
    neurlp_samples samples = {0};
    if (neurlp_data_read(data, &range, &samples) != NEURLP_SUCCESS) {
      bad++;
      printf("     %s\n", neurlp_context_message(context));
      break; /* every rank does */
    }
    read += samples.offsets[count];
    bad += wrong(&samples);
    neurlp_samples_release(context, &samples);
  }
  check_equal("samples that were read", read, owned * SAMPLES);
  check_equal("numbers that are not what was written", bad, 0);
  neurlp_data_close(&data);
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  if (argc != 2) return 2;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 2;
  int64_t first = 0, owned = 0;
  struct stat info;
  neurlp_partition(SYSTEMS, rank, size, &first, &owned);
  double begin = MPI_Wtime();
  write_data(argv[1], first, owned);
  if (rank == 0) printf("     written, flushed and read back in %.1f s\n", MPI_Wtime() - begin);
  check_equal("the file is there", stat(argv[1], &info), 0);
  check_above("bytes of the file", (double)info.st_size, 4294967297.0);
  begin = MPI_Wtime();
  read_data(argv[1], first, owned);
  if (rank == 0) printf("     read and compared in %.1f s\n", MPI_Wtime() - begin);
  check_below("bytes of memory at most on a rank", (double)neurlp_context_memory(context).peak_bytes, 1e9);
  neurlp_context_destroy(&context);
  int all = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return all;
}
