/* What the files array_file*.c share, and the few HDF5 helpers that the readers use too. */
#ifndef NEURLP_MPI_ARRAY_FILE_PARTS_H
#define NEURLP_MPI_ARRAY_FILE_PARTS_H

#include "file/array_file.h"
#include "file/array_file_lock.h"

/* Most bytes that one collective transfer moves on one rank: bounds every temporary buffer. */
enum { NEURLP_PIECE_BYTES = 32 << 20, NEURLP_CHUNK_BYTES = 1 << 20, NEURLP_MOST_EXTENTS = 6 };
/* The first bytes of a sealed file. HDF5 wants a power of two, 512 at least. */
enum { NEURLP_SEAL_BYTES = 512, NEURLP_SEAL_PIECE_BYTES = 1 << 20 /* read at a time */ };

/* A block that this rank wrote: read back and compared before the file gets its name. */
typedef struct neurlp_written_block {
  char *path;
  hsize_t start[NEURLP_MOST_EXTENTS], count[NEURLP_MOST_EXTENTS];
  int32_t rank;
  hid_t type; /* in memory; a predefined type or one that the file owns */
  size_t bytes;
  uint64_t checksum;
  bool again; /* takes the place of the same block that was written before */
} neurlp_written_block;

struct neurlp_array_file {
  MPI_Comm comm;
  int rank, size;
  neurlp_context *context;
  hid_t id;
  char *path, *folder, *temporary;
  bool sealed;
  bool streamed, advanced; /* written piece by piece; something of it is complete */
  bool filled;             /* of some array every number was written before, as a fill value */
  int descriptor;          /* of the temporary file, for neurlp_guard_begin_sync; -1: not open */
  neurlp_file_lock *lock;
  neurlp_written_block *blocks;
  int64_t block_count, block_capacity;
};

/* ---- array_file_guard.c: the file system. Local, called on rank 0 only, but for begin_sync ------------ */

/* Splits `path` and makes up the temporary name; fills file->path, ->folder and ->temporary. */
NEURLP_MUST_USE neurlp_status neurlp_guard_names(neurlp_array_file *file, const char *path);
/* Folder there and writable, target not a folder, room for `bytes`; makes the empty temporary file. */
NEURLP_MUST_USE neurlp_status neurlp_guard_create(neurlp_array_file *file, int64_t bytes);
/* Room for `bytes` more in the folder. */
NEURLP_MUST_USE neurlp_status neurlp_guard_room(neurlp_array_file *file, int64_t bytes);
/* Reserves `bytes` of the temporary file until it is closed and cut to its length. */
NEURLP_MUST_USE neurlp_status neurlp_guard_reserve(neurlp_array_file *file, int64_t bytes);
NEURLP_MUST_USE neurlp_status neurlp_guard_sync(neurlp_array_file *file);
/* Local, any rank. Has the system begin to bring to disk what was written so far, and does not wait for it: a
 * hint, so that the disk works while the next numbers are copied. Errors are left for neurlp_guard_sync. */
void neurlp_guard_begin_sync(neurlp_array_file *file);
/* Gives the temporary file its name and makes that last. */
NEURLP_MUST_USE neurlp_status neurlp_guard_rename(neurlp_array_file *file);
void neurlp_guard_remove(neurlp_array_file *file);

/* ---- array_file_verify.c ----------------------------------------------------------------------------- */

/* Local. Remembers a block that was written. */
NEURLP_MUST_USE neurlp_status neurlp_verify_record(neurlp_array_file *file, const neurlp_written_block *block,
                                                   const char *path, const void *values);
/* Local: no communication, so that a failing rank cannot leave the others waiting. Reads this rank's blocks
 * back from the closed temporary file. */
NEURLP_MUST_USE neurlp_status neurlp_verify_blocks(neurlp_array_file *file);
void neurlp_verify_release(neurlp_array_file *file);

/* ---- array_file_stream.c ----------------------------------------------------------------------------- */

