/* An NVIDIA GPU through the CUDA runtime. */
#include "cuda/device/blas.h"
#include "cuda/device/device.h"

#include <cuda_runtime_api.h>

#include <stdio.h>
#include <string.h>

typedef struct cuda_device {
  neurlp_device device;
  cudaStream_t streams[NEURLP_DEVICE_QUEUES];
  const cuda_blas *blas; /* with its handle, from when it is first needed */
  cublasHandle_t handle;
  void *blas_room[NEURLP_DEVICE_QUEUES]; /* BLAS_BYTES each, from the first product in a queue on */
  int index;
  bool recorded[NEURLP_DEVICE_QUEUES];
} cuda_device;

/* Workspace of products in a queue: what cuBLAS wants on a GPU of 2022. Of our own, as its own could not be
 * had while a queue is recorded. */
static const size_t BLAS_BYTES = (size_t)32 << 20;

static cuda_device *cuda_of(neurlp_device *device) {
  return (cuda_device *)device;
}

/* A failure that is not of memory: the GPU can no longer be used by this process. */
static neurlp_status fail_cuda(neurlp_device *device, const char *what, cudaError_t error) {
  return neurlp_fail(device->context, NEURLP_ERROR_DEVICE,
                     "%s: %s: %s; see dmesg or nvidia-smi for what happened to it, or use the backend cpu",
                     device->name, what, cudaGetErrorString(error));
}

#define TRY_CUDA(device, what, call)                                                                         \
  do {                                                                                                       \
    const cudaError_t error_ = (call);                                                                       \
    if (error_ != cudaSuccess) return fail_cuda(device, what, error_);                                       \
  } while (0)

/* Each thread of a process has a GPU that it uses: ours, before anything is asked of it. */
static void use(neurlp_device *device) {
  (void)cudaSetDevice(
      cuda_of(device)->index); /* it was there when it was opened; what follows fails if not */
}

/* Something is about to be put into a queue. */
static void count(neurlp_device *device, int32_t queue) {
  device->counts.started += !cuda_of(device)->recorded[queue];
}

static size_t free_bytes_cuda(neurlp_device *device) {
  size_t left = 0, all = 0;
  use(device);
  return cudaMemGetInfo(&left, &all) == cudaSuccess ? left : 0;
}

static neurlp_status allocate_cuda(neurlp_device *device, size_t bytes, void **memory) {
  *memory = NULL;
  use(device);
  const cudaError_t error = cudaMalloc(memory, bytes > 0 ? bytes : 1);
  if (error == cudaSuccess) return NEURLP_SUCCESS;
  *memory = NULL;
  if (error != cudaErrorMemoryAllocation) return fail_cuda(device, "allocating memory", error);
  (void)cudaGetLastError(); /* it is not kept */
  return neurlp_fail(device->context, NEURLP_ERROR_MEMORY,
                     "%s: %zu bytes were asked for, %zu are free; lower shape.systems or shape.steps",
                     device->name, bytes, free_bytes_cuda(device));
}

static void release_cuda(neurlp_device *device, void **memory) {
  use(device);
  if (*memory) (void)cudaFree(*memory);
  *memory = NULL;
}

static neurlp_status allocate_pinned_cuda(neurlp_device *device, size_t bytes, void **memory) {
  *memory = NULL;
  use(device);
  const cudaError_t error = cudaMallocHost(memory, bytes > 0 ? bytes : 1);
  if (error == cudaSuccess) return NEURLP_SUCCESS;
  *memory = NULL;
  (void)cudaGetLastError();
  return neurlp_fail(device->context, NEURLP_ERROR_MEMORY,
                     "%s: %zu bytes of pinned host memory were asked for: %s; lower shape.systems or raise "
                     "the limit of locked memory (ulimit -l)",
                     device->name, bytes, cudaGetErrorString(error));
}

static void release_pinned_cuda(neurlp_device *device, void **memory) {
  use(device);
  if (*memory) (void)cudaFreeHost(*memory);
  *memory = NULL;
}

