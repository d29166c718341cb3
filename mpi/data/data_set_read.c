/* madvise is no part of POSIX. */
#define _DEFAULT_SOURCE
#include "comm.h"
#include "data/data_set_parts.h"
#include "data/data_set_pieces.h"
#include "file/array_file_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Local. Reads a block of a data set of doubles. */
static neurlp_status read_block(const neurlp_data_source *source, const char *path, int rank,
                                const int64_t *start, const int64_t *stride, const int64_t *count,
                                double *values) {
  const bool read =
      neurlp_hdf5_read_block(source->file, path, H5T_NATIVE_DOUBLE, rank, start, stride, count, values) >= 0;
  if (read && neurlp_hdf5_is_whole(source->file, source->path)) return NEURLP_SUCCESS;
  return neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s; is the file damaged?",
                     source->path, path, read ? "it was cut short meanwhile" : neurlp_hdf5_reason());
}

/* Local. One rectangle of a data set [S][T][inner] or, if shared, [T][inner]. */
static neurlp_status read_rectangle(const neurlp_data_source *source, const char *path, bool shared,
                                    int32_t inner, const neurlp_sample_piece *piece, double *rectangle) {
  const neurlp_data_layout *layout = &source->layout;
  const int64_t start[3] = {piece->first_system, layout->first + piece->first_sample * layout->stride, 0};
  const int64_t stride[3] = {1, layout->stride, 1};
  const int64_t count[3] = {piece->end_system - piece->first_system, piece->samples, inner};
  const int rank = (shared ? 1 : 2) + (inner > 0 ? 1 : 0);
  const int skip = shared ? 1 : 0;
  return read_block(source, path, rank, start + skip, stride + skip, count + skip, rectangle);
}

/* Where system s of the range begins, in samples of the selection. */
static int64_t own_first(const neurlp_sample_range *range, int64_t s) {
  return s == range->first_system ? range->first_sample : 0;
}

/* Samples of system s of the range that stand before a piece. */
static int64_t skipped_samples(const neurlp_sample_piece *piece, const neurlp_sample_range *range,
                               int64_t s) {
  return piece->first_sample - own_first(range, s);
}

/* Which columns of an array go where: column columns[k] - first, if it is one of `wide`, into number k of
 * `dimensions`. */
typedef struct selection {
  const int64_t *columns;
  int64_t first;
  int32_t wide, dimensions;
} selection;

/* Spreads a rectangle of an array over packed memory [N][dimensions], taking the chosen columns. */
static void unpack(const selection *from, const neurlp_sample_piece *piece, const double *rectangle,
                   const neurlp_samples *samples, double *packed) {
  const int32_t wide = from->wide, dimensions = from->dimensions;
  for (int64_t s = piece->first_system; s < piece->end_system; s++) {
    const int64_t *offsets = samples->offsets + (s - samples->range.first_system);
    const int64_t skipped = skipped_samples(piece, &samples->range, s);
    const int64_t left = offsets[1] - offsets[0] - skipped;
    const double *row = rectangle + (s - piece->first_system) * piece->samples * wide;
    double *values = packed + (offsets[0] + skipped) * dimensions;
    for (int64_t t = 0; t < piece->samples && t < left; t++)
      for (int32_t k = 0; k < dimensions; k++) {
        const int64_t column = from->columns[k] - from->first;
        if (column >= 0 && column < wide) values[t * dimensions + k] = row[t * wide + column];
      }
  }
}

static void unpack_times(const neurlp_sample_piece *piece, const double *rectangle, bool shared,
                         neurlp_samples *samples) {
  for (int64_t s = piece->first_system; s < piece->end_system; s++) {
    const int64_t *offsets = samples->offsets + (s - samples->range.first_system);
    const int64_t skipped = skipped_samples(piece, &samples->range, s);
    const int64_t left = offsets[1] - offsets[0] - skipped;
    const double *row = rectangle + (shared ? 0 : (s - piece->first_system) * piece->samples);
    const int64_t count = piece->samples < left ? piece->samples : left;
    if (count > 0) memcpy(samples->times + offsets[0] + skipped, row, (size_t)count * sizeof *row);
  }
}

