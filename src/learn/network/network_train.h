/* Training of networks around mechanistic blocks: batches of windows, shared out in shards between ranks. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_TRAIN_H
#define NEURLP_LEARN_NETWORK_NETWORK_TRAIN_H

#include "core/state.h"
#include "learn/exchange.h"
#include "learn/network/network_model.h"
#include "learn/network/network_newton.h"
#include "learn/network/network_project.h"
#include "learn/network/network_windows.h"
#include "train/minimiser.h"
#include "train/optimiser.h"
#include "train/sampler.h"
#include "train/schedule.h"

typedef enum neurlp_threshold_kind {
  NEURLP_THRESHOLD_SIZE,         /* |w| */
  NEURLP_THRESHOLD_CONTRIBUTION, /* RMS of w phi over the RMS of all terms' sum */
  NEURLP_THRESHOLD_Z             /* |w| in standard errors */
} neurlp_threshold_kind;

/* How it is trained. */
typedef struct neurlp_training_options {
  neurlp_optimiser_options optimiser; /* its steps, unless there is a minimiser */
  const neurlp_minimiser *minimiser;  /* takes all windows at once; NULL: none, or that of the name "lbfgs" */
  neurlp_schedule schedule;           /* counts epochs of a cycle */
  double weights_rate;                /* learning rate of the library's weights, over that of the others */
  double clip;                        /* norm that gradients are cut to; 0: never */
  int64_t epochs, cycles;             /* of each cycle, 0: only judged; one after the other */
  int64_t refinements;                /* of the windows' estimates, at the beginning of each cycle */
  int64_t patience;                   /* early stopping; 0: never */
  double threshold;                   /* below which terms are dropped after a cycle but the last */
  neurlp_threshold_kind threshold_by;
  double drop_share; /* part of the terms below it that a cycle drops, the least, one at least; 0: all */
  double explosion;  /* of the loss, over the best one */
  uint64_t seed;
} neurlp_training_options;

/* What happened in an epoch. */
typedef struct neurlp_epoch {
  int64_t cycle, epoch;                /* of the cycle */
  double training;                     /* mean loss of the windows, as they came */
  double validation;                   /* NaN without validation windows */
  double parts[NEURLP_NETWORK_LOSSES]; /* of the training loss, before their weights */
  double rate, gradient;               /* learning rate; norm of the last gradient, before it was cut */
  int64_t failed;                      /* windows whose block could not be solved */
} neurlp_epoch;

/* How far a training has come: what is done. */
typedef struct neurlp_training_place {
  int64_t cycle; /* being worked on */
  int64_t epoch; /* of it; options.epochs: all are done */
  int64_t batch; /* of the epoch */
  bool ended;    /* the cycle has no further epochs: it stopped early, or nothing is left to minimise */
} neurlp_training_place;

typedef struct neurlp_training_spec {
  neurlp_network_model *model;   /* finished; its samples are those of a shard */
  neurlp_windows *windows;       /* their estimates are changed where they are refined, nothing else */
  const neurlp_sampler *sampler; /* over the windows, */
  const int64_t *order;          /* [windows] in this order; NULL: in theirs */
  neurlp_reducer gradients; /* parameter_count numbers of the graph's precision, in its backend's memory */
  neurlp_reducer scalars;   /* NEURLP_TRAINING_SCALARS doubles on the host, of the same shards */
  const neurlp_solving_spec *solving; /* of the library's weights; NULL: they are trained like the rest */
  /* Refinements by Gauss-Newton, for weights that are solved for and all that is trained; NULL: Picard's. */
  const neurlp_newton_spec *newton;
  neurlp_training_options options;
  int32_t terms;           /* L; 0: no library */
  int32_t dimensions;      /* D */
  const double *term_size; /* [L] RMS of each term over the data, for thresholds by contribution */
  /* Called after each epoch, on every rank; a negative status ends training with it. May be NULL. */
  neurlp_status (*report)(void *user, const neurlp_epoch *epoch);
  /* Called between steps, on every rank, before the keeper is. May be NULL. */
  void (*arrive)(void *user, const neurlp_training_place *place);
  void *user;
  /* Keeps the training between its steps (batches; with L-BFGS, iterations): everything, so that one that
   * goes on gets the same parameters, losses and messages, bit for bit. Only a minimiser that is `whole`
   * begins anew, at the parameters that were kept. NULL functions: nothing is kept. */
  neurlp_keeper keeper;
} neurlp_training_spec;

enum { NEURLP_TRAINING_SCALARS = NEURLP_NETWORK_LOSSES + 3 };

typedef struct neurlp_training_result {
  int64_t epochs;              /* done, in all cycles */
  double training, validation; /* of the epoch whose parameters are kept; NaN: none was finished */
  int64_t dropped;             /* terms */
  bool stopped;                /* early */
} neurlp_training_result;

/* First values of all parameters: weights and biases as PyTorch has them, the library's weights 0, and what
 * starts somewhere there. Numbers are functions of (seed, tensor, entry). */
NEURLP_MUST_USE neurlp_status neurlp_training_initialise(neurlp_network_model *model, uint64_t seed);

/* Trains. Collective over the ranks of the reducers; all get the same parameters, bit for bit, for any number
 * of them, and the same status, also where one rank fails on its own.
 *   mask [D][L], changed: 1, or 0 for terms that are dropped
 * Returns NEURLP_SUCCESS; NEURLP_NOT_FINITE or NEURLP_NOT_CONVERGED where the loss went bad: the message says
 * in which cycle, epoch and step (counted from 1), in which window, and of which parameters the gradient is
 * worst; the last good parameters are in the graph; NEURLP_STOPPED where the keeper says so; or what failed
 * (negative). */
NEURLP_MUST_USE neurlp_status neurlp_training_run(const neurlp_training_spec *spec, double *mask,
                                                  neurlp_training_result *result);

#endif
