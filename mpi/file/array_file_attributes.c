#include "block/backend.h"
#include "comm.h"
#include "file/array_file_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Collective. Ends every attribute call: closes the object, agrees on HDF5's verdict. */
static neurlp_status finish(neurlp_array_file *file, hid_t object, const char *path, const char *name,
                            int result) {
  neurlp_status status = NEURLP_SUCCESS;
  if (object < 0 || result < 0)
    status =
        neurlp_fail(file->context, NEURLP_ERROR_IO, "%s: attribute '%s' of '%s' could not be written: %s",
                    file->path, name, path, neurlp_hdf5_reason());
  if (object >= 0) H5Oclose(object);
  return neurlp_agree(file->comm, file->context, status);
}

static int write_scalar(hid_t object, const char *name, hid_t type, const void *value) {
  int result = 0;
  if (H5Aexists(object, name) > 0) result = H5Adelete(object, name);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = neurlp_hdf5_noted(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  if (attribute < 0) result = -1;
  if (result >= 0) result = (int)neurlp_hdf5_noted(H5Awrite(attribute, type, value));
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return result;
}

/* Collective. Rank 0's text, owned by the caller. A rank that failed alone is met in an agreement, not in a
 * broadcast that it does not come to. */
static neurlp_status share_text(neurlp_array_file *file, const char *value, char **text) {
  int64_t bytes = file->rank == 0 ? (int64_t)strlen(value) + 1 : 0;
  *text = NULL;
  neurlp_status status = neurlp_agree(file->comm, file->context, NEURLP_SUCCESS);
  if (status != NEURLP_SUCCESS) return status;
  MPI_Bcast(&bytes, 1, MPI_INT64_T, 0, file->comm);
  if (bytes > INT_MAX)
    status = neurlp_fail(file->context, NEURLP_ERROR_ARGUMENT, "%s: a text of %lld bytes; at most %d",
                         file->path, (long long)bytes, INT_MAX);
  if (status == NEURLP_SUCCESS) status = neurlp_allocate(file->context, bytes, 1, text);
  status = neurlp_agree(file->comm, file->context, status);
  if (status != NEURLP_SUCCESS) {
    neurlp_release(file->context, text);
    return status;
  }
  if (file->rank == 0) memcpy(*text, value, (size_t)bytes);
  MPI_Bcast(*text, (int)bytes, MPI_CHAR, 0, file->comm);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_array_attribute_text(neurlp_array_file *file, const char *path, const char *name,
                                          const char *value) {
  char *text = NULL;
  neurlp_status status = share_text(file, value, &text);
  if (status != NEURLP_SUCCESS) return status;
  const hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
  const int result = object < 0 ? -1 : neurlp_hdf5_attribute_text(object, name, text);
  status = finish(file, object, path, name, result);
  neurlp_release(file->context, &text);
  return status;
}

neurlp_status neurlp_array_attribute_number(neurlp_array_file *file, const char *path, const char *name,
                                            double value) {
  const neurlp_status all_here = neurlp_agree(file->comm, file->context, NEURLP_SUCCESS);
  if (all_here != NEURLP_SUCCESS) return all_here;
  MPI_Bcast(&value, 1, MPI_DOUBLE, 0, file->comm);
  const hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
  const int result = object < 0 ? -1 : write_scalar(object, name, H5T_NATIVE_DOUBLE, &value);
  return finish(file, object, path, name, result);
}

neurlp_status neurlp_array_attribute_integer(neurlp_array_file *file, const char *path, const char *name,
                                             int64_t value) {
  const neurlp_status all_here = neurlp_agree(file->comm, file->context, NEURLP_SUCCESS);
  if (all_here != NEURLP_SUCCESS) return all_here;
  MPI_Bcast(&value, 1, MPI_INT64_T, 0, file->comm);
  const hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
  const int result = object < 0 ? -1 : write_scalar(object, name, H5T_NATIVE_INT64, &value);
  return finish(file, object, path, name, result);
}

/* The commit in "commit 0123abcd (with uncommitted changes), compiler ...". */
static void commit_text(char *text, size_t bytes) {
  const char *info = neurlp_build_info();
  const char *const prefix = "commit ";
  if (strncmp(info, prefix, strlen(prefix)) == 0) info += strlen(prefix);
  snprintf(text, bytes, "%.*s", (int)strcspn(info, ","), info);
}

/* Libraries at run time, one line. */
static void libraries_text(char *text, size_t bytes) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  unsigned major = 0, minor = 0, release = 0;
  MPI_Get_library_version(mpi, &length);
  H5get_libversion(&major, &minor, &release);
  snprintf(text, bytes, "%.*s; HDF5 %u.%u.%u", (int)strcspn(mpi, ",\n"), mpi, major, minor, release);
}

/* Rank 0's clock: every rank must write the same. */
static void date_text(MPI_Comm comm, char *text, int bytes) {
  const time_t now = time(NULL);
  struct tm local;
  memset(text, 0, (size_t)bytes);
  if (localtime_r(&now, &local)) strftime(text, (size_t)bytes, "%Y-%m-%dT%H:%M:%S%z", &local);
  MPI_Bcast(text, bytes, MPI_CHAR, 0, comm);
}

neurlp_status neurlp_array_file_provenance(neurlp_array_file *file, const char *schema,
                                           int32_t schema_version, const char *command_line, const char *deck,
                                           int64_t seed) {
  char commit[256], libraries[MPI_MAX_LIBRARY_VERSION_STRING + 64], date[64];
  commit_text(commit, sizeof commit);
  libraries_text(libraries, sizeof libraries);
  date_text(file->comm, date, (int)sizeof date);
  const struct {
    const char *name, *value;
  } texts[] = {{"schema", schema},
               {"program", "neurlp"},
               {"version", neurlp_version()},
               {"commit", commit},
               {"build", neurlp_build_info()},
               {"command_line", command_line},
               {"deck", deck},
               {"gpus", neurlp_backend_device_name(file->context)},
               {"libraries", libraries},
               {"date", date}};
  int has[sizeof texts / sizeof *texts]; /* a rank's own may differ: it may be without a GPU */
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) has[i] = texts[i].value != NULL;
  MPI_Bcast(has, (int)(sizeof has / sizeof *has), MPI_INT, 0, file->comm);
  neurlp_status status = NEURLP_SUCCESS;
  for (size_t i = 0; i < sizeof texts / sizeof *texts && status == NEURLP_SUCCESS; i++)
    if (has[i]) status = neurlp_array_attribute_text(file, "/", texts[i].name, texts[i].value);
  if (status == NEURLP_SUCCESS)
    status = neurlp_array_attribute_integer(file, "/", "schema_version", schema_version);
  if (status == NEURLP_SUCCESS) status = neurlp_array_attribute_integer(file, "/", "seed", seed);
  if (status == NEURLP_SUCCESS) status = neurlp_array_attribute_integer(file, "/", "ranks", file->size);
  return status;
}
