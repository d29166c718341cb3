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

/* What changes from step to step where a machine makes steps by itself, at one place of its memory. */
typedef struct neurlp_descent_orders {
  double clip;      /* > 0: the norm that a gradient is cut to */
  double most_loss; /* above it the loss has exploded; INFINITY: it never does */
  int64_t samples;  /* of the batch: where as many have failed there is no loss */
  bool keep;        /* the parameters before the step, if it is made */
} neurlp_descent_orders;

/* Parameters up to `end`, from the end of the group before; the last group ends with the vector. */
typedef struct neurlp_descent_group {
  neurlp_update update;
  int64_t end;
  bool frozen;
} neurlp_descent_group;

typedef struct neurlp_descent_answer {
  double norm; /* before it was cut; not finite: an entry of the gradient was not, fixed ones included */
  bool moved;  /* whether the step was made */
} neurlp_descent_answer;

/* All that follows a gradient; pointers are into the machine's memory. Fixed entries of the gradient, those
 * of frozen groups and where the mask is 0, become 0 where they are finite. If the norm of the others, and
 * loss and samples, if they are given, are as they should be, the gradient is cut, parameters are kept if
 * that is ordered, and all groups that are not frozen make a step. Otherwise nothing else changes. */
typedef struct neurlp_descent_call {
  int32_t groups;
  int64_t count;
  const neurlp_descent_orders *orders;
  const neurlp_descent_group *group; /* [groups] */
  neurlp_descent_answer *answer;
  void *parameters, *gradient; /* [count] */
  void *first, *second;        /* [count] moments, or NULL */
  void *kept;                  /* [count] */
  const uint8_t *mask;         /* [count] */
  /* Of the run that the gradient is of; loss NULL: it was looked at before. */
  const double *loss;
  const int64_t *present;
  const int32_t *statuses; /* [samples of the run] */
} neurlp_descent_call;

typedef void neurlp_update_function(const neurlp_update_call *call);

neurlp_update_function neurlp_update_sgd_double, neurlp_update_sgd_single;
neurlp_update_function neurlp_update_adam_double, neurlp_update_adam_single;

#endif
