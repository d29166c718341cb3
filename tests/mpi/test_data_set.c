/* Data sets written by array_file and read back in any partition: ragged, shared and own times, chosen
 * states, first, end, stride; and CSV. */
#include "comm.h"
#include "data/csv.h"
#include "data/data_set.h"
#include "data/data_set_pieces.h"
#include "file/array_file.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYSTEMS = 6, SAMPLES = 40, STATES = 3 };

static int rank, size;
static neurlp_context *context;

static int64_t length_of(int64_t s, bool ragged) {
  return ragged ? (s == 2 ? 0 : SAMPLES - 7 * (s % 3)) : SAMPLES;
}

static double time_of(int64_t s, int64_t t, bool shared) {
  return 0.5 * (double)t + (shared ? 0 : 100 * (double)s);
}

static double state_of(int64_t s, int64_t t, int64_t k) {
  return (double)(10000 * s + 10 * t + k) + 0.5;
}

static neurlp_status write_list(neurlp_array_file *file, const char *path, hid_t type, int64_t count,
                                int64_t columns, const void *values) {
  const neurlp_array array = {
      .path = path, .type = type, .rank = columns > 0 ? 2 : 1, .extents = {count, columns}, .units = "s"};
  return neurlp_array_write_rows(file, &array, 0, rank == 0 ? count : 0, values);
}

static void write_data(const char *path, bool ragged, bool shared) {
  static const char *const names[STATES] = {"x", "y", "z"}, *const parameter_names[] = {"r", "K"};
  double times[SYSTEMS * SAMPLES], states[SYSTEMS * SAMPLES * STATES], parameters[SYSTEMS * 2];
  int64_t lengths[SYSTEMS];
  for (int64_t s = 0; s < SYSTEMS; s++) {
    lengths[s] = length_of(s, ragged);
    for (int64_t p = 0; p < 2; p++) parameters[s * 2 + p] = (double)(10 * s + p);
    for (int64_t t = 0; t < SAMPLES; t++) {
      times[s * SAMPLES + t] = time_of(s, t, shared);
      for (int64_t k = 0; k < STATES; k++) states[(s * SAMPLES + t) * STATES + k] = state_of(s, t, k);
    }
  }
  neurlp_array_file *file = NULL;
  check_equal("create", neurlp_array_file_create(MPI_COMM_WORLD, context, path, 0, &file), 0);
  if (!file) return;
  const neurlp_array array = {.path = "states",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 3,
                              .extents = {SYSTEMS, SAMPLES, STATES},
                              .compress = ragged ? 1 : 0};
  check_equal("states", neurlp_array_write_rows(file, &array, 0, rank == 0 ? SYSTEMS : 0, states), 0);
  if (ragged) { /* with curves without noise: a quarter more each */
    neurlp_array clean = array;
    clean.path = "clean";
    for (int64_t i = 0; i < SYSTEMS * SAMPLES * STATES; i++) states[i] += 0.25;
    check_equal("clean", neurlp_array_write_rows(file, &clean, 0, rank == 0 ? SYSTEMS : 0, states), 0);
  }
  check_equal(
      "time",
      write_list(file, "time", H5T_NATIVE_DOUBLE, shared ? SAMPLES : SYSTEMS, shared ? 0 : SAMPLES, times),
      0);
  if (ragged) check_equal("length", write_list(file, "length", H5T_NATIVE_INT64, SYSTEMS, 0, lengths), 0);
  check_equal("parameters", write_list(file, "parameters", H5T_NATIVE_DOUBLE, SYSTEMS, 2, parameters), 0);
  check_equal("names", neurlp_array_write_texts(file, "names", "states", STATES, names), 0);
  check_equal("parameter names", neurlp_array_write_texts(file, "parameter_names", "", 2, parameter_names),
              0);
  check_equal("commit", neurlp_array_file_commit(&file), 0);
}

