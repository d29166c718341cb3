/* Trajectories from a file: HDF5 data sets (docs/formats.md) or CSV. Each rank reads only its own part. */
#ifndef NEURLP_MPI_DATA_SET_H
#define NEURLP_MPI_DATA_SET_H

#include "core/context.h"

#include <mpi.h>

/* What to read. Texts are borrowed. */
typedef struct neurlp_data_request {
  const char *path;
  const char *time;    /* CSV: name of the time column; NULL: the first column */
  int32_t state_count; /* states to take, by name, in this order; 0: all */
  const char *const *states;
  int32_t input_count; /* inputs to take, by name: of `inputs`, or of the states, or columns of CSV */
  const char *const *inputs;
  bool clean;                 /* also the curves without noise, where the file has them */
  int64_t first, end, stride; /* samples first, first + stride, ... before end (end < 0: all); 0, -1, 1 */
} neurlp_data_request;

/* An open data set: what every rank knows of it. */
typedef struct neurlp_data_set {
  int64_t systems;        /* S */
  int64_t samples;        /* T after first, end, stride: of the longest system */
  int32_t dimensions;     /* D: the chosen states */
  char **names;           /* [D] */
  int32_t inputs;         /* U: the chosen inputs */
  char **input_names;     /* [U] */
  int64_t *lengths;       /* [S] samples of each system, after first, end, stride; NULL: all have T */
  int32_t parameters;     /* P true parameters that a generated data set carries; 0 if none */
  char **parameter_names; /* [P] */
  char *time_units;       /* "" if unknown */
  bool clean;             /* asked for, and there */
  struct neurlp_data_source *source;
} neurlp_data_set;

/* A contiguous run of samples in the order (system, sample): from sample first_sample of system first_system
 * up to, but not including, sample end_sample of system end_system - 1 (its last system). An empty range has
 * first_system = end_system. */
typedef struct neurlp_sample_range {
  int64_t first_system, end_system;
  int64_t first_sample, end_sample;
} neurlp_sample_range;

/* Samples of a range, packed: system first_system + i has samples offsets[i] to offsets[i+1]. */
typedef struct neurlp_samples {
  neurlp_sample_range range;
  int64_t *offsets; /* [systems in range + 1] */
  double *times;    /* [N] */
  double *states;   /* [N][D], NaN where missing */
  double *inputs;   /* [N][U], none missing; NULL: not asked for */
  double *clean;    /* [N][D] without noise and gaps; NULL: not asked for, or not known */
} neurlp_samples;

/* Collective. Opens and checks the file: sizes that disagree, unknown states, times that do not increase or
 * are not finite, and so on are NEURLP_ERROR_DATA with what, where and the remedy, on every rank. */
NEURLP_MUST_USE neurlp_status neurlp_data_open(MPI_Comm comm, neurlp_context *context,
                                               const neurlp_data_request *request, neurlp_data_set **data);

/* Collective. Reads this rank's range (it may be empty). Times that do not increase within a system, and
 * inputs that are missing, are NEURLP_ERROR_DATA, naming system and sample. */
NEURLP_MUST_USE neurlp_status neurlp_data_read(neurlp_data_set *data, const neurlp_sample_range *range,
                                               neurlp_samples *samples);

/* Collective. True parameters [systems in range][P] of a generated data set. */
NEURLP_MUST_USE neurlp_status neurlp_data_read_parameters(neurlp_data_set *data,
                                                          const neurlp_sample_range *range,
                                                          double *parameters);

void neurlp_samples_release(neurlp_context *context, neurlp_samples *samples);

/* Collective. */
void neurlp_data_close(neurlp_data_set **data);

#endif
