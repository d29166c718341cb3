/* Inside a training. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_TRAIN_PARTS_H
#define NEURLP_LEARN_NETWORK_NETWORK_TRAIN_PARTS_H

#include "learn/network/network_train.h"
#include "learn/step.h"
#include "train/accelerator.h"
#include "train/lbfgs.h"
#include "train/stopping.h"
#include "train/watch.h"

/* What is summed over shards beside gradients, after the parts of the loss. */
enum { SCALAR_LOSS = NEURLP_NETWORK_LOSSES, SCALAR_FAILED, SCALAR_WINDOWS };

/* Which windows a pass is over. */
typedef struct neurlp_batch {
  bool validation;
  int64_t epoch, batch;
  int64_t windows; /* in the batch */
} neurlp_batch;

typedef struct neurlp_training {
  neurlp_context *context;
  const neurlp_training_spec *spec;
  neurlp_graph *graph;
  int64_t count; /* parameters */
  size_t number_bytes;
  int32_t weights;        /* index of the tensor of the library's weights; -1: they are no parameters */
  neurlp_solving solving; /* without a projection: weights are trained */
  bool only_weights;      /* nothing but weights that are solved for */
  neurlp_newton *newton;  /* NULL: refinements are Picard's */
  neurlp_optimiser *optimiser;
  const neurlp_minimiser *kind; /* NULL: steps of the optimiser */
  void *minimiser;              /* its state */
  neurlp_stopping *stopping;    /* NULL: never */
  neurlp_watch *watch;
  neurlp_schedule_state schedule;
  uint8_t *free;                     /* [count] 0: a parameter that is fixed */
  const neurlp_accelerator *machine; /* where parameters and gradient are; NULL: on the host */
  void *gradient;                    /* [count] of the batch, there */
  neurlp_step *step;                 /* which the machine makes; NULL: it is asked piece by piece */
  bool whole;                        /* batches are part of it */
  bool kept_there;                   /* the last good parameters are on the machine, of this epoch and step */
  int64_t kept_epoch, kept_step;
  void *room;            /* [count] on the host: what L-BFGS moves, and copies from and to the machine */
  bool alone;            /* this rank failed, and others do not know of it */
  double *data, *target; /* [samples of a shard][T][D] */
  int64_t *shard;        /* [samples of a shard] windows */
  double sums[NEURLP_TRAINING_SCALARS];
  double best_loss, best_training; /* least loss that was judged, and the training loss of its epoch */
  double failed;   /* windows that the minimiser's last good parameters could not solve; -1: not known */
  neurlp_batch at; /* the last batch that was run with a gradient */
  double *mask;    /* [D][L], the caller's, as is */
  neurlp_training_result *result;
} neurlp_training;

/* Everything that a training needs, on this rank; close it either way. */
NEURLP_MUST_USE neurlp_status neurlp_training_open(const neurlp_training_spec *spec,
                                                   neurlp_training *training);
void neurlp_training_close(neurlp_training *training);

/* Fixes the weights of dropped terms at zero; moments, schedule, guard and early stopping begin anew. */
NEURLP_MUST_USE neurlp_status neurlp_training_begin_cycle(neurlp_training *training, const double *mask);

/* The part of that which follows from the mask alone: which parameters are free, and what the graph knows of
 * it. */
NEURLP_MUST_USE neurlp_status neurlp_training_fix(neurlp_training *training, const double *mask);

/* network_train_whole.c. Makes t->step where there is one to be made. */
NEURLP_MUST_USE neurlp_status neurlp_training_open_step(neurlp_training *training);

/* There. Where t->whole: a batch, and its step, unless loss or gradient are not good: returns what
 * neurlp_training_run does for that, without blame. */
NEURLP_MUST_USE neurlp_status neurlp_training_run_whole(neurlp_training *training, const neurlp_batch *batch,
                                                        neurlp_epoch *epoch);

/* There. Hands the last good parameters to the watch, if they are still on the machine. Uses t->room. */
NEURLP_MUST_USE neurlp_status neurlp_training_fetch_kept(neurlp_training *training);

