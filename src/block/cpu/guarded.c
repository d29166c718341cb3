#include "block/cpu/guarded.h"

#include <string.h>

/* What an element is filled with that is to be written: a signalling NaN with a payload of its own, no status
 * and no length. It becomes quiet if one calculates with it, so the quiet bit is left out when it is
 * recognised: adding to what was never written is noticed, too. */
static const uint64_t UNWRITTEN_8 = 0x7ff5a5a5a5a5a5a5, QUIET_8 = 0x0008000000000000;
static const uint32_t UNWRITTEN_4 = 0x7fa5a5a5, QUIET_4 = 0x00400000;

enum { GUARD_BYTES = 4096, GUARD = 0xc3 };

size_t neurlp_guarded_bytes(neurlp_extents extents, size_t element_bytes, int64_t systems) {
  return (size_t)neurlp_array_numbers(extents, systems) * element_bytes + 2 * GUARD_BYTES;
}

neurlp_status neurlp_guarded_create(neurlp_context *context, neurlp_extents extents, size_t element_bytes,
                                    int64_t systems, neurlp_guarded *guarded) {
  const int64_t guards = 2 * GUARD_BYTES / (int64_t)element_bytes;
  *guarded = (neurlp_guarded){.extents = extents, .element_bytes = element_bytes};
  return neurlp_allocate(context, neurlp_array_numbers(extents, systems) + guards, element_bytes,
                         &guarded->block);
}

void neurlp_guarded_destroy(neurlp_context *context, neurlp_guarded *guarded) {
  neurlp_release(context, &guarded->block);
}

static unsigned char *elements(const neurlp_guarded *guarded) {
  return guarded->block + GUARD_BYTES;
}

static int64_t count(const neurlp_guarded *guarded, const neurlp_order *order) {
  return neurlp_array_numbers(guarded->extents, order->systems);
}

/* The guard behind stands right behind the elements of this call, however many systems it has. */
static unsigned char *guard_behind(const neurlp_guarded *guarded, const neurlp_order *order) {
  return elements(guarded) + (size_t)count(guarded, order) * guarded->element_bytes;
}

/* Bytes of what one system has, or all share. */
static size_t part_bytes(const neurlp_guarded *guarded) {
  return (size_t)guarded->extents.per_system * guarded->element_bytes;
}

static int64_t part_count(const neurlp_guarded *guarded, const neurlp_order *order) {
  return guarded->extents.system_stride == 0 ? 1 : order->systems;
}

/* Where the part of system s is in the copy. */
static unsigned char *part(const neurlp_guarded *guarded, const neurlp_order *order, int64_t s) {
  const int64_t place = guarded->extents.system_stride == 0 ? 0 : order->place[s];
  return elements(guarded) + (size_t)place * part_bytes(guarded);
}

static void fill_unwritten(const neurlp_guarded *guarded, const neurlp_order *order) {
  const void *pattern = guarded->element_bytes == 8 ? (const void *)&UNWRITTEN_8 : &UNWRITTEN_4;
  for (int64_t i = 0; i < count(guarded, order); i++)
    memcpy(elements(guarded) + (size_t)i * guarded->element_bytes, pattern, guarded->element_bytes);
}

static bool is_unwritten(const neurlp_guarded *guarded, const unsigned char *element) {
  uint64_t eight = 0;
  uint32_t four = 0;
  if (guarded->element_bytes == 8) {
    memcpy(&eight, element, sizeof eight);
    return (eight | QUIET_8) == (UNWRITTEN_8 | QUIET_8);
  }
  memcpy(&four, element, sizeof four);
  return (four | QUIET_4) == (UNWRITTEN_4 | QUIET_4);
}

static void *begin(neurlp_guarded *guarded, const neurlp_order *order, const char *name) {
  guarded->name = name;
  memset(guarded->block, GUARD, GUARD_BYTES);
  memset(guard_behind(guarded, order), GUARD, GUARD_BYTES);
  return elements(guarded);
}

void *neurlp_guarded_read(neurlp_guarded *guarded, const neurlp_order *order, const char *name,
                          const void *source) {
  if (!source) return NULL;
  const size_t bytes = part_bytes(guarded);
  guarded->source = source;
  for (int64_t s = 0; s < part_count(guarded, order); s++)
    memcpy(part(guarded, order, s), (const unsigned char *)source + (size_t)s * bytes, bytes);
  return begin(guarded, order, name);
}

void *neurlp_guarded_write(neurlp_guarded *guarded, const neurlp_order *order, const char *name,
                           void *target) {
  if (!target) return NULL;
  guarded->target = target;
  fill_unwritten(guarded, order);
  return begin(guarded, order, name);
}

static bool is_whole(const unsigned char *guard) {
  for (int32_t i = 0; i < GUARD_BYTES; i++)
    if (guard[i] != GUARD) return false;
  return true;
}

static bool is_unchanged(const neurlp_guarded *guarded, const neurlp_order *order, int64_t s) {
  const size_t bytes = part_bytes(guarded);
  return memcmp(part(guarded, order, s), (const unsigned char *)guarded->source + (size_t)s * bytes, bytes) ==
         0;
}

static neurlp_status verify_part(neurlp_context *context, const neurlp_guarded *guarded,
                                 const neurlp_order *order, int64_t s) {
  const char *name = guarded->name;
  if (guarded->source && !is_unchanged(guarded, order, s))
    return neurlp_fail(context, NEURLP_ERROR_INTERNAL, "%s was changed, of system %lld; it is an input", name,
                       (long long)s);
  for (int64_t i = 0; i < guarded->extents.per_system && guarded->target; i++)
    if (is_unwritten(guarded, part(guarded, order, s) + (size_t)i * guarded->element_bytes))
      return neurlp_fail(context, NEURLP_ERROR_INTERNAL, "%s was not written, number %lld of system %lld",
                         name, (long long)i, (long long)s);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_guarded_verify(neurlp_context *context, const neurlp_guarded *guarded,
                                    const neurlp_order *order) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!guarded->name) return NEURLP_SUCCESS;
  if (!is_whole(guarded->block))
    return neurlp_fail(context, NEURLP_ERROR_INTERNAL, "what stands before %s was overwritten",
                       guarded->name);
  if (!is_whole(guard_behind(guarded, order)))
    return neurlp_fail(context, NEURLP_ERROR_INTERNAL, "what stands behind %s was overwritten",
                       guarded->name);
  for (int64_t s = 0; s < part_count(guarded, order); s++)
    NEURLP_TRY(verify_part(context, guarded, order, s));
done:
  return status;
}

void neurlp_guarded_end(neurlp_guarded *guarded, const neurlp_order *order, bool good) {
  if (!guarded->name) return;
  const size_t bytes = part_bytes(guarded);
  for (int64_t s = 0; s < part_count(guarded, order) && guarded->target && good; s++)
    memcpy((unsigned char *)guarded->target + (size_t)s * bytes, part(guarded, order, s), bytes);
  fill_unwritten(guarded, order);
  guarded->name = NULL;
  guarded->source = NULL;
  guarded->target = NULL;
}
