/* Arrays of any length between the host and a device, by way of a pinned room; at once, in queue 0. */
#ifndef NEURLP_CUDA_TRANSFER_H
#define NEURLP_CUDA_TRANSFER_H

#include "cuda/device/device.h"

typedef struct cuda_transfer {
  neurlp_device *device;
  void *room; /* pinned */
  size_t room_bytes;
} cuda_transfer;

/* From memory that is anywhere to the device's; and from the device's to that of the host. When they return
 * the array is where it is to be, and everything that was in queue 0 is done. */
neurlp_status neurlp_transfer_in(const cuda_transfer *transfer, void *to, const void *from, size_t bytes);
neurlp_status neurlp_transfer_out(const cuda_transfer *transfer, void *to, const void *from, size_t bytes);

#endif