static neurlp_place place_cuda(neurlp_device *device, const void *memory) {
  struct cudaPointerAttributes attributes;
  use(device);
  if (cudaPointerGetAttributes(&attributes, memory) != cudaSuccess) {
    (void)cudaGetLastError();
    return NEURLP_PLACE_HOST;
  }
  if (attributes.type == cudaMemoryTypeHost) return NEURLP_PLACE_PINNED;
  return attributes.type == cudaMemoryTypeUnregistered ? NEURLP_PLACE_HOST : NEURLP_PLACE_DEVICE;
}

static neurlp_status copy_cuda(neurlp_device *device, int32_t queue, void *to, const void *from,
                               size_t bytes) {
  use(device);
  count(device, queue);
  if (bytes > 0)
    TRY_CUDA(device, "copying",
             cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, cuda_of(device)->streams[queue]));
  return NEURLP_SUCCESS;
}

static neurlp_status set_cuda(neurlp_device *device, int32_t queue, void *memory, int value, size_t bytes) {
  use(device);
  count(device, queue);
  if (bytes > 0)
    TRY_CUDA(device, "setting memory",
             cudaMemsetAsync(memory, value, bytes, cuda_of(device)->streams[queue]));
  return NEURLP_SUCCESS;
}

static neurlp_status launch_cuda(neurlp_device *device, int32_t queue, const neurlp_cuda_kernel *kernel,
                                 int64_t threads, const void *arguments, size_t bytes) {
  const dim3 grid = {(unsigned)((threads + kernel->block - 1) / kernel->block), 1, 1},
             block = {(unsigned)kernel->block, 1, 1};
  void *list[1];
  (void)bytes; /* the compiler has told the runtime */
  memcpy(list, &arguments, sizeof arguments);
  use(device);
  count(device, queue);
  TRY_CUDA(device, "starting a kernel",
           cudaLaunchKernel(kernel->device, grid, block, list, 0, cuda_of(device)->streams[queue]));
  return NEURLP_SUCCESS;
}

/* The runtime has libraries since CUDA 12.8; before, equations are interpreted. */
#if CUDART_VERSION >= 12080
static void unload_cuda(neurlp_device *device, void **library) {
  use(device);
  if (*library) (void)cudaLibraryUnload(*library);
  *library = NULL;
}

static neurlp_status load_cuda(neurlp_device *device, const void *code, const char *name, void **library,
                               const void **kernel) {
  cudaLibrary_t loaded = NULL;
  cudaKernel_t found = NULL;
  *library = NULL;
  use(device);
  TRY_CUDA(device, "loading a kernel", cudaLibraryLoadData(&loaded, code, NULL, NULL, 0, NULL, NULL, 0));
  *library = loaded;
  const cudaError_t error = cudaLibraryGetKernel(&found, loaded, name);
  *kernel = found;
  if (error == cudaSuccess) return NEURLP_SUCCESS;
  unload_cuda(device, library);
  return fail_cuda(device, "finding a kernel", error);
}
#endif

#define TRY_BLAS(cuda, what, call)                                                                           \
  do {                                                                                                       \
    const cublasStatus_t status_ = (call);                                                                   \
    if (status_ != CUBLAS_STATUS_SUCCESS)                                                                    \
      return neurlp_fail((cuda)->device.context, NEURLP_ERROR_DEVICE, "%s: %s: %s", (cuda)->device.name,     \
                         what, (cuda)->blas->status_text(status_));                                          \
  } while (0)

static neurlp_status start_blas(cuda_device *cuda) {
  const char *reason = "it lacks a function";
  cuda->blas = neurlp_blas_load_cuda(&reason);
  if (!cuda->blas)
    return neurlp_fail(cuda->device.context, NEURLP_ERROR_DEVICE,
                       "%s: cuBLAS could not be loaded: %s; put the CUDA toolkit's lib64 into "
                       "LD_LIBRARY_PATH",
                       cuda->device.name, reason);
  TRY_BLAS(cuda, "starting cuBLAS", cuda->blas->create(&cuda->handle));
  return NEURLP_SUCCESS;
}

/* The handle works in this queue, with the queue's workspace. */
static neurlp_status choose_queue(cuda_device *cuda, int32_t queue) {
  void **room = &cuda->blas_room[queue];
  neurlp_status status = NEURLP_SUCCESS;
  if (!*room) NEURLP_TRY(allocate_cuda(&cuda->device, BLAS_BYTES, room));
  TRY_BLAS(cuda, "choosing a stream", cuda->blas->set_stream(cuda->handle, cuda->streams[queue]));
  TRY_BLAS(cuda, "giving it memory", cuda->blas->set_workspace(cuda->handle, *room, BLAS_BYTES));
done:
  return status;
}

