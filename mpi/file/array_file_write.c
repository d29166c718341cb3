#include "comm.h"
#include "data/data_set_pieces.h"
#include "file/array_file_parts.h"
#include "file/checksum.h"

#include <math.h>
#include <string.h>

/* Elements of dimensions [first, rank) of an array; -1 if they cannot be counted. */
static int64_t elements_of(const neurlp_array *array, int32_t first) {
  int64_t elements = 1;
  for (int32_t i = first; i < array->rank; i++)
    if (array->extents[i] < 0 || __builtin_mul_overflow(elements, array->extents[i], &elements)) return -1;
  return elements;
}

/* Collective. Each rank keeps HDF5's book of the file for itself: where one made room for another array than
 * the others, all later ones would lie in other places for it, over what others wrote. */
static neurlp_status check_same(neurlp_array_file *file, const neurlp_array *array) {
  const int64_t numbers[] = {array->rank, array->compress, array->covered, (int64_t)H5Tget_class(array->type),
                             (int64_t)H5Tget_size(array->type)};
  const char *const texts[] = {array->path, array->units, array->long_name};
  uint64_t sum = neurlp_checksum_chain(0, numbers, sizeof numbers);
  sum = neurlp_checksum_chain(sum, array->extents, (size_t)array->rank * sizeof *array->extents);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    sum = neurlp_checksum_chain(sum, texts[i], texts[i] ? strlen(texts[i]) : 0);
  for (int32_t i = 0; i < array->rank; i++)
    sum = neurlp_checksum_chain(sum, array->scales[i], array->scales[i] ? strlen(array->scales[i]) : 0);
  uint64_t most[2] = {sum, ~sum};
  MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_UINT64_T, MPI_MAX, file->comm);
  if (most[0] == ~most[1]) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_INTERNAL,
                     "%s: '%s' is not the same array on all ranks, in extents, type or text", file->path,
                     array->path);
}

static neurlp_status check_array(neurlp_array_file *file, const neurlp_array *array) {
  if (array->rank < 1 || array->rank > NEURLP_MOST_EXTENTS)
    return neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT, "'%s' has %d dimensions; 1 to %d can be written",
                       array->path, array->rank, NEURLP_MOST_EXTENTS);
  if (elements_of(array, 0) < 0)
    return neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT, "'%s' has more elements than can be counted",
                       array->path);
  return NEURLP_SUCCESS;
}

/* Chunks of about 1 MB: as many whole rows as fit; if one row does not, it is cut in its next dimension. */
static void choose_chunk(const neurlp_array *array, hsize_t *chunk) {
  int64_t room = NEURLP_CHUNK_BYTES / (int64_t)H5Tget_size(array->type);
  for (int32_t i = 0; i < array->rank; i++) {
    const int64_t inner = elements_of(array, i + 1);
    const int64_t fits = room / inner;
    const int64_t taken = fits < 1 ? 1 : fits < array->extents[i] ? fits : array->extents[i];
    chunk[i] = (hsize_t)taken;
    if (fits >= 1) room = inner; /* inner dimensions are whole from here on */
  }
}

int64_t neurlp_array_chunk_rows(const neurlp_array *array) {
  hsize_t chunk[NEURLP_MOST_EXTENTS];
  if (elements_of(array, 0) <= 0) return 1;
  choose_chunk(array, chunk);
  return (int64_t)chunk[0];
}

static hid_t creation_properties(const neurlp_array *array, bool covered) {
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(creation, false);
  if (H5Tget_class(array->type) == H5T_FLOAT) {
    const double missing = (double)NAN;
    H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &missing);
  }
  if (covered) H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  if (elements_of(array, 0) == 0) return creation; /* nothing to cut in chunks */
  hsize_t chunk[NEURLP_MOST_EXTENTS];
  choose_chunk(array, chunk);
  H5Pset_chunk(creation, array->rank, chunk);
  if (array->compress > 0) {
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, (unsigned)array->compress);
  }
  return creation;
}

