#include "deck/deck_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_BYTES = 16384, GRAIN_BYTES = 16 };

/* Its memory begins GRAIN_BYTES-aligned behind it. */
struct neurlp_deck_chunk {
  struct neurlp_deck_chunk *next;
  size_t used_bytes, capacity_bytes;
};

static size_t rounded(size_t bytes) {
  return (bytes + GRAIN_BYTES - 1) / GRAIN_BYTES * GRAIN_BYTES;
}

void *neurlp_deck_arena_take(neurlp_deck_arena *arena, size_t bytes) {
  const size_t header_bytes = rounded(sizeof(struct neurlp_deck_chunk));
  const size_t wanted_bytes = rounded(bytes);
  struct neurlp_deck_chunk *chunk = arena->chunks;
  if (!chunk || chunk->capacity_bytes - chunk->used_bytes < wanted_bytes) {
    const size_t capacity_bytes = wanted_bytes > CHUNK_BYTES ? wanted_bytes : CHUNK_BYTES;
    const neurlp_status status =
        neurlp_allocate(arena->context, (int64_t)(header_bytes + capacity_bytes), 1, &chunk);
    if (status != NEURLP_SUCCESS) {
      arena->status = status;
      return NULL;
    }
    chunk->capacity_bytes = capacity_bytes;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
  }
  void *taken = (char *)chunk + header_bytes + chunk->used_bytes;
  chunk->used_bytes += wanted_bytes;
  return taken;
}

char *neurlp_deck_arena_text(neurlp_deck_arena *arena, const char *text, size_t length) {
  char *copy = neurlp_deck_arena_take(arena, length + 1);
  if (copy && length > 0) memcpy(copy, text, length);
  return copy;
}

void neurlp_deck_arena_release(neurlp_deck_arena *arena) {
  while (arena->chunks) {
    struct neurlp_deck_chunk *next = arena->chunks->next;
    neurlp_release(arena->context, &arena->chunks);
    arena->chunks = next;
  }
}

/* Makes room for `length` more bytes and a final zero. */
static bool reserve(neurlp_deck_buffer *buffer, size_t length) {
  if (buffer->status != NEURLP_SUCCESS) return false;
  if (buffer->text && buffer->capacity_bytes - buffer->length > length) return true;
  const size_t capacity_bytes = 2 * buffer->capacity_bytes + length + 256;
  char *text = NULL;
  buffer->status = neurlp_allocate(buffer->context, (int64_t)capacity_bytes, 1, &text);
  if (buffer->status != NEURLP_SUCCESS) return false;
  if (buffer->text) memcpy(text, buffer->text, buffer->length);
  neurlp_release(buffer->context, &buffer->text);
  buffer->text = text;
  buffer->capacity_bytes = capacity_bytes;
  return true;
}

void neurlp_deck_buffer_add_bytes(neurlp_deck_buffer *buffer, const char *text, size_t length) {
  if (length == 0 || !reserve(buffer, length)) return;
  memcpy(buffer->text + buffer->length, text, length);
  buffer->length += length;
  buffer->text[buffer->length] = '\0';
}

void neurlp_deck_buffer_add(neurlp_deck_buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length <= 0 || !reserve(buffer, (size_t)length)) return;
  va_start(arguments, format);
  vsnprintf(buffer->text + buffer->length, (size_t)length + 1, format, arguments);
  va_end(arguments);
  buffer->length += (size_t)length;
}

neurlp_status neurlp_deck_buffer_finish(neurlp_deck_buffer *buffer, char **text) {
  *text = NULL;
  if (!buffer->text) reserve(buffer, 0);
  if (buffer->status == NEURLP_SUCCESS)
    *text = buffer->text;
  else
    neurlp_release(buffer->context, &buffer->text);
  const neurlp_status status = buffer->status;
  *buffer = (neurlp_deck_buffer){.context = buffer->context};
  return status;
}
