#include "train/sampler.h"

#include "core/random.h"

#include <math.h>

/* Validation samples that the options ask for. */
static int64_t count_validation(const neurlp_sampler_options *o) {
  if (o->validation_count > 0 || o->validation_fraction == 0.0) return o->validation_count;
  const int64_t nearest = (int64_t)floor(o->validation_fraction * (double)o->samples + 0.5);
  return nearest > 1 ? nearest : 1;
}

static neurlp_status check(neurlp_context *context, const neurlp_sampler_options *o) {
  if (o->samples < 1 || o->samples > INT64_C(1) << 53)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "there are %lld samples; there have to be 1 to 2^53",
                       (long long)o->samples);
  if (o->batch < 1 || o->shards < 1)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "a batch of %lld samples in %lld shards: both have to be at least 1",
                       (long long)o->batch, (long long)o->shards);
  if (o->batch % o->shards != 0) {
    const int64_t below = o->batch / o->shards * o->shards;
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "a batch of %lld samples cannot be cut into %lld equal shards; take %lld samples, or "
                       "other shards",
                       (long long)o->batch, (long long)o->shards, (long long)(below + o->shards));
  }
  if (o->validation_count < 0 || !(o->validation_fraction >= 0.0 && o->validation_fraction < 1.0))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "%lld samples or %g of all for validation: a number is at least 0, a fraction 0 to "
                       "below 1",
                       (long long)o->validation_count, o->validation_fraction);
  if (count_validation(o) >= o->samples)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "%lld of %lld samples are for validation; at least one has to be left to train with",
                       (long long)count_validation(o), (long long)o->samples);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_sampler_make(neurlp_context *context, const neurlp_sampler_options *options,
                                  neurlp_sampler *sampler) {
  neurlp_sampler made = {.options = *options};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(check(context, options));
  made.validation = count_validation(options);
  made.training = options->samples - made.validation;
  made.shard = options->batch / options->shards;
  made.batches = made.training / options->batch;
  if (!options->drop_last && made.training % options->batch != 0) made.batches++;
  if (made.batches == 0)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "%lld training samples do not fill one batch of %lld, and batches that are not full are "
        "dropped; make batches smaller, or do not drop the last one",
        (long long)made.training, (long long)options->batch);
  *sampler = made;
done:
  return status;
}

/* Sample number `place` of all, training samples first. */
static int64_t split(const neurlp_sampler *s, int64_t place) {
  const neurlp_sampler_options *o = &s->options;
  if (o->split == NEURLP_SPLIT_LAST || s->validation == 0) return place;
  return neurlp_random_permute(o->seed, NEURLP_RANDOM_SPLIT, 0, o->samples, place);
}

int64_t neurlp_sampler_training(const neurlp_sampler *s, int64_t epoch, int64_t batch, int64_t place) {
  const int64_t position = batch * s->options.batch + place;
  if (position >= s->training) return -1;
  if (!s->options.shuffle) return split(s, position);
  return split(s,
               neurlp_random_permute(s->options.seed, NEURLP_RANDOM_SHUFFLE, epoch, s->training, position));
}

int64_t neurlp_sampler_validation(const neurlp_sampler *s, int64_t place) {
  return split(s, s->training + place);
}
