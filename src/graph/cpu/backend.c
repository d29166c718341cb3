#include "graph/cpu/kernels.h"

#include <string.h>

static neurlp_status allocate(neurlp_context *context, size_t bytes, void **memory) {
  return neurlp_allocate(context, (int64_t)bytes, 1, memory);
}

static void release(neurlp_context *context, void **memory) {
  neurlp_release(context, memory);
}

static neurlp_status copy(neurlp_context *context, void *to, const void *from, size_t bytes) {
  (void)context;
  if (bytes > 0) memcpy(to, from, bytes);
  return NEURLP_SUCCESS;
}

static neurlp_status fill(neurlp_context *context, void *memory, unsigned char byte, size_t bytes) {
  (void)context;
  memset(memory, byte, bytes);
  return NEURLP_SUCCESS;
}

static neurlp_kernel kernel(neurlp_operation_index operation, neurlp_precision precision) {
  switch (operation) {
#define KERNEL_CASE(name)                                                                                    \
  case NEURLP_OPERATION_##name:                                                                              \
    return precision == NEURLP_SINGLE ? neurlp_kernel_##name##_single : neurlp_kernel_##name##_double;
    NEURLP_OPERATIONS(KERNEL_CASE)
#undef KERNEL_CASE
  case NEURLP_OPERATION_COUNT:
    break;
  }
  return (neurlp_kernel){NULL, NULL};
}

const neurlp_graph_backend *neurlp_graph_backend_cpu(void) {
  static const neurlp_graph_backend backend = {.name = "cpu",
                                               .allocate = allocate,
                                               .release = release,
                                               .upload = copy,
                                               .download = copy,
                                               .fill = fill,
                                               .kernel = kernel};
  return &backend;
}
