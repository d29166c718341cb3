/* What an HDF5 data set holds, found out by rank 0 alone. */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Times checked at a time; states that names are compared for. */
enum { TIMES_PER_READ = 1 << 20, MOST_STATES = 1 << 16 };

/* Reads rows of a list of numbers, [N]. */
static neurlp_status read_list(const neurlp_data_source *source, hid_t file, const char *path, hid_t type,
                               int64_t first, int64_t count, void *values) {
  const hsize_t start = (hsize_t)first, size = (hsize_t)count;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
  const hid_t memory = H5Screate_simple(1, &size, NULL);
  const bool good = dataset >= 0 &&
                    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &size, NULL) >= 0 &&
                    neurlp_hdf5_noted(H5Dread(dataset, type, memory, space, H5P_DEFAULT, values)) >= 0;
  H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  if (good) return NEURLP_SUCCESS;
  return neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", source->path, path,
                     neurlp_hdf5_reason());
}

/* States and times: sizes, and whether they belong together. */
static neurlp_status describe_sizes(neurlp_data_set *data, hid_t file) {
  neurlp_data_source *source = data->source;
  neurlp_data_layout *layout = &source->layout;
  neurlp_numeric states, time;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(source->context, file, source->path, "states", true, &states));
  NEURLP_TRY(neurlp_numeric_check(source->context, file, source->path, "time", true, &time));
  if (states.rank < 2 || states.rank > 3)
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: 'states' has %d dimensions; it needs two, [sample][state], or three, "
                       "[system][sample][state]",
                       source->path, states.rank);
  const int64_t *inner = states.extents + (states.rank - 2);
  layout->states_rank = states.rank;
  layout->time_rank = time.rank;
  layout->systems = states.rank == 3 ? states.extents[0] : 1;
  layout->file_samples = inner[0];
  if (layout->systems < 1 || inner[0] < 1 || inner[1] < 1 || inner[1] > MOST_STATES)
    return neurlp_fail(
        source->context, NEURLP_ERROR_DATA,
        "%s: 'states' holds %lld systems of %lld samples of %lld states; each must be at least "
        "1, and the states at most %d",
        source->path, (long long)layout->systems, (long long)inner[0], (long long)inner[1], MOST_STATES);
  layout->file_dimensions = (int32_t)inner[1];
  const bool fits = time.rank == 1 ? time.extents[0] == layout->file_samples
                                   : time.rank == 2 && time.extents[0] == layout->systems &&
                                         time.extents[1] == layout->file_samples;
  if (!fits)
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: 'states' has %lld systems of %lld samples, but 'time' has %d dimensions and "
                       "begins [%lld][%lld]; it must be [samples] or [systems][samples]",
                       source->path, (long long)layout->systems, (long long)layout->file_samples, time.rank,
                       (long long)time.extents[0], time.rank > 1 ? (long long)time.extents[1] : 1LL);
done:
  return status;
}

/* The curves without noise that generated data carry: as large as the states. */
static neurlp_status describe_clean(neurlp_data_set *data, const neurlp_data_request *request, hid_t file) {
  neurlp_data_source *source = data->source;
  neurlp_data_layout *layout = &source->layout;
  neurlp_numeric clean;
  if (!request->clean) return NEURLP_SUCCESS;
  const neurlp_status status =
      neurlp_numeric_check(source->context, file, source->path, "clean", false, &clean);
  if (status != NEURLP_SUCCESS || !clean.present) return status;
  const int64_t states[] = {layout->systems, layout->file_samples, layout->file_dimensions};
  const int32_t rank = layout->states_rank;
  if (clean.rank != rank || memcmp(clean.extents, states + (3 - rank), (size_t)rank * sizeof *states) != 0)
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: 'clean' does not have the shape of 'states'; leave it out, or write it anew",
                       source->path);
  layout->clean = true;
  return NEURLP_SUCCESS;
}

/* Inputs, where they are wanted and the file has some: as many systems and samples as states. */
static neurlp_status describe_inputs(neurlp_data_set *data, const neurlp_data_request *request, hid_t file) {
  neurlp_data_source *source = data->source;
  neurlp_data_layout *layout = &source->layout;
  neurlp_numeric inputs;
  if (request->input_count == 0) return NEURLP_SUCCESS;
  const neurlp_status status =
      neurlp_numeric_check(source->context, file, source->path, "inputs", false, &inputs);
  if (status != NEURLP_SUCCESS || !inputs.present) return status;
  const int64_t states[] = {layout->systems, layout->file_samples};
  const int32_t rank = layout->states_rank;
  const int64_t count = inputs.rank == rank ? inputs.extents[rank - 1] : 0;
  if (count < 1 || count > MOST_STATES ||
      memcmp(inputs.extents, states + (3 - rank), (size_t)(rank - 1) * sizeof *states) != 0)
    return neurlp_fail(
        source->context, NEURLP_ERROR_DATA,
        "%s: 'inputs' does not have the systems and samples of 'states', or not 1 to %d inputs; "
        "it must be as 'states', with inputs in place of states",
        source->path, MOST_STATES);
  layout->file_inputs = (int32_t)count;
  return NEURLP_SUCCESS;
}