/* Makes the data set and its groups. HDF5 allocates and fills it here, collectively, so a failure may be one
 * rank's alone. */
static hid_t make_dataset(neurlp_array_file *file, const neurlp_array *array, bool covered) {
  hsize_t extents[NEURLP_MOST_EXTENTS];
  for (int32_t i = 0; i < array->rank; i++) extents[i] = (hsize_t)array->extents[i];
  const hid_t type = H5Tcopy(array->type);
  if (H5Tget_class(type) != H5T_STRING) H5Tset_order(type, H5T_ORDER_LE);
  const hid_t space = H5Screate_simple(array->rank, extents, NULL);
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_char_encoding(links, H5T_CSET_UTF8);
  const hid_t creation = creation_properties(array, covered);
  const hid_t dataset =
      neurlp_hdf5_noted(H5Dcreate2(file->id, array->path, type, space, links, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Pclose(links);
  H5Sclose(space);
  H5Tclose(type);
  if (dataset < 0) neurlp_array_file_abort(file, array->path);
  return dataset;
}

/* An array that was begun by an earlier call: it must have the same extents. */
static neurlp_status reopen_dataset(neurlp_array_file *file, const neurlp_array *array, hid_t *dataset) {
  hsize_t extents[H5S_MAX_RANK];
  bool same = neurlp_hdf5_is(file->id, array->path, H5O_TYPE_DATASET);
  if (same) {
    *dataset = H5Dopen2(file->id, array->path, H5P_DEFAULT);
    const hid_t space = H5Dget_space(*dataset);
    same = H5Sget_simple_extent_ndims(space) == array->rank;
    if (same) H5Sget_simple_extent_dims(space, extents, NULL);
    for (int32_t i = 0; same && i < array->rank; i++) same = extents[i] == (hsize_t)array->extents[i];
    H5Sclose(space);
    if (same) return NEURLP_SUCCESS;
    H5Dclose(*dataset);
    *dataset = -1;
  }
  return neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT, "%s holds another object named '%s' already",
                     file->path, array->path);
}

/* Rows per collective transfer: as many as a piece holds, in whole chunks, so that no chunk is compressed
 * twice. */
static int64_t rows_per_piece(const neurlp_array *array) {
  hsize_t chunk[NEURLP_MOST_EXTENTS];
  choose_chunk(array, chunk);
  const int64_t row_bytes = elements_of(array, 1) * (int64_t)H5Tget_size(array->type);
  const int64_t rows = NEURLP_PIECE_BYTES / row_bytes;
  const int64_t chunk_rows = (int64_t)chunk[0];
  return rows < chunk_rows ? chunk_rows : rows / chunk_rows * chunk_rows;
}

/* Collective. Writes one block (this rank's may be empty). Chunks that are not compressed every rank writes
 * for itself, a call each: a rank's rows are in one piece, so there is nothing to exchange, and nobody waits
 * for one that fails. Chunks that two ranks share are compressed by one of them, so there all have to take
 * part. */
static neurlp_status transfer_block(neurlp_array_file *file, const neurlp_array *array, hid_t dataset,
                                    const int64_t *start, const int64_t *count, const void *values,
                                    neurlp_written_block *written) {
  neurlp_written_block block = {
      .rank = array->rank, .type = array->type, .bytes = H5Tget_size(array->type), .again = array->again};
  for (int32_t i = 0; i < array->rank; i++) {
    block.start[i] = (hsize_t)start[i];
    block.count[i] = (hsize_t)count[i];
    block.bytes *= (size_t)count[i];
  }
  *written = block;
  const hid_t space = H5Dget_space(dataset);
  const hid_t memory = block.bytes > 0 ? H5Screate_simple(array->rank, block.count, NULL) : H5Scopy(space);
  if (block.bytes > 0) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, block.start, NULL, block.count, NULL);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  const bool together = array->compress > 0;
  const hid_t transfer = together ? neurlp_hdf5_collective() : H5Pcreate(H5P_DATASET_XFER);
  static const double nothing; /* HDF5 wants an address even where nothing is written */
  const int result = (int)neurlp_hdf5_noted(
      H5Dwrite(dataset, array->type, memory, space, transfer, block.bytes > 0 ? values : &nothing));
  if (result < 0 && together) neurlp_array_file_abort(file, array->path);
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  if (result < 0)
    return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s: '%s' could not be written: %s", file->path,
                       array->path, neurlp_hdf5_reason());
  return NEURLP_SUCCESS;
}

