/* Levenberg-Marquardt (docs/math.md, section 7): all groups of all ranks step together, and between two steps
 * everything is whole. */
#include "core/triangle.h"
#include "learn/fit_work.h"

#include <math.h>
#include <string.h>

static const double DAMPING_START = 1e-3, DAMPING_LEAST = 1e-9, DAMPING_MOST = 1e10;

/* Step of one group from its triangle, within the bounds of its parameters. */
static void step_group(neurlp_fit *fit, int64_t g) {
  const neurlp_fit_work *w = fit->work;
  const neurlp_model *model = fit->model;
  const int64_t P = model->parameters, C = w->columns;
  neurlp_group *group = &fit->group[g];
  double *lower = w->step_workspace + neurlp_triangle_step_workspace(C), *upper = lower + P,
         *step = upper + P;
  for (int64_t c = 0; c < C; c++) {
    const int32_t p = w->column_parameter[c];
    const double theta = fit->theta[g * P + p];
    w->column_free[c] = fit->free[g * P + p];
    lower[c] = p < model->named ? model->named_parameters[p].lower - theta : -INFINITY;
    upper[c] = p < model->named ? model->named_parameters[p].upper - theta : INFINITY;
  }
  group->predicted = neurlp_triangle_step(C, w->triangle + g * neurlp_triangle_count(C + 1), w->column_free,
                                          group->damping, lower, upper, step, w->step_workspace);
  for (int64_t p = 0; p < P; p++) fit->step[g * P + p] = 0;
  for (int64_t c = 0; c < C; c++) fit->step[g * P + w->column_parameter[c]] = step[c];
  for (int64_t p = 0; p < P; p++) fit->trial_theta[g * P + p] = fit->theta[g * P + p] + fit->step[g * P + p];
}

void neurlp_fit_hold_at_zero(neurlp_fit *fit, int64_t g, int32_t count, const int32_t *dropped) {
  const neurlp_fit_work *w = fit->work;
  const int64_t P = fit->model->parameters, C = w->columns;
  double *theta = fit->theta + g * P, *fixed = fit->step + g * P;
  double *lower = w->step_workspace + neurlp_triangle_step_workspace(C), *upper = lower + P,
         *step = upper + P;
  for (int64_t p = 0; p < P; p++) fixed[p] = NAN;
  for (int32_t i = 0; i < count; i++) fixed[dropped[i]] = -theta[dropped[i]];
  for (int64_t c = 0; c < C; c++) {
    const int32_t p = w->column_parameter[c];
    w->column_free[c] = fit->free[g * P + p];
    lower[c] = isnan(fixed[p]) ? -INFINITY : fixed[p];
    upper[c] = isnan(fixed[p]) ? INFINITY : fixed[p];
  }
  (void)neurlp_triangle_step(C, w->triangle + g * neurlp_triangle_count(C + 1), w->column_free, 0, lower,
                             upper, step, w->step_workspace);
  for (int64_t c = 0; c < C; c++) theta[w->column_parameter[c]] += step[c];
  for (int32_t i = 0; i < count; i++) {
    theta[dropped[i]] = 0;
    fit->free[g * P + dropped[i]] = false;
  }
}

/* Steps, in units of the standard errors, that are too small to matter; and that are too small to insist on
 * when the sum of squares does not decrease: sensitivities leave out the curvature of the block's own
 * residuals, and are that exact. */
static const double SMALL_STEP = 1e-3, DOUBTFUL_STEP = 3e-2;

/* Whether a step is below `errors` standard errors (the predicted decrease is its squared length in units of
 * them), or below the tolerance relative to every parameter. */
static bool is_settled(const neurlp_fit *fit, int64_t g, double errors, double strictness) {
  const neurlp_group *group = &fit->group[g];
  const int64_t P = fit->model->parameters;
  if (group->predicted <= errors * errors * neurlp_fit_residual_variance(fit, g)) return true;
  for (int64_t p = 0; p < P; p++)
    if (fabs(fit->step[g * P + p]) > strictness * fit->options.tolerance * fabs(fit->theta[g * P + p]))
      return false;
  return true;
}

