/* HDF5 files of global arrays, written and read collectively: every rank its own part. The guards against
 * what MPI-IO does on a full disk are here and nowhere else (docs/formats.md, "Writing safely"). */
#ifndef NEURLP_MPI_ARRAY_FILE_H
#define NEURLP_MPI_ARRAY_FILE_H

#include "core/context.h"
#include "data/data_set.h"

#include <hdf5.h>
#include <mpi.h>

typedef struct neurlp_array_file neurlp_array_file;

/* Call before MPI_Init: has Open MPI use ROMIO, because its default MPI-IO reports success on a full disk. */
void neurlp_array_file_prepare(void);

/* Collective. Creates a file under a temporary name in the folder of `path`; neurlp_array_file_commit gives
 * it its name. expected_bytes (0: unknown) must be there on the file system, quota included. Every rank
 * passes the same. A failure is NEURLP_ERROR_IO on every rank. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_create(MPI_Comm comm, neurlp_context *context,
                                                       const char *path, int64_t expected_bytes,
                                                       neurlp_array_file **file);

/* Collective. The same for a file that is sealed (docs/formats.md, "Checkpoint"): neurlp_array_file_commit
 * puts its length and a checksum of all its bytes into its first 512, which HDF5 leaves alone. Its room,
 * expected_bytes and what HDF5 needs beside, stays reserved until it is committed, where the file system can,
 * and its arrays are not compressed: so that a disk that fills up meanwhile is, as a rule, a status of the
 * calls below, and not the end of all ranks. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_create_sealed(MPI_Comm comm, neurlp_context *context,
                                                              const char *path, int64_t expected_bytes,
                                                              neurlp_array_file **file);

/* Collective. Whether a file is, byte for byte, what was sealed: else NEURLP_ERROR_DATA, and the message says
 * why, without its name, to stand behind it. The ranks share the reading. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_check_seal(MPI_Comm comm, neurlp_context *context,
                                                           const char *path);

/* Collective. The same for a file that is written piece by piece over a long time: its temporary name is that
 * of the file with .partial behind, where any reader finds what is complete (neurlp_array_file_advance). A
 * file of that name that an earlier run has left is gone on with if its `identity` is the same, one line that
 * says what is computed from what: *resumed. Otherwise rank 0 says on standard error why not, and it is begun
 * anew. While another program writes it: NEURLP_ERROR_IO. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_stream(MPI_Comm comm, neurlp_context *context,
                                                       const char *path, const char *identity,
                                                       int64_t expected_bytes, neurlp_array_file **file,
                                                       bool *resumed);

/* A checksum of a resolved deck, for identities: but for the entries that are named, "section" or
 * "section.key", whatever is below them included; the list ends with NULL. Local. */
uint64_t neurlp_array_file_sum_deck(const char *deck, const char *const *left_out);

/* Collective; every rank passes the same. Everything written so far goes to disk; after that, that the first
 * `complete` systems below `path` ("/" or a group) are complete, and so many of them failed. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_advance(neurlp_array_file *file, const char *path,
                                                        int64_t complete, int64_t failed);

/* Local. How far a file that was gone on with had come below `path`; 0 where it had not begun. */
void neurlp_array_file_progress(const neurlp_array_file *file, const char *path, int64_t *complete,
                                int64_t *failed);

/* Name under which a streamed file is until it is committed; NULL while nothing of it is complete, as it then
 * does not stay. */
const char *neurlp_array_file_partial(const neurlp_array_file *file);

/* Collective. Flushes, closes, syncs, reads back and compares, renames; the file and its folder are on disk
 * afterwards. Destroys the handle. On any failure the temporary file is removed and an older file of that
 * name is untouched. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_commit(neurlp_array_file **file);

/* Collective. Gives up: removes the temporary file, but for a streamed one of which something is complete. A
 * rank whose `status` is a failure that it has alone meets the others in the agreement that they have come
 * to, which every writing call begins with. Returns what all ranks then have; `status` where there is no
 * file. */
neurlp_status neurlp_array_file_discard(neurlp_array_file **file, neurlp_status status);

/* The HDF5 handle, for what is not wrapped here. */
hid_t neurlp_array_file_id(const neurlp_array_file *file);

