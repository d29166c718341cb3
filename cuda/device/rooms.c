#include "cuda/device/rooms.h"

/* The old room goes when there is a larger one. */
static neurlp_status grow(neurlp_device *device, int32_t queue, size_t bytes) {
  neurlp_device_rooms *rooms = &device->rooms;
  void *larger = NULL;
  if (rooms->room[queue] && rooms->bytes[queue] >= bytes) return NEURLP_SUCCESS;
  const neurlp_status status = device->operations->allocate_pinned(device, bytes, &larger);
  if (status < 0) return status;
  device->operations->release_pinned(device, &rooms->room[queue]);
  rooms->room[queue] = larger;
  rooms->bytes[queue] = bytes;
  return status;
}

neurlp_status neurlp_rooms_join(neurlp_device *device, int32_t queues, size_t bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  device->rooms.users++;
  for (int32_t queue = 0; queue < queues; queue++) NEURLP_TRY(grow(device, queue, bytes));
done:
  if (status < 0) neurlp_rooms_leave(device);
  return status;
}

void neurlp_rooms_leave(neurlp_device *device) {
  neurlp_device_rooms *rooms = &device->rooms;
  if (--rooms->users > 0) return;
  for (int32_t queue = 0; queue < NEURLP_DEVICE_QUEUES; queue++) {
    device->operations->release_pinned(device, &rooms->room[queue]);
    rooms->bytes[queue] = 0;
  }
}
