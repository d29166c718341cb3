/* A device, behind a table of operations: an NVIDIA GPU through the CUDA runtime (device_cuda.c), or one that
 * is imitated on the CPU (device_host.c), on which everything but the GPU itself can be tested.
 *
 * Work is put into one of QUEUES queues. What is in one queue happens in order; queues do not wait for each
 * other. Every failure is a status with its message in the context. */
#ifndef NEURLP_CUDA_DEVICE_H
#define NEURLP_CUDA_DEVICE_H

#include "core/context.h"
#include "cuda/device/kernel.h"

enum { NEURLP_DEVICE_QUEUES = 2 };

/* Where memory is. */
typedef enum neurlp_place {
  NEURLP_PLACE_HOST,   /* the operating system may move it: copies go through pinned memory */
  NEURLP_PLACE_PINNED, /* of the host, and the device can reach it */
  NEURLP_PLACE_DEVICE
} neurlp_place;

/* c [rows][columns] = op(a) op(b), plus c if `add`; row-major. op(b) is b [inner][columns], or the transpose
 * of b [columns][inner] if `transposed`; rows of b are `b_stride` numbers apart. op(a) is a [rows][inner], or
 * the transpose of a [inner][rows] if `a_transposed`; rows of a and c are dense. */
typedef struct neurlp_product {
  bool single, a_transposed, transposed, add;
  int64_t rows, columns, inner, b_stride;
  const void *a, *b;
  void *c;
} neurlp_product;

typedef struct neurlp_device neurlp_device;

typedef struct neurlp_device_operations {
  /* Memory of the device, not initialised, aligned to 256 bytes; NEURLP_ERROR_MEMORY says how much was asked
   * for and how much is free. Releasing waits for all queues. */
  neurlp_status (*allocate)(neurlp_device *device, size_t bytes, void **memory);
  void (*release)(neurlp_device *device, void **memory);
  /* Pinned memory of the host. */
  neurlp_status (*allocate_pinned)(neurlp_device *device, size_t bytes, void **memory);
  void (*release_pinned)(neurlp_device *device, void **memory);
  neurlp_place (*place)(neurlp_device *device, const void *memory);
  size_t (*free_bytes)(neurlp_device *device);
  /* In a queue: copies between places (pinned or the device's), sets bytes, runs a kernel by at least so many
   * threads, whole blocks of them, with a copy of its arguments; multiplies. */
  neurlp_status (*copy)(neurlp_device *device, int32_t queue, void *to, const void *from, size_t bytes);
  neurlp_status (*set)(neurlp_device *device, int32_t queue, void *memory, int value, size_t bytes);
  neurlp_status (*launch)(neurlp_device *device, int32_t queue, const neurlp_cuda_kernel *kernel,
                          int64_t threads, const void *arguments, size_t bytes);
  neurlp_status (*multiply)(neurlp_device *device, int32_t queue, const neurlp_product *product);
  /* Code that was compiled for the device's architecture: a kernel in it, by its name. *library is to be
   * unloaded when no queue uses it any longer. NULL where the device has no architecture. */
  neurlp_status (*load)(neurlp_device *device, const void *code, const char *name, void **library,
                        const void **kernel);
  void (*unload)(neurlp_device *device, void **library);
  /* Until everything in the queue is done; failures of it come out here. */
  neurlp_status (*wait)(neurlp_device *device, int32_t queue);
  /* Records: from `record` to `end_record` what is put into the queue is not done, but becomes a recording;
   * NULL for `recording`: what was recorded is forgotten. Meanwhile no memory is allocated or released, and
   * nobody waits. `replay` puts what was recorded into the queue, the same pointers and arguments, as often
   * as is wanted. What a kernel does for the first time ever should not be recorded: code may have to be
   * loaded.
   */
  neurlp_status (*record)(neurlp_device *device, int32_t queue);
  neurlp_status (*end_record)(neurlp_device *device, int32_t queue, void **recording);
  neurlp_status (*replay)(neurlp_device *device, int32_t queue, void *recording);
  void (*forget)(neurlp_device *device, void **recording);
} neurlp_device_operations;

/* Pinned rooms of the host, one for each queue, that all share who need them only while a call runs
 * (rooms.h). */
typedef struct neurlp_device_rooms {
  void *room[NEURLP_DEVICE_QUEUES];
  size_t bytes[NEURLP_DEVICE_QUEUES];
  int32_t users;
} neurlp_device_rooms;

/* What was asked of a device: work that was put into a queue piece by piece, and not recorded; recordings
 * that were made, and those that were replayed, each one piece; waits. */
typedef struct neurlp_device_counts {
  int64_t started, recorded, replayed, waited;
} neurlp_device_counts;

struct neurlp_device {
  const neurlp_device_operations *operations;
  neurlp_context *context;
  neurlp_device_rooms rooms;
  neurlp_device_counts counts;
  char name[192];       /* for messages and the log */
  int32_t architecture; /* 90 for sm_90; 0: code that is compiled at run time cannot be loaded */
  int64_t threads;      /* that it runs at one time, of a kernel with many registers */
};

/* The GPU of this context, opened when it is first asked for: the one that neurlp_context_set_device names,
 * or 0. NEURLP_ERROR_ARGUMENT where there is none, with the reason. It is closed with the context. */
neurlp_status neurlp_device_of_cuda(neurlp_context *context, neurlp_device **device);

/* GPUs that this process sees. Where there are none, `reason` is one sentence why. */
int32_t neurlp_device_count(char *reason, size_t reason_bytes);

/* An imitated device, in the same way. Its memory is that of the host, of at most NEURLP_IMITATED_BYTES
 * (environment), filled with NaN when it is allocated; copies check that they stay within what was. */
neurlp_status neurlp_device_of_host(neurlp_context *context, neurlp_device **device);

#endif
