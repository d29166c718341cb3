/* How a deck wants its networks trained. */
#ifndef NEURLP_MPI_NETWORK_OPTIONS_H
#define NEURLP_MPI_NETWORK_OPTIONS_H

#include "train/network_study.h"

/* Reads the section `train`. Fails with NEURLP_ERROR_DECK or NEURLP_ERROR_ARGUMENT. */
NEURLP_MUST_USE neurlp_status neurlp_network_options(const neurlp_network_study *study,
                                                     neurlp_training_options *options);

#endif
