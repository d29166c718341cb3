/* Trajectories of task simulate: batches of systems through neurlp_ensemble_integrate. A trajectory does not
 * depend on its batch, so that any distribution over ranks gives the same bits. */
#include "data/generate_plan.h"

#include <math.h>
#include <string.h>

/* Most numbers of a batch's states, and most systems. */
enum { BATCH_NUMBERS = 1 << 22, BATCH_SYSTEMS = 4096 };

/* One batch. Numbers are double or float. */
typedef struct batch {
  const neurlp_generated *g;
  size_t number_bytes;
  int64_t times_count;       /* T, and one more before them with a transient */
  double *times;             /* [times_count] */
  unsigned char *initial;    /* [systems][n] numbers */
  unsigned char *parameters; /* [systems][P] numbers */
  unsigned char *states;     /* [systems][times_count][n] numbers */
  double *rows;              /* [times_count][n] */
} batch;

neurlp_status neurlp_generate_make_ensemble(const neurlp_generated *g, const neurlp_deck *deck) {
  neurlp_ensemble_options options = neurlp_ensemble_options_default();
  const bool rk4 = strcmp(neurlp_deck_text(deck, "simulate.method"), "rk4") == 0;
  options.method = rk4 ? NEURLP_ENSEMBLE_RK4 : NEURLP_ENSEMBLE_TSIT5;
  options.precision =
      strcmp(neurlp_deck_text(deck, "simulate.precision"), "single") == 0 ? NEURLP_SINGLE : NEURLP_DOUBLE;
  options.step = neurlp_deck_number(deck, "simulate.step");
  if (rk4 && options.step == 0.0) options.step = g->step;
  options.relative_tolerance = neurlp_deck_number(deck, "simulate.relative_tolerance");
  options.absolute_tolerance = neurlp_deck_number(deck, "simulate.absolute_tolerance");
  options.maximum_steps = INT64_MAX;
  g->plan->precision = options.precision;
  return neurlp_ensemble_create(g->plan->context, g->plan->dynamics[0], &options, &g->plan->ensemble);
}

static void to_numbers(const batch *b, const double *from, int64_t count, unsigned char *numbers) {
  for (int64_t i = 0; i < count; i++) {
    const float single = (float)from[i];
    if (b->g->plan->precision == NEURLP_SINGLE)
      memcpy(numbers + i * (int64_t)sizeof single, &single, sizeof single);
    else
      memcpy(numbers + i * (int64_t)sizeof *from, &from[i], sizeof *from);
  }
}

static void from_numbers(const batch *b, const unsigned char *numbers, int64_t count, double *to) {
  for (int64_t i = 0; i < count; i++) {
    float single = 0.0F;
    if (b->g->plan->precision == NEURLP_SINGLE) {
      memcpy(&single, numbers + i * (int64_t)sizeof single, sizeof single);
      to[i] = (double)single;
    } else {
      memcpy(&to[i], numbers + i * (int64_t)sizeof *to, sizeof *to);
    }
  }
}

static neurlp_status make_batch(const neurlp_generated *g, int64_t systems, batch *b) {
  neurlp_context *context = g->plan->context;
  const int64_t n = (int64_t)g->dimensions * g->order;
  const bool transient = g->plan->transient > 0.0;
  neurlp_status status = NEURLP_SUCCESS;
  b->g = g;
  b->number_bytes = g->plan->precision == NEURLP_SINGLE ? sizeof(float) : sizeof(double);
  b->times_count = g->samples + transient;
  NEURLP_TRY(neurlp_allocate(context, b->times_count, sizeof *b->times, &b->times));
  NEURLP_TRY(neurlp_allocate(context, b->times_count * n, sizeof *b->rows, &b->rows));
  NEURLP_TRY(neurlp_allocate(context, systems * n, b->number_bytes, &b->initial));
  NEURLP_TRY(neurlp_allocate(context, systems * g->parameters, b->number_bytes, &b->parameters));
  NEURLP_TRY(neurlp_allocate(context, systems * b->times_count * n, b->number_bytes, &b->states));
  if (transient) b->times[0] = g->start - g->plan->transient;
  for (int64_t i = 0; i < g->samples; i++) b->times[i + transient] = g->start + (double)i * g->step;
done:
  return status;
}

static void release_batch(neurlp_context *context, batch *b) {
  neurlp_release(context, &b->times);
  neurlp_release(context, &b->rows);
  neurlp_release(context, &b->initial);
  neurlp_release(context, &b->parameters);
  neurlp_release(context, &b->states);
}

/* Integrates parts [count] and fills them in. */
static neurlp_status run_batch(const batch *b, neurlp_generate_worker *w, int64_t count,
                               const neurlp_generate_part *parts, double *parameters, int64_t *failed) {
  const neurlp_generated *g = b->g;
  const int64_t n = (int64_t)g->dimensions * g->order, P = g->parameters, T = b->times_count;
  const int64_t bytes = (int64_t)b->number_bytes, skipped = T - g->samples;
  for (int64_t i = 0; i < count; i++) {
    neurlp_generate_draw(g, &parts[i], w);
    to_numbers(b, w->initial, n, b->initial + i * n * bytes);
    to_numbers(b, w->parameters, P, b->parameters + i * P * bytes);
    if (parameters && P > 0) memcpy(parameters + i * P, w->parameters, (size_t)P * sizeof(double));
  }
  const neurlp_ensemble_input input = {.systems = count,
                                       .initial = b->initial,
                                       .parameters = b->parameters,
                                       .times_count = T,
                                       .times = b->times};
  const neurlp_status status = neurlp_ensemble_integrate(g->plan->ensemble, &input, b->states, NULL);
  if (status < 0) return status;
  for (int64_t i = 0; i < count; i++) {
    neurlp_generate_draw(g, &parts[i], w); /* sums start at 0 */
    neurlp_generate_clear(g, &parts[i]);
    from_numbers(b, b->states + i * T * n * bytes, T * n, b->rows);
    neurlp_generate_take_rows(g, w, &parts[i], g->samples, b->rows + skipped * n);
    neurlp_generate_spoil(g, w, &parts[i]);
    *failed += w->clean < parts[i].end;
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_generate_ensemble(const neurlp_generated *g, neurlp_generate_worker *w, int64_t count,
                                       const neurlp_generate_part *parts, double *parameters,
                                       int64_t *failed) {
  const int64_t row = (g->samples + 1) * g->dimensions * g->order;
  const int64_t fit = row < BATCH_NUMBERS ? BATCH_NUMBERS / row : 1;
  const int64_t most = fit < BATCH_SYSTEMS ? fit : BATCH_SYSTEMS;
  neurlp_status status = NEURLP_SUCCESS;
  batch b = {0};
  NEURLP_TRY(make_batch(g, count < most ? count : most, &b));
  for (int64_t first = 0; first < count; first += most)
    NEURLP_TRY(run_batch(&b, w, count - first < most ? count - first : most, parts + first,
                         parameters ? parameters + first * g->parameters : NULL, failed));
done:
  release_batch(g->plan->context, &b);
  return status;
}
