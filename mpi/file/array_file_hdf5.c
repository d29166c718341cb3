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
  const bool ready = neurlp_hdf5_noted(neurlp_hdf5_read_carefully(access)) >= 0;
  const hid_t file = ready ? neurlp_hdf5_noted(H5Fopen(path, H5F_ACC_RDONLY, access)) : -1;
  H5Pclose(access);
  return file;
}

/* What a rank writes in one call is its own and in long runs, so each goes to the file as it is. ROMIO would
 * read what lies between, put the runs in, and write all of it again, 512 kB at a time. */
static MPI_Info written_as_it_is(void) {
  MPI_Info info = MPI_INFO_NULL;
  MPI_Info_create(&info);
  MPI_Info_set(info, "romio_ds_write", "disable");
  return info;
}

/* For writing. flags: how to open it; H5F_ACC_TRUNC: create it. */
static hid_t open_together(MPI_Comm comm, const char *path, unsigned flags, hsize_t skipped_bytes) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
  char name[PATH_MAX + sizeof "ufs:"];
  hid_t file = -1;
  MPI_Info info = written_as_it_is();
  H5Pset_fapl_mpio(access, comm, info);
  MPI_Info_free(&info);
  if (skipped_bytes > 0) H5Pset_userblock(creation, skipped_bytes);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  if (strlen(path) < PATH_MAX) { /* the same on all ranks */
    snprintf(name, sizeof name, "%s%s", strchr(path, ':') ? "ufs:" : "", path);
    file = neurlp_hdf5_noted(flags == H5F_ACC_TRUNC ? H5Fcreate(name, flags, creation, access)
                                                    : H5Fopen(name, flags, access));
  }
  H5Pclose(creation);
  H5Pclose(access);
  return file;
}

hid_t neurlp_hdf5_create_together(MPI_Comm comm, const char *path) {
  return open_together(comm, path, H5F_ACC_TRUNC, 0);
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

/* A chunk is cached only where its parts are short; those that are longer than this are read where they
 * belong, one call each. */
enum { LONG_RUN_BYTES = 64 << 10, CACHE_BYTES = 1 << 20, MOST_CACHE_BYTES = 64 << 20 };

/* Bytes of a block that lie side by side in a chunk and in memory. */
static size_t run_bytes(const hsize_t *chunk, int rank, const int64_t *stride, const int64_t *count,
                        size_t element_bytes) {
  size_t run = element_bytes;
  for (int i = rank - 1; i >= 0; i--) {
    const hsize_t wanted = (hsize_t)count[i];
    if (stride[i] != 1 && wanted > 1) return run;
    run *= (size_t)(wanted < chunk[i] ? wanted : chunk[i]);
    if (wanted != chunk[i]) return run;
  }
  return run;
}

/* How a block of a data set is read: HDF5's cache would have whole chunks copied twice, and without it short
 * parts would be a call each. It does not cache what is larger than its room. */
static hid_t access_for(hid_t dataset, int rank, const int64_t *stride, const int64_t *count) {
  const hid_t access = H5Pcreate(H5P_DATASET_ACCESS), creation = H5Dget_create_plist(dataset);
  const hid_t type = H5Dget_type(dataset);
  const size_t element_bytes = H5Tget_size(type);
  hsize_t chunk[H5S_MAX_RANK];
  if (H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, H5S_MAX_RANK, chunk) == rank) {
    double chunk_bytes = (double)element_bytes;
    for (int i = 0; i < rank; i++) chunk_bytes *= (double)chunk[i];
    size_t room = chunk_bytes > CACHE_BYTES ? (size_t)chunk_bytes : CACHE_BYTES;
    if (chunk_bytes > MOST_CACHE_BYTES ||
        run_bytes(chunk, rank, stride, count, element_bytes) >= LONG_RUN_BYTES)
      room = 0;
    H5Pset_chunk_cache(access, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, room, H5D_CHUNK_CACHE_W0_DEFAULT);
  }
  H5Tclose(type);
  H5Pclose(creation);
  return access;
}

/* Opens a data set as a block of it is read best. */
static hid_t open_for(hid_t file, const char *path, int rank, const int64_t *stride, const int64_t *count) {
  hid_t dataset = neurlp_hdf5_noted(H5Dopen2(file, path, H5P_DEFAULT));
  if (dataset < 0) return dataset;
  const hid_t access = access_for(dataset, rank, stride, count);
  H5Dclose(dataset);
  dataset = neurlp_hdf5_noted(H5Dopen2(file, path, access));
  H5Pclose(access);
  return dataset;
}

int neurlp_hdf5_read_block(hid_t file, const char *path, hid_t type, int rank, const int64_t *start,
                           const int64_t *stride, const int64_t *count, void *values) {
  hsize_t from[NEURLP_MOST_EXTENTS], step[NEURLP_MOST_EXTENTS], size[NEURLP_MOST_EXTENTS];
  for (int i = 0; i < rank; i++) {
    from[i] = (hsize_t)start[i];
    step[i] = (hsize_t)stride[i];
    size[i] = (hsize_t)count[i];
    if (count[i] == 0) return 0;
  }
  const hid_t dataset = open_for(file, path, rank, stride, count);
  if (dataset < 0) return -1;
  const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(rank, size, NULL);
  int result = H5Sselect_hyperslab(space, H5S_SELECT_SET, from, step, size, NULL);
  if (result >= 0)
    result = (int)neurlp_hdf5_noted(H5Dread(dataset, type, memory, space, H5P_DEFAULT, values));
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
