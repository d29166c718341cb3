/* Generated trajectories as a data set file (docs/formats.md). */
#ifndef NEURLP_MPI_GENERATE_WRITE_H
#define NEURLP_MPI_GENERATE_WRITE_H

#include "data/generate.h"
#include "job.h"

/* What one rank holds of the data set. All borrowed. */
typedef struct neurlp_generated_part {
  const neurlp_generated *generated;
  const neurlp_samples *samples;
  const double *parameters; /* [systems in the range][P] */
  int32_t compress;         /* gzip level, 0: none */
} neurlp_generated_part;

/* Collective. Writes the whole data set, complete or not at all. Fails with NEURLP_ERROR_IO or
 * NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_generated_write(MPI_Comm comm, const neurlp_job *job, const char *path,
                                                     const neurlp_generated_part *part);

/* Collective. Makes the whole data set and writes it piece by piece (neurlp_array_file_stream), going on with
 * what an earlier run has left: memory is that of a piece, `output.piece` systems or what 192 MB hold on each
 * rank. *failed: systems that ran to infinity or could not be integrated, on all ranks. NEURLP_STOPPED
 * between two pieces as neurlp_stop_between says. */
NEURLP_MUST_USE neurlp_status neurlp_generated_stream(MPI_Comm comm, const neurlp_job *job, const char *path,
                                                      neurlp_generated *generated, int64_t *failed);

#endif
