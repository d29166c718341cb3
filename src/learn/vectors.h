/* Long vectors of numbers in the host's memory or a device's, behind one table of operations: what sums of
 * gradients need, and no more. */
#ifndef NEURLP_LEARN_VECTORS_H
#define NEURLP_LEARN_VECTORS_H

#include "core/context.h"

enum { NEURLP_VECTORS_QUEUES = 2 };

/* Where the memory is, for who else may be handed an address of it. */
typedef enum neurlp_vectors_place {
  NEURLP_VECTORS_HOST,
  NEURLP_VECTORS_DEVICE,
  NEURLP_VECTORS_IMITATED /* a device's in name only: nobody but the imitation knows it */
} neurlp_vectors_place;

/* On a device, what is put into one queue happens in order, and is done when it has been waited for; on the
 * host it is done at once. Copies are between vectors, or between one and staging memory, which is the
 * host's. */
typedef struct neurlp_vectors {
  neurlp_vectors_place place;
  neurlp_status (*allocate)(void *user, size_t bytes, void **memory); /* not initialised */
  void (*release)(void *user, void **memory);                         /* safe on NULL */
  neurlp_status (*allocate_staging)(void *user, size_t bytes, void **memory);
  void (*release_staging)(void *user, void **memory);
  neurlp_status (*copy)(void *user, int32_t queue, void *to, const void *from, size_t bytes);
  neurlp_status (*clear)(void *user, int32_t queue, void *to, size_t bytes);
  /* to[i] = left[i] + right[i], of float if `single`, else of double; `to` may be one of them. */
  neurlp_status (*add)(void *user, int32_t queue, bool single, int64_t count, void *to, const void *left,
                       const void *right);
  neurlp_status (*wait)(void *user, int32_t queue);
  void *user;
} neurlp_vectors;

/* The host's. The context is borrowed for as long as they are used. */
neurlp_vectors neurlp_vectors_host(neurlp_context *context);

/* Those of the context's backend: of its device for `cuda` and `cuda:check`, else the host's. What the device
 * says if it cannot be opened. */
NEURLP_MUST_USE neurlp_status neurlp_vectors_of(neurlp_context *context, neurlp_vectors *vectors);

/* The sum of two vectors on the host. */
void neurlp_vectors_add(bool single, int64_t count, void *to, const void *left, const void *right);

#ifdef NEURLP_HAVE_CUDA
/* An NVIDIA GPU, and one that is imitated (cuda/). */
neurlp_status neurlp_vectors_cuda(neurlp_context *context, neurlp_vectors *vectors);
neurlp_status neurlp_vectors_cuda_check(neurlp_context *context, neurlp_vectors *vectors);
#endif

#endif
