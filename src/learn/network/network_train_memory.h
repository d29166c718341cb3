/* The vectors of a training, [parameters] of the graph's precision, and where they are: parameters, gradients
 * and moments in the memory of the graph's machine, the host's or a GPU's (train/accelerator.h); what looks
 * at single numbers of them, and what keeps good ones, on the host. On the host nothing is copied that need
 * not be.
 *
 * What fails on a GPU fails on one rank alone: functions then return NEURLP_ERROR_DEVICE, on this rank, and
 * `alone` of the training says that others do not know of it yet. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_TRAIN_MEMORY_H
#define NEURLP_LEARN_NETWORK_NETWORK_TRAIN_MEMORY_H

#include "learn/network/network_train_parts.h"

/* The vectors themselves, of t->graph; close them either way. NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_training_open_memory(neurlp_training *t);
void neurlp_training_close_memory(neurlp_training *t);

/* Parameters or gradient of the batch, to be read on the host until the next call of a function of this file:
 * where they are, or as a copy in t->room. */
NEURLP_MUST_USE neurlp_status neurlp_training_see_parameters(neurlp_training *t, const void **parameters);
NEURLP_MUST_USE neurlp_status neurlp_training_see_gradient(neurlp_training *t, const void **gradient);

/* Where parameters are written on the host that neurlp_training_put_room then makes those of the graph: the
 * graph's own, or t->room. */
void *neurlp_training_room(neurlp_training *t);
NEURLP_MUST_USE neurlp_status neurlp_training_put_room(neurlp_training *t);

/* Copies from and to vectors of the host. */
NEURLP_MUST_USE neurlp_status neurlp_training_get_parameters(neurlp_training *t, void *parameters);
NEURLP_MUST_USE neurlp_status neurlp_training_set_parameters(neurlp_training *t, const void *parameters);
NEURLP_MUST_USE neurlp_status neurlp_training_get_gradient(neurlp_training *t, void *gradient);

/* The norm that gradients are cut to; larger than any of them where they are not to be cut. */
double neurlp_training_norm_limit(const neurlp_training *t);

/* The gradient loses what does not count, in a minimiser's evaluation; and in a step, in which it is then cut
 * back to that norm, and the optimiser makes its step: NEURLP_NOT_FINITE, and none, as neurlp_clip_norm. */
NEURLP_MUST_USE neurlp_status neurlp_training_clear_fixed(neurlp_training *t);
NEURLP_MUST_USE neurlp_status neurlp_training_step(neurlp_training *t, double rate, double *norm);

#endif