/* Collective. The same, and remembers it for the verifying read. Where nothing in the file is written twice,
 * the disk begins with it. */
static neurlp_status write_block(neurlp_array_file *file, const neurlp_array *array, hid_t dataset,
                                 const int64_t *start, const int64_t *count, const void *values) {
  neurlp_written_block block;
  const neurlp_status status = transfer_block(file, array, dataset, start, count, values, &block);
  if (status != NEURLP_SUCCESS) return status;
  if (block.bytes >= NEURLP_CHUNK_BYTES && !file->filled) neurlp_guard_begin_sync(file);
  return neurlp_verify_record(file, &block, array->path, values);
}

/* The value of what nobody writes: NaN, or 0 in arrays of integers. */
static void fill_missing(const neurlp_array *array, size_t bytes, char *values) {
  const size_t element_bytes = H5Tget_size(array->type);
  const double missing_double = (double)NAN;
  const float missing_float = NAN;
  const bool is_float = H5Tget_class(array->type) == H5T_FLOAT;
  memset(values, 0, bytes);
  for (size_t at = 0; is_float && at < bytes; at += element_bytes)
    memcpy(values + at, element_bytes == sizeof(float) ? (const void *)&missing_float : &missing_double,
           element_bytes);
}

/* Collective. Writes the fill value everywhere, in pieces. HDF5 itself does that in one transfer, and fails
 * where a rank's share has more bytes than an int counts. */
static neurlp_status fill_dataset(neurlp_array_file *file, const neurlp_array *array, hid_t dataset) {
  const int64_t rows = array->extents[0], step = rows_per_piece(array) < rows ? rows_per_piece(array) : rows;
  const size_t row_bytes = (size_t)elements_of(array, 1) * H5Tget_size(array->type);
  char *piece = NULL;
  neurlp_status status =
      neurlp_agree(file->comm, file->context, neurlp_allocate(file->context, step, row_bytes, &piece));
  if (status == NEURLP_SUCCESS) fill_missing(array, (size_t)step * row_bytes, piece);
  const int64_t pieces = (rows - 1) / step + 1, passes = (pieces - 1) / file->size + 1;
  for (int64_t i = 0; status == NEURLP_SUCCESS && i < passes; i++) {
    const int64_t at = (i * file->size + file->rank) * step, left = at < rows ? rows - at : 0;
    int64_t start[NEURLP_MOST_EXTENTS] = {left > 0 ? at : 0};
    int64_t count[NEURLP_MOST_EXTENTS] = {left < step ? left : step};
    for (int32_t k = 1; k < array->rank; k++) count[k] = array->extents[k];
    neurlp_written_block block;
    status = transfer_block(file, array, dataset, start, count, piece, &block);
  }
  neurlp_release(file->context, &piece);
  return neurlp_agree(file->comm, file->context, status);
}

/* Collective. Opens the array's data set, making it first if it is not there. `covered`: this call writes
 * every element, so nothing needs to be filled before. HDF5 fills what is compressed, which is little then.
 */
