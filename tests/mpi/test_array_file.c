/* Writes a file with every kind of content and reads it back in part; test_array_file.sh then has h5py look
 * at it. Also: rows in several calls, an older file that a discarded one must not touch, names that clash. */
#include "comm.h"
#include "file/array_file.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYSTEMS = 7, SAMPLES = 90, STATES = 2, ROWS = 40000, WIDTH = 8 };

static int64_t length_of(int64_t s) {
  return SAMPLES - 11 * (s % 3);
}

static double state_of(int64_t s, int64_t t, int64_t k) {
  return (double)(10000 * s + 10 * t + k);
}

static double row_value(int64_t row, int64_t column) {
  return (double)(row * WIDTH + column) / 3;
}

/* This rank's part of all samples, in the order (system, sample), so that systems are cut between ranks. */
static neurlp_sample_range my_range(int rank, int size) {
  int64_t total = 0, first = 0, owned = 0;
  for (int64_t s = 0; s < SYSTEMS; s++) total += length_of(s);
  neurlp_partition(total, rank, size, &first, &owned);
  neurlp_sample_range range = {0, 0, 0, 0};
  int64_t at = 0;
  bool begun = false;
  for (int64_t s = 0; s < SYSTEMS && owned > 0; s++) {
    const int64_t next = at + length_of(s);
    if (!begun && first < next) {
      range.first_system = s;
      range.first_sample = first - at;
      begun = true;
    }
    if (begun && first + owned <= next) {
      range.end_system = s + 1;
      range.end_sample = first + owned - at;
      break;
    }
    at = next;
  }
  return range;
}

static void write_samples(neurlp_array_file *file, int rank, int size) {
  const neurlp_sample_range range = my_range(rank, size);
  static double values[SYSTEMS * SAMPLES * STATES];
  int64_t offsets[SYSTEMS + 1] = {0};
  int64_t at = 0;
  for (int64_t s = range.first_system; s < range.end_system; s++) {
    const int64_t begin = s == range.first_system ? range.first_sample : 0;
    const int64_t end = s == range.end_system - 1 ? range.end_sample : length_of(s);
    for (int64_t t = begin; t < end; t++, at++)
      for (int64_t k = 0; k < STATES; k++) values[at * STATES + k] = state_of(s, t, k);
    offsets[s - range.first_system + 1] = at;
  }
  const neurlp_array states = {.path = "data/states",
                               .type = H5T_NATIVE_DOUBLE,
                               .rank = 3,
                               .extents = {SYSTEMS, SAMPLES, STATES},
                               .units = "m",
                               .long_name = "states of all systems",
                               .scales = {"system", "time", "names"},
                               .compress = 4};
  check_equal("samples are written", neurlp_array_write_samples(file, &states, &range, offsets, values), 0);
}

/* Rows of a larger array, two calls, so that the second continues what the first began. */
static void write_rows(neurlp_array_file *file, const char *path, int32_t compress, int rank, int size) {
  const neurlp_array array = {.path = path,
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 2,
                              .extents = {ROWS, WIDTH},
                              .long_name = "rows",
                              .scales = {"row", NULL},
                              .compress = compress};
  for (int64_t half = 0; half < 2; half++) {
    int64_t first = 0, count = 0;
    neurlp_partition(ROWS / 2, rank, size, &first, &count);
    first += half * (ROWS / 2);
    double *values = malloc((size_t)(count * WIDTH) * sizeof *values);
    for (int64_t i = 0; i < count * WIDTH; i++) values[i] = row_value(first + i / WIDTH, i % WIDTH);
    check_equal("rows are written", neurlp_array_write_rows(file, &array, first, count, values), 0);
    free(values);
  }
}