/* All columns of an array are taken, in their order. */
static bool takes_all(const selection *from) {
  bool all = from->dimensions == from->wide;
  for (int32_t k = 0; all && k < from->wide; k++) all = from->columns[k] - from->first == k;
  return all;
}

/* Local. An array of a piece into packed memory, at once where both have the same layout. `numbers` is where
 * the piece was read to. */
static neurlp_status read_array(const neurlp_data_source *source, const char *path, const selection *from,
                                const neurlp_sample_piece *piece, const neurlp_samples *samples,
                                double *rectangle, double *packed, double **numbers) {
  const int64_t skipped = skipped_samples(piece, &samples->range, piece->first_system);
  const int64_t at = samples->offsets[piece->first_system - samples->range.first_system] + skipped;
  const bool direct = piece->even && takes_all(from);
  *numbers = direct ? packed + at * from->wide : rectangle;
  const neurlp_status status =
      read_rectangle(source, path, source->layout.states_rank == 2, from->wide, piece, *numbers);
  if (status == NEURLP_SUCCESS && !direct) unpack(from, piece, rectangle, samples, packed);
  return status;
}

/* Local. States, what they were without noise, and inputs of a piece. */
static neurlp_status read_numbers(const neurlp_data_source *source, const neurlp_sample_piece *piece,
                                  double *rectangle, neurlp_samples *samples) {
  const neurlp_data_layout *layout = &source->layout;
  const int32_t D = layout->file_dimensions, U = layout->file_inputs;
  const selection states = {source->columns, 0, D, layout->dimensions};
  const selection of_states = {source->input_columns, 0, D, layout->inputs};
  const selection of_inputs = {source->input_columns, D, U, layout->inputs};
  double *numbers = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_array(source, "states", &states, piece, samples, rectangle, samples->states, &numbers));
  if (layout->inputs > 0) unpack(&of_states, piece, numbers, samples, samples->inputs);
  if (layout->clean)
    NEURLP_TRY(read_array(source, "clean", &states, piece, samples, rectangle, samples->clean, &numbers));
  if (U > 0)
    NEURLP_TRY(
        read_array(source, "inputs", &of_inputs, piece, samples, rectangle, samples->inputs, &numbers));
done:
  return status;
}

/* Local. Reads the range's samples, rectangle by rectangle. */
static neurlp_status read_hdf5(const neurlp_data_source *source, neurlp_samples *samples) {
  const neurlp_data_layout *layout = &source->layout;
  const bool shared = layout->time_rank == 1;
  double *rectangle = NULL;
  const int64_t wide =
      layout->file_inputs > layout->file_dimensions ? layout->file_inputs : layout->file_dimensions;
  const int64_t limit = NEURLP_PIECE_BYTES / 8 / wide;
  const int64_t most = limit < 1 ? wide : limit * wide;
  neurlp_status status = neurlp_allocate(source->context, most, sizeof *rectangle, &rectangle);
  neurlp_piece_cursor cursor = {0, 0};
  neurlp_sample_piece piece;
  while (status == NEURLP_SUCCESS &&
         neurlp_next_piece(&samples->range, samples->offsets, limit, &cursor, &piece)) {
    NEURLP_TRY(read_rectangle(source, "time", shared, 0, &piece, rectangle));
    unpack_times(&piece, rectangle, shared, samples);
    NEURLP_TRY(read_numbers(source, &piece, rectangle, samples));
  }
done:
  neurlp_release(source->context, &rectangle);
  return status;
}

/* The same from a CSV file, which every rank has in memory. */
static void copy_csv(const neurlp_data_source *source, neurlp_samples *samples) {
  const neurlp_data_layout *layout = &source->layout;
  const int64_t count = samples->range.end_system > samples->range.first_system ? samples->offsets[1] : 0;
  for (int64_t i = 0; i < count; i++) {
    const int64_t t = layout->first + (samples->range.first_sample + i) * layout->stride;
    samples->times[i] = source->csv_time[t];
    for (int32_t k = 0; k < layout->dimensions; k++)
      samples->states[i * layout->dimensions + k] =
          source->csv_states[t * layout->file_dimensions + source->columns[k]];
    for (int32_t k = 0; k < layout->inputs; k++)
      samples->inputs[i * layout->inputs + k] =
          source->csv_states[t * layout->file_dimensions + source->input_columns[k]];
  }
}

