#include "core/context.h"

#include "core/allocations.h"
#include "core/shared_failure.h"

#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands in front of every allocation, so that releasing one can be counted. Keeps the alignment. */
typedef struct allocation_header {
  size_t bytes;
  void *block; /* what free takes */
} allocation_header;

typedef struct attachment {
  const void *key;
  void *object;
  void (*release)(void *object);
  struct attachment *before;
} attachment;

struct neurlp_context {
  int32_t threads, device;
  const char *backend;
  neurlp_memory memory;
  int64_t allocations;
  attachment *last;
  bool shared; /* the failure that message tells of */
  char message[2048];
};

neurlp_status neurlp_context_create(int32_t threads, neurlp_context **context) {
  *context = NULL;
  if (threads < 0) return NEURLP_ERROR_ARGUMENT;
  neurlp_context *made = calloc(1, sizeof *made);
  if (!made) return NEURLP_ERROR_MEMORY;
  made->threads = threads > 0 ? threads : (int32_t)omp_get_max_threads();
  made->backend = "cpu";
  *context = made;
  return NEURLP_SUCCESS;
}

void neurlp_context_destroy(neurlp_context **context) {
  if (!context || !*context) return;
  for (attachment *a = (*context)->last, *before; a; a = before) {
    before = a->before;
    a->release(a->object);
    free(a);
  }
  free(*context);
  *context = NULL;
}

const char *neurlp_context_message(const neurlp_context *context) {
  return context->message;
}

neurlp_memory neurlp_context_memory(const neurlp_context *context) {
  return context->memory;
}

int64_t neurlp_context_allocations(const neurlp_context *context) {
  return context->allocations;
}

int32_t neurlp_context_threads(const neurlp_context *context) {
  return context->threads;
}

const char *neurlp_context_backend(const neurlp_context *context) {
  return context->backend;
}

neurlp_status neurlp_context_set_device(neurlp_context *context, int32_t index) {
  if (index < 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "the number of a GPU is %d; the first one is 0",
                       index);
  context->device = index;
  return NEURLP_SUCCESS;
}

int32_t neurlp_context_device(const neurlp_context *context) {
  return context->device;
}

void neurlp_store_backend(neurlp_context *context, const char *name) {
  context->backend = name;
}

neurlp_status neurlp_attach(neurlp_context *context, const void *key, void *object,
                            void (*release)(void *object)) {
  attachment *made = malloc(sizeof *made);
  if (!made) return neurlp_fail(context, NEURLP_ERROR_MEMORY, "out of memory: %zu bytes", sizeof *made);
  *made = (attachment){.key = key, .object = object, .release = release, .before = context->last};
  context->last = made;
  return NEURLP_SUCCESS;
}

void *neurlp_attached(const neurlp_context *context, const void *key) {
  const attachment *a = context->last;
  while (a && a->key != key) a = a->before;
  return a ? a->object : NULL;
}

neurlp_status neurlp_fail(neurlp_context *context, neurlp_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(context->message, sizeof context->message, format, arguments);
  va_end(arguments);
  context->shared = false;
  return status;
}

void neurlp_context_set_shared(neurlp_context *context, bool shared) {
  context->shared = shared;
}

bool neurlp_context_shared(const neurlp_context *context) {
  return context->shared;
}

/* From so many bytes on, memory is fresh from the system and full of zeros already, which calloc knows. */
enum { LARGE_BLOCK_BYTES = 8 << 20 };

/* A block full of zeros, its header in front. */
static allocation_header *zeroed_block(size_t bytes) {
  const bool large = bytes >= LARGE_BLOCK_BYTES;
  char *block =
      large ? calloc(1, bytes + NEURLP_ALIGNMENT_BYTES) : aligned_alloc(NEURLP_ALIGNMENT_BYTES, bytes);
  if (!block) return NULL;
  if (!large) memset(block, 0, bytes);
  const size_t beyond = (size_t)((uintptr_t)block % NEURLP_ALIGNMENT_BYTES);
  allocation_header *header = (void *)(block + (beyond > 0 ? NEURLP_ALIGNMENT_BYTES - beyond : 0));
  header->block = block;
  return header;
}

neurlp_status neurlp_allocate(neurlp_context *context, int64_t count, size_t size_bytes,
                              void *pointer_to_pointer) {
  void *none = NULL;
  memcpy(pointer_to_pointer, &none, sizeof none);
  const size_t limit_bytes = SIZE_MAX / 2;
  if (count < 0 || (size_bytes > 0 && (uint64_t)count > limit_bytes / size_bytes))
    return neurlp_fail(context, NEURLP_ERROR_MEMORY,
                       "%lld elements of %zu bytes are more than can be addressed", (long long)count,
                       size_bytes);
  const size_t bytes = (size_t)count * size_bytes;
  const size_t padded_bytes =
      (bytes + 2 * NEURLP_ALIGNMENT_BYTES - 1) / NEURLP_ALIGNMENT_BYTES * NEURLP_ALIGNMENT_BYTES;
  allocation_header *header = zeroed_block(padded_bytes + NEURLP_ALIGNMENT_BYTES);
  if (!header)
    return neurlp_fail(context, NEURLP_ERROR_MEMORY,
                       "could not allocate %zu bytes; %zu bytes are held already", bytes,
                       context->memory.current_bytes);
  header->bytes = bytes;
  void *pointer = (char *)header + NEURLP_ALIGNMENT_BYTES;
  memcpy(pointer_to_pointer, &pointer, sizeof pointer);
  neurlp_memory *memory = &context->memory;
  memory->blocks++;
  context->allocations++;
  memory->current_bytes += bytes;
  if (memory->current_bytes > memory->peak_bytes) memory->peak_bytes = memory->current_bytes;
  return NEURLP_SUCCESS;
}

void neurlp_release(neurlp_context *context, void *pointer_to_pointer) {
  unsigned char *pointer = NULL;
  memcpy(&pointer, pointer_to_pointer, sizeof pointer);
  if (!pointer) return;
  const allocation_header *header = (const void *)(pointer - NEURLP_ALIGNMENT_BYTES);
  context->memory.blocks--;
  context->memory.current_bytes -= header->bytes;
  free(header->block);
  pointer = NULL;
  memcpy(pointer_to_pointer, &pointer, sizeof pointer);
}

neurlp_status neurlp_copy_text(neurlp_context *context, const char *text, char **copy) {
  const size_t bytes = strlen(text) + 1;
  neurlp_status status = neurlp_allocate(context, (int64_t)bytes, 1, copy);
  if (status == NEURLP_SUCCESS) memcpy(*copy, text, bytes);
  return status;
}
