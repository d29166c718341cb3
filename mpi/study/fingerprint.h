/* What a checkpoint has to know of the data, which the deck does not say. */
#ifndef NEURLP_MPI_FINGERPRINT_H
#define NEURLP_MPI_FINGERPRINT_H

#include "study/study.h"

/* Collective. One line: how many systems, samples and states, the states' names, and a checksum of the
 * samples that were read and their times, the same for any number of ranks. Data that the deck alone
 * generates have no checksum: their last digits may differ from one kind of processor to another. Samples
 * that others repeat (neurlp_study.repeats) are left out. Where systems are fitted piece by piece all pieces
 * are read one after the other, and none is in hand afterwards. Free *text with neurlp_release; a status that
 * all ranks share. */
NEURLP_MUST_USE neurlp_status neurlp_study_fingerprint(neurlp_study *study, char **text);

#endif
