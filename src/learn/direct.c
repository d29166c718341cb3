#include "learn/direct.h"

#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- what is said ------------------------------------------------------------------------------------ */

void neurlp_direct_say(const neurlp_direct_options *options, const char *format, ...) {
  if (!options->log) return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  options->log(options->log_user, line);
}

void neurlp_direct_report(const neurlp_learning *l, const char *what) {
  const neurlp_fit *fit = l->fit;
  if (fit->options.per_system) {
    int64_t good = 0, converged = 0;
    for (int64_t g = 0; g < fit->groups; g++) {
      good += fit->group[g].status == NEURLP_SUCCESS;
      converged += fit->group[g].converged;
    }
    neurlp_direct_say(l->options, "%s: of this rank's %lld systems %lld in hand, %lld converged", what,
                      (long long)fit->groups, (long long)good, (long long)converged);
    return;
  }
  char noise[256] = "";
  size_t length = 0;
  for (int32_t k = 0; k < fit->model->dimensions && length < sizeof noise - 32; k++)
    length += (size_t)snprintf(noise + length, sizeof noise - length, " %.3g", fit->sigma[k]);
  neurlp_direct_say(l->options, "%s: %lld window%s of %lld samples, residual%s%s", what,
                    (long long)fit->group[0].windows, fit->group[0].windows == 1 ? "" : "s",
                    (long long)fit->group[0].window, noise,
                    fit->group[0].converged ? "" : " (not converged)");
}

/* ---- memory ------------------------------------------------------------------------------------------ */

static neurlp_status create(neurlp_fit *fit, const neurlp_direct_options *options, neurlp_learning *l) {
  neurlp_context *context = fit->context;
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  *l = (neurlp_learning){.fit = fit, .options = options};
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *l->group, &l->group));
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *l->verdict, &l->verdict));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(double), &l->theta));
  NEURLP_TRY(neurlp_allocate(context, G * D, sizeof(double), &l->sigma));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(bool), &l->free));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(bool), &l->needed));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(bool), &l->dropped));
  NEURLP_TRY(neurlp_direct_create_drop(l));
  NEURLP_TRY(neurlp_direct_create_kept(l));
done:
  return status;
}

static void release(neurlp_learning *l) {
  neurlp_context *context = l->fit->context;
  neurlp_direct_release_kept(l);
  neurlp_release(context, &l->group);
  neurlp_release(context, &l->verdict);
  neurlp_release(context, &l->theta);
  neurlp_release(context, &l->sigma);
  neurlp_release(context, &l->free);
  neurlp_release(context, &l->state);
  neurlp_release(context, &l->needed);
  neurlp_release(context, &l->dropped);
  neurlp_release(context, &l->covariance);
  neurlp_release(context, &l->list);
  neurlp_release(context, &l->list_dropped);
}

/* ---- stages ------------------------------------------------------------------------------------------ */

void neurlp_direct_go_to(neurlp_learning *l, neurlp_stage stage, int64_t round) {
  l->place.stage = stage;
  l->place.round = round;
  l->place.fitting = false;
}

neurlp_status neurlp_direct_begin_fit(neurlp_learning *l) {
  bool going = false;
  const neurlp_status status = neurlp_fit_start(l->fit, &going);
  l->place.fitting = true;
  l->place.iteration = 0;
  l->place.going = going;
  return status;
}

/* Windows and trajectories are those of the last fit. */
static neurlp_status prepare_final(neurlp_learning *l) {
  return neurlp_direct_begin_fit(l);
}

static neurlp_status conclude_final(neurlp_learning *l) {
  if (l->place.round == 0) {
    neurlp_fit_update_noise(l->fit);
    neurlp_direct_go_to(l, NEURLP_STAGE_FINAL, 1);
  } else {
    neurlp_direct_report(l, "final fit");
    neurlp_direct_go_to(l, NEURLP_STAGE_DONE, 0);
  }
  return NEURLP_SUCCESS;
}

