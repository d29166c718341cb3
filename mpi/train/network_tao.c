/* TAO as one of the minimisers of a training. Its parameters and gradients are doubles, whatever the block's
 * precision. */
#include "train/network_tao.h"

#include "petsc_link.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the table's functions cannot be told otherwise: a run has one training. */
static const neurlp_petsc_calls *calls;
static MPI_Comm communicator;

typedef struct tao {
  neurlp_context *context;
  neurlp_minimiser_options options;
  double *x;      /* [count] */
  void *room;     /* [count] in the training's precision: parameters, or their gradient */
  void *gradient; /* [count] likewise */
  const neurlp_objective *objective;
  int64_t evaluations;
} tao;

static size_t number_bytes(const neurlp_minimiser_options *options) {
  return options->precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
}

/* What is allocated here; PETSc's vectors are not in it. */
static size_t state_bytes(const neurlp_minimiser_options *options) {
  return sizeof(tao) + (size_t)options->count * (sizeof(double) + 2 * number_bytes(options));
}

static void destroy(void **state) {
  if (!state || !*state) return;
  tao *old = *state;
  neurlp_context *context = old->context;
  neurlp_release(context, &old->x);
  neurlp_release(context, &old->room);
  neurlp_release(context, &old->gradient);
  neurlp_release(context, state);
}

static neurlp_status create(neurlp_context *context, const neurlp_minimiser_options *options, void **state) {
  void *made = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *state = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof(tao), &made));
  tao *t = made;
  t->context = context;
  t->options = *options;
  NEURLP_TRY(neurlp_allocate(context, options->count, sizeof *t->x, &t->x));
  NEURLP_TRY(neurlp_allocate(context, options->count, number_bytes(options), &t->room));
  NEURLP_TRY(neurlp_allocate(context, options->count, number_bytes(options), &t->gradient));
  *state = made;
  made = NULL;
done:
  destroy(&made);
  return status;
}

/* ---- precisions -------------------------------------------------------------------------------------- */

static void to_doubles(const tao *t, const void *from, double *to) {
  const float *single = from;
  if (t->options.precision != NEURLP_SINGLE)
    memcpy(to, from, (size_t)t->options.count * sizeof *to);
  else
    for (int64_t i = 0; i < t->options.count; i++) to[i] = (double)single[i];
}

static void from_doubles(const tao *t, const double *from, void *to) {
  float *single = to;
  if (t->options.precision != NEURLP_SINGLE)
    memcpy(to, from, (size_t)t->options.count * sizeof *from);
  else
    for (int64_t i = 0; i < t->options.count; i++) single[i] = (float)from[i];
}

/* ---- callbacks --------------------------------------------------------------------------------------- */

static neurlp_status evaluate(void *user, const double *x, double *loss, double *gradient) {
  tao *t = user;
  from_doubles(t, x, t->room);
  const neurlp_status status = t->objective->evaluate(t->objective->user, t->room, loss, t->gradient);
  t->evaluations++;
  to_doubles(t, t->gradient, gradient);
  for (int64_t i = 0; t->options.mask && i < t->options.count; i++)
    if (!t->options.mask[i]) gradient[i] = 0;
  return status < 0 ? status : NEURLP_SUCCESS;
}

static neurlp_status iterated(void *user, int64_t iteration, double loss, double gradient, const double *x,
                              bool *more) {
  const tao *t = user;
  const neurlp_minimiser_report report = {.end = NEURLP_MINIMISER_ITERATIONS,
                                          .iterations = iteration,
                                          .evaluations = t->evaluations,
                                          .loss = loss,
                                          .gradient = gradient};
  from_doubles(t, x, t->room);
  const neurlp_status status = t->objective->iterated(t->objective->user, &report, t->room, more);
  if (iteration >= t->options.iterations) *more = true; /* the end by itself, which has another name */
  return status;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static void say(const neurlp_petsc_end *end, int64_t evaluations) {
  int rank = 0;
  MPI_Comm_rank(communicator, &rank);
  if (rank == 0)
    printf("  TAO's %s: %s after %lld iterations and %lld evaluations, norm of the gradient %.3g\n",
           end->type, end->words, (long long)end->iterations, (long long)evaluations, end->gradient);
}

static neurlp_status judge(tao *t, const neurlp_petsc_end *end, neurlp_minimiser_report *report) {
  report->end = end->reason > 0  ? NEURLP_MINIMISER_GRADIENT
                : end->exhausted ? NEURLP_MINIMISER_ITERATIONS
                                 : NEURLP_MINIMISER_STUCK;
  report->iterations = end->iterations;
  report->evaluations = t->evaluations;
  report->loss = end->loss;
  report->gradient = end->gradient;
  if (end->reason > 0) return NEURLP_SUCCESS;
  return neurlp_fail(t->context, NEURLP_NOT_CONVERGED, "TAO: %s after %lld iterations", end->words,
                     (long long)end->iterations);
}

static neurlp_status minimise(void *state, const neurlp_objective *objective, void *parameters,
                              neurlp_minimiser_report *report) {
  tao *t = state;
  const neurlp_petsc_loss loss = {.comm = communicator,
                                  .prefix = "train_",
                                  .count = t->options.count,
                                  .iterations = t->options.iterations,
                                  .gradient_tolerance = t->options.gradient_tolerance,
                                  .evaluate = evaluate,
                                  .iterated = iterated,
                                  .user = t};
  char message[NEURLP_PETSC_MESSAGE] = "";
  neurlp_petsc_end end;
  t->objective = objective;
  *report = (neurlp_minimiser_report){.end = NEURLP_MINIMISER_STUCK, .loss = NAN, .gradient = NAN};
  to_doubles(t, parameters, t->x);
  const neurlp_status status = calls->minimise(&loss, t->x, &end, message);
  if (status != NEURLP_SUCCESS)
    return *message ? neurlp_fail(t->context, status, "%s", message) : status; /* a callback has said why */
  if (end.reason == 0) return NEURLP_SUCCESS;                                  /* and on another rank */
  from_doubles(t, t->x, parameters);
  say(&end, t->evaluations);
  return judge(t, &end, report);
}

static int32_t list_state(void *state, neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  (void)state;
  (void)arrays;
  return 0; /* TAO's is its own */
}

neurlp_status neurlp_network_use_tao(const neurlp_network_study *s, neurlp_training_options *options) {
  static const neurlp_minimiser table = {.name = "tao",
                                         .whole = true,
                                         .bytes = state_bytes,
                                         .create = create,
                                         .minimise = minimise,
                                         .state = list_state,
                                         .destroy = destroy};
  const neurlp_deck *deck = s->data.job->deck;
  neurlp_status status = NEURLP_SUCCESS;
  if (strcmp(neurlp_deck_text(deck, "train.optimizer"), "tao") != 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_petsc_open(s->data.comm, s->context, deck, "train.optimizer", &calls));
  communicator = s->data.comm;
  options->minimiser = &table;
done:
  return status;
}
