/* Vectors in a device's memory (learn/vectors.h): the operations are the device's own. */
#include "learn/vectors.h"

#include "cuda/device/device.h"
#include "cuda/learn/vector_kernels.h"

_Static_assert((int)NEURLP_VECTORS_QUEUES == (int)NEURLP_DEVICE_QUEUES, "queues of vectors are the device's");

static neurlp_status allocate_cuda(void *user, size_t bytes, void **memory) {
  neurlp_device *device = user;
  return device->operations->allocate(device, bytes, memory);
}

static void release_cuda(void *user, void **memory) {
  neurlp_device *device = user;
  device->operations->release(device, memory);
}

static neurlp_status allocate_staging_cuda(void *user, size_t bytes, void **memory) {
  neurlp_device *device = user;
  return device->operations->allocate_pinned(device, bytes, memory);
}

static void release_staging_cuda(void *user, void **memory) {
  neurlp_device *device = user;
  device->operations->release_pinned(device, memory);
}

static neurlp_status copy_cuda(void *user, int32_t queue, void *to, const void *from, size_t bytes) {
  neurlp_device *device = user;
  return device->operations->copy(device, queue, to, from, bytes);
}

static neurlp_status clear_cuda(void *user, int32_t queue, void *to, size_t bytes) {
  neurlp_device *device = user;
  return device->operations->set(device, queue, to, 0, bytes);
}

static neurlp_status add_cuda(void *user, int32_t queue, bool single, int64_t count, void *to,
                              const void *left, const void *right) {
  neurlp_device *device = user;
  const neurlp_cuda_vectors arguments = {.to = to, .left = left, .right = right, .count = count};
  if (count == 0) return NEURLP_SUCCESS;
  return device->operations->launch(device, queue, neurlp_cuda_vector_kernel(single),
                                    count < device->threads ? count : device->threads, &arguments,
                                    sizeof arguments);
}

static neurlp_status wait_cuda(void *user, int32_t queue) {
  neurlp_device *device = user;
  return device->operations->wait(device, queue);
}

static neurlp_vectors vectors_on(neurlp_device *device, neurlp_vectors_place place) {
  return (neurlp_vectors){.place = place,
                          .allocate = allocate_cuda,
                          .release = release_cuda,
                          .allocate_staging = allocate_staging_cuda,
                          .release_staging = release_staging_cuda,
                          .copy = copy_cuda,
                          .clear = clear_cuda,
                          .add = add_cuda,
                          .wait = wait_cuda,
                          .user = device};
}

neurlp_status neurlp_vectors_cuda(neurlp_context *context, neurlp_vectors *vectors) {
  neurlp_device *device = NULL;
  const neurlp_status status = neurlp_device_of_cuda(context, &device);
  if (status >= 0) *vectors = vectors_on(device, NEURLP_VECTORS_DEVICE);
  return status;
}

neurlp_status neurlp_vectors_cuda_check(neurlp_context *context, neurlp_vectors *vectors) {
  neurlp_device *device = NULL;
  const neurlp_status status = neurlp_device_of_host(context, &device);
  if (status >= 0) *vectors = vectors_on(device, NEURLP_VECTORS_IMITATED);
  return status;
}
