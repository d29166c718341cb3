/* Where learning starts: parameters, noise, and the choice among several starting points. */
#include "core/random.h"
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <math.h>
#include <string.h>

/* ---- setting out ------------------------------------------------------------------------------------- */

static void set_parameters(neurlp_fit *fit) {
  const int64_t P = fit->model->parameters;
  for (int64_t g = 0; g < fit->groups; g++)
    for (int64_t p = 0; p < P; p++) {
      const bool named = p < fit->model->named;
      const neurlp_parameter *parameter = named ? &fit->model->named_parameters[p] : NULL;
      fit->theta[g * P + p] = named ? parameter->start : 0;
      fit->free[g * P + p] = !named || parameter->lower < parameter->upper;
    }
}

/* Noise levels from the smoothing: only their ratios matter at first. Collective with shared parameters. */
static neurlp_status set_noise(neurlp_fit *fit, neurlp_status mine) {
  const neurlp_trajectories *data = fit->data;
  const neurlp_plan *plan = data->plan;
  const int64_t D = fit->model->dimensions;
  double *bins = fit->work->bin_local;
  if (mine >= 0) memset(bins, 0, (size_t)(plan->bin_count * (D + 1)) * sizeof *bins);
  for (int64_t g = 0; mine >= 0 && g < plan->segment_count; g++) {
    double *bin = bins + (plan->segments[g].bin - plan->first_bin) * (D + 1);
    if (data->status[g] != NEURLP_SUCCESS) continue;
    for (int64_t k = 0; k < D; k++) {
      const double unit = data->weight ? 1 : data->scale[g * D + k];
      bin[k] += data->noise[g * D + k] + 1e-24 * unit * unit;
    }
    bin[D] += 1;
  }
  double *sums = fit->work->sums;
  const neurlp_status status = neurlp_fit_sum_bins(fit, mine, D + 1, sums);
  if (status < 0) return status;
  for (int64_t g = 0; g < fit->groups; g++) {
    double all = 0;
    for (int64_t k = 0; k < D; k++) all += sums[g * (D + 1) + k] / (double)D;
    for (int64_t k = 0; k < D; k++) {
      const double variance = fit->options.equal_noise ? all : sums[g * (D + 1) + k];
      fit->sigma[g * D + k] = sums[g * (D + 1) + D] > 0 ? sqrt(variance / sums[g * (D + 1) + D]) : 1;
    }
  }
  return NEURLP_SUCCESS;
}

/* Parameters and noise of all groups. Collective with shared parameters. */
static neurlp_status set_first_values(neurlp_fit *fit) {
  set_parameters(fit);
  neurlp_status status = set_noise(fit, neurlp_fit_cut(fit));
  if (status >= 0 && fit->model->terms > 0) status = neurlp_direct_integrals(fit);
  return status;
}

neurlp_status neurlp_direct_set_out(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  const neurlp_plan *plan = fit->data->plan;
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  neurlp_direct_place *place = &l->place;
  place->longest = l->options->longest;
  for (int64_t g = 0; g < plan->segment_count; g++)
    if (plan->segments[g].count > place->longest) place->longest = plan->segments[g].count;
  const neurlp_status status = neurlp_fit_agree(fit, set_first_values(fit), 1, &place->longest);
  if (status < 0) return status;
  for (int64_t g = 0; g < G; g++) {
    l->group[g].previous = -1;
    l->group[g].best = INFINITY;
    l->group[g].most = (int32_t)P;
    fit->group[g].window =
        l->options->first_window < place->longest ? l->options->first_window : place->longest;
  }
  memcpy(l->theta, fit->theta, (size_t)(G * P) * sizeof *l->theta);
  memcpy(l->sigma, fit->sigma, (size_t)(G * D) * sizeof *l->sigma);
  neurlp_direct_go_to(l, l->options->starts > 1 ? NEURLP_STAGE_STARTS : NEURLP_STAGE_GROWTH, 0);
  return NEURLP_SUCCESS;
}

