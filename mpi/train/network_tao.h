/* train.optimizer: tao. */
#ifndef NEURLP_MPI_NETWORK_TAO_H
#define NEURLP_MPI_NETWORK_TAO_H

#include "train/network_study.h"

/* Collective. If the deck says so, has PETSc's TAO minimise: options->minimiser. NEURLP_ERROR_DECK where
 * there is no PETSc. */
NEURLP_MUST_USE neurlp_status neurlp_network_use_tao(const neurlp_network_study *study,
                                                     neurlp_training_options *options);

#endif