static int64_t length_of(const neurlp_data_set *data, int64_t s) {
  return data->lengths ? data->lengths[s] : data->samples;
}

/* Fills offsets; a range outside of the data set is the caller's error. */
static neurlp_status place_samples(const neurlp_data_set *data, neurlp_samples *samples) {
  const neurlp_sample_range *range = &samples->range;
  const int64_t systems = range->end_system - range->first_system;
  if (range->first_system < 0 || systems < 0 || range->end_system > data->systems)
    return neurlp_fail(data->source->context, NEURLP_ERROR_ARGUMENT, "systems %lld to %lld are not in %s",
                       (long long)range->first_system, (long long)range->end_system - 1, data->source->path);
  const neurlp_status status =
      neurlp_allocate(data->source->context, systems + 1, sizeof *samples->offsets, &samples->offsets);
  if (status != NEURLP_SUCCESS) return status;
  for (int64_t i = 0; i < systems; i++) {
    const int64_t s = range->first_system + i;
    const int64_t begin = own_first(range, s);
    const int64_t end = i == systems - 1 ? range->end_sample : length_of(data, s);
    if (begin < 0 || end < begin || end > length_of(data, s))
      return neurlp_fail(data->source->context, NEURLP_ERROR_ARGUMENT,
                         "samples %lld to %lld of system %lld are not in %s", (long long)begin,
                         (long long)end - 1, (long long)s, data->source->path);
    samples->offsets[i + 1] = samples->offsets[i] + end - begin;
  }
  return NEURLP_SUCCESS;
}

/* Number in the file of sample t, packed, of system i of the range. */
static int64_t file_sample(const neurlp_data_set *data, const neurlp_samples *samples, int64_t i, int64_t t) {
  const neurlp_data_layout *layout = &data->source->layout;
  const int64_t s = samples->range.first_system + i;
  return layout->first + layout->stride * (t - samples->offsets[i] + own_first(&samples->range, s));
}

/* Between samples inputs are interpolated, which gaps and infinite numbers would spoil. */
static neurlp_status check_inputs(const neurlp_data_set *data, const neurlp_samples *samples) {
  const int64_t systems = samples->range.end_system - samples->range.first_system, U = data->inputs;
  for (int64_t i = 0; i < systems; i++)
    for (int64_t j = samples->offsets[i] * U; j < samples->offsets[i + 1] * U; j++)
      if (!isfinite(samples->inputs[j]))
        return neurlp_fail(data->source->context, NEURLP_ERROR_DATA,
                           "%s: input '%s' is %g at sample %lld of system %lld; inputs must be there at all "
                           "samples that are "
                           "used (data.first, data.end and data.stride leave samples out)",
                           data->source->path, data->input_names[j % U], samples->inputs[j],
                           (long long)file_sample(data, samples, i, j / U),
                           (long long)(samples->range.first_system + i));
  return NEURLP_SUCCESS;
}

/* Times that all systems share are looked at once, as far as the longest of them goes. */
static neurlp_status check_times(const neurlp_data_set *data, const neurlp_samples *samples) {
  const int64_t systems = samples->range.end_system - samples->range.first_system;
  const bool shared = data->source->layout.time_rank == 1;
  int64_t good = 0; /* so many, from the first on, increase */
  for (int64_t i = 0; i < systems; i++) {
    const int64_t s = samples->range.first_system + i, begin = samples->offsets[i];
    const int64_t from = own_first(&samples->range, s), count = samples->offsets[i + 1] - begin;
    if (shared && from == 0 && count <= good) continue;
    for (int64_t t = begin; t < begin + count; t++) {
      const bool later = t == begin || samples->times[t] > samples->times[t - 1];
      if (isfinite(samples->times[t]) && later) continue;
      return neurlp_fail(data->source->context, NEURLP_ERROR_DATA,
                         "%s: time of sample %lld of system %lld is %g; times must be finite and increase "
                         "(where systems have fewer samples, give them a 'length')",
                         data->source->path, (long long)file_sample(data, samples, i, t),
                         (long long)(samples->range.first_system + i), samples->times[t]);
    }
    if (from == 0) good = count;
  }
  return NEURLP_SUCCESS;
}

