/* HDF5 files of global arrays, written and read collectively: every rank its own part. The guards against
 * what MPI-IO does on a full disk are here and nowhere else (docs/formats.md, "Writing safely"). */
#ifndef NEURLP_MPI_ARRAY_FILE_H
#define NEURLP_MPI_ARRAY_FILE_H

#include "core/context.h"
#include "data_set.h"

#include <hdf5.h>
#include <mpi.h>

typedef struct neurlp_array_file neurlp_array_file;

/* Collective. Creates a file under a temporary name in the folder of `path`; neurlp_array_file_commit gives
 * it its name. expected_bytes (0: unknown) are checked against the free space of the file system beforehand.
 */
NEURLP_MUST_USE neurlp_status neurlp_array_file_create(MPI_Comm comm, neurlp_context *context,
                                                       const char *path, int64_t expected_bytes,
                                                       neurlp_array_file **file);

/* Collective. Flushes, closes, reads back and checks, syncs, renames; the file and its folder are on disk
 * afterwards. Destroys the handle. On any failure the temporary file is removed and an older file of that
 * name is untouched. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_commit(neurlp_array_file **file);

/* Collective. Gives up: removes the temporary file. Safe on NULL. */
void neurlp_array_file_discard(neurlp_array_file **file);

/* The HDF5 handle, for what is not wrapped here. */
hid_t neurlp_array_file_id(const neurlp_array_file *file);

/* Description of one data set: path "solution/states" (groups are made as needed), global extents, chunking.
 */
typedef struct neurlp_array {
  const char *path;
  hid_t type;   /* H5T_NATIVE_DOUBLE, H5T_NATIVE_INT32, ... in memory and, as little-endian, in the file */
  int32_t rank; /* number of dimensions, 1 to 6 */
  int64_t extents[6];
  const char *units; /* "1" if it has none */
  const char *long_name;
  const char
      *scales[6];   /* name of each dimension: "system", "sample", "state"; a data set of that path that is a
                       dimension scale is attached if it exists, else the dimension is just labelled */
  int32_t compress; /* gzip level, 0: none */
} neurlp_array;

/* Collective. Writes rows [first, first + count) of the first dimension; count may be 0. */
NEURLP_MUST_USE neurlp_status neurlp_array_write_rows(neurlp_array_file *file, const neurlp_array *array,
                                                      int64_t first, int64_t count, const void *values);

/* Collective. Writes packed samples (see neurlp_samples) into an array [S][T][...]; what nobody writes is
 * NaN. */
NEURLP_MUST_USE neurlp_status neurlp_array_write_samples(neurlp_array_file *file, const neurlp_array *array,
                                                         const neurlp_sample_range *range,
                                                         const int64_t *offsets, const void *values);

/* Collective. Writes a list of texts, or one, as variable-length UTF-8 strings; every rank passes the same.
 */
NEURLP_MUST_USE neurlp_status neurlp_array_write_texts(neurlp_array_file *file, const char *path,
                                                       const char *long_name, int64_t count,
                                                       const char *const *texts);

/* Collective; every rank passes the same. Attributes of the object at `path` ("/" for the file). */
NEURLP_MUST_USE neurlp_status neurlp_array_attribute_text(neurlp_array_file *file, const char *path,
                                                          const char *name, const char *value);
NEURLP_MUST_USE neurlp_status neurlp_array_attribute_number(neurlp_array_file *file, const char *path,
                                                            const char *name, double value);
NEURLP_MUST_USE neurlp_status neurlp_array_attribute_integer(neurlp_array_file *file, const char *path,
                                                             const char *name, int64_t value);

/* Collective. Root attributes that say where a file comes from: schema and its version, program, version,
 * commit, command line, deck text (NULL: none), seed, ranks, library versions, date with time zone. */
NEURLP_MUST_USE neurlp_status neurlp_array_file_provenance(neurlp_array_file *file, const char *schema,
                                                           int32_t schema_version, const char *command_line,
                                                           const char *deck, int64_t seed);

#endif
