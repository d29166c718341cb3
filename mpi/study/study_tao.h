/* learn.optimizer: tao. */
#ifndef NEURLP_MPI_STUDY_TAO_H
#define NEURLP_MPI_STUDY_TAO_H

#include "study/study.h"

/* Collective. If the deck says so, has PETSc's TAO solve the outer problem of fits: options->outer.
 * NEURLP_ERROR_DECK where there is no PETSc, and where systems have parameters of their own. */
NEURLP_MUST_USE neurlp_status neurlp_study_use_tao(neurlp_study *study, neurlp_fit_options *options);

#endif
