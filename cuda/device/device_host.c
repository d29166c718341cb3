/* An imitated device: memory of its own kind, queues, kernels thread by thread. What is put into a queue is
 * done when it is waited for, and not before: who forgets to wait reads NaN, or what was there before. What
 * it finds wrong with the use that is made of it is NEURLP_ERROR_INTERNAL. */
#include "core/blas.h"
#include "cuda/device/device.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Its memory, unless the environment says less, and how many threads it has: few, so that small batches
 * already take more than one round. */
static const size_t MEMORY_BYTES = (size_t)4 << 30;
enum { THREADS = 64 };

typedef struct host_block {
  unsigned char *memory;
  size_t bytes;
  neurlp_place place;
  struct host_block *before;
} host_block;

/* What waits in a queue, or is recorded: a copy, bytes to be set, a kernel, or a product. */
typedef struct host_task {
  struct host_task *next;
  void *to;
  const void *from; /* NULL: `value` is set */
  int value;
  size_t bytes;
  const neurlp_cuda_kernel *kernel; /* with its arguments, or NULL */
  int64_t threads;
  bool multiplies;
  neurlp_product product;
  max_align_t arguments[4096 / sizeof(max_align_t)];
} host_task;

typedef struct host_device {
  neurlp_device device;
  host_block *blocks;
  size_t used_bytes, all_bytes;
  host_task *first[NEURLP_DEVICE_QUEUES], **last[NEURLP_DEVICE_QUEUES];
  struct host_recording *recorded[NEURLP_DEVICE_QUEUES]; /* where tasks go instead; NULL: into the queue */
} host_device;

/* What was put into a queue while it was recorded. */
typedef struct host_recording {
  host_task *first, **last;
} host_recording;

static host_device *host_of(neurlp_device *device) {
  return (host_device *)device;
}

/* The block that an address is in. */
static const host_block *find_block(neurlp_device *device, const void *memory) {
  const unsigned char *at = memory;
  for (const host_block *b = host_of(device)->blocks; b; b = b->before)
    if (at >= b->memory && at < b->memory + b->bytes) return b;
  return NULL;
}

static neurlp_place place_host(neurlp_device *device, const void *memory) {
  const host_block *block = find_block(device, memory);
  return block ? block->place : NEURLP_PLACE_HOST;
}

static size_t free_bytes_host(neurlp_device *device) {
  return host_of(device)->all_bytes - host_of(device)->used_bytes;
}

/* What a GPU does not do while one of its queues is recorded. */
static neurlp_status check_no_record(neurlp_device *device, const char *what) {
  for (int32_t queue = 0; queue < NEURLP_DEVICE_QUEUES; queue++)
    if (host_of(device)->recorded[queue])
      return neurlp_fail(device->context, NEURLP_ERROR_INTERNAL,
                         "%s: %s while a queue is recorded; this is an error of NeuRLP", device->name, what);
  return NEURLP_SUCCESS;
}

static neurlp_status allocate_block(neurlp_device *device, size_t bytes, neurlp_place place, void **memory) {
  host_device *host = host_of(device);
  neurlp_context *context = device->context;
  host_block *block = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *memory = NULL;
  NEURLP_TRY(check_no_record(device, "memory is allocated"));
  if (place == NEURLP_PLACE_DEVICE && bytes > free_bytes_host(device))
    return neurlp_fail(context, NEURLP_ERROR_MEMORY,
                       "%s: %zu bytes were asked for, %zu are free; lower shape.systems or shape.steps",
                       device->name, bytes, free_bytes_host(device));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *block, &block));
  *block = (host_block){.bytes = bytes > 0 ? bytes : 1, .place = place, .before = host->blocks};
  NEURLP_TRY(neurlp_allocate(context, 1, block->bytes, &block->memory));
  memset(block->memory, 0xff, block->bytes);
  if (place == NEURLP_PLACE_DEVICE) host->used_bytes += bytes;
  host->blocks = block;
  *memory = block->memory;
  block = NULL;
done:
  neurlp_release(context, &block);
  return status;
}

static neurlp_status allocate_host(neurlp_device *device, size_t bytes, void **memory) {
  return allocate_block(device, bytes, NEURLP_PLACE_DEVICE, memory);
}

static neurlp_status allocate_pinned_host(neurlp_device *device, size_t bytes, void **memory) {
  return allocate_block(device, bytes, NEURLP_PLACE_PINNED, memory);
}

static void release_block(neurlp_device *device, void **memory) {
  host_device *host = host_of(device);
  for (host_block **link = &host->blocks; *memory && *link; link = &(*link)->before) {
    host_block *block = *link;
    if (block->memory != *memory) continue;
    *link = block->before;
    if (block->place == NEURLP_PLACE_DEVICE) host->used_bytes -= block->bytes;
    neurlp_release(device->context, &block->memory);
    neurlp_release(device->context, &block);
    break;
  }
  *memory = NULL;
}

