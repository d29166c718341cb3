/* One step of an optimiser for one group of parameters: what the formulas need, and the arrays. Kept to what
 * C17 and C++20 have in common: a GPU's kernels take these structures as they are. */
#ifndef NEURLP_TRAIN_UPDATE_H
#define NEURLP_TRAIN_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of a step, the same for all parameters of a group. What a kind of optimiser does not need is 0. */
typedef struct neurlp_update {
  double rate;                   /* learning rate, the group's factor included */
  double decay;                  /* weight decay that is part of the gradient */
  double shrink;                 /* 1 less rate times decay, where it is not (AdamW); otherwise 1 */
  double momentum, undamped;     /* mu; 1 less dampening */
  double keep_first, gain_first; /* beta1, 1 - beta1 */
  double keep_second, gain_second;
  double step; /* rate / (1 - beta1^t) */
  double root; /* sqrt(1 - beta2^t) */
  double epsilon;
  bool first; /* the group's first step */
  bool nesterov;
} neurlp_update;

/* Which formulas of updates.h a step takes. */
typedef enum neurlp_update_kind { NEURLP_UPDATE_SGD, NEURLP_UPDATE_ADAM } neurlp_update_kind;

/* A group's ranges of the flat arrays. */
typedef struct neurlp_update_call {
  neurlp_update update;
  int32_t threads;
  int64_t count;
  void *parameters;     /* [count] double or float, as all of these; changed */
  const void *gradient; /* [count] */
  void *first, *second; /* [count] moments; NULL where the optimiser has none */
  const uint8_t *mask;  /* [count]; 0: parameter and moments become exactly 0, whatever the gradient */
} neurlp_update_call;

typedef void neurlp_update_function(const neurlp_update_call *call);

neurlp_update_function neurlp_update_sgd_double, neurlp_update_sgd_single;
neurlp_update_function neurlp_update_adam_double, neurlp_update_adam_single;

#endif
