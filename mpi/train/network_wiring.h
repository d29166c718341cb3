/* Where the inputs of blocks come from, as a deck says: read, and checked against the data. */
#ifndef NEURLP_MPI_NETWORK_WIRING_H
#define NEURLP_MPI_NETWORK_WIRING_H

#include "train/network_study.h"

/* Writes study->wiring, the sources as the deck has them, with what it leaves to the data: the step and the
 * window. */
NEURLP_MUST_USE neurlp_status neurlp_network_read_wiring(neurlp_network_study *study);

/* What the deck alone could not tell: numbers that have to fit the block's order, the states and the windows.
 * Fails with NEURLP_ERROR_DECK. */
NEURLP_MUST_USE neurlp_status neurlp_network_check_wiring(const neurlp_network_study *study);

/* The highest derivative that has a coefficient from the beginning; the block's order where networks choose.
 */
int32_t neurlp_network_leading_derivative(const neurlp_network_study *study);

#endif
