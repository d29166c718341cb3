/* Typical sizes, so that what is trained is of order 1. */
#ifndef NEURLP_MPI_NETWORK_SCALES_H
#define NEURLP_MPI_NETWORK_SCALES_H

#include "train/network_study.h"

/* Writes study->term_size, the RMS of each term over the data, and study->weight_scale, the RMS of each
 * state's derivative of order kappa (by differences) over the term's. Where either is 0: 1. */
NEURLP_MUST_USE neurlp_status neurlp_network_scales(neurlp_network_study *study);

#endif
