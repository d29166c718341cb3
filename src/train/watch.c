#include "train/watch.h"

#include "train/vector.h"

#include <math.h>
#include <string.h>

enum { EPOCH, STEP };

struct neurlp_watch {
  neurlp_context *context;
  neurlp_watch_options options;
  const neurlp_vector *vector;
  neurlp_precision precision;
  int64_t count;
  int32_t groups_count;
  neurlp_watch_group *groups; /* [groups_count] */
  char **names;               /* [groups_count] */
  double best;                /* least loss; infinity before the first */
  int64_t kept[2];            /* epoch and step of the good parameters; -1: there are none */
  void *parameters;           /* [count] */
};

static neurlp_status check(neurlp_context *context, const neurlp_watch_options *o, int64_t count,
                           int32_t groups_count, const neurlp_watch_group *groups) {
  if (!(o->explosion == 0.0 || o->explosion >= 1.0) || !(o->scale >= 0.0))
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "a loss explodes at %g times the best, or %g: the first has to be 0 (never) or at least 1, "
        "the second at least 0",
        o->explosion, o->scale);
  for (int32_t g = 0; g < groups_count; g++)
    if (groups[g].first < 0 || groups[g].count < 0 || groups[g].count > count - groups[g].first)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                         "group %s is %lld parameters from number %lld on; there are %lld", groups[g].name,
                         (long long)groups[g].count, (long long)groups[g].first, (long long)count);
  return NEURLP_SUCCESS;
}

static neurlp_status copy_groups(neurlp_watch *w, const neurlp_watch_group *groups) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(w->context, w->groups_count, sizeof *w->groups, &w->groups));
  NEURLP_TRY(neurlp_allocate(w->context, w->groups_count, sizeof *w->names, &w->names));
  for (int32_t g = 0; g < w->groups_count; g++) {
    NEURLP_TRY(neurlp_copy_text(w->context, groups[g].name, &w->names[g]));
    w->groups[g] = groups[g];
    w->groups[g].name = w->names[g];
  }
done:
  return status;
}

neurlp_status neurlp_watch_create(neurlp_context *context, const neurlp_watch_options *options,
                                  neurlp_precision precision, int64_t count, int32_t groups_count,
                                  const neurlp_watch_group *groups, neurlp_watch **watch) {
  const neurlp_vector *vector = NULL;
  neurlp_watch *made = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *watch = NULL;
  NEURLP_TRY(neurlp_vector_check(context, precision, count, &vector));
  NEURLP_TRY(check(context, options, count, groups_count, groups));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->options = *options;
  made->vector = vector;
  made->precision = precision;
  made->count = count;
  made->groups_count = groups_count;
  made->best = INFINITY;
  made->kept[EPOCH] = made->kept[STEP] = -1;
  NEURLP_TRY(copy_groups(made, groups));
  NEURLP_TRY(neurlp_allocate(context, count, vector->number_bytes, &made->parameters));
  *watch = made;
  made = NULL;
done:
  neurlp_watch_destroy(&made);
  return status;
}

void neurlp_watch_destroy(neurlp_watch **watch) {
  if (!watch || !*watch) return;
  neurlp_watch *old = *watch;
  neurlp_context *context = old->context;
  for (int32_t g = 0; old->names && g < old->groups_count; g++) neurlp_release(context, &old->names[g]);
  neurlp_release(context, &old->names);
  neurlp_release(context, &old->groups);
  neurlp_release(context, &old->parameters);
  neurlp_release(context, watch);
}

/* ---- what is wrong ----------------------------------------------------------------------------------- */

static neurlp_status complain_of_entry(const neurlp_watch *w, int64_t epoch, int64_t step,
                                       const void *gradient, int64_t entry) {
  const double value = w->vector->read(gradient, entry);
  for (int32_t g = 0; g < w->groups_count; g++) {
    const int64_t within = entry - w->groups[g].first;
    if (within < 0 || within >= w->groups[g].count) continue;
    return neurlp_fail(
        w->context, NEURLP_NOT_FINITE,
        "epoch %lld, step %lld: entry %lld of %lld of the gradient of %s (group %d) is %g; lower the "
        "learning rate, or clip gradients",
        (long long)epoch, (long long)step, (long long)within, (long long)w->groups[g].count,
        w->groups[g].name, g, value);
  }
  return neurlp_fail(
      w->context, NEURLP_NOT_FINITE,
      "epoch %lld, step %lld: entry %lld of %lld of the gradient is %g; lower the learning rate, or "
      "clip gradients",
      (long long)epoch, (long long)step, (long long)entry, (long long)w->count, value);
}

double neurlp_watch_most_loss(const neurlp_watch *w) {
  const double size = fmax(fabs(w->best), w->options.scale);
  if (w->options.explosion == 0.0 || w->best == INFINITY) return INFINITY;
  return w->best + (w->options.explosion - 1.0) * size;
}

neurlp_status neurlp_watch_check(neurlp_watch *w, int64_t epoch, int64_t step, double loss,
                                 const void *gradient) {
  if (!isfinite(loss))
    return neurlp_fail(w->context, NEURLP_NOT_FINITE,
                       "epoch %lld, step %lld: the loss is %g; lower the learning rate, or clip gradients",
                       (long long)epoch, (long long)step, loss);
  const int64_t entry =
      gradient ? w->vector->first_not_finite(neurlp_context_threads(w->context), w->count, gradient) : -1;
  if (entry >= 0) return complain_of_entry(w, epoch, step, gradient, entry);
  if (loss > neurlp_watch_most_loss(w))
    return neurlp_fail(
        w->context, NEURLP_NOT_CONVERGED,
        "epoch %lld, step %lld: the loss is %g, and was %g at its best: more than %g times as much; "
        "lower the learning rate, or clip gradients",
        (long long)epoch, (long long)step, loss, w->best, w->options.explosion);
  if (loss < w->best) w->best = loss;
  return NEURLP_SUCCESS;
}

/* ---- good parameters --------------------------------------------------------------------------------- */

void neurlp_watch_keep(neurlp_watch *w, int64_t epoch, int64_t step, const void *parameters) {
  memcpy(w->parameters, parameters, (size_t)w->count * w->vector->number_bytes);
  w->kept[EPOCH] = epoch;
  w->kept[STEP] = step;
}

neurlp_status neurlp_watch_restore(const neurlp_watch *w, void *parameters, int64_t *epoch, int64_t *step) {
  if (w->kept[STEP] < 0)
    return neurlp_fail(w->context, NEURLP_ERROR_ARGUMENT,
                       "there are no good parameters to go back to: the first step failed already");
  memcpy(parameters, w->parameters, (size_t)w->count * w->vector->number_bytes);
  if (epoch) *epoch = w->kept[EPOCH];
  if (step) *step = w->kept[STEP];
  return NEURLP_SUCCESS;
}

int32_t neurlp_watch_state(neurlp_watch *w, neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  arrays[0] =
      (neurlp_state_array){.name = "best", .kind = NEURLP_STATE_DOUBLE, .count = 1, .numbers = &w->best};
  arrays[1] =
      (neurlp_state_array){.name = "kept", .kind = NEURLP_STATE_INT64, .count = 2, .numbers = w->kept};
  arrays[2] = (neurlp_state_array){.name = "good_parameters",
                                   .kind = neurlp_state_real(w->precision),
                                   .count = w->count,
                                   .numbers = w->parameters};
  return 3;
}