/* From so many bytes on, memory is asked for in large pages, of 2 MB as a rule. */
enum { LARGE_BYTES = 64 << 20, LARGE_PAGE_BYTES = 2 << 20 };

/* Memory of which everything will be written. In pages of 4 kB its first touch takes longer than copying from
 * the page cache does: 0.9 against 0.1 processor seconds a GB. A hint: a system without large pages, or whose
 * administrator does not want them, goes on as ever. NEURLP_LARGE_PAGES=off is for virtual machines that have
 * to fetch free memory from their host, where large pages take longer. */
static neurlp_status allocate_whole(neurlp_context *context, int64_t count, size_t size_bytes,
                                    void *pointer_to_pointer) {
  const neurlp_status status = neurlp_allocate(context, count, size_bytes, pointer_to_pointer);
#ifdef MADV_HUGEPAGE
  const char *wanted = getenv("NEURLP_LARGE_PAGES");
  const bool small = wanted && strcmp(wanted, "off") == 0;
  if (status == NEURLP_SUCCESS && !small && (size_t)count * size_bytes >= LARGE_BYTES) {
    char *memory = NULL;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    const size_t beyond = LARGE_PAGE_BYTES - (uintptr_t)memory % LARGE_PAGE_BYTES;
    const size_t pages = ((size_t)count * size_bytes - beyond) / LARGE_PAGE_BYTES;
    (void)madvise(memory + beyond, pages * LARGE_PAGE_BYTES, MADV_HUGEPAGE);
  }
#endif
  return status;
}

neurlp_status neurlp_data_read(neurlp_data_set *data, const neurlp_sample_range *range,
                               neurlp_samples *samples) {
  neurlp_data_source *source = data->source;
  neurlp_status status = NEURLP_SUCCESS;
  memset(samples, 0, sizeof *samples);
  samples->range = *range;
  status = place_samples(data, samples);
  const int64_t systems = range->end_system - range->first_system;
  const int64_t count = status == NEURLP_SUCCESS ? samples->offsets[systems] : 0;
  if (status == NEURLP_SUCCESS)
    status = allocate_whole(source->context, count, sizeof *samples->times, &samples->times);
  if (status == NEURLP_SUCCESS)
    status = allocate_whole(source->context, count, (size_t)data->dimensions * sizeof *samples->states,
                            &samples->states);
  if (status == NEURLP_SUCCESS && data->inputs > 0)
    status = allocate_whole(source->context, count, (size_t)data->inputs * sizeof *samples->inputs,
                            &samples->inputs);
  if (status == NEURLP_SUCCESS && data->clean)
    status = allocate_whole(source->context, count, (size_t)data->dimensions * sizeof *samples->clean,
                            &samples->clean);
  NEURLP_TRY(neurlp_agree(source->comm, source->context, status));
  if (source->layout.csv)
    copy_csv(source, samples);
  else
    status = read_hdf5(source, samples);
  if (status == NEURLP_SUCCESS) status = check_times(data, samples);
  if (status == NEURLP_SUCCESS) status = check_inputs(data, samples);
  status = neurlp_agree(source->comm, source->context, status);
done:
  if (status != NEURLP_SUCCESS) neurlp_samples_release(source->context, samples);
  return status;
}

neurlp_status neurlp_data_read_parameters(neurlp_data_set *data, const neurlp_sample_range *range,
                                          double *parameters) {
  neurlp_data_source *source = data->source;
  if (data->parameters == 0 || source->layout.csv) return NEURLP_SUCCESS;
  const int64_t start[2] = {range->first_system, 0}, stride[2] = {1, 1};
  const int64_t count[2] = {range->end_system - range->first_system, data->parameters};
  return neurlp_agree(source->comm, source->context,
                      read_block(source, "parameters", 2, start, stride, count, parameters));
}

void neurlp_samples_release(neurlp_context *context, neurlp_samples *samples) {
  neurlp_release(context, &samples->offsets);
  neurlp_release(context, &samples->times);
  neurlp_release(context, &samples->states);
  neurlp_release(context, &samples->inputs);
  neurlp_release(context, &samples->clean);
}