/* The range of samples [first, first + count) in the order (system, sample). */
static neurlp_sample_range range_of(const neurlp_data_set *data, int64_t first, int64_t count) {
  neurlp_sample_range range = {0, 0, 0, 0};
  int64_t at = 0;
  bool begun = false;
  for (int64_t s = 0; s < data->systems && count > 0; s++) {
    const int64_t next = at + (data->lengths ? data->lengths[s] : data->samples);
    if (!begun && first < next) {
      range.first_system = s;
      range.first_sample = first - at;
      begun = true;
    }
    if (begun && first + count <= next) {
      range.end_system = s + 1;
      range.end_sample = first + count - at;
      break;
    }
    at = next;
  }
  return range;
}

/* Largest deviation of what was read; sample i of a selection is sample request->first + i stride. */
static double worst(const neurlp_data_set *data, const neurlp_samples *samples,
                    const neurlp_data_request *request, bool shared, bool swapped) {
  double error = 0;
  for (int64_t s = samples->range.first_system; s < samples->range.end_system; s++) {
    const int64_t *offsets = samples->offsets + (s - samples->range.first_system);
    const int64_t begin = s == samples->range.first_system ? samples->range.first_sample : 0;
    for (int64_t i = offsets[0]; i < offsets[1]; i++) {
      const int64_t t = request->first + (begin + i - offsets[0]) * request->stride;
      error = fmax(error, fabs(samples->times[i] - time_of(s, t, shared)));
      for (int64_t k = 0; k < data->dimensions; k++) {
        const int64_t column = swapped ? 2 - 2 * k : k;
        error = fmax(error, fabs(samples->states[i * data->dimensions + k] - state_of(s, t, column)));
        if (samples->clean)
          error = fmax(error, fabs(samples->clean[i * data->dimensions + k] - state_of(s, t, column) - 0.25));
      }
    }
  }
  return error;
}

/* Reads everything, divided over the ranks evenly or all on the last rank. */
static void read_data(const neurlp_data_request *request, bool shared, bool swapped, bool all_on_last) {
  neurlp_data_set *data = NULL;
  check_equal("open", neurlp_data_open(MPI_COMM_WORLD, context, request, &data), 0);
  if (!data) {
    printf("     %s\n", neurlp_context_message(context));
    return;
  }
  int64_t total = 0, first = 0, count = 0;
  for (int64_t s = 0; s < data->systems; s++) total += data->lengths ? data->lengths[s] : data->samples;
  neurlp_partition(total, rank, size, &first, &count);
  if (all_on_last) {
    first = 0;
    count = rank == size - 1 ? total : 0;
  }
  const neurlp_sample_range range = range_of(data, first, count);
  neurlp_samples samples;
  check_equal("read", neurlp_data_read(data, &range, &samples), 0);
  const int64_t systems = range.end_system - range.first_system;
  check_equal("number of samples", samples.offsets[systems], count);
  check_true("clean curves where they are wanted and there",
             (samples.clean != NULL) == data->clean && data->clean == (request->clean && data->lengths));
  check_below("largest deviation", worst(data, &samples, request, shared, swapped), 0);
  double parameters[SYSTEMS * 2] = {0};
  check_equal("parameters", neurlp_data_read_parameters(data, &range, parameters), 0);
  for (int64_t i = 0; i < systems * data->parameters; i++)
    check_equal("parameter", (long long)parameters[i], 10 * (range.first_system + i / 2) + i % 2);
  if (data->parameters) check_true("name of a parameter", strcmp(data->parameter_names[1], "K") == 0);
  neurlp_samples_release(context, &samples);
  neurlp_data_close(&data);
}

