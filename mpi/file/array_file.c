#include "comm.h"
#include "file/array_file_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void neurlp_array_file_prepare(void) {
  setenv("OMPI_MCA_io", "^ompio", 0); /* leaves ROMIO, whatever this version calls it */
}

/* Frees the handle; what is on disk stays as it is. */
static void release_file(neurlp_array_file **file) {
  neurlp_array_file *gone = *file;
  neurlp_context *context = gone->context;
  neurlp_verify_release(gone);
  if (gone->descriptor >= 0) close(gone->descriptor);
  neurlp_file_lock_release(&gone->lock);
  neurlp_release(context, &gone->path);
  neurlp_release(context, &gone->folder);
  neurlp_release(context, &gone->temporary);
  neurlp_release(context, file);
}

/* The temporary name is rank 0's: it has rank 0's host and process in it. */
static neurlp_status share_names(neurlp_array_file *file, const char *path) {
  const neurlp_status status = neurlp_agree(file->comm, file->context, neurlp_guard_names(file, path));
  if (status != NEURLP_SUCCESS) return status;
  int bytes = (int)strlen(file->temporary) + 1;
  MPI_Bcast(&bytes, 1, MPI_INT, 0, file->comm);
  char *name = NULL;
  const neurlp_status allocated =
      neurlp_agree(file->comm, file->context, neurlp_allocate(file->context, bytes, 1, &name));
  if (allocated == NEURLP_SUCCESS) {
    if (file->rank == 0) memcpy(name, file->temporary, (size_t)bytes);
    MPI_Bcast(name, bytes, MPI_CHAR, 0, file->comm);
    neurlp_release(file->context, &file->temporary);
    file->temporary = name;
  } else {
    neurlp_release(file->context, &name);
  }
  return allocated;
}

static neurlp_status open_temporary(neurlp_array_file *file) {
  file->id = file->sealed ? neurlp_hdf5_create_sealed(file->comm, file->temporary)
                          : neurlp_hdf5_create_together(file->comm, file->temporary);
  if (file->id >= 0) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s cannot be written: %s", file->path,
                     neurlp_hdf5_reason());
}

/* Collective. Removes what cannot be begun. */
static void give_up(neurlp_array_file *file) {
  if (file->id >= 0) H5Fclose(file->id);
  if (file->rank == 0) neurlp_guard_remove(file);
}

/* Collective. A handle with its names; nothing is on disk yet. */
static neurlp_status make_handle(MPI_Comm comm, neurlp_context *context, const char *path, bool sealed,
                                 bool streamed, neurlp_array_file **file) {
  neurlp_array_file *made = NULL;
  *file = NULL;
  neurlp_status status = neurlp_agree(comm, context, neurlp_allocate(context, 1, sizeof *made, &made));
  if (status != NEURLP_SUCCESS) {
    neurlp_release(context, &made);
    return status;
  }
  made->comm = comm;
  made->context = context;
  made->id = -1;
  made->descriptor = -1;
  made->sealed = sealed;
  made->streamed = streamed;
  MPI_Comm_rank(comm, &made->rank);
  MPI_Comm_size(comm, &made->size);
  neurlp_hdf5_quiet();
  status = share_names(made, path);
  if (status == NEURLP_SUCCESS)
    *file = made;
  else
    release_file(&made);
  return status;
}

/* Collective. Begins the temporary file. */
static neurlp_status begin_file(neurlp_array_file *made, int64_t expected_bytes) {
  MPI_Comm comm = made->comm;
  neurlp_context *context = made->context;
  neurlp_status status = neurlp_agree(
      comm, context, made->rank == 0 ? neurlp_guard_create(made, expected_bytes) : NEURLP_SUCCESS);
  if (status == NEURLP_SUCCESS && !made->lock)
    status = neurlp_file_lock_take(comm, context, made->path, &made->lock);
  if (status == NEURLP_SUCCESS) status = neurlp_agree(comm, context, open_temporary(made));
  if (status == NEURLP_SUCCESS && made->sealed)
    status = neurlp_agree(comm, context,
                          made->rank == 0 ? neurlp_guard_reserve(made, expected_bytes) : NEURLP_SUCCESS);
  if (status != NEURLP_SUCCESS) give_up(made);
  return status;
}

static neurlp_status create_file(MPI_Comm comm, neurlp_context *context, const char *path,
                                 int64_t expected_bytes, bool sealed, neurlp_array_file **file) {
  neurlp_array_file *made = NULL;
  *file = NULL;
  neurlp_status status = make_handle(comm, context, path, sealed, false, &made);
  if (status != NEURLP_SUCCESS) return status;
  status = begin_file(made, expected_bytes);
  if (status == NEURLP_SUCCESS)
    *file = made;
  else
    release_file(&made);
  return status;
}

