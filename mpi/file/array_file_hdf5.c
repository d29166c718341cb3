#include "file/array_file_parts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void neurlp_hdf5_quiet(void) {
  static bool links_are_local = false;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (!links_are_local && H5Lunregister(H5L_TYPE_EXTERNAL) >= 0) links_are_local = true;
}

/* The reason being collected by collect_reason. */
typedef struct reason_text {
  char text[512];
  size_t length;
} reason_text;

/* Keeps the two innermost entries of the stack: what failed, and in what. */
static herr_t collect_reason(unsigned n, const H5E_error2_t *entry, void *data) {
  reason_text *reason = data;
  if (n > 1 || !entry->desc || reason->length >= sizeof reason->text - 1) return 0;
  const int written = snprintf(reason->text + reason->length, sizeof reason->text - reason->length, "%s%s",
                               n ? "; " : "", entry->desc);
  if (written > 0) reason->length += (size_t)written;
  return 0;
}

static reason_text noted;

int64_t neurlp_hdf5_noted(int64_t result) {
  if (result >= 0) return result;
  noted = (reason_text){.length = 0};
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect_reason, &noted);
  for (char *c = noted.text; *c; c++)
    if (*c == '\n' || *c == '\r') *c = ' ';
  return result;
}

const char *neurlp_hdf5_reason(void) {
  if (H5Eget_num(H5E_DEFAULT) > 0) neurlp_hdf5_noted(-1);
  H5Eclear2(H5E_DEFAULT);
  return noted.text[0] ? noted.text : "HDF5 gives no reason";
}

hid_t neurlp_hdf5_open_alone(const char *path) {
  neurlp_hdf5_quiet();
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, false, true);
  const hid_t file = neurlp_hdf5_noted(H5Fopen(path, H5F_ACC_RDONLY, access));
  H5Pclose(access);
  return file;
}

/* flags: how to open it; H5F_ACC_TRUNC: create it. */
static hid_t open_together(MPI_Comm comm, const char *path, unsigned flags, hsize_t skipped_bytes) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
  char name[PATH_MAX + sizeof "ufs:"];
  hid_t file = -1;
  H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL);
  if (skipped_bytes > 0) H5Pset_userblock(creation, skipped_bytes);
  if (flags != H5F_ACC_RDONLY) H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  if (strlen(path) < PATH_MAX) { /* the same on all ranks */
    snprintf(name, sizeof name, "%s%s", strchr(path, ':') ? "ufs:" : "", path);
    file = neurlp_hdf5_noted(flags == H5F_ACC_TRUNC ? H5Fcreate(name, flags, creation, access)
                                                    : H5Fopen(name, flags, access));
  }
  H5Pclose(creation);
  H5Pclose(access);
  return file;
}

hid_t neurlp_hdf5_open_together(MPI_Comm comm, const char *path, bool create) {
  return open_together(comm, path, create ? H5F_ACC_TRUNC : H5F_ACC_RDONLY, 0);
}

hid_t neurlp_hdf5_reopen_together(MPI_Comm comm, const char *path) {
  return open_together(comm, path, H5F_ACC_RDWR, 0);
}

hid_t neurlp_hdf5_create_sealed(MPI_Comm comm, const char *path) {
  return open_together(comm, path, H5F_ACC_TRUNC, NEURLP_SEAL_BYTES);
}

hid_t neurlp_hdf5_collective(void) {
  const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  return transfer;
}

bool neurlp_hdf5_is_whole(hid_t file, const char *path) {
  hsize_t bytes = 0;
  struct stat info;
  return H5Fget_filesize(file, &bytes) < 0 || stat(path, &info) != 0 || (hsize_t)info.st_size >= bytes;
}

int neurlp_hdf5_read_block(hid_t file, const char *path, int rank, const int64_t *start,
                           const int64_t *stride, const int64_t *count, double *values) {
  hsize_t from[NEURLP_MOST_EXTENTS], step[NEURLP_MOST_EXTENTS], size[NEURLP_MOST_EXTENTS];
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    from[i] = (hsize_t)start[i];
    step[i] = (hsize_t)stride[i];
    size[i] = (hsize_t)count[i];
    empty = empty || count[i] == 0;
  }
  const hid_t dataset = neurlp_hdf5_noted(H5Dopen2(file, path, H5P_DEFAULT));
  if (dataset < 0) return -1;
  const hid_t space = H5Dget_space(dataset);
  const hid_t memory = empty ? H5Scopy(space) : H5Screate_simple(rank, size, NULL);
  if (empty) {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  } else {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, from, step, size, NULL);
  }
  double nothing = 0; /* HDF5 wants an address even where nothing is read */
  const hid_t transfer = neurlp_hdf5_collective();
  const int result = (int)neurlp_hdf5_noted(
      H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, transfer, empty ? &nothing : values));
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  return result;
}

bool neurlp_hdf5_exists(hid_t location, const char *path) {
  char part[512];
  const size_t length = strlen(path);
  if (length == 0 || length >= sizeof part) return false;
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (strcmp(part, "/") != 0 && H5Lexists(location, part, H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

bool neurlp_hdf5_is(hid_t location, const char *path, H5O_type_t kind) {
  H5O_info_t info;
  return neurlp_hdf5_exists(location, path) &&
         H5Oget_info_by_name2(location, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 && info.type == kind;
}

void neurlp_array_file_abort(neurlp_array_file *file, const char *what) {
  const bool keeps = file->advanced;
  fprintf(stderr,
          "neurlp: rank %d: %s could not be written (%s): %s. %s%s; an older file of that name is untouched. "
          "Free some space or write to another folder.\n",
          file->rank, file->path, what, neurlp_hdf5_reason(),
          keeps ? "What was complete is in " : "Nothing was left behind", keeps ? file->temporary : "");
  if (!keeps) neurlp_guard_remove(file);
  neurlp_file_lock_remove(file->path);
  MPI_Abort(file->comm, 1);
  abort(); /* MPI_Abort does not return; the compiler does not know */
}
