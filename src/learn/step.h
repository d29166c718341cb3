/* One step of training on a machine with memory of its own, as one piece of work: what was written goes
 * there, forward, losses, penalties, backward, the gradient cut to a norm, the optimiser; losses, statuses
 * and the norm come back. It is done as it is for the first time, recorded for the second, and from then on
 * replayed: on a GPU as one CUDA graph. A step waits once, at its end. What the host would look at before it
 * lets the optimiser go on is looked at there (train/descent.h).
 *
 * Where gradients are summed over shards or ranks in between, or something else is looked at, only what
 * follows the gradient is one piece. */
#ifndef NEURLP_LEARN_STEP_H
#define NEURLP_LEARN_STEP_H

#include "graph/graph.h"
#include "train/descent.h"

typedef struct neurlp_step neurlp_step;

typedef struct neurlp_step_spec {
  neurlp_graph *graph;         /* finished; borrowed, as the rest */
  neurlp_optimiser *optimiser; /* moved to the machine */
  const neurlp_accelerator *machine;
  void *gradient; /* [parameters of the graph] in its memory: the graph's own, or what it is copied or summed
                     to */
  bool whole;     /* forward and backward included: the graph is whole, and a batch is what it runs at once */
} neurlp_step_spec;

/* Fails as neurlp_descent_create; *step is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_step_create(const neurlp_step_spec *spec, neurlp_step **step);

/* Sets *step to NULL. Safe to call twice. */
void neurlp_step_destroy(neurlp_step **step);

/* A step. Of one that is whole, inputs were written, and neurlp_graph_begin was called; statuses and numbers
 * that are kept are those of the run that is part of it. Otherwise spec.gradient was written, losses were
 * looked at, and the orders' most_loss and samples mean nothing. Returns what neurlp_descent_end does, or
 * NEURLP_ERROR_DEVICE. */
NEURLP_MUST_USE neurlp_status neurlp_step_make(neurlp_step *step, double rate,
                                               const neurlp_descent_orders *orders,
                                               neurlp_descent_answer *answer);

/* As neurlp_descent_fetch_kept. */
NEURLP_MUST_USE neurlp_status neurlp_step_fetch_kept(const neurlp_step *step, void *parameters);

#endif