/* ---- several starting points ------------------------------------------------------------------------- */

/* A random starting point number `start` for the named parameters: anywhere between finite bounds, else a
 * factor or a distance of order one from the given value. */
static void draw_point(neurlp_fit *fit, uint64_t seed, int32_t start) {
  const int64_t P = fit->model->parameters, named = fit->model->named;
  for (int64_t g = 0; g < fit->groups; g++) {
    const int64_t system = fit->options.per_system ? fit->data->plan->first_bin + g : 0;
    for (int64_t p = 0; p < named; p++) {
      const neurlp_parameter *parameter = &fit->model->named_parameters[p];
      const int64_t index = (int64_t)start * named + p;
      double value = parameter->start;
      if (start == 0 || parameter->lower == parameter->upper) continue;
      if (isfinite(parameter->lower) && isfinite(parameter->upper)) {
        const double uniform = neurlp_random_uniform(seed, NEURLP_RANDOM_START, system, index);
        value = parameter->lower + uniform * (parameter->upper - parameter->lower);
      } else {
        const double normal = neurlp_random_normal(seed, NEURLP_RANDOM_START, system, index);
        value = value == 0 ? normal : value * exp(normal);
        value = fmin(fmax(value, parameter->lower), parameter->upper);
      }
      fit->theta[g * P + p] = value;
    }
  }
}

neurlp_status neurlp_direct_prepare_start(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  const int64_t G = fit->groups, D = fit->model->dimensions;
  draw_point(fit, l->options->seed, (int32_t)l->place.round);
  neurlp_fit_restart(fit);
  memcpy(fit->sigma, l->sigma, (size_t)(G * D) * sizeof *l->sigma); /* objectives at equal weights */
  for (int64_t g = 0; g < G; g++)
    if (fit->group[g].status == NEURLP_NOT_CONVERGED) fit->group[g].status = NEURLP_SUCCESS;
  const neurlp_status status = neurlp_direct_cut(l);
  return status < 0 ? status : neurlp_direct_begin_fit(l);
}

/* The mean square of group g's residuals in units of the noise that all starting points have in common. */
static double objective_of(const neurlp_learning *l, int64_t g) {
  const neurlp_fit *fit = l->fit;
  const int64_t D = fit->model->dimensions;
  double objective = 0;
  for (int64_t k = 0; k < D; k++)
    objective += fit->squares[g * D + k] / (l->sigma[g * D + k] * l->sigma[g * D + k]);
  return objective / fmax((double)fit->group[g].values, 1);
}

/* From the best starting point of each group on. */
static void choose_best(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  memcpy(fit->theta, l->theta, (size_t)(G * P) * sizeof *l->theta);
  memcpy(fit->sigma, l->sigma, (size_t)(G * D) * sizeof *l->sigma);
  neurlp_fit_restart(fit);
  for (int64_t g = 0; g < G; g++)
    if (fit->group[g].status == NEURLP_NOT_CONVERGED && isfinite(l->group[g].best))
      fit->group[g].status = NEURLP_SUCCESS;
}

neurlp_status neurlp_direct_conclude_start(neurlp_learning *l) {
  neurlp_fit *fit = l->fit;
  const int64_t P = fit->model->parameters;
  neurlp_fit_update_noise(fit);
  for (int64_t g = 0; g < fit->groups; g++) {
    const double objective = objective_of(l, g);
    if (fit->group[g].status != NEURLP_SUCCESS || !(objective < l->group[g].best)) continue;
    l->group[g].best = objective;
    memcpy(l->theta + g * P, fit->theta + g * P, (size_t)P * sizeof *l->theta);
  }
  if (l->place.round + 1 < l->options->starts) {
    neurlp_direct_go_to(l, NEURLP_STAGE_STARTS, l->place.round + 1);
    return NEURLP_SUCCESS;
  }
  choose_best(l);
  neurlp_direct_go_to(l, NEURLP_STAGE_GROWTH, 0);
  return NEURLP_SUCCESS;
}
