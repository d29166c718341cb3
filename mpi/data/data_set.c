#include "comm.h"
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <string.h>
#include <strings.h>

/* Most values in one broadcast: MPI counts with int. */
enum { BROADCAST_VALUES = 1 << 24 };

/* Collective. Sends an array of 8-byte values from rank 0; allocated here on the other ranks. */
static neurlp_status share_values(neurlp_data_set *data, int64_t count, void *pointer_to_pointer) {
  neurlp_data_source *source = data->source;
  neurlp_status status = NEURLP_SUCCESS;
  if (source->rank != 0) status = neurlp_allocate(source->context, count, 8, pointer_to_pointer);
  status = neurlp_agree(source->comm, source->context, status);
  if (status != NEURLP_SUCCESS) return status;
  char *values = NULL;
  memcpy(&values, pointer_to_pointer, sizeof values);
  for (int64_t at = 0; at < count; at += BROADCAST_VALUES) {
    const int64_t left = count - at;
    MPI_Bcast(values + 8 * at, (int)(left < BROADCAST_VALUES ? left : BROADCAST_VALUES), MPI_INT64_T, 0,
              source->comm);
  }
  return NEURLP_SUCCESS;
}

/* Collective. Sends one text from rank 0. */
static neurlp_status share_text(neurlp_data_set *data, char **text) {
  neurlp_data_source *source = data->source;
  int bytes = source->rank == 0 ? (int)strlen(*text) + 1 : 0;
  MPI_Bcast(&bytes, 1, MPI_INT, 0, source->comm);
  neurlp_status status = NEURLP_SUCCESS;
  if (source->rank != 0) status = neurlp_allocate(source->context, bytes, 1, text);
  status = neurlp_agree(source->comm, source->context, status);
  if (status == NEURLP_SUCCESS) MPI_Bcast(*text, bytes, MPI_CHAR, 0, source->comm);
  return status;
}

/* Collective. Sends a list of texts from rank 0. */
static neurlp_status share_texts(neurlp_data_set *data, int32_t count, char ***texts) {
  neurlp_data_source *source = data->source;
  neurlp_status status = NEURLP_SUCCESS;
  if (source->rank != 0) status = neurlp_allocate(source->context, count, sizeof **texts, texts);
  status = neurlp_agree(source->comm, source->context, status);
  for (int32_t i = 0; i < count && status == NEURLP_SUCCESS; i++) status = share_text(data, &(*texts)[i]);
  return status;
}

/* Collective. Everything that rank 0 found out, to all ranks. */
static neurlp_status share_description(neurlp_data_set *data) {
  neurlp_data_source *source = data->source;
  neurlp_status status = NEURLP_SUCCESS;
  MPI_Bcast(&source->layout, (int)sizeof source->layout, MPI_BYTE, 0, source->comm);
  const neurlp_data_layout *layout = &source->layout;
  data->systems = layout->systems;
  data->samples = layout->samples;
  data->dimensions = layout->dimensions;
  data->inputs = layout->inputs;
  data->parameters = layout->parameters;
  data->clean = layout->clean;
  NEURLP_TRY(share_texts(data, layout->dimensions, &data->names));
  NEURLP_TRY(share_texts(data, layout->inputs, &data->input_names));
  NEURLP_TRY(share_texts(data, layout->parameters, &data->parameter_names));
  NEURLP_TRY(share_text(data, &data->time_units));
  NEURLP_TRY(share_values(data, layout->dimensions, &source->columns));
  NEURLP_TRY(share_values(data, layout->inputs, &source->input_columns));
  if (layout->ragged) NEURLP_TRY(share_values(data, layout->systems, &data->lengths));
  if (layout->csv) {
    NEURLP_TRY(share_values(data, layout->file_samples, &source->csv_time));
    NEURLP_TRY(share_values(data, layout->file_samples * layout->file_dimensions, &source->csv_states));
  }
done:
  return status;
}