/* Ends of a copy must be within one block; what the device cannot reach is no end. */
static neurlp_status check_range(neurlp_device *device, const char *what, const void *memory, size_t bytes) {
  const host_block *block = bytes > 0 ? find_block(device, memory) : NULL;
  if (bytes == 0) return NEURLP_SUCCESS;
  if (block && bytes <= block->bytes - (size_t)((const unsigned char *)memory - block->memory))
    return NEURLP_SUCCESS;
  return neurlp_fail(device->context, NEURLP_ERROR_INTERNAL,
                     "%s: %s of %zu bytes, which %s; this is an error of NeuRLP", device->name, what, bytes,
                     block ? "ends behind the memory it begins in" : "the device cannot reach");
}

/* ---- queues ------------------------------------------------------------------------------------------ */

static neurlp_status put(neurlp_device *device, int32_t queue, const host_task *task, const void *arguments,
                         size_t argument_bytes) {
  host_device *host = host_of(device);
  host_task *copy = NULL;
  const neurlp_status status = neurlp_allocate(device->context, 1, sizeof *copy, &copy);
  if (status < 0) return status;
  *copy = *task;
  copy->next = NULL;
  if (argument_bytes > 0) memcpy(copy->arguments, arguments, argument_bytes);
  host_recording *recording = host->recorded[queue];
  if (!recording) device->counts.started++;
  host_task ***last = recording ? &recording->last : &host->last[queue];
  **last = copy;
  *last = &copy->next;
  return NEURLP_SUCCESS;
}

static neurlp_status copy_host(neurlp_device *device, int32_t queue, void *to, const void *from,
                               size_t bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  if (bytes == 0) return status;
  NEURLP_TRY(check_range(device, "a copy to memory", to, bytes));
  NEURLP_TRY(check_range(device, "a copy from memory", from, bytes));
  status = put(device, queue, &(host_task){.to = to, .from = from, .bytes = bytes}, NULL, 0);
done:
  return status;
}

static neurlp_status set_host(neurlp_device *device, int32_t queue, void *memory, int value, size_t bytes) {
  const neurlp_status status = check_range(device, "setting memory", memory, bytes);
  if (status < 0 || bytes == 0) return status;
  return put(device, queue, &(host_task){.to = memory, .value = value, .bytes = bytes}, NULL, 0);
}

static neurlp_status launch_host(neurlp_device *device, int32_t queue, const neurlp_cuda_kernel *kernel,
                                 int64_t threads, const void *arguments, size_t bytes) {
  const int64_t all = (threads + kernel->block - 1) / kernel->block * kernel->block;
  if (bytes > sizeof((host_task *)NULL)->arguments)
    return neurlp_fail(device->context, NEURLP_ERROR_INTERNAL,
                       "%s: a kernel has %zu bytes of arguments, GPUs take 4096; this is an error of NeuRLP",
                       device->name, bytes);
  return put(device, queue, &(host_task){.kernel = kernel, .threads = all}, arguments, bytes);
}

static neurlp_status multiply_host(neurlp_device *device, int32_t queue, const neurlp_product *product) {
  return put(device, queue, &(host_task){.multiplies = true, .product = *product}, NULL, 0);
}

static void run_kernel(neurlp_device *device, const host_task *task) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(neurlp_context_threads(device->context))
  for (int64_t thread = 0; thread < task->threads; thread++)
    task->kernel->host(task->arguments, thread, task->threads);
}

static void multiply_row(const neurlp_product *p, const void *a, void *c) {
  const int m = (int)p->columns, n = 1, k = (int)p->inner, ldb = (int)p->b_stride;
  const int lda = (int)(p->a_transposed ? p->rows : p->inner);
  const char *op = p->transposed ? "T" : "N", *op_a = p->a_transposed ? "T" : "N";
  if (p->single) {
    const float one = 1, beta = p->add ? 1 : 0;
    sgemm_(op, op_a, &m, &n, &k, &one, p->b, &ldb, a, &lda, &beta, c, &m);
  } else {
    const double one = 1, beta = p->add ? 1 : 0;
    dgemm_(op, op_a, &m, &n, &k, &one, p->b, &ldb, a, &lda, &beta, c, &m);
  }
}

/* A row at a time: a product's bits may depend on its shape and on a row's place in it, and a system's
 * numbers must depend on neither how many others there are nor on where it stands among them. */
