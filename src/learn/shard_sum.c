#include "learn/shard_sum.h"

/* Slots begin at multiples of this: a page's worth of alignment would be wasted on short vectors. */
enum { SLOT_BYTES = 256 };

size_t neurlp_shard_sum_bytes(const neurlp_shard_sum_spec *spec) {
  return (size_t)spec->count * (spec->single ? sizeof(float) : sizeof(double));
}

/* Subtrees of this rank that are complete with that shard, itself not counted: on the way from the root to
 * it, those that are all the rank's and end with it. */
static int64_t count_completed(const neurlp_shard_sum_spec *spec, int64_t shard) {
  const int64_t begin = spec->first_shard, stop = begin + spec->shard_count;
  int64_t first = 0, end = spec->shards, count = 0;
  if (spec->in_order) return shard > begin;
  while (end - first > 1) {
    count += first >= begin && end <= stop && end - 1 == shard;
    const int64_t middle = neurlp_shard_middle(first, end);
    if (shard < middle)
      end = middle;
    else
      first = middle;
  }
  return count;
}

/* Sums that are held at most, and in the end. A shard either stands alone or is added to what is held. */
static int64_t count_held(const neurlp_shard_sum_spec *spec, int64_t *most) {
  int64_t held = 0;
  *most = 0;
  for (int64_t i = 0; i < spec->shard_count; i++) {
    held += 1 - count_completed(spec, spec->first_shard + i);
    if (held > *most) *most = held;
  }
  return held;
}

int64_t neurlp_shard_sum_subtrees(const neurlp_shard_sum_spec *spec) {
  int64_t most = 0;
  return count_held(spec, &most);
}

neurlp_status neurlp_shard_sum_create(neurlp_context *context, const neurlp_vectors *vectors,
                                      const neurlp_shard_sum_spec *spec, neurlp_shard_sum *sum) {
  void *slots = NULL;
  *sum = (neurlp_shard_sum){.spec = *spec, .context = context, .vectors = *vectors};
  (void)count_held(spec, &sum->slot_count);
  if (spec->in_order) sum->slot_count = 1; /* of a rank without shards it is zero */
  sum->slot_bytes = (neurlp_shard_sum_bytes(spec) + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;
  if (sum->slot_bytes > 0 && (size_t)sum->slot_count > SIZE_MAX / 2 / sum->slot_bytes)
    return neurlp_fail(context, NEURLP_ERROR_MEMORY,
                       "%lld vectors of %zu bytes are more than can be addressed", (long long)sum->slot_count,
                       sum->slot_bytes);
  const neurlp_status status =
      vectors->allocate(vectors->user, (size_t)sum->slot_count * sum->slot_bytes, &slots);
  sum->slots = slots;
  neurlp_shard_sum_begin(sum);
  return status;
}

void neurlp_shard_sum_release(neurlp_shard_sum *sum) {
  void *slots = sum->slots;
  if (slots) sum->vectors.release(sum->vectors.user, &slots);
  sum->slots = NULL;
}

void neurlp_shard_sum_begin(neurlp_shard_sum *sum) {
  sum->held = 0;
  sum->next = sum->spec.first_shard;
}

neurlp_status neurlp_shard_sum_add(neurlp_shard_sum *sum, int64_t shard, const void *vector) {
  const neurlp_shard_sum_spec *spec = &sum->spec;
  const neurlp_vectors *v = &sum->vectors;
  const int64_t completed = count_completed(spec, shard);
  neurlp_status status = NEURLP_SUCCESS;
  if (shard != sum->next || shard >= spec->first_shard + spec->shard_count)
    return neurlp_fail(sum->context, NEURLP_ERROR_ARGUMENT,
                       "shard %lld was added where %lld had to come, of [%lld, %lld)", (long long)shard,
                       (long long)sum->next, (long long)spec->first_shard,
                       (long long)(spec->first_shard + spec->shard_count));
  unsigned char *top = sum->slots + (size_t)sum->held * sum->slot_bytes;
  sum->next++;
  if (completed == 0) {
    sum->held++;
    return v->copy(v->user, 0, top, vector, neurlp_shard_sum_bytes(spec));
  }
  top -= sum->slot_bytes;
  NEURLP_TRY(v->add(v->user, 0, spec->single, spec->count, top, top, vector));
  for (int64_t i = 1; i < completed; i++, sum->held--) {
    unsigned char *left = top - sum->slot_bytes;
    NEURLP_TRY(v->add(v->user, 0, spec->single, spec->count, left, left, top));
    top = left;
  }
done:
  return status;
}

neurlp_status neurlp_shard_sum_check(const neurlp_shard_sum *sum) {
  const int64_t end = sum->spec.first_shard + sum->spec.shard_count;
  if (sum->next == end) return NEURLP_SUCCESS;
  return neurlp_fail(sum->context, NEURLP_ERROR_ARGUMENT, "shards [%lld, %lld) are missing from a sum",
                     (long long)sum->next, (long long)end);
}

static neurlp_status begin_alone(void *user) {
  neurlp_shard_sum_begin(user);
  return NEURLP_SUCCESS;
}

static neurlp_status add_alone(void *user, int64_t shard, const void *vector) {
  return neurlp_shard_sum_add(user, shard, vector);
}

static neurlp_status finish_alone(void *user, neurlp_status mine, void *to) {
  const neurlp_shard_sum *sum = user;
  const neurlp_vectors *v = &sum->vectors;
  neurlp_status status = mine;
  if (mine < 0) return mine;
  NEURLP_TRY(neurlp_shard_sum_check(sum));
  NEURLP_TRY(v->copy(v->user, 0, to, sum->slots, neurlp_shard_sum_bytes(&sum->spec)));
  NEURLP_TRY(v->wait(v->user, 0));
  status = mine;
done:
  return status;
}

neurlp_reducer neurlp_reducer_alone(neurlp_shard_sum *sum) {
  return (neurlp_reducer){.first_shard = sum->spec.first_shard,
                          .shard_count = sum->spec.shard_count,
                          .alone = true,
                          .begin = begin_alone,
                          .add = add_alone,
                          .finish = finish_alone,
                          .user = sum};
}