/* Rank 0. Whether what is there is gone on with; says why if it is not. */
static int judge_stream(neurlp_array_file *file, const char *identity) {
  const char *reason = NULL;
  const bool resume = neurlp_stream_is_ours(file, identity, &reason);
  if (reason)
    fprintf(stderr, "neurlp: %s was left by an earlier run and is begun anew: %s\n", file->temporary, reason);
  return resume;
}

static neurlp_status reopen_stream(neurlp_array_file *file) {
  file->id = neurlp_hdf5_reopen_together(file->comm, file->temporary);
  file->advanced = true; /* not removed, whatever happens */
  if (file->id >= 0) return NEURLP_SUCCESS;
  return neurlp_fail(file->context, NEURLP_ERROR_IO, "%s cannot be gone on with: %s; remove it to begin anew",
                     file->temporary, neurlp_hdf5_reason());
}

neurlp_status neurlp_array_file_stream(MPI_Comm comm, neurlp_context *context, const char *path,
                                       const char *identity, int64_t expected_bytes, neurlp_array_file **file,
                                       bool *resumed) {
  neurlp_array_file *made = NULL;
  int resume = 0;
  *file = NULL;
  *resumed = false;
  neurlp_status status = make_handle(comm, context, path, false, true, &made);
  if (status != NEURLP_SUCCESS) return status;
  status = neurlp_file_lock_take(comm, context, made->path, &made->lock);
  if (status == NEURLP_SUCCESS) {
    if (made->rank == 0) resume = judge_stream(made, identity);
    MPI_Bcast(&resume, 1, MPI_INT, 0, comm);
  }
  if (status == NEURLP_SUCCESS)
    status = resume ? neurlp_agree(comm, context, reopen_stream(made)) : begin_file(made, expected_bytes);
  if (status == NEURLP_SUCCESS && !resume) {
    status = neurlp_array_attribute_text(made, "/", "identity", identity);
    if (status != NEURLP_SUCCESS) give_up(made);
  }
  *resumed = resume != 0;
  if (status == NEURLP_SUCCESS)
    *file = made;
  else
    release_file(&made);
  return status;
}

neurlp_status neurlp_array_file_create(MPI_Comm comm, neurlp_context *context, const char *path,
                                       int64_t expected_bytes, neurlp_array_file **file) {
  return create_file(comm, context, path, expected_bytes, false, file);
}

/* HDF5's own structures: superblock, groups, headers, attributes, and what is lost at ends of chunks. */
enum { HDF5_BYTES = 2 << 20 };

neurlp_status neurlp_array_file_create_sealed(MPI_Comm comm, neurlp_context *context, const char *path,
                                              int64_t expected_bytes, neurlp_array_file **file) {
  return create_file(comm, context, path, expected_bytes + HDF5_BYTES, true, file);
}

neurlp_status neurlp_array_file_commit(neurlp_array_file **file) {
  neurlp_array_file *done = *file;
  if (H5Fflush(done->id, H5F_SCOPE_GLOBAL) < 0) neurlp_array_file_abort(done, "flush");
  if (H5Fclose(done->id) < 0) neurlp_array_file_abort(done, "close");
  done->id = -1;
  neurlp_context *context = done->context;
  const bool first = done->rank == 0;
  neurlp_status status = done->sealed ? neurlp_seal_put(done) : NEURLP_SUCCESS;
  if (status == NEURLP_SUCCESS)
    status = neurlp_agree(done->comm, context, first ? neurlp_guard_sync(done) : NEURLP_SUCCESS);
  if (status == NEURLP_SUCCESS) status = neurlp_agree(done->comm, context, neurlp_verify_blocks(done));
  if (status == NEURLP_SUCCESS)
    status = neurlp_agree(done->comm, context, first ? neurlp_guard_rename(done) : NEURLP_SUCCESS);
  if (status != NEURLP_SUCCESS && first && !done->advanced) neurlp_guard_remove(done);
  release_file(file);
  return status;
}

neurlp_status neurlp_array_file_discard(neurlp_array_file **file, neurlp_status status) {
  if (!file || !*file) return status;
  if (status < 0) status = neurlp_agree((*file)->comm, (*file)->context, status);
  if ((*file)->id >= 0 && H5Fclose((*file)->id) < 0) neurlp_array_file_abort(*file, "close");
  if ((*file)->rank == 0 && !(*file)->advanced) neurlp_guard_remove(*file);
  release_file(file);
  return status;
}

hid_t neurlp_array_file_id(const neurlp_array_file *file) {
  return file->id;
}
