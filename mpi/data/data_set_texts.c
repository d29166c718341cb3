/* Texts and attributes of HDF5 files that others wrote. */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <math.h>
#include <string.h>

/* A text that may be shown and compared: not empty, not too long, no control characters. */
static bool is_plain(const char *text, size_t longest_bytes) {
  const size_t length = strlen(text);
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
  return length > 0 && length <= longest_bytes;
}

/* Copies strings of `width` bytes each, without padding. */
static neurlp_status copy_fixed(neurlp_context *context, const char *table, size_t width, int64_t count,
                                char **texts) {
  for (int64_t i = 0; i < count; i++) {
    size_t length = strnlen(table + (size_t)i * width, width);
    while (length > 0 && table[(size_t)i * width + length - 1] == ' ') length--;
    const neurlp_status status = neurlp_allocate(context, (int64_t)length + 1, 1, &texts[i]);
    if (status != NEURLP_SUCCESS) return status;
    memcpy(texts[i], table + (size_t)i * width, length);
  }
  return NEURLP_SUCCESS;
}

static neurlp_status copy_variable(neurlp_context *context, char *const *strings, int64_t count,
                                   char **texts) {
  for (int64_t i = 0; i < count; i++) {
    const neurlp_status status = neurlp_copy_text(context, strings[i] ? strings[i] : "", &texts[i]);
    if (status != NEURLP_SUCCESS) return status;
  }
  return NEURLP_SUCCESS;
}

/* Reads `count` strings of an object (data set or attribute) through `read`. */
static neurlp_status read_strings(neurlp_context *context, hid_t object, bool attribute, hid_t file_type,
                                  int64_t count, char **texts, const char **why) {
  neurlp_status status = NEURLP_SUCCESS;
  const bool variable = H5Tis_variable_str(file_type) > 0;
  const size_t width = variable ? sizeof(char *) : H5Tget_size(file_type);
  void *table = NULL;
  if (!variable && width > (size_t)1 << 20) {
    *why = "its entries are longer than 1 MB";
    return NEURLP_ERROR_DATA;
  }
  const hid_t type = H5Tcopy(file_type);
  const hid_t space = attribute ? H5Aget_space(object) : H5Dget_space(object);
  NEURLP_TRY(neurlp_allocate(context, count, width, &table));
  const int result =
      attribute ? H5Aread(object, type, table) : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table);
  if (result < 0) {
    *why = neurlp_hdf5_reason();
    status = NEURLP_ERROR_DATA;
  } else if (variable) {
    status = copy_variable(context, table, count, texts);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, table);
  } else {
    status = copy_fixed(context, table, width, count, texts);
  }
done:
  neurlp_release(context, &table);
  H5Sclose(space);
  H5Tclose(type);
  return status;
}

neurlp_status neurlp_texts_read(neurlp_context *context, hid_t file, const char *file_name, const char *path,
                                int64_t count, size_t longest_bytes, char **texts) {
  if (!neurlp_hdf5_is(file, path, H5O_TYPE_DATASET))
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s has no data set '%s'; `neurlp inspect` says what the file holds", file_name, path);
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  if (dataset < 0) return neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read", file_name, path);
  const hid_t type = H5Dget_type(dataset);
  const hid_t space = H5Dget_space(dataset);
  const hssize_t entries = H5Sget_simple_extent_npoints(space);
  neurlp_status status = NEURLP_SUCCESS;
  if (H5Tget_class(type) != H5T_STRING) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' does not hold texts", file_name, path);
  } else if (entries != count) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' has %lld entries, but %lld are needed",
                         file_name, path, (long long)entries, (long long)count);
  } else {
    const char *why = NULL;
    status = read_strings(context, dataset, false, type, count, texts, &why);
    if (why)
      status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' cannot be read: %s", file_name, path, why);
    for (int64_t i = 0; i < count && status == NEURLP_SUCCESS; i++)
      if (!is_plain(texts[i], longest_bytes))
        status =
            neurlp_fail(context, NEURLP_ERROR_DATA,
                        "%s: entry %lld of '%s' is empty, longer than %zu bytes or has control characters",
                        file_name, (long long)i, path, longest_bytes);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
  return status;
}

neurlp_status neurlp_attribute_text_read(neurlp_context *context, hid_t file, const char *path,
                                         const char *name, char **text) {
  neurlp_status status = NEURLP_SUCCESS;
  const char *why = NULL;
  *text = NULL;
  if (H5Aexists_by_name(file, path, name, H5P_DEFAULT) > 0) {
    const hid_t attribute = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (attribute >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1)
      status = read_strings(context, attribute, true, type, 1, text, &why);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
  }
  if (status == NEURLP_ERROR_DATA) status = NEURLP_SUCCESS; /* an unreadable attribute counts as missing */
  if (status == NEURLP_SUCCESS && !*text) status = neurlp_copy_text(context, "", text);
  return status;
}

neurlp_status neurlp_attribute_number_read(neurlp_context *context, hid_t file, const char *file_name,
                                           const char *path, const char *name, double *value) {
  if (H5Aexists_by_name(file, path, name, H5P_DEFAULT) <= 0) return NEURLP_SUCCESS;
  const hid_t attribute = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
  const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
  const H5T_class_t kind = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  double read = (double)NAN;
  /* h5py writes truth values as enumerations */
  const bool number = kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM;
  if (number && H5Sget_simple_extent_npoints(space) == 1) H5Aread(attribute, H5T_NATIVE_DOUBLE, &read);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  if (!isfinite(read))
    return neurlp_fail(context, NEURLP_ERROR_DATA, "%s: attribute '%s' of '%s' is not a finite number",
                       file_name, name, path);
  *value = read;
  return NEURLP_SUCCESS;
}