/* More than one transfer moves at a time (32 MB): rows of 4 MB, some ranks with none. */
static void write_large(neurlp_array_file *file, int rank, int size) {
  enum { LARGE_ROWS = 9, LARGE_WIDTH = 1 << 20 };
  int64_t first = 0, count = 0;
  neurlp_partition(LARGE_ROWS, rank, size, &first, &count);
  float *values = malloc((size_t)(count * LARGE_WIDTH + 1) * sizeof *values);
  for (int64_t i = 0; i < count * LARGE_WIDTH; i++)
    values[i] = (float)((first * LARGE_WIDTH + i) % 16777213); /* whole numbers that a float holds exactly */
  const neurlp_array array = {
      .path = "rows/large", .type = H5T_NATIVE_FLOAT, .rank = 2, .extents = {LARGE_ROWS, LARGE_WIDTH}};
  check_equal("a large array is written", neurlp_array_write_rows(file, &array, first, count, values), 0);
  free(values);
}

static void write_lists(neurlp_array_file *file, int rank) {
  static const char *const names[] = {"x", "\xc3\xa9nergie"};
  check_equal("texts are written", neurlp_array_write_texts(file, "data/names", "states", 2, names), 0);
  double times[SAMPLES];
  for (int t = 0; t < SAMPLES; t++) times[t] = 0.1 * t;
  const neurlp_array time = {.path = "data/time",
                             .type = H5T_NATIVE_DOUBLE,
                             .rank = 1,
                             .extents = {SAMPLES},
                             .units = "s",
                             .long_name = "time",
                             .scales = {"time"}};
  const int64_t mine = rank == 0 ? SAMPLES : 0; /* all from one rank, the others have none */
  check_equal("a scale is written", neurlp_array_write_rows(file, &time, 0, mine, times), 0);
  int32_t status[SYSTEMS] = {0, 1, 2, 3, 4, 5, 6};
  const neurlp_array integers = {
      .path = "status", .type = H5T_NATIVE_INT32, .rank = 1, .extents = {SYSTEMS}, .scales = {"system"}};
  check_equal("integers are written",
              neurlp_array_write_rows(file, &integers, 0, rank == 0 ? SYSTEMS : 0, status), 0);
  const neurlp_array empty = {.path = "empty", .type = H5T_NATIVE_DOUBLE, .rank = 2, .extents = {0, 3}};
  check_equal("an empty array is written", neurlp_array_write_rows(file, &empty, 0, 0, NULL), 0);
}

static void write_attributes(neurlp_array_file *file) {
  char deck[100000]; /* longer than the 64 kB that an attribute may have in itself */
  memset(deck, 'd', sizeof deck);
  deck[sizeof deck - 1] = '\0';
  check_equal("provenance", neurlp_array_file_provenance(file, "neurlp test", 1, "test", deck, 7), 0);
  check_equal("text", neurlp_array_attribute_text(file, "data", "title", "\xc3\xa0 propos"), 0);
  check_equal("number", neurlp_array_attribute_number(file, "data/states", "noise", 0.25), 0);
  check_equal("integer", neurlp_array_attribute_integer(file, "/", "count", 3), 0);
  check_equal("an attribute again", neurlp_array_attribute_integer(file, "/", "count", 1234567890123), 0);
}

/* What must be refused on all ranks, after which the file can still be written. */
static void check_refusals(neurlp_array_file *file, int rank) {
  double values[4] = {0};
  neurlp_array array = {.path = "data/time", .type = H5T_NATIVE_DOUBLE, .rank = 1, .extents = {4}};
  check_equal("another size under the same name",
              neurlp_array_write_rows(file, &array, 0, rank == 0 ? 4 : 0, values), NEURLP_ERROR_ARGUMENT);
  array.path = "data";
  check_equal("a group's name", neurlp_array_write_rows(file, &array, 0, 0, values), NEURLP_ERROR_ARGUMENT);
  array.path = "new";
  check_equal("rows outside on one rank", neurlp_array_write_rows(file, &array, rank == 0 ? 5 : 0, 0, values),
              NEURLP_ERROR_ARGUMENT);
  check_equal("attribute of nothing", neurlp_array_attribute_text(file, "nowhere", "a", "b"),
              NEURLP_ERROR_IO);
}