static void check_hdf5(void) {
  static const char *const swapped[] = {"z", "x"}, *const unknown[] = {"w"};
  for (int kind = 0; kind < 4; kind++) {
    const bool ragged = kind & 1, shared = kind & 2;
    const char *const path = "data_set.h5";
    write_data(path, ragged, shared);
    const neurlp_data_request all = {.path = path, .end = -1, .stride = 1};
    read_data(&all, shared, false, false);
    read_data(&all, shared, false, true);
    const neurlp_data_request part = {
        .path = path, .state_count = 2, .states = swapped, .first = 5, .end = 33, .stride = 3, .clean = true};
    read_data(&part, shared, true, false);
    const neurlp_data_request both = {.path = path, .end = -1, .stride = 1, .clean = true};
    read_data(&both, shared, false, true);
    const neurlp_data_request none = {
        .path = path, .state_count = 1, .states = unknown, .end = -1, .stride = 1};
    neurlp_data_set *data = NULL;
    check_equal("unknown state", neurlp_data_open(MPI_COMM_WORLD, context, &none, &data), NEURLP_ERROR_DATA);
    const neurlp_data_request past = {.path = path, .first = 40, .end = -1, .stride = 1};
    check_equal("no sample", neurlp_data_open(MPI_COMM_WORLD, context, &past, &data), NEURLP_ERROR_DATA);
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

/* Curves without noise that are not as many as the states are refused, by those who want them. */
static void check_bad_clean(void) {
  const double numbers[6] = {0, 1, 2, 3, 4, 5};
  const neurlp_data_request wanted = {.path = "bad_clean.h5", .end = -1, .stride = 1, .clean = true};
  const neurlp_data_request unwanted = {.path = "bad_clean.h5", .end = -1, .stride = 1};
  neurlp_data_set *data = NULL;
  neurlp_array_file *file = NULL;
  check_equal("create", neurlp_array_file_create(MPI_COMM_WORLD, context, "bad_clean.h5", 0, &file), 0);
  if (!file) return;
  check_equal("time", write_list(file, "time", H5T_NATIVE_DOUBLE, 3, 0, numbers), 0);
  check_equal("states", write_list(file, "states", H5T_NATIVE_DOUBLE, 3, 2, numbers), 0);
  check_equal("clean", write_list(file, "clean", H5T_NATIVE_DOUBLE, 3, 1, numbers), 0);
  check_equal("commit", neurlp_array_file_commit(&file), 0);
  check_equal("another shape", neurlp_data_open(MPI_COMM_WORLD, context, &wanted, &data), NEURLP_ERROR_DATA);
  check_equal("which nobody asked for", neurlp_data_open(MPI_COMM_WORLD, context, &unwanted, &data), 0);
  neurlp_data_close(&data);
}

/* Cuts ranges of ragged systems with every small limit: each sample of the range is in one rectangle, no
 * sample of another range in any, and no rectangle is larger than it may be. */
static void check_pieces(void) {
  enum { LONGEST = 9 };
  static const int64_t lengths[SYSTEMS] = {9, 9, 0, 4, 9, 7};
  int64_t missing = 0, foreign = 0, large = 0, ranges = 0;
  for (int64_t limit = 1; limit <= 40; limit++)
    for (int64_t first = 0; first < 38; first++)
      for (int64_t count = 0; count <= 38 - first; count++, ranges++) {
        const neurlp_data_set data = {.systems = SYSTEMS, .lengths = (int64_t *)(uintptr_t)lengths};
        const neurlp_sample_range range = range_of(&data, first, count);
        int64_t offsets[SYSTEMS + 1] = {0}, seen[SYSTEMS][LONGEST] = {{0}}, at = 0;
        for (int64_t s = range.first_system; s < range.end_system; s++) {
          const int64_t begin = s == range.first_system ? range.first_sample : 0;
          const int64_t end = s == range.end_system - 1 ? range.end_sample : lengths[s];
          offsets[s - range.first_system + 1] = offsets[s - range.first_system] + end - begin;
        }
        neurlp_piece_cursor cursor = {0, 0};
        neurlp_sample_piece piece;
        while (neurlp_next_piece(&range, offsets, limit, &cursor, &piece)) {
          large += piece.samples * (piece.end_system - piece.first_system) > limit;
          for (int64_t s = piece.first_system; s < piece.end_system; s++)
            for (int64_t t = 0; t < piece.samples; t++) seen[s][piece.first_sample + t]++;
        }
        for (int64_t s = 0; s < SYSTEMS; s++)
          for (int64_t t = 0; t < lengths[s]; t++, at++) {
            const bool mine = at >= first && at < first + count;
            missing += mine && seen[s][t] != 1;
            foreign += !mine && seen[s][t] != 0;
          }
      }
  check_above("ranges cut", (double)ranges, 1000);
  check_equal("samples that are not in one rectangle", missing, 0);
  check_equal("samples of others in a rectangle", foreign, 0);
  check_equal("rectangles that are too large", large, 0);
}

static void write_text(const char *path, const char *text) {
  if (rank == 0) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void check_csv(void) {
  char text[8192] = "\xef\xbb\xbf# measured\r\n\r\nx, \"y\" ,time,z\r\n";
  for (int64_t t = 0; t < SAMPLES; t++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%g,%.3f, %.2f,%ge0%s\n", state_of(0, t, 0),
             state_of(0, t, 1), time_of(0, t, true), state_of(0, t, 2), t % 2 ? "\r" : "");
  write_text("good.csv", text);
  static const char *const swapped[] = {"z", "x"};
  const neurlp_data_request all = {.path = "good.csv", .time = "time", .end = -1, .stride = 1};
  read_data(&all, true, false, false);
  const neurlp_data_request part = {.path = "good.csv",
                                    .time = "time",
                                    .state_count = 2,
                                    .states = swapped,
                                    .first = 3,
                                    .end = 30,
                                    .stride = 2};
  read_data(&part, true, true, true);

  write_text("missing.csv", "t,x\n1,NaN\n2,\n3,nan");
  const neurlp_data_request missing = {.path = "missing.csv", .end = -1, .stride = 1};
  neurlp_data_set *data = NULL;
  check_equal("open", neurlp_data_open(MPI_COMM_WORLD, context, &missing, &data), 0);
  const neurlp_sample_range range = {0, 1, 0, 3};
  neurlp_samples samples;
  check_equal("read", neurlp_data_read(data, &range, &samples), 0);
  for (int i = 0; i < 3; i++) check_true("a missing value", isnan(samples.states[i]));
  neurlp_samples_release(context, &samples);
  neurlp_data_close(&data);
}

/* Tables that are refused, and a word that the message must have. */
static void check_bad_csv(void) {
  static const struct {
    const char *text, *word;
  } bad[] = {{"", "no header"},
             {"# only\n", "no header"},
             {"t,x\n", "no data"},
             {"1,2\n3,4\n", "name the columns"},
             {"t,t\n1,2\n", "two columns"},
             {"t,\n1,2\n", "no name"},
             {"t,x\n1,2\n2\n", "csv:3"},
             {"t,x\n1,2,3\n", "3 fields"},
             {"t,x\n1,2k\n", "'2k' in column 'x'"},
             {"t,x\n1,inf\n", "not a finite"},
             {"t,x\n1,0x10\n", "not a finite"},
             {"t,x\n1,1e999\n", "not a finite"},
             {"t,x\n\n1,2\n1,3\n", "csv:4"},
             {"t,x\n,2\n", "times must be there"},
             {"t\n1\n", "one column"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    write_text("bad.csv", bad[i].text);
    const neurlp_data_request request = {.path = "bad.csv", .end = -1, .stride = 1};
    neurlp_data_set *data = NULL;
    check_equal("bad table", neurlp_data_open(MPI_COMM_WORLD, context, &request, &data), NEURLP_ERROR_DATA);
    check_true(neurlp_context_message(context), strstr(neurlp_context_message(context), bad[i].word));
    MPI_Barrier(MPI_COMM_WORLD);
  }
  const neurlp_data_request gone = {.path = "nowhere.csv", .end = -1, .stride = 1};
  neurlp_data_set *data = NULL;
  check_equal("missing file", neurlp_data_open(MPI_COMM_WORLD, context, &gone, &data), NEURLP_ERROR_DATA);
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  check_pieces();
  check_hdf5();
  check_bad_clean();
  check_csv();
  check_bad_csv();
  check_equal("nothing is left allocated", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
