/* A model that was trained before, taken from the result of that training (key train.model). */
#ifndef NEURLP_MPI_NETWORK_LOAD_H
#define NEURLP_MPI_NETWORK_LOAD_H

#include "train/network_study.h"

/* Local; every process opens the file alone. Both do nothing where the deck names no model. They fail with
 * NEURLP_ERROR_DATA (no result of a training, another library, a name or a shape that the deck's networks do
 * not have, numbers that cannot be: the message names file, array and remedy) or NEURLP_ERROR_MEMORY. */

/* Before the graph is built: what the training took for centers, spreads and typical sizes of weights takes
 * the place of those of the data at hand, and terms that it dropped are dropped. */
NEURLP_MUST_USE neurlp_status neurlp_network_load_scales(neurlp_network_study *study);

/* Once the graph is finished: checks names and shapes of all parameters and, if `write`, puts them in. */
NEURLP_MUST_USE neurlp_status neurlp_network_load_parameters(neurlp_network_study *study, bool write);

#endif