/* Accepts or rejects one group's trial. */
static bool judge_trial(neurlp_fit *fit, int64_t g, double strictness) {
  neurlp_group *group = &fit->group[g];
  const int64_t P = fit->model->parameters;
  const bool better = group->trial < group->objective;
  const bool settled = is_settled(fit, g, better ? SMALL_STEP * strictness : DOUBTFUL_STEP, strictness);
  if (better) {
    const double gain = (group->objective - group->trial) / group->objective;
    memcpy(fit->theta + g * P, fit->trial_theta + g * P, (size_t)P * sizeof(double));
    group->objective = group->trial;
    group->damping = fmax(group->damping / 10, DAMPING_LEAST);
    group->stale = true;
    group->converged = settled && gain < 1e-3 * strictness;
  } else {
    group->converged = settled && isfinite(group->trial);
    group->damping = fmax(group->damping, DAMPING_START) * 10;
  }
  group->active = !group->converged && group->damping < DAMPING_MOST;
  return better;
}

static void tell_progress(const neurlp_fit *fit, int32_t iteration) {
  if (!fit->options.progress) return;
  const int64_t P = fit->model->parameters;
  neurlp_fit_progress p = {.iteration = iteration, .groups = fit->groups};
  for (int64_t g = 0; g < fit->groups; g++) {
    p.active += fit->group[g].active;
    if (fit->group[g].status != NEURLP_SUCCESS) continue;
    p.windows += fit->group[g].windows;
    p.objective += fit->group[g].objective;
  }
  if (fit->groups > 0) p.window = fit->group[0].window;
  for (int64_t i = 0; fit->groups > 0 && i < P; i++) p.free += fit->free[i];
  fit->options.progress(fit->options.progress_user, &p);
}

/* Whether any group of any rank goes on. A rank whose own part has failed comes here like the others.
 * Collective. */
static neurlp_status agree_going(neurlp_fit *fit, neurlp_status mine, bool *going) {
  int64_t any = 0;
  for (int64_t g = 0; mine >= 0 && g < fit->groups; g++) any = any || fit->group[g].active;
  const neurlp_status status = neurlp_fit_agree(fit, mine, 1, &any);
  *going = any != 0;
  return status;
}

neurlp_status neurlp_fit_start(neurlp_fit *fit, bool *going) {
  for (int64_t g = 0; g < fit->groups; g++) {
    neurlp_group *group = &fit->group[g];
    group->stale = true; /* triangles of other windows are forgotten */
    group->active = group->status == NEURLP_SUCCESS && !group->standing;
    if (group->standing) continue;
    group->converged = false;
    group->damping = DAMPING_START;
  }
  const neurlp_status status = neurlp_fit_evaluate(fit, NEURLP_SUCCESS, NEURLP_FIT_CURRENT);
  return agree_going(fit, status, going);
}

/* Judges the trials of active groups and takes the better ones over. */
static neurlp_status take_trials(neurlp_fit *fit, double strictness) {
  bool *accepted = NULL;
  const neurlp_status status = neurlp_allocate(fit->context, fit->groups, sizeof *accepted, &accepted);
  if (status < 0) return status;
  for (int64_t g = 0; g < fit->groups; g++)
    accepted[g] = fit->group[g].active && judge_trial(fit, g, strictness);
  neurlp_fit_select(fit, accepted);
  neurlp_release(fit->context, &accepted);
  return fit->work->backend->accept(fit);
}

neurlp_status neurlp_fit_iterate(neurlp_fit *fit, int32_t iteration, double strictness, bool *going) {
  neurlp_status status = neurlp_fit_reduce(fit);
  if (status >= 0) {
    for (int64_t g = 0; g < fit->groups; g++)
      if (fit->group[g].active) step_group(fit, g);
    neurlp_fit_select(fit, NULL);
    status = neurlp_fit_evaluate(fit, fit->work->backend->step_initial(fit), NEURLP_FIT_TRIAL);
  }
  if (status >= 0) status = take_trials(fit, strictness);
  if (status >= 0) tell_progress(fit, iteration);
  return agree_going(fit, status, going);
}

neurlp_status neurlp_fit_finish(neurlp_fit *fit) {
  for (int64_t g = 0; g < fit->groups; g++)
    fit->group[g].active = fit->group[g].status == NEURLP_SUCCESS && !fit->group[g].standing;
  neurlp_status status = neurlp_fit_evaluate(fit, NEURLP_SUCCESS, NEURLP_FIT_CURRENT);
  if (status >= 0) status = fit->work->backend->fetch(fit);
  return neurlp_fit_agree(fit, status, 0, NULL);
}

neurlp_status neurlp_fit_linearise(neurlp_fit *fit) {
  for (int64_t g = 0; g < fit->groups; g++) {
    fit->group[g].active = fit->group[g].status == NEURLP_SUCCESS;
    fit->group[g].stale = true;
  }
  return neurlp_fit_agree(fit, neurlp_fit_reduce(fit), 0, NULL);
}
