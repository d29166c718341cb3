/* How far the solution of a fit is from what generated data were before noise and gaps. */
#ifndef NEURLP_MPI_CLEAN_H
#define NEURLP_MPI_CLEAN_H

#include "file/array_file.h"
#include "study/estimates.h"

/* Collective. Writes metrics/clean_r2 [S], of the systems of the study's piece: the coefficient of
 * determination of each one's solution,
 *   1 - (sum of |solution - clean|^2) / (sum of |clean - mean|^2),
 * both over its samples and states, the mean that of each state. Samples that no window has, or whose window
 * failed, do not count; NaN where none is left, or where nothing changes in time. The same for any number of
 * ranks, to the last bit. Does nothing where clean trajectories are not known: data of a file, or
 * data.generate.keep_clean off and noise or gaps in them. */
NEURLP_MUST_USE neurlp_status neurlp_study_clean_write(const neurlp_study *study,
                                                       const neurlp_estimates *estimates,
                                                       neurlp_array_file *file, int32_t compress);

#endif
