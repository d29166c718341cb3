/* A machine with memory of its own, on which parameters, gradients and moments stay while a network is
 * trained: a table, so that nothing here knows which. All is done in the order in which it is asked for, and
 * not waited for, unless a function says that it waits; so failures may come out later. */
#ifndef NEURLP_TRAIN_ACCELERATOR_H
#define NEURLP_TRAIN_ACCELERATOR_H

#include "core/context.h"
#include "train/update.h"

/* `object` is the first argument of all functions; vectors [count] are in double or single precision, in the
 * machine's memory. Functions fail with NEURLP_ERROR_DEVICE, or as is said. */
typedef struct neurlp_accelerator {
  void *object;
  /* Memory; NEURLP_ERROR_MEMORY. Arrays to and from that of the host: wait until they are there. */
  neurlp_status (*allocate)(void *object, size_t bytes, void **memory);
  void (*release)(void *object, void **memory);
  neurlp_status (*upload)(void *object, void *to, const void *from, size_t bytes);
  neurlp_status (*download)(void *object, void *to, const void *from, size_t bytes);
  /* Sets all bytes to 0. */
  neurlp_status (*clear)(void *object, void *memory, size_t bytes);
  /* A step of all groups: the formulas of updates.h. calls [count], copied. */
  neurlp_status (*update)(void *object, neurlp_update_kind kind, neurlp_precision precision, int32_t count,
                          const neurlp_update_call *calls);
  /* a_i = 0 where mask_i = 0. */
  neurlp_status (*mask)(void *object, neurlp_precision precision, int64_t count, const uint8_t *mask,
                        void *a);
  /* As neurlp_clip_norm, in an order that the length alone decides; `most` may be INFINITY. A gradient whose
   * norm is not finite stays as it is. *norm: waits for it; NULL: does not wait. */
  neurlp_status (*clip)(void *object, neurlp_precision precision, int64_t count, double most, void *gradient,
                        double *norm);
  /* All that follows a gradient. Nothing is waited for, and whatever changes from step to step is in memory:
   * so it can be recorded. */
  neurlp_status (*descend)(void *object, neurlp_update_kind kind, neurlp_precision precision,
                           const neurlp_descent_call *call);
  /* Memory of the host that the machine reaches by itself; copies between that and its own, or within its
   * own, which are not waited for; until all is done. */
  neurlp_status (*allocate_shared)(void *object, size_t bytes, void **memory);
  void (*release_shared)(void *object, void **memory);
  neurlp_status (*copy)(void *object, void *to, const void *from, size_t bytes);
  neurlp_status (*wait)(void *object);
  /* Recordings: what is asked of the machine between the first two, by graphs of this context, too, is not
   * done but becomes one piece of work, which is then done as often as it is replayed; NULL: it is forgotten.
   * It must not wait, and all of it has to have been done once before. Wanted unless NEURLP_REPLAY=off. */
  bool records;
  neurlp_status (*record)(void *object);
  neurlp_status (*end_record)(void *object, void **recording);
  neurlp_status (*replay)(void *object, void *recording);
  void (*forget)(void *object, void **recording);
} neurlp_accelerator;

/* The machine on which graphs of this context keep their parameters; *accelerator is NULL where that is the
 * host. It belongs to the context. Fails where the machine cannot be had. */
NEURLP_MUST_USE neurlp_status neurlp_accelerator_of(neurlp_context *context,
                                                    const neurlp_accelerator **accelerator);

#ifdef NEURLP_HAVE_CUDA
/* On a GPU, or an imitated one (cuda/train/). */
NEURLP_MUST_USE neurlp_status neurlp_accelerator_cuda(neurlp_context *context,
                                                      const neurlp_accelerator **accelerator);
#endif

#endif
