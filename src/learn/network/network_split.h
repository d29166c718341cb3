/* Which windows are for validation. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_SPLIT_H
#define NEURLP_LEARN_NETWORK_NETWORK_SPLIT_H

#include "learn/network/network_windows.h"

/* Lists all windows, those for training first: of trajectories drawn with the seed, whole, so that no sample
 * is in both parts; of one trajectory, windows are drawn, which may overlap others. fraction    of the
 * trajectories that have windows, or of the windows; 0 to below 1; 0: none, else at least one order
 * [windows->count], written *validation how many of them, the last ones Fails with NEURLP_ERROR_DATA where
 * nothing would be left to train with, or NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_windows_split(const neurlp_windows *windows, double fraction,
                                                   uint64_t seed, int64_t *order, int64_t *validation);

#endif
