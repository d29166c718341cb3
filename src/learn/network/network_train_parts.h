/* Inside a training. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_TRAIN_PARTS_H
#define NEURLP_LEARN_NETWORK_NETWORK_TRAIN_PARTS_H

#include "learn/network/network_train.h"
#include "train/lbfgs.h"
#include "train/stopping.h"
#include "train/watch.h"

/* What is summed over shards beside gradients, after the parts of the loss. */
enum { SCALAR_LOSS = NEURLP_NETWORK_LOSSES, SCALAR_FAILED, SCALAR_WINDOWS };

typedef struct neurlp_training {
  neurlp_context *context;
  const neurlp_training_spec *spec;
  neurlp_graph *graph;
  int64_t count; /* parameters */
  size_t number_bytes;
  int32_t weights;        /* index of the tensor of the library's weights; -1: they are no parameters */
  neurlp_solving solving; /* without a projection: weights are trained */
  bool only_weights;      /* nothing but weights that are solved for */
  neurlp_optimiser *optimiser;
  void *minimiser;           /* lbfgs; NULL: steps of the optimiser */
  neurlp_stopping *stopping; /* NULL: never */
  neurlp_watch *watch;
  neurlp_schedule_state schedule;
  uint8_t *free;         /* [count] 0: a parameter that is fixed */
  void *gradient, *best; /* [count] */
  double *data, *target; /* [samples of a shard][T][D] */
  int64_t *shard;        /* [samples of a shard] windows */
  double sums[NEURLP_TRAINING_SCALARS];
} neurlp_training;

/* Everything that a training needs; close it either way. */
NEURLP_MUST_USE neurlp_status neurlp_training_open(const neurlp_training_spec *spec,
                                                   neurlp_training *training);
void neurlp_training_close(neurlp_training *training);

/* Fixes the weights of dropped terms at zero; moments, schedule, guard and early stopping begin anew. */
NEURLP_MUST_USE neurlp_status neurlp_training_begin_cycle(neurlp_training *training, const double *mask);

/* Collective. Weights that are solved for, over all training windows; with `epoch`, which has to be 0 before,
 * standard errors, too, and then the mean losses of these windows. Does nothing where weights are trained. */
NEURLP_MUST_USE neurlp_status neurlp_training_solve(neurlp_training *training, const double *mask,
                                                    neurlp_epoch *epoch);

/* Drops the terms below the threshold; how many there were. */
NEURLP_MUST_USE neurlp_status neurlp_training_drop(neurlp_training *training, double *mask, int64_t *dropped);

/* Which windows a pass is over. */
typedef struct neurlp_batch {
  bool validation;
  int64_t epoch, batch;
  int64_t windows; /* in the batch */
} neurlp_batch;

neurlp_batch neurlp_batch_training(const neurlp_sampler *sampler, int64_t epoch, int64_t batch);
neurlp_batch neurlp_batch_validation(const neurlp_sampler *sampler, int64_t batch);

/* Writes the windows of a shard, -1 where there is none, and returns how many there are. */
int64_t neurlp_batch_shard(const neurlp_sampler *sampler, const neurlp_batch *batch, int64_t shard,
                           int64_t *windows);

#endif
