#include "cuda/device/transfer.h"

#include <string.h>

neurlp_status neurlp_transfer_in(const cuda_transfer *t, void *to, const void *from, size_t bytes) {
  const neurlp_device_operations *device = t->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  if (bytes == 0) return status;
  const bool host = device->place(t->device, from) == NEURLP_PLACE_HOST;
  for (size_t done = 0, some; done < bytes; done += some) {
    const void *part = (const unsigned char *)from + done;
    some = bytes - done < t->room_bytes ? bytes - done : t->room_bytes;
    if (host) part = memcpy(t->room, part, some);
    NEURLP_TRY(device->copy(t->device, 0, (unsigned char *)to + done, part, some));
    NEURLP_TRY(device->wait(t->device, 0));
  }
done:
  return status;
}

neurlp_status neurlp_transfer_out(const cuda_transfer *t, void *to, const void *from, size_t bytes) {
  const neurlp_device_operations *device = t->device->operations;
  neurlp_status status = NEURLP_SUCCESS;
  for (size_t done = 0, some; done < bytes; done += some) {
    some = bytes - done < t->room_bytes ? bytes - done : t->room_bytes;
    NEURLP_TRY(device->copy(t->device, 0, t->room, (const unsigned char *)from + done, some));
    NEURLP_TRY(device->wait(t->device, 0));
    memcpy((unsigned char *)to + done, t->room, some);
  }
done:
  return status;
}
