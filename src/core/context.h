/* What every room of the library uses: failures with messages, and counted memory. */
#ifndef NEURLP_CORE_CONTEXT_H
#define NEURLP_CORE_CONTEXT_H

#include "neurlp.h"

#if defined(__GNUC__)
#define NEURLP_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define NEURLP_PRINTF(text, first)
#endif

/* Alignment of every allocation: one cache line, one AVX-512 register. */
enum { NEURLP_ALIGNMENT_BYTES = 64 };

/* Stores the message (printf-style) in the context and returns `status`: `return neurlp_fail(...)`. */
NEURLP_PRINTF(3, 4)
neurlp_status neurlp_fail(neurlp_context *context, neurlp_status status, const char *format, ...);

/* Stores the name of the backend for neurlp_context_backend to give; static storage. Only the name is here:
 * the backends, and neurlp_context_set_backend that knows them, are in a room above (block/backend.c). */
void neurlp_store_backend(neurlp_context *context, const char *name);

/* Allocates count * size_bytes bytes, aligned and zeroed, into *pointer. A product that overflows or a failed
 * allocation is NEURLP_ERROR_MEMORY with the bytes asked for in the message; *pointer is then NULL. count = 0
 * gives a valid pointer. */
NEURLP_MUST_USE neurlp_status neurlp_allocate(neurlp_context *context, int64_t count, size_t size_bytes,
                                              void *pointer_to_pointer);

/* Frees what neurlp_allocate gave and sets the pointer to NULL. Safe on NULL. */
void neurlp_release(neurlp_context *context, void *pointer_to_pointer);

/* Something that lives as long as the context, known by its key (an address that is nobody else's): an open
 * device, say. `release` is called when the context is destroyed, last attached first. On failure, of memory,
 * nothing is attached. */
NEURLP_MUST_USE neurlp_status neurlp_attach(neurlp_context *context, const void *key, void *object,
                                            void (*release)(void *object));
void *neurlp_attached(const neurlp_context *context, const void *key); /* NULL: there is none */

/* Copies a string into memory of the context. */
NEURLP_MUST_USE neurlp_status neurlp_copy_text(neurlp_context *context, const char *text, char **copy);

/* Leaves the function through its `done:` label with the status in `status` if a call failed (negative). */
#define NEURLP_TRY(call)                                                                                     \
  do {                                                                                                       \
    status = (call);                                                                                         \
    if (status < 0) goto done;                                                                               \
  } while (0)

#endif
