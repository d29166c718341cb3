/* Optimisers that change a flat vector of parameters along its gradient, step by step: stochastic gradient
 * descent, Adam, AdamW. They do not know where gradients come from. Definitions and defaults are PyTorch's
 * (docs/math.md, Training).
 *
 * The vector is cut into groups, which have learning-rate factors and weight decays of their own, and may be
 * frozen. A frozen group is left alone, its moments and its count of steps included. Single parameters may be
 * masked: they are exactly zero.
 *
 * An optimiser works on vectors of the host, or, from neurlp_optimiser_move on, on those of another machine.
 * Then its steps and the like return NEURLP_ERROR_DEVICE where that machine fails; on the host they always
 * return NEURLP_SUCCESS.
 *
 * Every parameter's step is for itself: any number of threads gives the same numbers. Sources: Sutskever et
 * al., ICML 2013 (momentum); Kingma, Ba, ICLR 2015 (Adam); Loshchilov, Hutter, ICLR 2019 (AdamW). */
#ifndef NEURLP_TRAIN_OPTIMISER_H
#define NEURLP_TRAIN_OPTIMISER_H

#include "core/context.h"
#include "core/state.h"
#include "train/accelerator.h"

/* Start from neurlp_optimiser_defaults. */
typedef struct neurlp_optimiser_options {
  const char *name;    /* "sgd", "adam", "adamw"; not copied: it has to outlive the options only */
  double rate;         /* learning rate that schedules start from, >= 0; 1e-3 */
  double weight_decay; /* of groups that do not have their own, >= 0; 0, for adamw 1e-2 */
  double momentum;     /* sgd: 0 <= mu < 1; 0 */
  double dampening;    /* sgd: 0 <= d <= 1; 0 */
  bool nesterov;       /* sgd: wants momentum > 0 and dampening 0; false */
  double beta1, beta2; /* adam, adamw: 0 <= beta < 1; 0.9, 0.999 */
  double epsilon;      /* adam, adamw: >= 0; 1e-8. Outside the root, after the correction of bias */
} neurlp_optimiser_options;

/* A group's weight decay where it is that of the options. */
#define NEURLP_GROUP_DECAY_DEFAULT (-1.0)

/* A contiguous range of the vector. */
typedef struct neurlp_optimiser_group {
  int64_t first, count;
  double rate_factor;  /* times the learning rate, >= 0 */
  double weight_decay; /* >= 0, or NEURLP_GROUP_DECAY_DEFAULT */
  bool frozen;
} neurlp_optimiser_group;

typedef struct neurlp_optimiser neurlp_optimiser;

/* Defaults of the optimiser of this name. Fails with NEURLP_ERROR_ARGUMENT for an unknown name. */
NEURLP_MUST_USE neurlp_status neurlp_optimiser_defaults(neurlp_context *context, const char *name,
                                                        neurlp_optimiser_options *options);

/* Makes an optimiser for `count` parameters in double or single precision.
 *   groups [groups_count], copied: ranges without gaps, in the vector's order, all of it;
 *          NULL where groups_count = 0: one group of all, with factor 1
 * The context is borrowed until the optimiser is destroyed. All memory that it needs is allocated here: one
 * (sgd with momentum) or two (adam, adamw) vectors in the parameters' precision, and the mask, a byte each.
 * Fails with NEURLP_ERROR_ARGUMENT or NEURLP_ERROR_MEMORY; *optimiser is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_optimiser_create(
    neurlp_context *context, const neurlp_optimiser_options *options, neurlp_precision precision,
    int64_t count, int32_t groups_count, const neurlp_optimiser_group *groups, neurlp_optimiser **optimiser);

/* Bytes that such an optimiser holds; 0 for an unknown name, a precision that it cannot have, or numbers
 * below 0. groups_count as in neurlp_optimiser_create. */
size_t neurlp_optimiser_bytes(const neurlp_optimiser_options *options, neurlp_precision precision,
                              int64_t count, int32_t groups_count);

/* Frees the optimiser and sets *optimiser to NULL. Safe to call twice. */
void neurlp_optimiser_destroy(neurlp_optimiser **optimiser);

/* One step with learning rate `rate` >= 0 (of a schedule, or that of the options).
 *   parameters [count], changed; gradient [count]; both in the optimiser's precision
 * What is not finite in the gradient goes into parameters that are neither frozen nor masked: look first
 * (train/watch.h). Cost: one pass over parameters, gradient and moments. */
neurlp_status neurlp_optimiser_step(neurlp_optimiser *optimiser, double rate, void *parameters,
                                    const void *gradient);

/* The same for who has a machine make steps by itself: the numbers of every group's next step, [groups], and
 * where the optimiser has its moments and mask. The step is counted once it was made. Of an optimiser that
 * was moved. */
void neurlp_optimiser_next(const neurlp_optimiser *optimiser, double rate, neurlp_descent_group *groups);
void neurlp_optimiser_count(neurlp_optimiser *optimiser);
neurlp_update_kind neurlp_optimiser_arrays(const neurlp_optimiser *optimiser, neurlp_descent_call *call);

/* Sets what does not take part in a step to zero: gradients of frozen groups and masked parameters, which
 * then do not count in a norm. gradient [count], changed */
neurlp_status neurlp_optimiser_clear_fixed(const neurlp_optimiser *optimiser, void *gradient);

/* Changes factor, weight decay and whether it is frozen of a group; its range must be what it is. The change
 * is part of the state. Fails with NEURLP_ERROR_ARGUMENT; nothing has changed then. */
NEURLP_MUST_USE neurlp_status neurlp_optimiser_set_group(neurlp_optimiser *optimiser, int32_t index,
                                                         const neurlp_optimiser_group *group);

/* Sets which parameters are free and which are fixed at zero, until it is set again.
 *   mask       [count], copied: 0 is fixed, anything else free; NULL: all are free
 *   parameters [count], changed: the fixed ones are set to zero, in frozen groups, too
 * Moments of fixed parameters are zero, so those that are freed later start from zero moments. With Adam,
 * whose count of steps is the group's, a freed parameter's first step is up to (1 - beta1) / sqrt(1 - beta2)
 * times the learning rate, 3.2 times with the defaults. */
neurlp_status neurlp_optimiser_set_mask(neurlp_optimiser *optimiser, const uint8_t *mask, void *parameters);

/* Moments and counts of steps as after creation; groups and mask stay. */
neurlp_status neurlp_optimiser_reset(neurlp_optimiser *optimiser);

/* Moves the optimiser to a machine: from here on parameters and gradients are in its memory, a mask still
 * comes from the host, and moments stay there. `accelerator` is borrowed until the optimiser is destroyed.
 * Once. On failure, NEURLP_ERROR_MEMORY or NEURLP_ERROR_DEVICE, the optimiser stays where it was. */
NEURLP_MUST_USE neurlp_status neurlp_optimiser_move(neurlp_optimiser *optimiser,
                                                    const neurlp_accelerator *accelerator);

/* Lists the state, core/state.h: moments, mask, steps, and what groups can change. Returns how many arrays.
 * Of an optimiser that was moved these are copies: fetch them before they are looked at, and send them after
 * they were changed. On the host both do nothing. */
int32_t neurlp_optimiser_state(neurlp_optimiser *optimiser, neurlp_state_array arrays[NEURLP_STATE_MOST]);

NEURLP_MUST_USE neurlp_status neurlp_optimiser_fetch_state(neurlp_optimiser *optimiser);
NEURLP_MUST_USE neurlp_status neurlp_optimiser_send_state(neurlp_optimiser *optimiser);

#endif