/* What a stage does before and after each of its fits, and how exact these are. */
static const struct {
  neurlp_status (*prepare)(neurlp_learning *l);
  neurlp_status (*conclude)(neurlp_learning *l);
  double strictness;
} STAGES[NEURLP_STAGE_DONE] = {
    [NEURLP_STAGE_STARTS] = {neurlp_direct_prepare_start, neurlp_direct_conclude_start, NEURLP_ON_THE_WAY},
    [NEURLP_STAGE_GROWTH] = {neurlp_direct_prepare_growth, neurlp_direct_conclude_growth, NEURLP_ON_THE_WAY},
    [NEURLP_STAGE_DROPPING] = {neurlp_direct_prepare_drop, neurlp_direct_conclude_drop, NEURLP_ON_THE_WAY},
    [NEURLP_STAGE_RETURN] = {neurlp_direct_prepare_return, neurlp_direct_conclude_return, NEURLP_ON_THE_WAY},
    [NEURLP_STAGE_FINAL] = {prepare_final, conclude_final, NEURLP_FINAL}};

/* The iterations of the fit in hand, from wherever it is. */
static neurlp_status iterate(neurlp_learning *l) {
  neurlp_direct_place *place = &l->place;
  neurlp_status status = NEURLP_SUCCESS;
  for (;;) {
    bool going = false;
    NEURLP_TRY(neurlp_direct_keep(l));
    if (place->going && l->fit->options.outer.solve) { /* one that keeps the lead */
      NEURLP_TRY(neurlp_fit_minimise(l->fit, STAGES[place->stage].strictness));
      break;
    }
    if (!place->going || place->iteration >= l->fit->options.iterations) break;
    NEURLP_TRY(
        neurlp_fit_iterate(l->fit, (int32_t)place->iteration, STAGES[place->stage].strictness, &going));
    place->going = going;
    place->iteration++;
  }
  NEURLP_TRY(neurlp_fit_finish(l->fit));
done:
  return status;
}

/* Systems that have failed have no windows any more where others were cut again after that; so they have none
 * where nobody was. Local. */
static neurlp_status leave_failed_out(neurlp_fit *fit) {
  bool any = false;
  for (int64_t g = 0; g < fit->groups; g++) any = any || fit->group[g].status != NEURLP_SUCCESS;
  if (!any || !fit->options.per_system) return NEURLP_SUCCESS;
  for (int64_t g = 0; g < fit->groups; g++) fit->group[g].standing = true;
  const neurlp_status status = neurlp_fit_cut(fit);
  for (int64_t g = 0; g < fit->groups; g++) fit->group[g].standing = false;
  return status;
}

/* The covariances, and what has not converged by now. */
static neurlp_status end(neurlp_fit *fit) {
  neurlp_status status = neurlp_fit_agree(fit, leave_failed_out(fit), 0, NULL);
  if (status >= 0) status = neurlp_fit_linearise(fit);
  for (int64_t g = 0; status >= 0 && g < fit->groups; g++)
    if (fit->group[g].status == NEURLP_SUCCESS && !fit->group[g].converged)
      fit->group[g].status = NEURLP_NOT_CONVERGED;
  return status;
}

neurlp_status neurlp_direct_learn(neurlp_fit *fit, const neurlp_direct_options *options) {
  neurlp_status status = NEURLP_SUCCESS;
  bool found = false;
  neurlp_learning l;
  NEURLP_TRY(neurlp_fit_agree(fit, create(fit, options, &l), 0, NULL));
  NEURLP_TRY(neurlp_direct_resume(&l, &found));
  if (!found) NEURLP_TRY(neurlp_direct_set_out(&l));
  while (l.place.stage != NEURLP_STAGE_DONE) {
    if (!l.place.fitting) {
      NEURLP_TRY(STAGES[l.place.stage].prepare(&l));
      continue; /* there may be nothing to fit, and another stage */
    }
    NEURLP_TRY(iterate(&l));
    NEURLP_TRY(STAGES[l.place.stage].conclude(&l));
  }
  NEURLP_TRY(end(fit));
done:
  release(&l);
  return status;
}
