/* Pinned rooms of a device that many share: a solver needs one only while a call runs, and calls of a context
 * come one after the other. So there is one for each queue, as large as the largest that was asked for,
 * however many solvers there are; pinned memory is dear, and slow to get. */
#ifndef NEURLP_CUDA_ROOMS_H
#define NEURLP_CUDA_ROOMS_H

#include "cuda/device/device.h"

/* From now on rooms of the first `queues` queues have at least so many bytes: device->rooms.room[queue],
 * which may move when somebody else joins, and holds nothing from one call to the next. Everybody that has
 * joined leaves once; with the last one the rooms go. On failure (NEURLP_ERROR_MEMORY) one has not joined. */
NEURLP_MUST_USE neurlp_status neurlp_rooms_join(neurlp_device *device, int32_t queues, size_t bytes);
void neurlp_rooms_leave(neurlp_device *device);

#endif
