/* A guard of training: sees at once when a loss or a gradient is infinite or undefined, or a loss explodes,
 * says where, and has a copy of the last good parameters. */
#ifndef NEURLP_TRAIN_WATCH_H
#define NEURLP_TRAIN_WATCH_H

#include "core/context.h"
#include "core/state.h"

/* A part of the vector that messages can name. */
typedef struct neurlp_watch_group {
  const char *name; /* copied */
  int64_t first, count;
} neurlp_watch_group;

typedef struct neurlp_watch_options {
  double explosion; /* a loss explodes if it is above best + (explosion - 1) max(|best|, scale); >= 1, or 0:
                       it never does. For a positive best: above `explosion` times the best */
  double scale;     /* >= 0: losses of this size are all equally good */
} neurlp_watch_options;

typedef struct neurlp_watch neurlp_watch;

/* Makes one for `count` parameters in double or single precision; it holds a copy of them.
 *   groups [groups_count], copied; an entry is named by the first group that has it, if any
 * The context is borrowed. Fails with NEURLP_ERROR_ARGUMENT or NEURLP_ERROR_MEMORY; *watch is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_watch_create(neurlp_context *context,
                                                  const neurlp_watch_options *options,
                                                  neurlp_precision precision, int64_t count,
                                                  int32_t groups_count, const neurlp_watch_group *groups,
                                                  neurlp_watch **watch);

/* Frees it and sets *watch to NULL. Safe to call twice. */
void neurlp_watch_destroy(neurlp_watch **watch);

/* Looks at the loss and at gradient [count] (NULL: at the loss only) of step `step` of epoch `epoch`. A loss
 * that is fine enters the running best. Returns NEURLP_SUCCESS; NEURLP_NOT_FINITE, the message says of what:
 * the loss, or the first entry of the gradient, with its group; NEURLP_NOT_CONVERGED: the loss exploded.
 * Cost: one pass over the gradient. */
NEURLP_MUST_USE neurlp_status neurlp_watch_check(neurlp_watch *watch, int64_t epoch, int64_t step,
                                                 double loss, const void *gradient);

/* Above it the next loss explodes; INFINITY: it cannot. */
double neurlp_watch_most_loss(const neurlp_watch *watch);

/* Copies parameters [count] as the last good ones: those whose loss and gradient neurlp_watch_check has just
 * found good, before the next step changes them. Cost: one pass, so it need not be done at every step. */
void neurlp_watch_keep(neurlp_watch *watch, int64_t epoch, int64_t step, const void *parameters);

/* Copies the last good parameters to parameters [count], and says which epoch and step they are of (either
 * may be NULL). Moments of an optimiser are not restored: neurlp_optimiser_reset. Fails with
 * NEURLP_ERROR_ARGUMENT if none were kept. */
NEURLP_MUST_USE neurlp_status neurlp_watch_restore(const neurlp_watch *watch, void *parameters,
                                                   int64_t *epoch, int64_t *step);

/* Lists the state, core/state.h; returns how many arrays. */
int32_t neurlp_watch_state(neurlp_watch *watch, neurlp_state_array arrays[NEURLP_STATE_MOST]);

#endif
