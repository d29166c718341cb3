#include "learn/vectors.h"

#include <string.h>

static neurlp_status allocate_host(void *user, size_t bytes, void **memory) {
  return neurlp_allocate(user, (int64_t)bytes, 1, memory);
}

static void release_host(void *user, void **memory) {
  neurlp_release(user, memory);
}

static neurlp_status copy_host(void *user, int32_t queue, void *to, const void *from, size_t bytes) {
  (void)user, (void)queue;
  if (bytes > 0) memcpy(to, from, bytes);
  return NEURLP_SUCCESS;
}

static neurlp_status clear_host(void *user, int32_t queue, void *to, size_t bytes) {
  (void)user, (void)queue;
  if (bytes > 0) memset(to, 0, bytes);
  return NEURLP_SUCCESS;
}

void neurlp_vectors_add(bool single, int64_t count, void *to, const void *left, const void *right) {
  if (single) {
    const float *a = left, *b = right;
    float *c = to;
    for (int64_t i = 0; i < count; i++) c[i] = a[i] + b[i];
  } else {
    const double *a = left, *b = right;
    double *c = to;
    for (int64_t i = 0; i < count; i++) c[i] = a[i] + b[i];
  }
}

static neurlp_status add_host(void *user, int32_t queue, bool single, int64_t count, void *to,
                              const void *left, const void *right) {
  (void)user, (void)queue;
  neurlp_vectors_add(single, count, to, left, right);
  return NEURLP_SUCCESS;
}

static neurlp_status wait_host(void *user, int32_t queue) {
  (void)user, (void)queue;
  return NEURLP_SUCCESS;
}

neurlp_vectors neurlp_vectors_host(neurlp_context *context) {
  return (neurlp_vectors){.place = NEURLP_VECTORS_HOST,
                          .allocate = allocate_host,
                          .release = release_host,
                          .allocate_staging = allocate_host,
                          .release_staging = release_host,
                          .copy = copy_host,
                          .clear = clear_host,
                          .add = add_host,
                          .wait = wait_host,
                          .user = context};
}

neurlp_status neurlp_vectors_of(neurlp_context *context, neurlp_vectors *vectors) {
#ifdef NEURLP_HAVE_CUDA
  if (strcmp(neurlp_context_backend(context), "cuda") == 0) return neurlp_vectors_cuda(context, vectors);
  if (strcmp(neurlp_context_backend(context), "cuda:check") == 0)
    return neurlp_vectors_cuda_check(context, vectors);
#endif
  *vectors = neurlp_vectors_host(context);
  return NEURLP_SUCCESS;
}
