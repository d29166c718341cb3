/* Which samples a training sees, and when: the split into training and validation, and the order of
 * mini-batches in each epoch. All of it is a pure function of seed, epoch and place: any rank can ask for any
 * entry, nothing is stored, and the answer is the same for any number of ranks (docs/math.md, Training).
 *
 * A batch is cut into equal shards of whole samples, the units that ranks and threads share out. */
#ifndef NEURLP_TRAIN_SAMPLER_H
#define NEURLP_TRAIN_SAMPLER_H

#include "core/context.h"

typedef enum neurlp_split {
  NEURLP_SPLIT_RANDOM, /* validation samples are drawn, keyed by the seed */
  NEURLP_SPLIT_LAST    /* they are the last ones */
} neurlp_split;

typedef struct neurlp_sampler_options {
  int64_t samples; /* 1 to 2^53, numbered from 0 */
  int64_t batch;   /* b >= 1, samples in a batch: a multiple of shards */
  int64_t shards;  /* G >= 1 */
  /* How many are for validation: validation_count, or, if that is 0, validation_fraction of all, rounded to
   * the nearest, at least 1 if the fraction is above 0. At least one sample is left to train with. */
  int64_t validation_count;
  double validation_fraction; /* 0 to below 1 */
  neurlp_split split;
  bool shuffle;   /* training samples are in another order in each epoch; otherwise in that of their numbers
                     (NEURLP_SPLIT_LAST) or as they were drawn (NEURLP_SPLIT_RANDOM) */
  bool drop_last; /* no batch has less than b samples; otherwise the last one is filled up with -1 */
  uint64_t seed;
} neurlp_sampler_options;

/* A value: copy it freely. */
typedef struct neurlp_sampler {
  neurlp_sampler_options options;
  int64_t training, validation; /* samples of either kind */
  int64_t batches;              /* in an epoch, >= 1 */
  int64_t shard;                /* b / G, samples in a shard */
} neurlp_sampler;

/* Makes a sampler. Fails with NEURLP_ERROR_ARGUMENT: the message has the value, its limit and what to do. */
NEURLP_MUST_USE neurlp_status neurlp_sampler_make(neurlp_context *context,
                                                  const neurlp_sampler_options *options,
                                                  neurlp_sampler *sampler);

/* The sample at `place`, 0 to b-1 (those of shard g, 0 to G-1, are from g b/G on), of batch `batch`, 0 to
 * batches-1, of epoch `epoch` >= 0; -1: none, the batch is filled up. */
int64_t neurlp_sampler_training(const neurlp_sampler *sampler, int64_t epoch, int64_t batch, int64_t place);

/* Validation sample number `place`, 0 to validation-1. */
int64_t neurlp_sampler_validation(const neurlp_sampler *sampler, int64_t place);

#endif