/* Rank 0. Whether the temporary file is one of this identity that can be gone on with; else *reason, NULL:
 * there was nothing in it. */
bool neurlp_stream_is_ours(const neurlp_array_file *file, const char *identity, const char **reason);

/* ---- array_file_seal.c ------------------------------------------------------------------------------- */

/* Collective. Puts the seal on the closed temporary file. */
NEURLP_MUST_USE neurlp_status neurlp_seal_put(neurlp_array_file *file);

/* ---- array_file_driver.c ----------------------------------------------------------------------------- */

/* Has files be read so that one which is damaged, or cut meanwhile, is an error of HDF5's, and not without
 * end. Negative on failure. */
int neurlp_hdf5_read_carefully(hid_t access);

/* ---- array_file_hdf5.c ------------------------------------------------------------------------------- */

/* HDF5 prints its error stack by default; from here on it does not. Nor does it follow links into other
 * files, which whoever made a file could point at any file that its reader may read. */
void neurlp_hdf5_quiet(void);
/* Passes the result of an HDF5 call through; if it is a failure, keeps its reason, which the next HDF5 call
 * (closing what was open, say) would wipe out. */
int64_t neurlp_hdf5_noted(int64_t result);
/* Why the last failure happened: the innermost lines of HDF5's error stack, which name the cause, as one
 * line. Static, valid until the next call. */
const char *neurlp_hdf5_reason(void);
/* Opens a file for reading by this process alone, without locks (a file being read is never written), and
 * carefully (array_file_driver.c). */
hid_t neurlp_hdf5_open_alone(const char *path);
/* Collective. Creates a file that all ranks write. MPI takes what is before a colon in a name for a type of
 * file system: names with colons are told which it is. */
hid_t neurlp_hdf5_create_together(MPI_Comm comm, const char *path);
/* Collective. Opens a file for going on writing by all ranks. */
hid_t neurlp_hdf5_reopen_together(MPI_Comm comm, const char *path);
/* Collective. Creates a file that HDF5 leaves the first NEURLP_SEAL_BYTES of alone. */
hid_t neurlp_hdf5_create_sealed(MPI_Comm comm, const char *path);
/* Transfer properties: collective MPI-IO. */
hid_t neurlp_hdf5_collective(void);
/* Local. Reads a block of a data set, which is of `type` in memory; nothing where a count is 0. What lies in
 * long runs, and is of that type in the file, goes from the file to `values` without a copy between. A
 * negative return is HDF5's failure. */
int neurlp_hdf5_read_block(hid_t file, const char *path, hid_t type, int rank, const int64_t *start,
                           const int64_t *stride, const int64_t *count, void *values);
/* Whether the file at `path`, open as `file`, is at least as long as HDF5 thinks; if it is gone, what is open
 * still is. */
bool neurlp_hdf5_is_whole(hid_t file, const char *path);
/* True if `path`, group by group, exists below `location`. */
bool neurlp_hdf5_exists(hid_t location, const char *path);
/* True if the link at `path` leads to an object of this kind (H5O_TYPE_DATASET, H5O_TYPE_GROUP). */
bool neurlp_hdf5_is(hid_t location, const char *path, H5O_type_t kind);

/* An error inside a collective transfer: the other ranks may already wait in it, where nobody can agree with
 * them on anything any more. Says what happened, removes the temporary file, ends all ranks with status 1. */
_Noreturn void neurlp_array_file_abort(neurlp_array_file *file, const char *what);

/* ---- array_file_scales.c ----------------------------------------------------------------------------- */

/* Attaches or labels the dimensions of a new data set as array->scales says; sets units and long_name. */
NEURLP_MUST_USE neurlp_status neurlp_array_describe(neurlp_array_file *file, hid_t dataset,
                                                    const neurlp_array *array);
/* Text attribute of an open object, replacing an older one; a negative return is HDF5's failure. */
int neurlp_hdf5_attribute_text(hid_t object, const char *name, const char *value);

#endif
