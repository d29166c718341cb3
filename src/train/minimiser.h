/* What minimises a smooth loss whose gradient is exact, by calling it: the table that L-BFGS fills in
 * (train/lbfgs.h), and that another library's optimisers can. */
#ifndef NEURLP_TRAIN_MINIMISER_H
#define NEURLP_TRAIN_MINIMISER_H

#include "core/context.h"
#include "core/state.h"

/* Start from neurlp_minimiser_defaults. */
typedef struct neurlp_minimiser_options {
  neurlp_precision precision; /* NEURLP_DOUBLE or NEURLP_SINGLE; double */
  int64_t count;              /* parameters */
  int32_t memory;             /* pairs of changes that L-BFGS keeps, >= 1; 10 */
  int64_t iterations;         /* the most of one call of minimise; 200 */
  double gradient_tolerance;  /* done if no |gradient_i| is above it; 1e-5 */
  double loss_tolerance;      /* done if the loss changes by less than this of max(1, |loss|); 1e-9 */
  const uint8_t *mask;        /* [count], borrowed: parameters with 0 stay where they are; NULL: all move */
} neurlp_minimiser_options;

typedef enum neurlp_minimiser_end {
  NEURLP_MINIMISER_GRADIENT,   /* gradient_tolerance is met */
  NEURLP_MINIMISER_LOSS,       /* loss_tolerance is met */
  NEURLP_MINIMISER_ITERATIONS, /* all of them are done */
  NEURLP_MINIMISER_STUCK /* no step decreases the loss: rounding, or a gradient that is not its gradient */
} neurlp_minimiser_end;

typedef struct neurlp_minimiser_report {
  neurlp_minimiser_end end;
  int64_t iterations, evaluations; /* since the minimiser was made */
  double loss, gradient;           /* at the parameters; gradient: greatest |gradient_i| */
} neurlp_minimiser_report;

/* The loss as a function of the parameters. Where ranks share the work, evaluate sums over them, and all get
 * the same numbers, bit for bit: then all take the same decisions. */
typedef struct neurlp_objective {
  /* Loss and gradient at parameters [count]; writes gradient [count]; both in the precision of the minimiser.
   * A loss that is not finite says that these parameters are out of reach; the step is then shortened. A
   * negative status ends the minimisation, which returns it. */
  neurlp_status (*evaluate)(void *user, const void *parameters, double *loss, void *gradient);
  /* Called by a minimiser that is `whole` after each iteration, with what it has reached at parameters
   * [count]; *more is true, and false ends it in good order. A negative status as that of evaluate. */
  neurlp_status (*iterated)(void *user, const struct neurlp_minimiser_report *report, const void *parameters,
                            bool *more);
  void *user;
} neurlp_objective;

/* The functions of one kind of minimiser; all are required. */
typedef struct neurlp_minimiser {
  const char *name;
  bool whole; /* keeps the lead: all iterations are one call, in which it calls objective->iterated, and its
                 state is not kept from one call to the next. Else it leaves that alone */
  /* Bytes that a state for these options holds; 0 if they are wrong. */
  size_t (*bytes)(const neurlp_minimiser_options *options);
  /* Makes its state; options are copied, the context is borrowed. Fails with NEURLP_ERROR_ARGUMENT or
   * NEURLP_ERROR_MEMORY; *state is then NULL. */
  neurlp_status (*create)(neurlp_context *context, const neurlp_minimiser_options *options, void **state);
  /* Moves parameters [count] downhill until one of the ends. A second call goes on where the first one ended,
   * if the parameters are those that it left. Returns NEURLP_SUCCESS (GRADIENT or LOSS), NEURLP_NOT_CONVERGED
   * (ITERATIONS or STUCK; parameters are the best so far, the message says more), NEURLP_NOT_FINITE (at the
   * parameters given), or what evaluate failed with. */
  neurlp_status (*minimise)(void *state, const neurlp_objective *objective, void *parameters,
                            neurlp_minimiser_report *report);
  /* Lists its state, core/state.h; returns how many arrays; none where it is `whole`. */
  int32_t (*state)(void *state, neurlp_state_array arrays[NEURLP_STATE_MOST]);
  void (*destroy)(void **state); /* safe to call twice */
} neurlp_minimiser;

neurlp_minimiser_options neurlp_minimiser_defaults(int64_t count);

#endif
