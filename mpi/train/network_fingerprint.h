/* What a checkpoint of a training, and a result that is not done, have to know of what the deck does not say.
 */
#ifndef NEURLP_MPI_NETWORK_FINGERPRINT_H
#define NEURLP_MPI_NETWORK_FINGERPRINT_H

#include "train/network_study.h"

/* Collective. That of the data (study/fingerprint.h), and, where training begins with the model of a result
 * (train.model), a checksum of that. Before the training. Free *text with neurlp_release; a status that all
 * ranks share. */
NEURLP_MUST_USE neurlp_status neurlp_network_fingerprint(neurlp_network_study *study, char **text);

/* Collective. One line that says what a result is computed from: deck, data, program, and a checksum of the
 * model as it is now. The same for any number of ranks. Free *text with neurlp_release; a status that all
 * ranks share. */
NEURLP_MUST_USE neurlp_status neurlp_network_identity(neurlp_network_study *study, char **text);

#endif