/* Row-major products are those of the transposed matrices by columns. */
static neurlp_status multiply_cuda(neurlp_device *device, int32_t queue, const neurlp_product *p) {
  cuda_device *cuda = cuda_of(device);
  const cublasOperation_t op = p->transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t op_a = p->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  const int64_t lda = p->a_transposed ? p->rows : p->inner;
  neurlp_status status = NEURLP_SUCCESS;
  use(device);
  count(device, queue);
  if (!cuda->handle) NEURLP_TRY(start_blas(cuda));
  NEURLP_TRY(choose_queue(cuda, queue));
  if (p->single) {
    const float one = 1, beta = p->add ? 1 : 0;
    TRY_BLAS(cuda, "a matrix product",
             cuda->blas->multiply_single(cuda->handle, op, op_a, p->columns, p->rows, p->inner, &one, p->b,
                                         p->b_stride, p->a, lda, &beta, p->c, p->columns));
  } else {
    const double one = 1, beta = p->add ? 1 : 0;
    TRY_BLAS(cuda, "a matrix product",
             cuda->blas->multiply_double(cuda->handle, op, op_a, p->columns, p->rows, p->inner, &one, p->b,
                                         p->b_stride, p->a, lda, &beta, p->c, p->columns));
  }
done:
  return status;
}

static neurlp_status wait_cuda(neurlp_device *device, int32_t queue) {
  use(device);
  device->counts.waited++;
  TRY_CUDA(device, "running a kernel", cudaStreamSynchronize(cuda_of(device)->streams[queue]));
  return NEURLP_SUCCESS;
}

/* ---- recordings -------------------------------------------------------------------------------------- */

static neurlp_status record_cuda(neurlp_device *device, int32_t queue) {
  use(device);
  TRY_CUDA(device, "recording",
           cudaStreamBeginCapture(cuda_of(device)->streams[queue], cudaStreamCaptureModeThreadLocal));
  cuda_of(device)->recorded[queue] = true;
  return NEURLP_SUCCESS;
}

