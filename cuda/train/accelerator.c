/* What trains a network on the device on which its graph is: train/accelerator.h. In queue 0, as graphs. */
#include "train/accelerator.h"

#include "cuda/device/transfer.h"
#include "cuda/train/update_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Threads of kernels that walk over vectors, in terms of those that a device runs of heavier ones. */
enum { LIGHT = 8, ROOM_BYTES = 1 << 20 };

typedef struct cuda_accelerator {
  neurlp_accelerator table;
  neurlp_context *context;
  cuda_transfer transfer; /* with a pinned room */
  double *norms;          /* on the device: parts and folds of both kinds, the norm, failed samples */
} cuda_accelerator;

static const neurlp_device_operations *operations_of(const cuda_accelerator *m) {
  return m->transfer.device->operations;
}

static neurlp_status allocate(void *object, size_t bytes, void **memory) {
  const cuda_accelerator *m = object;
  return operations_of(m)->allocate(m->transfer.device, bytes, memory);
}

static void release(void *object, void **memory) {
  const cuda_accelerator *m = object;
  operations_of(m)->release(m->transfer.device, memory);
}

static neurlp_status upload(void *object, void *to, const void *from, size_t bytes) {
  return neurlp_transfer_in(&((cuda_accelerator *)object)->transfer, to, from, bytes);
}

static neurlp_status download(void *object, void *to, const void *from, size_t bytes) {
  return neurlp_transfer_out(&((cuda_accelerator *)object)->transfer, to, from, bytes);
}

static neurlp_status clear(void *object, void *memory, size_t bytes) {
  const cuda_accelerator *m = object;
  return operations_of(m)->set(m->transfer.device, 0, memory, 0, bytes);
}

static neurlp_status start(const cuda_accelerator *m, const neurlp_cuda_kernel *kernel, int64_t tasks,
                           const void *arguments, size_t bytes) {
  neurlp_device *device = m->transfer.device;
  const int64_t most = LIGHT * device->threads;
  if (tasks == 0) return NEURLP_SUCCESS;
  return device->operations->launch(device, 0, kernel, tasks < most ? tasks : most, arguments, bytes);
}

/* So many groups at one time as the arguments of a kernel have room for. */
static neurlp_status update(void *object, neurlp_update_kind kind, neurlp_precision precision, int32_t count,
                            const neurlp_update_call *calls) {
  const neurlp_cuda_update_kernels *kernels = neurlp_cuda_update_kernels_of(precision == NEURLP_SINGLE);
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t first = 0; first < count; first += NEURLP_CUDA_UPDATES) {
    neurlp_cuda_updates work = {.count = count - first};
    if (work.count > NEURLP_CUDA_UPDATES) work.count = NEURLP_CUDA_UPDATES;
    for (int32_t i = 0; i < work.count; i++) {
      work.calls[i] = calls[first + i];
      work.numbers += work.calls[i].count;
    }
    NEURLP_TRY(start(object, kind == NEURLP_UPDATE_SGD ? &kernels->sgd : &kernels->adam, work.numbers, &work,
                     sizeof work));
  }
done:
  return status;
}

static neurlp_status mask_out(void *object, neurlp_precision precision, int64_t count, const uint8_t *mask,
                              void *a) {
  const neurlp_cuda_mask work = {.count = count, .mask = mask, .a = a};
  return start(object, &neurlp_cuda_update_kernels_of(precision == NEURLP_SINGLE)->mask, count, &work,
               sizeof work);
}

static neurlp_status clip(void *object, neurlp_precision precision, int64_t count, double most,
                          void *gradient, double *norm) {
  const cuda_accelerator *m = object;
  const neurlp_cuda_update_kernels *kernels = neurlp_cuda_update_kernels_of(precision == NEURLP_SINGLE);
  neurlp_cuda_norm work = {.count = count, .a = gradient, .most = most, .parts = m->norms};
  neurlp_status status = NEURLP_SUCCESS;
  if (!(most > 0))
    return neurlp_fail(m->context, NEURLP_ERROR_ARGUMENT, "gradients are clipped to more than 0; got %g",
                       most);
  work.largest = work.parts + NEURLP_CUDA_NORM_PARTS;
  work.square = work.largest + NEURLP_CUDA_NORM_FOLDS;
  work.norm = work.square + NEURLP_CUDA_NORM_FOLDS;
  NEURLP_TRY(start(m, &kernels->largest_parts, NEURLP_CUDA_NORM_PARTS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->largest_folds, NEURLP_CUDA_NORM_FOLDS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->square_parts, NEURLP_CUDA_NORM_PARTS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->square_folds, NEURLP_CUDA_NORM_FOLDS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->clip, count > 0 ? count : 1, &work, sizeof work));
  if (!norm) return status;
  NEURLP_TRY(download(object, norm, work.norm, sizeof *norm));
  if (!isfinite(*norm))
    status = neurlp_fail(m->context, NEURLP_NOT_FINITE, "the gradient's norm is %g, which cannot be clipped",
                         *norm);
done:
  return status;
}

