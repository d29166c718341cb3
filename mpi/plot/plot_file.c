/* Arrays and lists of names from an HDF5 file that others may have written. */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "plot/plot_source.h"

/* More numbers in one array, or names in one list, are not drawn. */
enum { MOST_NUMBERS = 1 << 26, MOST_NAMES = 1 << 16 };

neurlp_status neurlp_plot_read_row(const neurlp_plot_source *source, hid_t file, const char *path,
                                   int64_t row, int64_t count, double *values) {
  neurlp_numeric numeric;
  const char *name = source->request->path;
  neurlp_status status = neurlp_numeric_check(source->context, file, name, path, true, &numeric);
  if (status < 0) return status;
  hsize_t start[NEURLP_MOST_EXTENTS] = {(hsize_t)row}, size[NEURLP_MOST_EXTENTS] = {1};
  int64_t found = 1;
  for (int32_t i = 1; i < numeric.rank; i++) {
    size[i] = (hsize_t)numeric.extents[i];
    found *= numeric.extents[i];
  }
  if (found != count || row >= numeric.extents[0])
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: '%s' has %lld rows of %lld numbers, but row %lld of %lld is needed", name, path,
                       (long long)numeric.extents[0], (long long)found, (long long)row, (long long)count);
  if (count == 0) return NEURLP_SUCCESS;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset);
  const hid_t memory = H5Screate_simple(numeric.rank, size, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  const int64_t result =
      neurlp_hdf5_noted(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values));
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  if (result >= 0) return NEURLP_SUCCESS;
  return neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", name, path,
                     neurlp_hdf5_reason());
}

neurlp_status neurlp_plot_read_table(const neurlp_plot_source *source, hid_t file, const char *path,
                                     neurlp_table *table) {
  neurlp_numeric numeric;
  const char *name = source->request->path;
  neurlp_status status = NEURLP_SUCCESS;
  *table = (neurlp_table){0};
  NEURLP_TRY(neurlp_numeric_check(source->context, file, name, path, false, &numeric));
  if (!numeric.present) return NEURLP_SUCCESS;
  int64_t columns = 1;
  for (int32_t i = 1; i < numeric.rank; i++) columns *= numeric.extents[i];
  if (columns < 1 || numeric.extents[0] < 1) return NEURLP_SUCCESS;
  if (columns > MOST_NUMBERS / numeric.extents[0])
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: '%s' has %lld rows of %lld numbers; at most %d numbers of an array are drawn",
                       name, path, (long long)numeric.extents[0], (long long)columns, MOST_NUMBERS);
  NEURLP_TRY(
      neurlp_allocate(source->context, numeric.extents[0] * columns, sizeof *table->values, &table->values));
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  const int64_t result =
      neurlp_hdf5_noted(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, table->values));
  H5Dclose(dataset);
  table->rows = numeric.extents[0];
  table->columns = columns;
  if (result < 0)
    status = neurlp_fail(source->context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", name, path,
                         neurlp_hdf5_reason());
done:
  if (status < 0) neurlp_release(source->context, &table->values);
  return status;
}

neurlp_status neurlp_plot_read_names(const neurlp_plot_source *source, hid_t file, const char *path,
                                     neurlp_names *names) {
  *names = (neurlp_names){0};
  if (!neurlp_hdf5_is(file, path, H5O_TYPE_DATASET)) return NEURLP_SUCCESS;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
  const int64_t count = space < 0 ? 0 : (int64_t)H5Sget_simple_extent_npoints(space);
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  if (count < 1 || count > MOST_NAMES)
    return neurlp_fail(source->context, NEURLP_ERROR_DATA,
                       "%s: '%s' has %lld names; pictures are made of 1 to %d of them", source->request->path,
                       path, (long long)count, MOST_NAMES);
  const neurlp_status status = neurlp_allocate(source->context, count, sizeof *names->texts, &names->texts);
  if (status < 0) return status;
  names->count = count;
  return neurlp_texts_read(source->context, file, source->request->path, path, count, NEURLP_NAME_BYTES,
                           names->texts);
}
