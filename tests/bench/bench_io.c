/* How fast the program's own functions write and read a data set; io.sh runs it, beside dd.
 *
 *   mpirun -n RANKS bench_io write PATH MEGABYTES COMPRESS
 *   mpirun -n RANKS bench_io read PATH MEGABYTES
 *
 * MEGABYTES of numbers. Before the time begins, three times as much memory is touched and given back
 * (io_floor.c says why): room for the file in the page cache, the numbers, and a time for each sample.
 *
 * Prints megabytes of numbers, seconds, and processor seconds of all ranks in them (ranks that wait spin). A
 * write is what a run's result goes through: written, flushed, synced, read back and compared, renamed. Exit
 * status 1, and a message, where anything fails or a number is not what it should be. */
#define _DEFAULT_SOURCE /* madvise */
#include "comm.h"
#include "data/data_set.h"
#include "file/array_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { SAMPLES = 500, STATES = 2 }; /* of a system: 8 kB */

static int rank, size;
static neurlp_context *context;

/* Seconds since some time, and processor seconds of all ranks since they began. */
typedef struct lapse {
  double wall, processor;
} lapse;

static double seconds_of(struct timeval time) {
  return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

/* Has so much memory that is free at hand again, this rank a share of it. */
static void touch_memory(int64_t megabytes) {
  const size_t bytes = (size_t)(3 * megabytes * 1000000 / size) + 1;
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  (void)madvise(memory, bytes, MADV_HUGEPAGE);
  memset(memory, 1, bytes);
  munmap(memory, bytes);
}

/* Collective. */
static lapse now(void) {
  struct rusage usage;
  MPI_Barrier(MPI_COMM_WORLD);
  getrusage(RUSAGE_SELF, &usage);
  lapse it = {MPI_Wtime(), seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)};
  MPI_Allreduce(MPI_IN_PLACE, &it.processor, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return it;
}

static lapse since(lapse begin) {
  const lapse end = now();
  return (lapse){end.wall - begin.wall, end.processor - begin.processor};
}

/* Something like a measured curve, with noise and three digits: gzip makes a fraction of it. */
static double state_of(int64_t s, int64_t t, int64_t k) {
  const uint64_t i = (uint64_t)((s * SAMPLES + t) * STATES + k) * UINT64_C(0x9e3779b97f4a7c15);
  const double noise = (double)(i >> 40) / (double)(1 << 24);
  return round(1e3 * (sin(0.02 * (double)t + 0.1 * (double)s + (double)k) + 0.1 * noise)) / 1e3;
}

static neurlp_status write_states(neurlp_array_file *file, int64_t systems, int32_t compress,
                                  const double *states) {
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0, owned = 0;
  double times[SAMPLES];
  const neurlp_array time = {.path = "time", .type = H5T_NATIVE_DOUBLE, .rank = 1, .extents = {SAMPLES}};
  const neurlp_array array = {.path = "states",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 3,
                              .extents = {systems, SAMPLES, STATES},
                              .compress = compress};
  for (int t = 0; t < SAMPLES; t++) times[t] = t;
  neurlp_partition(systems, rank, size, &first, &owned);
  NEURLP_TRY(neurlp_array_write_rows(file, &time, 0, rank == 0 ? SAMPLES : 0, times));
  NEURLP_TRY(neurlp_array_write_rows(file, &array, first, owned, states));
done:
  return status;
}

/* Numbers that are not all alike, of this rank's systems. */
static neurlp_status make_states(int64_t systems, double **states) {
  int64_t first = 0, owned = 0;
  neurlp_partition(systems, rank, size, &first, &owned);
  const neurlp_status status = neurlp_allocate(context, owned * SAMPLES * STATES, sizeof **states, states);
  for (int64_t i = 0; status == NEURLP_SUCCESS && i < owned * SAMPLES * STATES; i++)
    (*states)[i] = state_of(first + i / (SAMPLES * STATES), i / STATES % SAMPLES, i % STATES);
  return neurlp_agree(MPI_COMM_WORLD, context, status);
}

/* *taken: from creating the file to its name; not of making the numbers. */
static neurlp_status write_file(const char *path, int64_t megabytes, int64_t systems, int32_t compress,
                                lapse *taken) {
  neurlp_array_file *file = NULL;
  double *states = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(make_states(systems, &states));
  touch_memory(megabytes);
  const lapse begin = now();
  NEURLP_TRY(neurlp_array_file_create(MPI_COMM_WORLD, context, path, 0, &file));
  NEURLP_TRY(write_states(file, systems, compress, states));
  NEURLP_TRY(neurlp_array_file_commit(&file));
  *taken = since(begin);
done:
  (void)neurlp_array_file_discard(&file, NEURLP_SUCCESS);
  neurlp_release(context, &states);
  return status;
}

/* *systems: how many there are. */
static neurlp_status read_file(const char *path, int64_t megabytes, int64_t *systems, lapse *taken) {
  const neurlp_data_request request = {.path = path, .end = -1, .stride = 1};
  neurlp_data_set *data = NULL;
  neurlp_samples samples = {0};
  neurlp_status status = NEURLP_SUCCESS;
  int64_t first = 0, owned = 0, wrong = 0;
  touch_memory(megabytes);
  const lapse begin = now();
  NEURLP_TRY(neurlp_data_open(MPI_COMM_WORLD, context, &request, &data));
  *systems = data->systems;
  neurlp_partition(data->systems, rank, size, &first, &owned);
  const neurlp_sample_range range = {first, first + owned, 0, owned > 0 ? SAMPLES : 0};
  NEURLP_TRY(neurlp_data_read(data, &range, &samples));
  *taken = since(begin); /* what follows is no reading */
  for (int64_t i = 0; i < owned * SAMPLES * STATES; i++)
    wrong += samples.states[i] != state_of(first + i / (SAMPLES * STATES), i / STATES % SAMPLES, i % STATES);
  if (wrong > 0)
    status =
        neurlp_fail(context, NEURLP_ERROR_DATA, "%lld numbers are not what was written", (long long)wrong);
done:
  neurlp_samples_release(context, &samples);
  neurlp_data_close(&data);
  return neurlp_agree(MPI_COMM_WORLD, context, status);
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  const bool writes = argc == 5 && strcmp(argv[1], "write") == 0;
  if (!writes && !(argc == 4 && strcmp(argv[1], "read") == 0)) return 2;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 2;
  const int64_t row_bytes = (int64_t)sizeof(double) * SAMPLES * STATES;
  const int64_t megabytes = atoll(argv[3]);
  int64_t systems = writes ? megabytes * 1000000 / row_bytes : 0;
  lapse taken = {0};
  neurlp_status status = NEURLP_SUCCESS;
  if (writes) {
    status = write_file(argv[2], megabytes, systems, (int32_t)atoi(argv[4]), &taken);
  } else {
    status = read_file(argv[2], megabytes, &systems, &taken);
  }
  if (rank == 0 && status == NEURLP_SUCCESS)
    printf("%.6f %.6f %.6f\n", (double)(systems * row_bytes) / 1e6, taken.wall, taken.processor);
  if (rank == 0 && status != NEURLP_SUCCESS)
    fprintf(stderr, "bench_io: %s\n", neurlp_context_message(context));
  neurlp_context_destroy(&context);
  MPI_Finalize();
  return status == NEURLP_SUCCESS ? 0 : 1;
}