/* Each rank keeps HDF5's book of the file: what ranks disagree on is rank 0's, or refused, and what is
 * written afterwards is where all of them look for it. */
static void check_disagreement(neurlp_array_file *file, int rank, int size) {
  static const char *const words[] = {"the longest of them", "short", "of middle length"};
  double values[5] = {1, 2, 3, 4, 5};
  neurlp_array array = {
      .path = "unlike/extents", .type = H5T_NATIVE_DOUBLE, .rank = 1, .extents = {4 + rank}};
  const neurlp_status refused = size > 1 ? NEURLP_ERROR_INTERNAL : NEURLP_SUCCESS;
  const int64_t mine = rank == 0 ? 4 : 0;
  check_equal("extents that differ", neurlp_array_write_rows(file, &array, 0, mine, values), refused);
  array.path = "unlike/text";
  array.extents[0] = 4;
  array.long_name = words[rank % 3];
  check_equal("a description that differs", neurlp_array_write_rows(file, &array, 0, mine, values), refused);
  check_equal("a text that differs",
              neurlp_array_write_texts(file, "unlike/words", "text", 1, &words[rank % 3]), 0);
  check_equal("an attribute that differs",
              neurlp_array_attribute_text(file, "unlike/words", "word", words[rank % 3]), 0);
  check_equal("a number that differs", neurlp_array_attribute_integer(file, "unlike/words", "rank", rank), 0);
  array = (neurlp_array){.path = "unlike/after", .type = H5T_NATIVE_DOUBLE, .rank = 1, .extents = {size}};
  check_equal("rows after them", neurlp_array_write_rows(file, &array, rank, 1, values), 0);
}

static void check_discard(MPI_Comm comm, neurlp_context *context, int rank) {
  const char *const path = "older.h5";
  if (rank == 0) {
    FILE *older = fopen(path, "w");
    fputs("older", older);
    fclose(older);
  }
  MPI_Barrier(comm);
  neurlp_array_file *file = NULL;
  check_equal("create beside an older file", neurlp_array_file_create(comm, context, path, 1000, &file), 0);
  write_lists(file, rank);
  (void)neurlp_array_file_discard(&file, NEURLP_SUCCESS);
  (void)neurlp_array_file_discard(&file, NEURLP_SUCCESS);
  MPI_Barrier(comm);
  if (rank == 0) {
    char text[16] = "";
    FILE *older = fopen(path, "r");
    check_true("the older file is untouched",
               older && fgets(text, sizeof text, older) && !strcmp(text, "older"));
    if (older) fclose(older);
  }
  check_equal("far too large", neurlp_array_file_create(comm, context, path, INT64_MAX / 2, &file),
              NEURLP_ERROR_IO);
  check_equal("no such folder", neurlp_array_file_create(comm, context, "nowhere/x.h5", 0, &file),
              NEURLP_ERROR_IO);
  check_equal("a folder", neurlp_array_file_create(comm, context, ".", 0, &file), NEURLP_ERROR_IO);
  check_true("and no handle", !file);
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;

  neurlp_array_file *file = NULL;
  check_equal("create", neurlp_array_file_create(MPI_COMM_WORLD, context, "array_file.h5", 0, &file), 0);
  if (file) {
    write_lists(file, rank);
    write_samples(file, rank, size);
    write_rows(file, "rows/plain", 0, rank, size);
    write_rows(file, "rows/packed", 4, rank, size);
    write_large(file, rank, size);
    write_attributes(file);
    check_refusals(file, rank);
    check_disagreement(file, rank, size);
    check_equal("commit", neurlp_array_file_commit(&file), 0);
  }
  check_true("the handle is gone", !file);
  check_discard(MPI_COMM_WORLD, context, rank);
  check_equal("nothing is left allocated", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
