/* Fitted states at the ends of a result's trajectories, from which integration goes on. */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "study/learned.h"

#include <math.h>

/* The data set at `path`, with as many rows and numbers in each as is said; -1: whatever there is. */
static neurlp_status check_array(neurlp_context *context, hid_t file, const char *name, const char *path,
                                 int64_t rows, int64_t size, neurlp_numeric *numeric) {
  const neurlp_status status = neurlp_numeric_check(context, file, name, path, true, numeric);
  int64_t found = 1;
  if (status < 0) return status;
  for (int32_t i = 1; i < numeric->rank; i++) found *= numeric->extents[i];
  if ((rows < 0 || rows == numeric->extents[0]) && (size < 0 || size == found)) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_DATA,
                     "%s: '%s' has %lld rows of %lld numbers, which do not belong to its systems and states",
                     name, path, (long long)numeric->extents[0], (long long)found);
}

neurlp_status neurlp_learned_count_ends(neurlp_context *context, const char *path,
                                        neurlp_learned_ends *ends) {
  neurlp_numeric states = {0}, noise = {0};
  hid_t file = -1;
  neurlp_status status = neurlp_data_open_alone(context, path, &file);
  if (status < 0) return status;
  NEURLP_TRY(check_array(context, file, path, "solution/final_values", -1, -1, &states));
  NEURLP_TRY(check_array(context, file, path, "metrics/noise", -1, -1, &noise));
  ends->systems = states.extents[0];
  ends->own = noise.extents[0] > 1;
  if (ends->own && noise.extents[0] != ends->systems)
    status = check_array(context, file, path, "metrics/noise", ends->systems, -1, &noise);
done:
  return neurlp_data_close_alone(context, path, &file, status);
}

/* Rows first to first + count - 1 of an array that was checked. */
static neurlp_status read_rows(neurlp_context *context, hid_t file, const char *name, const char *path,
                               const neurlp_numeric *numeric, int64_t first, int64_t count, double *values) {
  hsize_t start[6] = {(hsize_t)first}, extents[6] = {(hsize_t)count};
  for (int32_t i = 1; i < numeric->rank; i++) extents[i] = (hsize_t)numeric->extents[i];
  herr_t result = -1;
  const hid_t dataset = neurlp_hdf5_noted(H5Dopen2(file, path, H5P_DEFAULT));
  if (dataset >= 0) {
    const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(numeric->rank, extents, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extents, NULL);
    result =
        (herr_t)neurlp_hdf5_noted(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values));
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
  }
  return result >= 0 ? NEURLP_SUCCESS
                     : neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", name, path,
                                   neurlp_hdf5_reason());
}

neurlp_status neurlp_learned_read_ends(neurlp_context *context, const char *path, bool last, int64_t first,
                                       int64_t count, int64_t size, double *values, double *times) {
  const char *states_path = last ? "solution/final_values" : "solution/initial_values";
  const char *time_path = last ? "solution/last_time" : "solution/first_time";
  neurlp_numeric states = {0}, time = {0};
  hid_t file = -1;
  neurlp_status status = neurlp_data_open_alone(context, path, &file);
  if (status < 0) return status;
  NEURLP_TRY(check_array(context, file, path, states_path, -1, size, &states));
  NEURLP_TRY(check_array(context, file, path, time_path, states.extents[0], 1, &time));
  if (first + count > states.extents[0]) {
    status =
        neurlp_fail(context, NEURLP_ERROR_DATA, "%s: systems %lld to %lld are asked for, and it has %lld",
                    path, (long long)first, (long long)(first + count - 1), (long long)states.extents[0]);
    goto done;
  }
  NEURLP_TRY(read_rows(context, file, path, states_path, &states, first, count, values));
  NEURLP_TRY(read_rows(context, file, path, time_path, &time, first, count, times));
  for (int64_t i = 0; i < count * size; i++)
    if (!isfinite(values[i]) || !isfinite(times[i / size])) {
      status = neurlp_fail(context, NEURLP_ERROR_DATA,
                           "%s: system %lld was not fitted at its %s sample; give initial values instead",
                           path, (long long)(first + i / size), last ? "last" : "first");
      break;
    }
done:
  return neurlp_data_close_alone(context, path, &file, status);
}