static neurlp_status end_record_cuda(neurlp_device *device, int32_t queue, void **recording) {
  cudaGraph_t graph = NULL;
  cudaGraphExec_t made = NULL;
  use(device);
  cuda_of(device)->recorded[queue] = false;
  device->counts.recorded += recording != NULL;
  if (recording) *recording = NULL;
  cudaError_t error = cudaStreamEndCapture(cuda_of(device)->streams[queue], &graph);
  if (!recording) { /* what failed is known */
    if (graph) (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
    return NEURLP_SUCCESS;
  }
  if (error == cudaSuccess) error = cudaGraphInstantiate(&made, graph, 0);
  if (graph) (void)cudaGraphDestroy(graph);
  *recording = made;
  return error == cudaSuccess ? NEURLP_SUCCESS : fail_cuda(device, "recording", error);
}

static neurlp_status replay_cuda(neurlp_device *device, int32_t queue, void *recording) {
  use(device);
  device->counts.replayed++;
  TRY_CUDA(device, "starting a recording", cudaGraphLaunch(recording, cuda_of(device)->streams[queue]));
  return NEURLP_SUCCESS;
}

static void forget_cuda(neurlp_device *device, void **recording) {
  use(device);
  if (*recording) (void)cudaGraphExecDestroy(*recording);
  *recording = NULL;
}

static void close_cuda(void *object) {
  cuda_device *cuda = object;
  neurlp_context *context = cuda->device.context;
  if (cuda->handle) (void)cuda->blas->destroy(cuda->handle);
  for (int32_t i = 0; i < NEURLP_DEVICE_QUEUES; i++) release_cuda(&cuda->device, &cuda->blas_room[i]);
  for (int32_t i = 0; i < NEURLP_DEVICE_QUEUES; i++)
    if (cuda->streams[i]) (void)cudaStreamDestroy(cuda->streams[i]);
  neurlp_release(context, &cuda);
}

static const neurlp_device_operations operations = {.allocate = allocate_cuda,
                                                    .release = release_cuda,
                                                    .allocate_pinned = allocate_pinned_cuda,
                                                    .release_pinned = release_pinned_cuda,
                                                    .place = place_cuda,
                                                    .free_bytes = free_bytes_cuda,
                                                    .copy = copy_cuda,
                                                    .set = set_cuda,
                                                    .launch = launch_cuda,
                                                    .multiply = multiply_cuda,
#if CUDART_VERSION >= 12080
                                                    .load = load_cuda,
                                                    .unload = unload_cuda,
#endif
                                                    .wait = wait_cuda,
                                                    .record = record_cuda,
                                                    .end_record = end_record_cuda,
                                                    .replay = replay_cuda,
                                                    .forget = forget_cuda};

int32_t neurlp_device_count(char *reason, size_t reason_bytes) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return count;
  (void)cudaGetLastError();
  if (error == cudaErrorInsufficientDriver)
    snprintf(reason, reason_bytes, "no NVIDIA driver, or one that is older than this build's CUDA %d.%d",
             CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  else if (error == cudaErrorNoDevice || error == cudaSuccess)
    snprintf(reason, reason_bytes, "no NVIDIA GPU is visible (see nvidia-smi, and CUDA_VISIBLE_DEVICES)");
  else
    snprintf(reason, reason_bytes, "%s", cudaGetErrorString(error));
  return 0;
}

void neurlp_device_identity(int32_t index, char *identity, size_t identity_bytes) {
  struct cudaDeviceProp properties; /* its uuid is that of the part of a GPU, where MIG has parted it */
  const char *const end = identity + identity_bytes;
  if (identity_bytes == 0) return;
  identity[0] = 0;
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) {
    (void)cudaGetLastError();
    return;
  }
  identity += snprintf(identity, (size_t)(end - identity), "GPU-");
  for (size_t i = 0; i < sizeof properties.uuid.bytes && end - identity > 2; i++)
    identity += snprintf(identity, (size_t)(end - identity), "%02x", (unsigned char)properties.uuid.bytes[i]);
}

static neurlp_status start(cuda_device *cuda) {
  neurlp_device *device = &cuda->device;
  struct cudaDeviceProp properties;
  TRY_CUDA(device, "reading its properties", cudaGetDeviceProperties(&properties, cuda->index));
  snprintf(device->name, sizeof device->name, "GPU %d (%.160s)", cuda->index, properties.name);
  device->threads = (int64_t)properties.multiProcessorCount * properties.regsPerMultiprocessor / 256;
  if (device->operations->load) device->architecture = properties.major * 10 + properties.minor;
  TRY_CUDA(device, "choosing it", cudaSetDevice(cuda->index));
  for (int32_t i = 0; i < NEURLP_DEVICE_QUEUES; i++)
    TRY_CUDA(device, "making a stream", cudaStreamCreateWithFlags(&cuda->streams[i], cudaStreamNonBlocking));
  return NEURLP_SUCCESS;
}

static neurlp_status open_cuda(neurlp_context *context, int32_t index, cuda_device **opened) {
  neurlp_status status = NEURLP_SUCCESS;
  cuda_device *cuda = NULL;
  char reason[160];
  const int32_t count = neurlp_device_count(reason, sizeof reason);
  if (count == 0) return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "cuda: %s; use the backend cpu", reason);
  if (index >= count)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "cuda: there is no GPU %d; this process sees %d",
                       index, count);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *cuda, &cuda));
  *cuda = (cuda_device){.device = {.operations = &operations, .context = context}, .index = index};
  snprintf(cuda->device.name, sizeof cuda->device.name, "GPU %d", index);
  NEURLP_TRY(start(cuda));
  NEURLP_TRY(neurlp_attach(context, &operations, cuda, close_cuda));
  *opened = cuda;
  cuda = NULL;
done:
  if (cuda) close_cuda(cuda);
  return status;
}

neurlp_status neurlp_device_of_cuda(neurlp_context *context, neurlp_device **device) {
  neurlp_status status = NEURLP_SUCCESS;
  cuda_device *cuda = neurlp_attached(context, &operations);
  if (!cuda) NEURLP_TRY(open_cuda(context, neurlp_context_device(context), &cuda));
  *device = &cuda->device;
done:
  return status;
}