static void run_product(const neurlp_product *p) {
  const size_t number = p->single ? sizeof(float) : sizeof(double);
  const int64_t a_step = p->a_transposed ? 1 : p->inner;
  for (int64_t row = 0; row < p->rows; row++)
    multiply_row(p, (const unsigned char *)p->a + (size_t)(row * a_step) * number,
                 (unsigned char *)p->c + (size_t)(row * p->columns) * number);
}

static void run_task(neurlp_device *device, const host_task *task) {
  if (task->kernel)
    run_kernel(device, task);
  else if (task->multiplies)
    run_product(&task->product);
  else if (task->from)
    memcpy(task->to, task->from, task->bytes);
  else
    memset(task->to, task->value, task->bytes);
}

static neurlp_status wait_host(neurlp_device *device, int32_t queue) {
  host_device *host = host_of(device);
  const neurlp_status status = check_no_record(device, "something is waited for");
  if (status < 0) return status;
  device->counts.waited++;
  for (host_task *task = host->first[queue], *next; task; task = next) {
    next = task->next;
    run_task(device, task);
    neurlp_release(device->context, &task);
  }
  host->first[queue] = NULL;
  host->last[queue] = &host->first[queue];
  return status;
}

/* ---- recordings -------------------------------------------------------------------------------------- */

static neurlp_status record_host(neurlp_device *device, int32_t queue) {
  host_recording *recording = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check_no_record(device, "a recording begins"));
  NEURLP_TRY(neurlp_allocate(device->context, 1, sizeof *recording, &recording));
  recording->last = &recording->first;
  host_of(device)->recorded[queue] = recording;
done:
  return status;
}

static void forget_host(neurlp_device *device, void **recording) {
  host_recording *old = *recording;
  for (host_task *task = old ? old->first : NULL, *next; task; task = next) {
    next = task->next;
    neurlp_release(device->context, &task);
  }
  neurlp_release(device->context, recording);
}

static neurlp_status end_record_host(neurlp_device *device, int32_t queue, void **recording) {
  void *made = host_of(device)->recorded[queue];
  host_of(device)->recorded[queue] = NULL;
  device->counts.recorded += recording != NULL;
  if (recording)
    *recording = made;
  else
    forget_host(device, &made);
  return NEURLP_SUCCESS;
}

static neurlp_status replay_host(neurlp_device *device, int32_t queue, void *recording) {
  const int64_t started = device->counts.started;
  neurlp_status status = NEURLP_SUCCESS;
  for (const host_task *task = ((host_recording *)recording)->first; task; task = task->next)
    NEURLP_TRY(put(device, queue, task, NULL, 0));
  device->counts.started = started;
  device->counts.replayed++;
done:
  return status;
}

/* Releasing memory waits for everything that might use it. */
static void release_host(neurlp_device *device, void **memory) {
  for (int32_t queue = 0; queue < NEURLP_DEVICE_QUEUES && *memory; queue++) (void)wait_host(device, queue);
  release_block(device, memory);
}

static void close_host(void *object) {
  host_device *host = object;
  neurlp_context *context = host->device.context;
  while (host->blocks) {
    void *memory = host->blocks->memory;
    release_host(&host->device, &memory);
  }
  neurlp_release(context, &host);
}

static const neurlp_device_operations operations = {.allocate = allocate_host,
                                                    .release = release_host,
                                                    .allocate_pinned = allocate_pinned_host,
                                                    .release_pinned = release_host,
                                                    .place = place_host,
                                                    .free_bytes = free_bytes_host,
                                                    .copy = copy_host,
                                                    .set = set_host,
                                                    .launch = launch_host,
                                                    .multiply = multiply_host,
                                                    .wait = wait_host,
                                                    .record = record_host,
                                                    .end_record = end_record_host,
                                                    .replay = replay_host,
                                                    .forget = forget_host};

neurlp_status neurlp_device_of_host(neurlp_context *context, neurlp_device **device) {
  neurlp_status status = NEURLP_SUCCESS;
  host_device *host = neurlp_attached(context, &operations);
  if (!host) {
    const char *limit = getenv("NEURLP_IMITATED_BYTES");
    NEURLP_TRY(neurlp_allocate(context, 1, sizeof *host, &host));
    host->device = (neurlp_device){
        .operations = &operations, .context = context, .name = "the imitated GPU", .threads = THREADS};
    for (int32_t queue = 0; queue < NEURLP_DEVICE_QUEUES; queue++) host->last[queue] = &host->first[queue];
    host->all_bytes = limit ? (size_t)strtoull(limit, NULL, 10) : MEMORY_BYTES;
    status = neurlp_attach(context, &operations, host, close_host);
    if (status < 0) neurlp_release(context, &host);
  }
  *device = (neurlp_device *)host;
done:
  return status;
}