static neurlp_status descend(void *object, neurlp_update_kind kind, neurlp_precision precision,
                             const neurlp_descent_call *call) {
  const cuda_accelerator *m = object;
  const neurlp_cuda_update_kernels *kernels = neurlp_cuda_update_kernels_of(precision == NEURLP_SINGLE);
  neurlp_cuda_descent work = {.call = *call, .parts = m->norms};
  neurlp_status status = NEURLP_SUCCESS;
  work.failed_parts = work.parts + NEURLP_CUDA_NORM_PARTS;
  work.largest = work.failed_parts + NEURLP_CUDA_NORM_PARTS;
  work.square = work.largest + NEURLP_CUDA_NORM_FOLDS;
  work.failed = work.square + NEURLP_CUDA_NORM_FOLDS;
  NEURLP_TRY(start(m, &kernels->fix_parts, NEURLP_CUDA_NORM_PARTS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->fix_folds, NEURLP_CUDA_NORM_FOLDS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->descend_parts, NEURLP_CUDA_NORM_PARTS, &work, sizeof work));
  NEURLP_TRY(start(m, &kernels->descend_folds, NEURLP_CUDA_NORM_FOLDS, &work, sizeof work));
  status = start(m, kind == NEURLP_UPDATE_SGD ? &kernels->descend_sgd : &kernels->descend_adam,
                 call->count > 0 ? call->count : 1, &work, sizeof work);
done:
  return status;
}

static neurlp_status allocate_shared(void *object, size_t bytes, void **memory) {
  const cuda_accelerator *m = object;
  return operations_of(m)->allocate_pinned(m->transfer.device, bytes, memory);
}

static void release_shared(void *object, void **memory) {
  const cuda_accelerator *m = object;
  operations_of(m)->release_pinned(m->transfer.device, memory);
}

static neurlp_status copy(void *object, void *to, const void *from, size_t bytes) {
  const cuda_accelerator *m = object;
  return operations_of(m)->copy(m->transfer.device, 0, to, from, bytes);
}

static neurlp_status wait_for_all(void *object) {
  const cuda_accelerator *m = object;
  return operations_of(m)->wait(m->transfer.device, 0);
}

static neurlp_status record(void *object) {
  const cuda_accelerator *m = object;
  return operations_of(m)->record(m->transfer.device, 0);
}

static neurlp_status end_record(void *object, void **recording) {
  const cuda_accelerator *m = object;
  return operations_of(m)->end_record(m->transfer.device, 0, recording);
}

static neurlp_status replay(void *object, void *recording) {
  const cuda_accelerator *m = object;
  return operations_of(m)->replay(m->transfer.device, 0, recording);
}

static void forget(void *object, void **recording) {
  const cuda_accelerator *m = object;
  if (*recording) operations_of(m)->forget(m->transfer.device, recording);
}

static void close_accelerator(void *object) {
  cuda_accelerator *m = object;
  neurlp_context *context = m->context;
  void *norms = m->norms;
  operations_of(m)->release_pinned(m->transfer.device, &m->transfer.room);
  operations_of(m)->release(m->transfer.device, &norms);
  neurlp_release(context, &m);
}

static neurlp_status open_accelerator(neurlp_context *context, bool imitated, cuda_accelerator **opened) {
  const size_t norms = (2 * NEURLP_CUDA_NORM_PARTS + 3 * NEURLP_CUDA_NORM_FOLDS + 1) * sizeof(double);
  const char *wanted = getenv("NEURLP_REPLAY");
  cuda_accelerator *m = NULL;
  neurlp_device *device = NULL;
  void *memory = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(imitated ? neurlp_device_of_host(context, &device) : neurlp_device_of_cuda(context, &device));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *m, &m));
  *m = (cuda_accelerator){.table = {.object = m,
                                    .allocate = allocate,
                                    .release = release,
                                    .upload = upload,
                                    .download = download,
                                    .clear = clear,
                                    .update = update,
                                    .mask = mask_out,
                                    .clip = clip,
                                    .descend = descend,
                                    .allocate_shared = allocate_shared,
                                    .release_shared = release_shared,
                                    .copy = copy,
                                    .wait = wait_for_all,
                                    .records = !wanted || strcmp(wanted, "off") != 0,
                                    .record = record,
                                    .end_record = end_record,
                                    .replay = replay,
                                    .forget = forget},
                          .context = context,
                          .transfer = {.device = device, .room_bytes = ROOM_BYTES}};
  NEURLP_TRY(device->operations->allocate_pinned(device, ROOM_BYTES, &m->transfer.room));
  NEURLP_TRY(device->operations->allocate(device, norms, &memory));
  m->norms = memory;
  *opened = m;
  m = NULL;
done:
  if (m) close_accelerator(m);
  return status;
}

/* One for the GPU of a context, and one for the imitated one. */
neurlp_status neurlp_accelerator_cuda(neurlp_context *context, const neurlp_accelerator **accelerator) {
  static const char keys[2];
  const bool imitated = strcmp(neurlp_context_backend(context), "cuda:check") == 0;
  cuda_accelerator *m = neurlp_attached(context, &keys[imitated]);
  neurlp_status status = NEURLP_SUCCESS;
  *accelerator = NULL;
  if (!m) {
    NEURLP_TRY(open_accelerator(context, imitated, &m));
    status = neurlp_attach(context, &keys[imitated], m, close_accelerator);
    if (status < 0) {
      close_accelerator(m);
      return status;
    }
  }
  *accelerator = &m->table;
done:
  return status;
}
