/* Files that a run writes beside its result, and those that it must not write over. */
#ifndef NEURLP_MPI_STUDY_OUTPUT_H
#define NEURLP_MPI_STUDY_OUTPUT_H

#include "study/study.h"

/* The result must not take the place of the data that it comes from: NEURLP_ERROR_DECK. Not collective. */
NEURLP_MUST_USE neurlp_status neurlp_study_spare_data(const neurlp_study *study, const char *path);

/* Collective. Writes the data that were generated for this run, where the deck wants to keep them. */
NEURLP_MUST_USE neurlp_status neurlp_study_keep_generated(const neurlp_study *study);

#endif
