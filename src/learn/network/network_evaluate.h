/* What a trained model makes of windows. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_EVALUATE_H
#define NEURLP_LEARN_NETWORK_NETWORK_EVALUATE_H

#include "learn/network/network_model.h"
#include "learn/network/network_windows.h"

/* Where results go, each of `count` windows; NULL: not wanted. What the model does not have must be NULL. */
typedef struct neurlp_network_answers {
  double *solution, *states; /* [count][T][D] */
  double *weights;           /* [count][D][L]; of models whose weights are read off each window */
  double *coefficients;      /* [count][T or 1][D][d+1]; of models where a network makes them */
  double *steps;             /* [count][T-1]; likewise */
  neurlp_status *statuses;   /* [count] */
} neurlp_network_answers;

/* Runs the model, forward, over windows first to first + count - 1, a shard at a time; over none of them
 * once, so that what is of no window (weights, a step) can be read off the graph afterwards on every rank. */
NEURLP_MUST_USE neurlp_status neurlp_network_evaluate(neurlp_network_model *model,
                                                      const neurlp_windows *windows, int64_t first,
                                                      int64_t count, const neurlp_network_answers *answers);

#endif
