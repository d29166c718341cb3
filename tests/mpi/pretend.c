#include "pretend.h"

#include <stdlib.h>
#include <string.h>

enum { TASKS = 4096, BLOCKS = 256 };

/* What waits in a queue: a copy, or a sum if there are two operands. */
typedef struct task {
  unsigned char *to;
  const unsigned char *left, *right;
  int64_t count;
  size_t bytes;
  bool single;
} task;

typedef struct block {
  unsigned char *memory;
  size_t bytes;
} block;

int64_t pretend_fails_after;
static task queues[NEURLP_VECTORS_QUEUES][TASKS];
static int64_t waiting[NEURLP_VECTORS_QUEUES], block_count;
static block blocks[BLOCKS];
static unsigned char key;

int64_t pretend_blocks(void) {
  return block_count;
}

static bool is_device(const void *memory) {
  const unsigned char *at = memory;
  for (int64_t i = 0; i < block_count; i++)
    if (at >= blocks[i].memory && at < blocks[i].memory + blocks[i].bytes) return true;
  return false;
}

static neurlp_status allocate(void *user, size_t bytes, void **memory) {
  const neurlp_status status = neurlp_allocate(user, (int64_t)bytes + 1, 1, memory);
  if (status < 0) return status;
  if (block_count == BLOCKS) abort();
  memset(*memory, 0xff, bytes);
  blocks[block_count++] = (block){*memory, bytes + 1};
  return status;
}

static void release(void *user, void **memory) {
  for (int64_t i = 0; *memory && i < block_count; i++)
    if (blocks[i].memory == *memory) {
      blocks[i] = blocks[--block_count];
      break;
    }
  neurlp_release(user, memory);
}

static neurlp_status allocate_staging(void *user, size_t bytes, void **memory) {
  return neurlp_allocate(user, (int64_t)bytes, 1, memory);
}

static void release_staging(void *user, void **memory) {
  neurlp_release(user, memory);
}

static neurlp_status put(void *user, int32_t queue, const task *made) {
  if (pretend_fails_after > 0 && --pretend_fails_after == 0)
    return neurlp_fail(user, NEURLP_ERROR_DEVICE, "the device that is none has failed");
  if (waiting[queue] == TASKS) abort();
  queues[queue][waiting[queue]++] = *made;
  return NEURLP_SUCCESS;
}

static neurlp_status copy(void *user, int32_t queue, void *to, const void *from, size_t bytes) {
  return put(user, queue, &(task){.to = to, .left = from, .bytes = bytes});
}

static neurlp_status clear(void *user, int32_t queue, void *to, size_t bytes) {
  return put(user, queue, &(task){.to = to, .bytes = bytes});
}

static neurlp_status add(void *user, int32_t queue, bool single, int64_t count, void *to, const void *left,
                         const void *right) {
  return put(user, queue, &(task){.to = to, .left = left, .right = right, .count = count, .single = single});
}

/* `bytes` of a memory that may be the device's, to or from plain memory. */
static void change(unsigned char *to, const unsigned char *from, size_t bytes, bool changed) {
  for (size_t i = 0; i < bytes; i++) to[i] = (unsigned char)(from[i] ^ (changed ? key : 0));
}

static void run_add(const task *t) {
  const size_t bytes = (size_t)t->count * (t->single ? sizeof(float) : sizeof(double));
  unsigned char *left = malloc(bytes + 1), *right = malloc(bytes + 1);
  if (!left || !right) abort();
  change(left, t->left, bytes, is_device(t->left));
  change(right, t->right, bytes, is_device(t->right));
  neurlp_vectors_add(t->single, t->count, left, left, right);
  change(t->to, left, bytes, is_device(t->to));
  free(left);
  free(right);
}

static neurlp_status wait(void *user, int32_t queue) {
  (void)user;
  for (int64_t i = 0; i < waiting[queue]; i++) {
    const task *t = &queues[queue][i];
    if (t->right)
      run_add(t);
    else if (t->left)
      change(t->to, t->left, t->bytes, is_device(t->to) != is_device(t->left));
    else
      memset(t->to, is_device(t->to) ? key : 0, t->bytes);
  }
  waiting[queue] = 0;
  return NEURLP_SUCCESS;
}

neurlp_vectors pretend_vectors(neurlp_context *context, unsigned char own_key, neurlp_vectors_place place) {
  key = own_key;
  return (neurlp_vectors){.place = place,
                          .allocate = allocate,
                          .release = release,
                          .allocate_staging = allocate_staging,
                          .release_staging = release_staging,
                          .copy = copy,
                          .clear = clear,
                          .add = add,
                          .wait = wait,
                          .user = context};
}