/* Names of the states: as in the file, or x1, x2, ... Of the inputs they have to be there. */
static neurlp_status describe_names(neurlp_data_set *data, const neurlp_data_request *request, hid_t file) {
  neurlp_data_source *source = data->source;
  const int32_t count = source->layout.file_dimensions, inputs = source->layout.file_inputs;
  char **names = NULL, **input_names = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(source->context, count, sizeof *names, &names));
  NEURLP_TRY(neurlp_allocate(source->context, inputs, sizeof *input_names, &input_names));
  if (inputs > 0)
    NEURLP_TRY(neurlp_texts_read(source->context, file, source->path, "input_names", inputs,
                                 NEURLP_NAME_BYTES, input_names));
  if (neurlp_hdf5_exists(file, "names")) {
    NEURLP_TRY(
        neurlp_texts_read(source->context, file, source->path, "names", count, NEURLP_NAME_BYTES, names));
  } else {
    for (int32_t k = 0; k < count; k++) {
      char name[16];
      snprintf(name, sizeof name, "x%d", k + 1);
      NEURLP_TRY(neurlp_copy_text(source->context, name, &names[k]));
    }
  }
  NEURLP_TRY(neurlp_data_choose_columns(data, request, names, input_names));
  for (int32_t k = 0; k < data->source->layout.dimensions; k++)
    for (int32_t i = 0; i < k; i++)
      if (strcmp(data->names[i], data->names[k]) == 0) {
        status = neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s: two states are named '%s'",
                             source->path, data->names[k]);
        goto done;
      }
done:
  for (int32_t k = 0; names && k < count; k++) neurlp_release(source->context, &names[k]);
  for (int32_t i = 0; input_names && i < inputs; i++) neurlp_release(source->context, &input_names[i]);
  neurlp_release(source->context, &names);
  neurlp_release(source->context, &input_names);
  return status;
}

/* Samples of each system, where they differ. */
static neurlp_status describe_lengths(neurlp_data_set *data, hid_t file) {
  neurlp_data_source *source = data->source;
  neurlp_data_layout *layout = &source->layout;
  neurlp_numeric length;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(source->context, file, source->path, "length", false, &length));
  if (!length.present) return NEURLP_SUCCESS;
  if (length.rank != 1 || length.extents[0] != layout->systems)
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: 'length' has %lld entries; there are %lld systems", source->path,
                       (long long)length.extents[0], (long long)layout->systems);
  NEURLP_TRY(neurlp_allocate(source->context, layout->systems, sizeof *data->lengths, &data->lengths));
  NEURLP_TRY(read_list(source, file, "length", H5T_NATIVE_INT64, 0, layout->systems, data->lengths));
  layout->ragged = true;
  for (int64_t s = 0; s < layout->systems; s++)
    if (data->lengths[s] < 0 || data->lengths[s] > layout->file_samples)
      return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                         "%s: system %lld has length %lld; it must be 0 to %lld, the number of samples",
                         source->path, (long long)s, (long long)data->lengths[s],
                         (long long)layout->file_samples);
done:
  return status;
}

/* True parameters that generated data carry. */
static neurlp_status describe_parameters(neurlp_data_set *data, hid_t file) {
  neurlp_data_source *source = data->source;
  neurlp_numeric parameters;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(source->context, file, source->path, "parameters", false, &parameters));
  if (!parameters.present) return NEURLP_SUCCESS;
  if (parameters.rank != 2 || parameters.extents[0] != source->layout.systems ||
      parameters.extents[1] > INT32_MAX)
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: 'parameters' must be [system][parameter] with %lld systems", source->path,
                       (long long)source->layout.systems);
  const int32_t count = (int32_t)parameters.extents[1];
  NEURLP_TRY(neurlp_allocate(source->context, count, sizeof *data->parameter_names, &data->parameter_names));
  source->layout.parameters = count;
  NEURLP_TRY(neurlp_texts_read(source->context, file, source->path, "parameter_names", count,
                               NEURLP_NAME_BYTES, data->parameter_names));
done:
  return status;
}

/* Times that all systems share must be finite and increase. (Times of each system are checked by the rank
 * that reads them.) */
static neurlp_status check_shared_times(const neurlp_data_source *source, hid_t file) {
  neurlp_status status = NEURLP_SUCCESS;
  double *times = NULL;
  double last = -HUGE_VAL;
  const int64_t samples = source->layout.file_samples;
  NEURLP_TRY(neurlp_allocate(source->context, samples < TIMES_PER_READ ? samples : TIMES_PER_READ,
                             sizeof *times, &times));
  for (int64_t first = 0; first < samples; first += TIMES_PER_READ) {
    const int64_t count = samples - first < TIMES_PER_READ ? samples - first : TIMES_PER_READ;
    NEURLP_TRY(read_list(source, file, "time", H5T_NATIVE_DOUBLE, first, count, times));
    for (int64_t i = 0; i < count; i++) {
      if (!isfinite(times[i]) || times[i] <= last) {
        status = neurlp_fail(source->context, NEURLP_ERROR_DATA,
                             "%s: time %lld is %g, after %g; times must be finite and increase", source->path,
                             (long long)(first + i), times[i], last);
        goto done;
      }
      last = times[i];
    }
  }
done:
  neurlp_release(source->context, &times);
  return status;
}

neurlp_status neurlp_data_describe_hdf5(neurlp_data_set *data, const neurlp_data_request *request) {
  neurlp_data_source *source = data->source;
  hid_t file = -1;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_data_open_alone(source->context, source->path, &file));
  NEURLP_TRY(describe_sizes(data, file));
  NEURLP_TRY(describe_clean(data, request, file));
  NEURLP_TRY(describe_inputs(data, request, file));
  NEURLP_TRY(describe_lengths(data, file));
  NEURLP_TRY(describe_parameters(data, file));
  NEURLP_TRY(describe_names(data, request, file));
  NEURLP_TRY(neurlp_attribute_text_read(source->context, file, "time", "units", &data->time_units));
  NEURLP_TRY(neurlp_data_choose_samples(data, request));
  if (source->layout.time_rank == 1) NEURLP_TRY(check_shared_times(source, file));
done:
  return neurlp_data_close_alone(source->context, source->path, &file, status);
}