/* Of the shard that has just been run: its loss and what is counted, added to the scalars; of a batch: added
 * to its epoch; and whether any of its windows could be solved. */
NEURLP_MUST_USE neurlp_status neurlp_training_add_scalars(neurlp_training *training, int64_t shard,
                                                          int64_t present);
void neurlp_training_add_epoch(const neurlp_training *training, const neurlp_batch *batch,
                               neurlp_epoch *epoch);
NEURLP_MUST_USE neurlp_status neurlp_training_check_solved(const neurlp_training *training,
                                                           const neurlp_batch *batch,
                                                           const neurlp_epoch *epoch);

/* Collective. What one rank fails with, all return. */
NEURLP_MUST_USE neurlp_status neurlp_training_agree(neurlp_training *training, neurlp_status mine);

/* Collective, network_train_state.c. At a place between two steps: has the keeper keep everything if it is
 * time to. Begins with agreement on `mine`, which a rank may have failed with alone. `epoch`: the one that is
 * being worked on, as far as it is summed up. */
NEURLP_MUST_USE neurlp_status neurlp_training_keep(neurlp_training *training, neurlp_status mine,
                                                   const neurlp_training_place *place,
                                                   const neurlp_epoch *epoch);

/* Collective, there, too. After the first cycle has begun: fills everything with what was kept earlier;
 * *found says whether anything was. */
NEURLP_MUST_USE neurlp_status neurlp_training_restore(neurlp_training *training, neurlp_training_place *place,
                                                      neurlp_epoch *epoch, bool *found);

/* Collective. Weights that are solved for, over all training windows; with `epoch`, which has to be 0 before,
 * standard errors, too, and then the mean losses of these windows. Does nothing where weights are trained,
 * and only finds the losses where refinements have found weights and errors by Gauss-Newton. */
NEURLP_MUST_USE neurlp_status neurlp_training_solve(neurlp_training *training, const double *mask,
                                                    neurlp_epoch *epoch);

/* Collective, network_train_refine.c. Solutions of the block take the place of what the windows are taken
 * for, options.refinements times; with `solve` weights are solved for before each: by Picard's iteration, or
 * by Gauss-Newton, which ends earlier once no weight changes by more than a hundredth of its standard error
 * (docs/math.md, section 10). */
NEURLP_MUST_USE neurlp_status neurlp_training_refine(neurlp_training *training, const double *mask,
                                                     bool solve);

/* Writes the library's weights [D][L], in the data's units and 0 where terms were dropped. */
NEURLP_MUST_USE neurlp_status neurlp_training_weights(neurlp_training *training, double *weights);

/* Drops terms below the threshold, all of them or a share, and writes how many. */
NEURLP_MUST_USE neurlp_status neurlp_training_drop(neurlp_training *training, double *mask, int64_t *dropped);

neurlp_batch neurlp_batch_training(const neurlp_sampler *sampler, int64_t epoch, int64_t batch);
neurlp_batch neurlp_batch_validation(const neurlp_sampler *sampler, int64_t batch);

/* Writes the windows of a shard, -1 where there is none, and returns how many there are. */
int64_t neurlp_batch_shard(const neurlp_training_spec *spec, const neurlp_batch *batch, int64_t shard,
                           int64_t *windows);

/* Writes windows [samples of a shard] into the graph, known ones first. Places without one (-1) hold a
 * window, too, so that all that is computed of them is as finite as that of the others. */
NEURLP_MUST_USE neurlp_status neurlp_training_write(neurlp_training *training, const int64_t *windows);

/* A window, and the name of the parameters whose gradient it spoils most; -1 and NULL if none was found. */
typedef struct neurlp_blame {
  int64_t window;
  const char *group; /* lives as long as the graph */
} neurlp_blame;

/* Finds the first window of a batch whose loss or gradient is not finite, or whose block cannot be solved, at
 * the parameters as they are; where there is none, one with a great loss: halves are compared, so it takes
 * two runs of a shard for each doubling of its windows. Every rank finds the same, without asking others. */
NEURLP_MUST_USE neurlp_status neurlp_training_blame(neurlp_training *training, const neurlp_batch *batch,
                                                    neurlp_blame *blame);

#endif
