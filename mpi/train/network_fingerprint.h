/* What a checkpoint of a training has to know of what the deck does not say. */
#ifndef NEURLP_MPI_NETWORK_FINGERPRINT_H
#define NEURLP_MPI_NETWORK_FINGERPRINT_H

#include "train/network_study.h"

/* Collective. That of the data (study/fingerprint.h), and, where training begins with the model of a result
 * (train.model), a checksum of that. Before the training. Free *text with neurlp_release; a status that all
 * ranks share. */
NEURLP_MUST_USE neurlp_status neurlp_network_fingerprint(neurlp_network_study *study, char **text);

#endif