static neurlp_status open_dataset(neurlp_array_file *file, const neurlp_array *array, bool covered,
                                  hid_t *dataset) {
  *dataset = -1;
  neurlp_status status = neurlp_agree(file->comm, file->context, check_array(file, array));
  if (status == NEURLP_SUCCESS) status = neurlp_agree(file->comm, file->context, check_same(file, array));
  if (status != NEURLP_SUCCESS) return status;
  if (neurlp_hdf5_exists(file->id, array->path))
    return neurlp_agree(file->comm, file->context, reopen_dataset(file, array, dataset));
  if (file->rank == 0 && array->compress == 0)
    status = neurlp_guard_room(file, elements_of(array, 0) * (int64_t)H5Tget_size(array->type));
  status = neurlp_agree(file->comm, file->context, status);
  if (status != NEURLP_SUCCESS) return status;
  covered = covered || array->covered;
  const bool fills = !covered && !file->sealed && array->compress == 0 && elements_of(array, 0) > 0;
  *dataset = make_dataset(file, array, covered || fills);
  status = neurlp_agree(file->comm, file->context, neurlp_array_describe(file, *dataset, array));
  file->filled = file->filled || !covered;
  if (status == NEURLP_SUCCESS && fills) status = fill_dataset(file, array, *dataset);
  if (status != NEURLP_SUCCESS) {
    H5Dclose(*dataset);
    *dataset = -1;
  }
  return status;
}

/* Collective. The part of neurlp_array_write_rows after the data set is open. */
static neurlp_status write_rows_in_pieces(neurlp_array_file *file, const neurlp_array *array, hid_t dataset,
                                          int64_t first, int64_t count, const void *values) {
  const int64_t step = rows_per_piece(array);
  const size_t row_bytes = (size_t)elements_of(array, 1) * H5Tget_size(array->type);
  int64_t pieces = count > 0 ? (first + count - 1) / step - first / step + 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &pieces, 1, MPI_INT64_T, MPI_MAX, file->comm);
  neurlp_status status = NEURLP_SUCCESS;
  int64_t at = first;
  for (int64_t i = 0; i < pieces; i++) {
    int64_t end = (at / step + 1) * step;
    if (end > first + count) end = first + count;
    int64_t start[NEURLP_MOST_EXTENTS] = {at}, block[NEURLP_MOST_EXTENTS] = {end - at};
    for (int32_t k = 1; k < array->rank; k++) block[k] = array->extents[k];
    const neurlp_status written = write_block(file, array, dataset, start, block,
                                              (const char *)values + (size_t)(at - first) * row_bytes);
    if (status == NEURLP_SUCCESS) status = written;
    at = end;
  }
  return status;
}

neurlp_status neurlp_array_write_rows(neurlp_array_file *file, const neurlp_array *array, int64_t first,
                                      int64_t count, const void *values) {
  neurlp_status status = NEURLP_SUCCESS;
  if (count < 0 || first < 0 || first > array->extents[0] || count > array->extents[0] - first)
    status = neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT,
                         "rows %lld to %lld of '%s' are not in its %lld", (long long)first,
                         (long long)first + count - 1, array->path, (long long)array->extents[0]);
  status = neurlp_agree(file->comm, file->context, status);
  if (status != NEURLP_SUCCESS) return status;
  int64_t rows = count;
  MPI_Allreduce(MPI_IN_PLACE, &rows, 1, MPI_INT64_T, MPI_SUM, file->comm);
  hid_t dataset = -1;
  status = open_dataset(file, array, rows == array->extents[0], &dataset);
  if (status != NEURLP_SUCCESS) return status;
  if (elements_of(array, 0) > 0) status = write_rows_in_pieces(file, array, dataset, first, count, values);
  H5Dclose(dataset);
  return neurlp_agree(file->comm, file->context, status);
}

/* Collective. The part of neurlp_array_write_steps after the data set is open. */
static neurlp_status write_steps_in_pieces(neurlp_array_file *file, const neurlp_array *array, hid_t dataset,
                                           int64_t row, int64_t first, int64_t count, const void *values) {
  const int64_t step_bytes = elements_of(array, 2) * (int64_t)H5Tget_size(array->type);
  const int64_t limit = NEURLP_PIECE_BYTES / step_bytes > 0 ? NEURLP_PIECE_BYTES / step_bytes : 1;
  int64_t pieces = (count + limit - 1) / limit;
  MPI_Allreduce(MPI_IN_PLACE, &pieces, 1, MPI_INT64_T, MPI_MAX, file->comm);
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0, at = 0; i < pieces; i++) {
    const int64_t steps = count - at < limit ? count - at : limit;
    int64_t start[NEURLP_MOST_EXTENTS] = {row, first + at}, block[NEURLP_MOST_EXTENTS] = {1, steps};
    for (int32_t k = 2; k < array->rank; k++) block[k] = array->extents[k];
    const neurlp_status written =
        write_block(file, array, dataset, start, block, (const char *)values + (size_t)(at * step_bytes));
    if (status == NEURLP_SUCCESS) status = written;
    at += steps;
  }
  return status;
}

