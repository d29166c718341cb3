#include "file/array_file_parts.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

int neurlp_hdf5_attribute_text(hid_t object, const char *name, const char *value) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const hid_t space = H5Screate(H5S_SCALAR);
  int result = 0;
  if (H5Aexists(object, name) > 0) result = H5Adelete(object, name);
  const hid_t attribute = neurlp_hdf5_noted(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  if (attribute < 0) result = -1;
  if (result >= 0) result = (int)neurlp_hdf5_noted(H5Awrite(attribute, type, &value));
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  return result;
}

/* The data set that gives dimension `name` of the array at `path` its coordinates: a list of that name beside
 * the array or in a folder above it, as long as the dimension. Negative: there is none. */
static hid_t find_scale(hid_t id, const char *path, const char *name, int64_t extent) {
  char place[512];
  size_t folder = strlen(path);
  do {
    while (folder > 0 && path[folder - 1] != '/') folder--;
    const int length = snprintf(place, sizeof place, "%.*s%s", (int)folder, path, name);
    if (length > 0 && (size_t)length < sizeof place && neurlp_hdf5_is(id, place, H5O_TYPE_DATASET)) {
      const hid_t scale = H5Dopen2(id, place, H5P_DEFAULT);
      const hid_t space = H5Dget_space(scale);
      hsize_t size = 0;
      const bool fits = H5Sget_simple_extent_ndims(space) == 1 &&
                        H5Sget_simple_extent_dims(space, &size, NULL) == 1 && size == (hsize_t)extent;
      H5Sclose(space);
      if (fits && (H5DSis_scale(scale) > 0 || H5Aexists(scale, "DIMENSION_LIST") <= 0)) return scale;
      H5Dclose(scale);
    }
    if (folder > 0) folder--; /* step over the slash, one folder up */
  } while (folder > 0);
  return -1;
}

/* One dimension: its label, and its scale where there is one. */
static int describe_dimension(hid_t id, hid_t dataset, const neurlp_array *array, int32_t i) {
  const char *name = array->scales[i];
  if (!name) return 0;
  const char *slash = strrchr(array->path, '/');
  if (array->rank == 1 && strcmp(slash ? slash + 1 : array->path, name) == 0)
    return H5DSset_scale(dataset, name);
  if (H5DSset_label(dataset, (unsigned)i, name) < 0) return -1;
  const hid_t scale = find_scale(id, array->path, name, array->extents[i]);
  if (scale < 0) return 0;
  int result = H5DSis_scale(scale) > 0 ? 0 : H5DSset_scale(scale, name);
  if (result >= 0) result = H5DSattach_scale(dataset, scale, (unsigned)i);
  H5Dclose(scale);
  return result;
}

neurlp_status neurlp_array_describe(neurlp_array_file *file, hid_t dataset, const neurlp_array *array) {
  int result = 0;
  for (int32_t i = 0; i < array->rank && result >= 0; i++)
    result = describe_dimension(file->id, dataset, array, i);
  if (result >= 0) result = neurlp_hdf5_attribute_text(dataset, "units", array->units ? array->units : "1");
  if (result >= 0)
    result =
        neurlp_hdf5_attribute_text(dataset, "long_name", array->long_name ? array->long_name : array->path);
  if (result >= 0) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s: '%s' could not be described: %s", file->path,
                     array->path, neurlp_hdf5_reason());
}