/* Place of a name in a list, or -1. */
static int64_t find_name(const char *name, int32_t count, char *const *names) {
  for (int32_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* No state, or no input, of that name is in the file. */
static neurlp_status fail_missing(const neurlp_data_source *source, const char *what, const char *name,
                                  int32_t count, char *const *names) {
  return neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s has no %s '%s'; it has '%s'%s%s%s", source->path,
                     what, name, names[0], count > 1 ? ", '" : "", count > 1 ? names[1] : "",
                     count > 2   ? "', ... (`neurlp inspect` lists them)"
                     : count > 1 ? "'"
                                 : "");
}

/* Inputs are looked for among the file's inputs first, then among its states. */
static neurlp_status choose_inputs(neurlp_data_set *data, const neurlp_data_request *request,
                                   char *const *file_names, char *const *file_inputs) {
  neurlp_data_source *source = data->source;
  neurlp_data_layout *layout = &source->layout;
  const int32_t states = layout->file_dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  layout->inputs = request->input_count;
  NEURLP_TRY(neurlp_allocate(source->context, layout->inputs, sizeof *data->input_names, &data->input_names));
  NEURLP_TRY(neurlp_allocate(source->context, layout->inputs, sizeof *source->input_columns,
                             &source->input_columns));
  for (int32_t i = 0; i < layout->inputs; i++) {
    const char *name = request->inputs[i];
    const int64_t own = find_name(name, layout->file_inputs, file_inputs);
    source->input_columns[i] = own >= 0 ? states + own : find_name(name, states, file_names);
    if (source->input_columns[i] < 0) {
      const bool any = layout->file_inputs > 0;
      status = fail_missing(source, "input", name, any ? layout->file_inputs : states,
                            any ? file_inputs : file_names);
      goto done;
    }
    NEURLP_TRY(neurlp_copy_text(source->context, name, &data->input_names[i]));
  }
done:
  return status;
}

/* Whether a column of the file's states is an input. */
static bool is_input(const neurlp_data_source *source, int64_t column) {
  for (int32_t i = 0; i < source->layout.inputs; i++)
    if (source->input_columns[i] == column) return true;
  return false;
}

neurlp_status neurlp_data_choose_columns(neurlp_data_set *data, const neurlp_data_request *request,
                                         char *const *file_names, char *const *file_inputs) {
  neurlp_data_source *source = data->source;
  neurlp_data_layout *layout = &source->layout;
  const int32_t wide = layout->file_dimensions, asked = request->state_count;
  const int64_t most = asked > 0 ? asked : wide;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(choose_inputs(data, request, file_names, file_inputs));
  NEURLP_TRY(neurlp_allocate(source->context, most, sizeof *data->names, &data->names));
  NEURLP_TRY(neurlp_allocate(source->context, most, sizeof *source->columns, &source->columns));
  for (int32_t k = 0; k < most; k++) {
    const int64_t column = asked > 0 ? find_name(request->states[k], wide, file_names) : k;
    if (column < 0) {
      status = fail_missing(source, "state", request->states[k], wide, file_names);
      goto done;
    }
    if (asked == 0 && is_input(source, column)) continue;
    source->columns[layout->dimensions] = column;
    NEURLP_TRY(neurlp_copy_text(source->context, file_names[column], &data->names[layout->dimensions]));
    layout->dimensions++;
  }
  if (layout->dimensions == 0)
    status = neurlp_fail(source->context, NEURLP_ERROR_DATA,
                         "%s: all of its states are inputs, and no state is left; shorten 'data.inputs'",
                         source->path);
done:
  return status;
}

/* Samples that first, end, stride take out of `length`. */
static int64_t chosen_samples(const neurlp_data_request *request, int64_t length) {
  const int64_t end = request->end < 0 || request->end > length ? length : request->end;
  return end <= request->first ? 0 : (end - request->first - 1) / request->stride + 1;
}

neurlp_status neurlp_data_choose_samples(neurlp_data_set *data, const neurlp_data_request *request) {
  neurlp_data_layout *layout = &data->source->layout;
  if (request->first < 0 || request->stride < 1)
    return neurlp_fail(data->source->context, NEURLP_ERROR_ARGUMENT,
                       "got first sample %lld and stride %lld; they must be at least 0 and 1",
                       (long long)request->first, (long long)request->stride);
  layout->first = request->first;
  layout->stride = request->stride;
  layout->samples = layout->ragged ? 0 : chosen_samples(request, layout->file_samples);
  for (int64_t s = 0; layout->ragged && s < layout->systems; s++) {
    data->lengths[s] = chosen_samples(request, data->lengths[s]);
    if (data->lengths[s] > layout->samples) layout->samples = data->lengths[s];
  }
  if (layout->samples > 0) return NEURLP_SUCCESS;
  return neurlp_fail(data->source->context, NEURLP_ERROR_DATA,
                     "%s: no sample is left of %lld per system; it was asked for samples %lld to %lld",
                     data->source->path, (long long)layout->file_samples, (long long)request->first,
                     (long long)(request->end < 0 ? layout->file_samples : request->end) - 1);
}

static bool is_csv(const char *path) {
  const size_t length = strlen(path);
  return length >= 4 && strcasecmp(path + length - 4, ".csv") == 0;
}

/* Collective. The handle, with nothing in it yet. */
static neurlp_status make_data_set(MPI_Comm comm, neurlp_context *context, const char *path,
                                   neurlp_data_set **data) {
  neurlp_data_source *source = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *source, &source));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof **data, data));
  (*data)->source = source;
  source->comm = comm;
  source->context = context;
  source->file = -1;
  MPI_Comm_rank(comm, &source->rank);
  NEURLP_TRY(neurlp_copy_text(context, path, &source->path));
  return NEURLP_SUCCESS;
