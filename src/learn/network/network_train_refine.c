/* Estimates of the states that get better while a training goes on. */
#include "learn/network/network_evaluate.h"
#include "learn/network/network_train_memory.h"

#include <math.h>
#include <string.h>

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

neurlp_status neurlp_training_refine(neurlp_training *t, const double *mask, bool solve) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < t->spec->options.refinements; i++) {
    if (solve) NEURLP_TRY(neurlp_training_solve(t, mask, NULL));
    NEURLP_TRY(neurlp_training_agree(t, take_solutions(t)));
  }
done:
  return status;
}
