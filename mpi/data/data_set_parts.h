/* What the files data_set*.c and csv.c share. */
#ifndef NEURLP_MPI_DATA_SET_PARTS_H
#define NEURLP_MPI_DATA_SET_PARTS_H

#include "data/data_set.h"

#include <hdf5.h>

/* ---- data_set_check.c: claims of an HDF5 file, checked before anything is allocated. Local ----------- */

/* A numeric data set that was found and can be read. */
typedef struct neurlp_numeric {
  bool present;
  int32_t rank;
  int64_t extents[6];
} neurlp_numeric;

/* Checks the data set at `path`: numbers, 1 to 6 dimensions, a size that can be counted and that the file
 * really holds, kept in this file. If it is missing: NEURLP_ERROR_DATA if it is `needed`, else present =
 * false. */
NEURLP_MUST_USE neurlp_status neurlp_numeric_check(neurlp_context *context, hid_t file, const char *file_name,
                                                   const char *path, bool needed, neurlp_numeric *numeric);

/* Opens an HDF5 file for this process alone: NEURLP_ERROR_DATA if it is missing, unreadable or not HDF5. */
NEURLP_MUST_USE neurlp_status neurlp_data_open_alone(neurlp_context *context, const char *path, hid_t *file);

/* Closes it (if it is open) and passes a status on. If that is good, the file must still be as long as it was
 * when it was opened: HDF5 reads zeros beyond the end of a file that was cut meanwhile. */
NEURLP_MUST_USE neurlp_status neurlp_data_close_alone(neurlp_context *context, const char *path, hid_t *file,
                                                      neurlp_status status);

/* Collective. Opens an HDF5 file on every rank, each for itself: what a rank reads is in one piece and its
 * own, so there is nothing to exchange; nobody waits inside MPI-IO for a rank whose node cannot read the
 * file; and a failure is one of all ranks. On it, *file of some ranks may be open. */
NEURLP_MUST_USE neurlp_status neurlp_data_open_together(MPI_Comm comm, neurlp_context *context,
                                                        const char *path, hid_t *file);

/* Longest name of a state or a parameter. */
enum { NEURLP_NAME_BYTES = 255 };

/* Reads `count` texts, of fixed or variable length: all that the data set has. None may be empty, longer than
 * longest_bytes, or have control characters in it. */
NEURLP_MUST_USE neurlp_status neurlp_texts_read(neurlp_context *context, hid_t file, const char *file_name,
                                                const char *path, int64_t count, size_t longest_bytes,
                                                char **texts);

/* Text attribute of the object at `path`; "" (allocated) if it is not there. */
NEURLP_MUST_USE neurlp_status neurlp_attribute_text_read(neurlp_context *context, hid_t file,
                                                         const char *path, const char *name, char **text);

/* Number attribute of the object at `path`; NEURLP_ERROR_DATA if it is there but is no single finite number.
 * *value is left as it is if the attribute is not there. */
NEURLP_MUST_USE neurlp_status neurlp_attribute_number_read(neurlp_context *context, hid_t file,
                                                           const char *file_name, const char *path,
                                                           const char *name, double *value);

/* ---- the source of an open data set ------------------------------------------------------------------ */

/* What rank 0 finds in a file and every rank needs to know; sent as bytes. */
typedef struct neurlp_data_layout {
  bool csv;
  bool ragged;             /* lengths differ */
  bool clean;              /* curves without noise are there and wanted */
  int64_t systems;         /* S */
  int64_t file_samples;    /* T of the file, before first, end, stride */
  int64_t samples;         /* T after them, of the longest system */
  int64_t first, stride;   /* sample i of the selection is sample first + i stride of the file */
  int32_t file_dimensions; /* D of the file */
  int32_t dimensions;      /* D chosen */
  int32_t file_inputs;     /* U of the file's `inputs`; 0: it has none */
  int32_t inputs;          /* U chosen */
  int32_t states_rank;     /* 2: [T][D], 3: [S][T][D] */
  int32_t time_rank;       /* 1: [T], 2: [S][T] */
  int32_t parameters;      /* P */
} neurlp_data_layout;

typedef struct neurlp_data_source {
  MPI_Comm comm;
  int rank;
  neurlp_context *context;
  char *path;
  neurlp_data_layout layout;
  int64_t *columns;       /* [D] columns of the chosen states in the file */
  int64_t *input_columns; /* [U] of the chosen inputs: among the file's states, or, counted on, its inputs */
  hid_t file;             /* HDF5: open on all ranks; else -1 */
  double *csv_time;       /* CSV: [T of the file] on all ranks */
  double *csv_states;     /* CSV: [T of the file][D of the file] */
} neurlp_data_source;

/* Rank 0 only: fill data->source->layout, names, lengths, columns, ... from the file. */
NEURLP_MUST_USE neurlp_status neurlp_data_describe_hdf5(neurlp_data_set *data,
                                                        const neurlp_data_request *request);
NEURLP_MUST_USE neurlp_status neurlp_data_describe_csv(neurlp_data_set *data,
                                                       const neurlp_data_request *request);

/* Finds the requested states and inputs among the file's names of states [D of the file] and inputs [U of the
 * file]; fills data->names, data->input_names and the columns. All states: those that are no inputs. */
NEURLP_MUST_USE neurlp_status neurlp_data_choose_columns(neurlp_data_set *data,
                                                         const neurlp_data_request *request,
                                                         char *const *file_names, char *const *file_inputs);

/* Applies first, end, stride of the request to the layout and, if there are any, to data->lengths. */
NEURLP_MUST_USE neurlp_status neurlp_data_choose_samples(neurlp_data_set *data,
                                                         const neurlp_data_request *request);

#endif
