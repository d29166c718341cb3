#include "comm.h"
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deflate cannot shrink by more than 1032. Chunks that were never written hold the fill value, which is
 * good for a few gaps, but not for more than 64 MB of them. */
enum { MOST_SHRINKING = 1100, UNWRITTEN_BYTES = 64 << 20 };

neurlp_status neurlp_data_open_alone(neurlp_context *context, const char *path, hid_t *file) {
  struct stat info;
  *file = -1;
  if (stat(path, &info) != 0 || access(path, R_OK) != 0)
    return neurlp_fail(context, NEURLP_ERROR_DATA, "%s cannot be read: %s; check the path", path,
                       strerror(errno));
  if (!S_ISREG(info.st_mode)) return neurlp_fail(context, NEURLP_ERROR_DATA, "%s is not a file", path);
  neurlp_hdf5_quiet();
  if (H5Fis_hdf5(path) <= 0) {
    H5Eclear2(H5E_DEFAULT);
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s is not an HDF5 file, or only the beginning of one; CSV files must end in .csv",
                       path);
  }
  *file = neurlp_hdf5_open_alone(path);
  if (*file >= 0) return NEURLP_SUCCESS;
  return neurlp_fail(context, NEURLP_ERROR_DATA, "%s cannot be read: %s; is it cut short?", path,
                     neurlp_hdf5_reason());
}

neurlp_status neurlp_data_close_alone(neurlp_context *context, const char *path, hid_t *file,
                                      neurlp_status status) {
  if (*file < 0) return status;
  if (status >= 0 && !neurlp_hdf5_is_whole(*file, path))
    status = neurlp_fail(context, NEURLP_ERROR_DATA,
                         "%s was cut short while it was being read; read it again once "
                         "it is whole",
                         path);
  H5Fclose(*file);
  *file = -1;
  return status;
}

neurlp_status neurlp_data_open_together(MPI_Comm comm, neurlp_context *context, const char *path,
                                        hid_t *file) {
  return neurlp_agree(comm, context, neurlp_data_open_alone(context, path, file));
}

/* Bytes that the file holds of a data set, and whether they may be fewer than it claims. */
static neurlp_status check_storage(neurlp_context *context, hid_t file, const char *file_name,
                                   const char *path, hid_t dataset, int64_t bytes) {
  const hid_t creation = H5Dget_create_plist(dataset);
  const H5D_layout_t layout = H5Pget_layout(creation);
  const bool outside = layout == H5D_VIRTUAL || H5Pget_external_count(creation) > 0;
  H5Pclose(creation);
  if (outside)
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s: '%s' keeps its numbers in other files; copy it into one file", file_name, path);
  const hsize_t stored = H5Dget_storage_size(dataset);
  hsize_t file_bytes = 0;
  H5Fget_filesize(file, &file_bytes);
  const haddr_t offset = layout == H5D_CONTIGUOUS ? H5Dget_offset(dataset) : 0;
  const bool beyond = layout == H5D_CONTIGUOUS && (offset == HADDR_UNDEF || offset > file_bytes ||
                                                   stored > file_bytes - offset || stored < (hsize_t)bytes);
  const bool hollow = layout == H5D_CHUNKED &&
                      (stored > file_bytes || (bytes > UNWRITTEN_BYTES &&
                                               (hsize_t)(bytes - UNWRITTEN_BYTES) / MOST_SHRINKING > stored));
  if (!beyond && !hollow) return NEURLP_SUCCESS;
  hsize_t held = offset == HADDR_UNDEF || offset > file_bytes ? 0 : file_bytes - offset;
  if (held > stored) held = stored;
  return neurlp_fail(
      context, NEURLP_ERROR_DATA,
      "%s: '%s' claims %lld bytes, but the file of %lld bytes holds %lld of them; was it written "
      "to the end?",
      file_name, path, (long long)bytes, (long long)file_bytes, (long long)held);
}

/* Extents and element count of an open data set. */
static neurlp_status check_extents(neurlp_context *context, const char *file_name, const char *path,
                                   hid_t dataset, neurlp_numeric *numeric, int64_t *bytes) {
  hsize_t extents[H5S_MAX_RANK] = {0};
  const hid_t space = H5Dget_space(dataset);
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank >= 1) H5Sget_simple_extent_dims(space, extents, NULL);
  H5Sclose(space);
  if (rank < 1 || rank > NEURLP_MOST_EXTENTS)
    return neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' has %d dimensions; it needs 1 to %d", file_name,
                       path, rank, NEURLP_MOST_EXTENTS);
  numeric->rank = rank;
  *bytes = (int64_t)sizeof(double);
  bool none = false;
  for (int i = 0; i < rank; i++) {
    numeric->extents[i] = (int64_t)extents[i];
    none = none || extents[i] == 0;
    /* some extents may be multiplied without the one that is 0 */
    const int64_t extent = extents[i] == 0 ? 1 : (int64_t)extents[i];
    if (extents[i] > INT64_MAX || __builtin_mul_overflow(*bytes, extent, bytes))
      return neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' claims more numbers than can be counted",
                         file_name, path);
  }
  if (none) *bytes = 0;
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_numeric_check(neurlp_context *context, hid_t file, const char *file_name,
                                   const char *path, bool needed, neurlp_numeric *numeric) {
  neurlp_status status = NEURLP_SUCCESS;
  hid_t dataset = -1, type = -1;
  memset(numeric, 0, sizeof *numeric);
  if (!neurlp_hdf5_exists(file, path)) {
    if (!needed) return NEURLP_SUCCESS;
    return neurlp_fail(context, NEURLP_ERROR_DATA,
                       "%s has no data set '%s'; `neurlp inspect` says what the file holds", file_name, path);
  }
  if (neurlp_hdf5_is(file, path, H5O_TYPE_DATASET)) dataset = H5Dopen2(file, path, H5P_DEFAULT);
  if (dataset < 0)
    return neurlp_fail(
        context, NEURLP_ERROR_DATA,
        "%s: '%s' is not a data set that can be read (a link into another file is not followed)", file_name,
        path);
  type = H5Dget_type(dataset);
  const H5T_class_t kind = H5Tget_class(type);
  int64_t bytes = 0;
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
    status = neurlp_fail(context, NEURLP_ERROR_DATA, "%s: '%s' does not hold numbers", file_name, path);
    goto done;
  }
  NEURLP_TRY(check_extents(context, file_name, path, dataset, numeric, &bytes));
  bytes = bytes / (int64_t)sizeof(double) * (int64_t)H5Tget_size(type);
  if (bytes > 0) NEURLP_TRY(check_storage(context, file, file_name, path, dataset, bytes));
  numeric->present = true;
done:
  if (type >= 0) H5Tclose(type);
  H5Dclose(dataset);
  return status;
}
