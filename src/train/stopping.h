/* Early stopping: a training ends when the loss on data that it does not see has not improved for some time,
 * and goes back to the best parameters it had. */
#ifndef NEURLP_TRAIN_STOPPING_H
#define NEURLP_TRAIN_STOPPING_H

#include "core/context.h"
#include "core/state.h"

typedef struct neurlp_stopping_options {
  int64_t patience; /* >= 1: it stops at this many losses in a row without improvement */
  double min_delta; /* >= 0: an improvement is a loss below the last improvement's less this */
} neurlp_stopping_options;

typedef struct neurlp_stopping neurlp_stopping;

/* Makes one for `count` parameters in double or single precision; it holds a copy of them. The context is
 * borrowed. Fails with NEURLP_ERROR_ARGUMENT or NEURLP_ERROR_MEMORY; *stopping is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_stopping_create(neurlp_context *context,
                                                     const neurlp_stopping_options *options,
                                                     neurlp_precision precision, int64_t count,
                                                     neurlp_stopping **stopping);

/* Frees it and sets *stopping to NULL. Safe to call twice. */
void neurlp_stopping_destroy(neurlp_stopping **stopping);

/* Tells the loss of the parameters [count]. The parameters of the least loss so far
 * are copied, also where it is no improvement by min_delta. A NaN is not an improvement. Returns true if
 * training should stop. */
bool neurlp_stopping_observe(neurlp_stopping *stopping, double loss, const void *parameters);

/* Copies the parameters of the least loss to parameters [count]. Fails with NEURLP_ERROR_ARGUMENT, and leaves
 * them, if no finite loss was told. */
NEURLP_MUST_USE neurlp_status neurlp_stopping_restore(const neurlp_stopping *stopping, void *parameters);

/* Lists the state, core/state.h; returns how many arrays. */
int32_t neurlp_stopping_state(neurlp_stopping *stopping, neurlp_state_array arrays[NEURLP_STATE_MOST]);

#endif
