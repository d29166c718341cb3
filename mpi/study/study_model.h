/* The model that a deck's sections `dynamics` and `discover` describe. */
#ifndef NEURLP_MPI_STUDY_MODEL_H
#define NEURLP_MPI_STUDY_MODEL_H

#include "study/study.h"

/* Makes study->model. Local; the same on every rank. What the deck says wrong is NEURLP_ERROR_DECK with its
 * line. */
NEURLP_MUST_USE neurlp_status neurlp_study_make_model(neurlp_study *study);

#endif
