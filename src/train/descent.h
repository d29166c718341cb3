/* Steps of an optimiser that a machine makes by itself: all that follows a gradient (neurlp_descent_call),
 * from orders that the host leaves in memory to an answer that it finds there. Nothing changes from one step
 * to the next but what these hold, learning rates, corrections of bias and counters included: so steps can be
 * recorded once, whatever the schedule. */
#ifndef NEURLP_TRAIN_DESCENT_H
#define NEURLP_TRAIN_DESCENT_H

#include "train/optimiser.h"

typedef struct neurlp_descent neurlp_descent;

typedef struct neurlp_descent_spec {
  neurlp_optimiser *optimiser; /* that was moved to the machine; borrowed, as what follows */
  const neurlp_accelerator *machine;
  neurlp_precision precision;
  int64_t count;
  void *parameters, *gradient; /* [count] in the machine's memory */
  /* Of the run that the gradient is of, there, too; loss NULL: it was looked at before. */
  const double *loss;
  const int64_t *present;  /* one number */
  const int32_t *statuses; /* [samples] */
} neurlp_descent_spec;

/* All memory that steps need: kilobytes, and on the machine one vector more, for parameters that are kept.
 * Fails with NEURLP_ERROR_MEMORY or NEURLP_ERROR_DEVICE; *descent is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_descent_create(neurlp_context *context, const neurlp_descent_spec *spec,
                                                    neurlp_descent **descent);

/* Bytes that one of so many parameters in so many groups holds, on the machine and for it. */
size_t neurlp_descent_bytes(neurlp_precision precision, int64_t count, int32_t groups);

/* Sets *descent to NULL. Safe to call twice. */
void neurlp_descent_destroy(neurlp_descent **descent);

/* What the next step is to do, with learning rate `rate`. The step before has been waited for. */
void neurlp_descent_order(neurlp_descent *descent, double rate, const neurlp_descent_orders *orders);

/* Asks for a step; does not wait, and may be recorded. */
NEURLP_MUST_USE neurlp_status neurlp_descent_start(neurlp_descent *descent);

/* What came of it, once it has been waited for; a step that was made is counted. Returns NEURLP_NOT_FINITE
 * where the norm is not, with the gradient as it was. */
NEURLP_MUST_USE neurlp_status neurlp_descent_end(neurlp_descent *descent, neurlp_descent_answer *answer);

/* Copies the parameters that were kept last to `parameters` [count] of the host. Waits. */
NEURLP_MUST_USE neurlp_status neurlp_descent_fetch_kept(const neurlp_descent *descent, void *parameters);

#endif