neurlp_status neurlp_array_write_steps(neurlp_array_file *file, const neurlp_array *array, int64_t row,
                                       int64_t first, int64_t count, const void *values) {
  neurlp_status status = NEURLP_SUCCESS;
  if (array->rank < 2 || row < 0 || row >= array->extents[0] || count < 0 || first < 0 ||
      first > array->extents[1] || count > array->extents[1] - first)
    status =
        neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT, "steps %lld to %lld of row %lld are not in '%s'",
                    (long long)first, (long long)first + count - 1, (long long)row, array->path);
  status = neurlp_agree(file->comm, file->context, status);
  if (status != NEURLP_SUCCESS) return status;
  hid_t dataset = -1;
  status = open_dataset(file, array, false, &dataset);
  if (status != NEURLP_SUCCESS) return status;
  if (elements_of(array, 0) > 0)
    status = write_steps_in_pieces(file, array, dataset, row, first, count, values);
  H5Dclose(dataset);
  return neurlp_agree(file->comm, file->context, status);
}

/* Fills the rectangle of a piece from packed samples, missing ones with NaN (0 in arrays of integers). */
static void pad_piece(const neurlp_array *array, const neurlp_sample_piece *piece,
                      const neurlp_sample_range *range, const int64_t *offsets, size_t sample_bytes,
                      const char *values, char *rectangle) {
  const size_t row_bytes = (size_t)piece->samples * sample_bytes;
  for (int64_t s = piece->first_system; s < piece->end_system; s++) {
    const int64_t *own = offsets + (s - range->first_system);
    char *row = rectangle + (size_t)(s - piece->first_system) * row_bytes;
    const size_t bytes = (size_t)(own[1] - own[0]) * sample_bytes;
    if (bytes > 0) memcpy(row, values + (size_t)own[0] * sample_bytes, bytes);
    fill_missing(array, row_bytes - bytes, row + bytes);
  }
}

/* Collective. Writes one rectangle of samples; `piece` NULL: this rank has none left. */
static neurlp_status write_piece(neurlp_array_file *file, const neurlp_array *array, hid_t dataset,
                                 const neurlp_sample_range *range, const int64_t *offsets,
                                 const neurlp_sample_piece *piece, const char *values, char *rectangle) {
  int64_t start[NEURLP_MOST_EXTENTS] = {0}, count[NEURLP_MOST_EXTENTS] = {0};
  for (int32_t k = 2; k < array->rank; k++) count[k] = array->extents[k];
  if (!piece) return write_block(file, array, dataset, start, count, values);
  const size_t sample_bytes = (size_t)elements_of(array, 2) * H5Tget_size(array->type);
  start[0] = piece->first_system;
  start[1] = piece->first_sample;
  count[0] = piece->end_system - piece->first_system;
  count[1] = piece->samples;
  const char *source = rectangle;
  if (piece->even) {
    const int64_t system = piece->first_system - range->first_system;
    const int64_t skipped = piece->first_sample - (system == 0 ? range->first_sample : 0);
    source = values + (size_t)(offsets[system] + skipped) * sample_bytes;
  } else {
    pad_piece(array, piece, range, offsets, sample_bytes, values, rectangle);
  }
  return write_block(file, array, dataset, start, count, source);
}

