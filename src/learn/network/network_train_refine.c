/* Estimates of the states that get better while a training goes on. */
#include "learn/network/network_evaluate.h"
#include "learn/network/network_train_memory.h"

#include <math.h>
#include <string.h>

/* Gauss-Newton has settled where no weight changes by more than this part of its standard error. */
static const double SETTLED = 0.01;

/* The block's solutions take the place of what it was given for data. Every rank does so for all windows, in
 * whole shards, so that all have the same bits. A window that could not be solved begins again with its data.
 */
static neurlp_status take_solutions(neurlp_training *t) {
  neurlp_windows *w = t->spec->windows;
  const neurlp_window_spec *z = &w->spec;
  const int64_t each = z->window * z->dimensions;
  const neurlp_network_answers answers = {.solution = w->estimate};
  const neurlp_status status = neurlp_network_evaluate(t->spec->model, w, 0, w->count, &answers);
  if (status < 0) return status;
  for (int64_t i = 0; i < w->count; i++) {
    double *window = w->estimate + i * each;
    bool good = true;
    for (int64_t j = 0; good && j < each; j++) good = isfinite(window[j]);
    if (good) continue;
    memcpy(window, w->filled + (w->system[i] * z->samples + w->first[i]) * z->dimensions,
           (size_t)each * sizeof *window);
  }
  return NEURLP_SUCCESS;
}

/* Weights in the data's units, as the graph has them: in units of their typical size. */
static neurlp_status put_weights(neurlp_training *t, double *weights) {
  const double *scale = t->spec->solving->scale;
  for (int64_t i = 0; scale && i < (int64_t)t->spec->dimensions * t->spec->terms; i++) weights[i] /= scale[i];
  return neurlp_graph_write(t->graph, t->solving.parameter, weights);
}

/* What is left of an iteration that converges is below what the data tell of the weights. */
static bool has_settled(const neurlp_training *t, const double *before, const double *after) {
  const double *errors = t->spec->solving->errors;
  for (int64_t i = 0; i < (int64_t)t->spec->dimensions * t->spec->terms; i++)
    if (!(fabs(after[i] - before[i]) <= SETTLED * errors[i])) return false;
  return true;
}

static neurlp_status refine_by_newton(neurlp_training *t, const double *mask, bool solve) {
  const int64_t count = (int64_t)t->spec->dimensions * t->spec->terms;
  neurlp_status status = NEURLP_SUCCESS;
  double *before = NULL, *after = NULL;
  status = neurlp_allocate(t->context, count, sizeof *before, &before);
  if (status >= 0) status = neurlp_allocate(t->context, count, sizeof *after, &after);
  if (status >= 0) status = neurlp_training_weights(t, after);
  bool settled = false; /* the same on all ranks */
  for (int64_t i = 0; i < t->spec->options.refinements && !settled; i++) {
    if (status >= 0) memcpy(before, after, (size_t)count * sizeof *before);
    if (solve) status = neurlp_newton_solve(t->newton, status, mask, after, t->spec->solving->errors);
    if (status < 0) break;
    settled = solve && has_settled(t, before, after);
    status = neurlp_newton_move(t->newton, before, after);
  }
  if (solve && status >= 0) status = put_weights(t, after);
  status = neurlp_training_agree(t, status);
  neurlp_release(t->context, &before);
  neurlp_release(t->context, &after);
  return status;
}

neurlp_status neurlp_training_refine(neurlp_training *t, const double *mask, bool solve) {
  neurlp_status status = NEURLP_SUCCESS;
  if (t->newton) return refine_by_newton(t, mask, solve);
  for (int64_t i = 0; i < t->spec->options.refinements; i++) {
    if (solve) NEURLP_TRY(neurlp_training_solve(t, mask, NULL));
    NEURLP_TRY(neurlp_training_agree(t, take_solutions(t)));
  }
done:
  return status;
}
