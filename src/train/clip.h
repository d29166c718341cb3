/* Gradients cut back before a step (docs/math.md, Training). Sums are in a fixed order: any number of
 * threads gives the same numbers. Source: Pascanu, Mikolov, Bengio, ICML 2013. */
#ifndef NEURLP_TRAIN_CLIP_H
#define NEURLP_TRAIN_CLIP_H

#include "core/context.h"

/* Scales the gradient by min(1, most / (norm + 1e-6)), with norm = |gradient| over all entries.
 *   gradient [count], changed, in double or single precision;  most > 0
 *   *norm    before scaling; may be NULL
 * Returns NEURLP_NOT_FINITE, with the gradient as it was, if its norm is infinite or undefined;
 * NEURLP_ERROR_ARGUMENT. Cost: two passes. */
NEURLP_MUST_USE neurlp_status neurlp_clip_norm(neurlp_context *context, neurlp_precision precision,
                                               int64_t count, void *gradient, double most, double *norm);

#endif