/* Collective. The part of neurlp_array_write_samples after the data set is open. */
static neurlp_status write_samples_in_pieces(neurlp_array_file *file, const neurlp_array *array,
                                             hid_t dataset, const neurlp_sample_range *range,
                                             const int64_t *offsets, const void *values, char *rectangle) {
  const int64_t sample_bytes = elements_of(array, 2) * (int64_t)H5Tget_size(array->type);
  const int64_t limit = NEURLP_PIECE_BYTES / sample_bytes;
  int64_t pieces = neurlp_count_pieces(range, offsets, limit);
  MPI_Allreduce(MPI_IN_PLACE, &pieces, 1, MPI_INT64_T, MPI_MAX, file->comm);
  neurlp_piece_cursor cursor = {0, 0};
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < pieces; i++) {
    neurlp_sample_piece piece;
    const bool more = neurlp_next_piece(range, offsets, limit, &cursor, &piece);
    const neurlp_status written =
        write_piece(file, array, dataset, range, offsets, more ? &piece : NULL, values, rectangle);
    if (status == NEURLP_SUCCESS) status = written;
  }
  return status;
}

/* Every sample of the range must lie in the array. */
static neurlp_status check_samples(neurlp_array_file *file, const neurlp_array *array,
                                   const neurlp_sample_range *range, const int64_t *offsets) {
  bool fits = array->rank >= 2 && range->first_system >= 0 && range->first_system <= range->end_system &&
              range->end_system <= array->extents[0];
  for (int64_t i = 0; fits && i < range->end_system - range->first_system; i++) {
    const int64_t first = i == 0 ? range->first_sample : 0;
    fits = offsets[i] <= offsets[i + 1] && offsets[i + 1] - offsets[i] <= array->extents[1] - first;
  }
  if (fits) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT, "samples for '%s' are not within its extents",
                     array->path);
}

neurlp_status neurlp_array_write_samples(neurlp_array_file *file, const neurlp_array *array,
                                         const neurlp_sample_range *range, const int64_t *offsets,
                                         const void *values) {
  char *rectangle = NULL;
  hid_t dataset = -1;
  neurlp_status status = check_samples(file, array, range, offsets);
  if (status == NEURLP_SUCCESS) status = neurlp_allocate(file->context, NEURLP_PIECE_BYTES, 1, &rectangle);
  status = neurlp_agree(file->comm, file->context, status);
  if (status == NEURLP_SUCCESS) status = open_dataset(file, array, false, &dataset);
  if (status == NEURLP_SUCCESS && elements_of(array, 0) > 0) {
    status = write_samples_in_pieces(file, array, dataset, range, offsets, values, rectangle);
    status = neurlp_agree(file->comm, file->context, status);
  }
  if (dataset >= 0) H5Dclose(dataset);
  neurlp_release(file->context, &rectangle);
  return status;
}

neurlp_status neurlp_array_write_texts(neurlp_array_file *file, const char *path, const char *long_name,
                                       int64_t count, const char *const *texts) {
  neurlp_status status = neurlp_agree(file->comm, file->context, NEURLP_SUCCESS);
  if (status != NEURLP_SUCCESS) return status;
  const int64_t own = file->rank == 0 ? count : 0;
  uint64_t longest = 1;
  for (int64_t i = 0; i < own; i++)
    if (strlen(texts[i]) > longest) longest = strlen(texts[i]);
  MPI_Bcast(&longest, 1, MPI_UINT64_T, 0, file->comm);
  char *table = NULL;
  status = neurlp_agree(file->comm, file->context,
                        neurlp_allocate(file->context, count * (int64_t)longest, 1, &table));
  if (status == NEURLP_SUCCESS) {
    for (int64_t i = 0; i < own; i++) memcpy(table + (size_t)i * longest, texts[i], strlen(texts[i]));
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, longest);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const neurlp_array array = {
        .path = path, .type = type, .rank = 1, .extents = {count}, .units = "1", .long_name = long_name};
    status = neurlp_array_write_rows(file, &array, 0, own, table);
    H5Tclose(type);
  }
  neurlp_release(file->context, &table);
  return status;
}