/* Description of one data set. Floating-point arrays have the fill value NaN, others 0. */
typedef struct neurlp_array {
  const char *path; /* "solution/states": groups are made as needed */
  hid_t type;   /* H5T_NATIVE_DOUBLE, H5T_NATIVE_INT32, ... in memory and, as little-endian, in the file */
  int32_t rank; /* number of dimensions, 1 to 6 */
  int64_t extents[6]; /* global */
  const char *units;  /* NULL or "1" if it has none */
  const char *long_name;
  const char *scales[6]; /* name of each dimension ("system", "time", "names") or NULL. A list of that name
                            and length, written before in the same group or one above, becomes the dimension's
                            scale; else the dimension is only labelled. An array [N] whose dimension has its
                            own name is a scale itself. */
  int32_t compress;      /* gzip level, 0: none */
  bool covered; /* calls to come write every element: the data set is not filled beforehand. Such a call that
                   writes them all at once needs not say so */
  bool again;   /* what this call writes was written before, in the same blocks, and is replaced */
} neurlp_array;

/* Errors in the calls below. What all ranks can see is returned on all of them (NEURLP_ERROR_ARGUMENT,
 * NEURLP_ERROR_IO); the caller then discards the file. Numbers that are not compressed every rank writes for
 * itself, and what fails then, on a full disk say, is NEURLP_ERROR_IO on all ranks. Where HDF5 writes what is
 * compressed, or its own structures, one rank may fail while the others wait for ever: that rank says so on
 * standard error, removes the temporary file and ends all ranks with exit status 1. */

/* Collective. Writes rows [first, first + count) of the first dimension; count may be 0. The first call for a
 * path makes the data set; further calls add rows to it. Rows that nobody writes hold the fill value. A row
 * is at most 2 GB; the memory needed besides `values` is that of one row, or 32 MB. */
NEURLP_MUST_USE neurlp_status neurlp_array_write_rows(neurlp_array_file *file, const neurlp_array *array,
                                                      int64_t first, int64_t count, const void *values);

/* Collective. Writes steps [first, first + count) of one row of an array [S][T][...]; count may be 0 (row 0
 * and first 0 then). Otherwise as neurlp_array_write_rows. */
NEURLP_MUST_USE neurlp_status neurlp_array_write_steps(neurlp_array_file *file, const neurlp_array *array,
                                                       int64_t row, int64_t first, int64_t count,
                                                       const void *values);

/* Rows of the first dimension that a chunk of the array has in the file. */
int64_t neurlp_array_chunk_rows(const neurlp_array *array);

/* Collective. Writes packed samples (see neurlp_samples) into an array [S][T][...]; what nobody writes is the
 * fill value. */
NEURLP_MUST_USE neurlp_status neurlp_array_write_samples(neurlp_array_file *file, const neurlp_array *array,
                                                         const neurlp_sample_range *range,
                                                         const int64_t *offsets, const void *values);

/* Collective. Writes a list of texts, or one, as UTF-8 strings padded with zeros to the longest (MPI-IO
 * cannot write variable-length strings); every rank passes as many, and rank 0's are written. In h5py:
 * file[path].asstr()[:]. */
NEURLP_MUST_USE neurlp_status neurlp_array_write_texts(neurlp_array_file *file, const char *path,
                                                       const char *long_name, int64_t count,
                                                       const char *const *texts);

/* Collective. Attributes of the object at `path` ("/" for the file), with rank 0's value; an older attribute
 * of that name is replaced. Texts are variable-length UTF-8. */
NEURLP_MUST_USE neurlp_status neurlp_array_attribute_text(neurlp_array_file *file, const char *path,
                                                          const char *name, const char *value);
NEURLP_MUST_USE neurlp_status neurlp_array_attribute_number(neurlp_array_file *file, const char *path,
                                                            const char *name, double value);
NEURLP_MUST_USE neurlp_status neurlp_array_attribute_integer(neurlp_array_file *file, const char *path,
                                                             const char *name, int64_t value);

/* Collective. Root attributes that say where a file comes from: schema and its version, program, version,
 * commit, build, command line, deck text (NULL: none), seed, ranks, GPUs, library versions, date with time
 * zone (rank 0's). */
NEURLP_MUST_USE neurlp_status neurlp_array_file_provenance(neurlp_array_file *file, const char *schema,
                                                           int32_t schema_version, const char *command_line,
                                                           const char *deck, int64_t seed);

#endif