done:
  if (source) neurlp_release(context, &source->path);
  neurlp_release(context, &source);
  neurlp_release(context, data);
  return status;
}

neurlp_status neurlp_data_open(MPI_Comm comm, neurlp_context *context, const neurlp_data_request *request,
                               neurlp_data_set **data) {
  *data = NULL;
  neurlp_data_set *made = NULL;
  neurlp_status status = make_data_set(comm, context, request->path, &made);
  const neurlp_status agreed = neurlp_agree(comm, context, status);
  if (agreed != NEURLP_SUCCESS) {
    if (status == NEURLP_SUCCESS) neurlp_data_close(&made);
    return agreed;
  }
  neurlp_hdf5_quiet();
  if (made->source->rank == 0)
    status = is_csv(request->path) ? neurlp_data_describe_csv(made, request)
                                   : neurlp_data_describe_hdf5(made, request);
  status = neurlp_agree(comm, context, status);
  if (status == NEURLP_SUCCESS) status = share_description(made);
  if (status == NEURLP_SUCCESS && !made->source->layout.csv)
    status = neurlp_data_open_together(comm, context, made->source->path, &made->source->file);
  if (status == NEURLP_SUCCESS)
    *data = made;
  else
    neurlp_data_close(&made);
  return status;
}

static void release_texts(neurlp_context *context, int32_t count, char ***texts) {
  for (int32_t i = 0; *texts && i < count; i++) neurlp_release(context, &(*texts)[i]);
  neurlp_release(context, texts);
}

void neurlp_data_close(neurlp_data_set **data) {
  if (!data || !*data) return;
  neurlp_data_set *gone = *data;
  neurlp_data_source *source = gone->source;
  neurlp_context *context = source->context;
  if (source->file >= 0) H5Fclose(source->file);
  release_texts(context, source->layout.dimensions, &gone->names);
  release_texts(context, source->layout.inputs, &gone->input_names);
  release_texts(context, source->layout.parameters, &gone->parameter_names);
  neurlp_release(context, &gone->lengths);
  neurlp_release(context, &gone->time_units);
  neurlp_release(context, &source->columns);
  neurlp_release(context, &source->input_columns);
  neurlp_release(context, &source->csv_time);
  neurlp_release(context, &source->csv_states);
  neurlp_release(context, &source->path);
  neurlp_release(context, &gone->source);
  neurlp_release(context, data);
}
