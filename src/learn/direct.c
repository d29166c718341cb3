#include "learn/direct.h"

#include "core/random.h"
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Share of a group's windows that may fail with the first windows before the group is said to have failed. */
static const double MOST_FAILED_FIRST = 0.5;

void neurlp_direct_say(const neurlp_direct_options *options, const char *format, ...) {
  if (!options->log) return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  options->log(options->log_user, line);
}

/* ---- starting values --------------------------------------------------------------------------------- */

static void set_start_parameters(neurlp_fit *fit) {
  const int64_t P = fit->model->parameters;
  for (int64_t g = 0; g < fit->groups; g++)
    for (int64_t p = 0; p < P; p++) {
      const bool named = p < fit->model->named;
      const neurlp_parameter *parameter = named ? &fit->model->named_parameters[p] : NULL;
      fit->theta[g * P + p] = named ? parameter->start : 0;
      fit->free[g * P + p] = !named || parameter->lower < parameter->upper;
    }
}

/* Noise levels from the smoothing: only their ratios matter at first. */
static neurlp_status set_start_noise(neurlp_fit *fit) {
  const neurlp_trajectories *data = fit->data;
  const neurlp_plan *plan = data->plan;
  const int64_t D = fit->model->dimensions;
  double *bins = fit->work->bin_local;
  memset(bins, 0, (size_t)(plan->bin_count * (D + 1)) * sizeof *bins);
  for (int64_t g = 0; g < plan->segment_count; g++) {
    double *bin = bins + (plan->segments[g].bin - plan->first_bin) * (D + 1);
    if (data->status[g] != NEURLP_SUCCESS) continue;
    for (int64_t k = 0; k < D; k++)
      bin[k] += data->noise[g * D + k] + 1e-24 * data->scale[g * D + k] * data->scale[g * D + k];
    bin[D] += 1;
  }
  double *sums = fit->work->sums;
  const neurlp_status status = neurlp_fit_sum_bins(fit, NEURLP_SUCCESS, D + 1, sums);
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

/* A random starting point number `start` for the named parameters: anywhere between finite bounds, else a
 * factor or a distance of order one from the given value. */
static void draw_start(neurlp_fit *fit, uint64_t seed, int32_t start) {
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

/* ---- fits on windows of one length ------------------------------------------------------------------- */

void neurlp_direct_restore_group(neurlp_fit *fit, int64_t group, const double *state) {
  const neurlp_trajectories *data = fit->data;
  const int64_t n = (int64_t)data->dimensions * (data->order + 1);
  for (int64_t g = 0; g < data->plan->segment_count; g++) {
    if (fit->options.per_system && data->plan->segments[g].bin - data->plan->first_bin != group) continue;
    const int64_t first = data->sample_point[data->segment_sample[g]];
    const int64_t last = data->sample_point[data->segment_sample[g + 1] - 1];
    memcpy(fit->state + first * n, state + first * n, (size_t)((last - first + 1) * n) * sizeof(double));
  }
}

/* Puts groups that cannot start with their windows back to `previous` windows; those that had none before
 * have failed. Tells whether any went back. */
static bool go_back(neurlp_fit *fit, const neurlp_direct_options *options, const neurlp_status *verdict,
                    const int64_t *previous, bool *settled) {
  bool any = false;
  for (int64_t g = 0; g < fit->groups; g++) {
    neurlp_group *group = &fit->group[g];
    if (group->status != NEURLP_SUCCESS || verdict[g] == NEURLP_SUCCESS) continue;
    if (previous[g] < 0 || settled[g]) {
      group->status = verdict[g];
      continue;
    }
    if (!fit->options.per_system)
      neurlp_direct_say(options, "windows of %lld samples do not converge: staying with %lld",
                        (long long)group->window, (long long)previous[g]);
    group->window = previous[g];
    settled[g] = true;
    neurlp_direct_restore_group(fit, g, fit->data->start);
    any = true;
  }
  return any;
}

/* Cuts, starts and fits. previous [groups]: windows to go back to, -1: none. */
static neurlp_status fit_windows(neurlp_fit *fit, const neurlp_direct_options *options,
                                 const int64_t *previous, bool *settled, double strictness) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_status *verdict = NULL;
  NEURLP_TRY(neurlp_allocate(fit->context, fit->groups, sizeof *verdict, &verdict));
  bool again = true;
  for (int32_t round = 0; again && round < 3; round++) {
    NEURLP_TRY(neurlp_fit_cut(fit));
    NEURLP_TRY(neurlp_fit_track(fit));
    const bool first = fit->groups > 0 && previous[0] < 0;
    NEURLP_TRY(neurlp_fit_begin(fit, first ? MOST_FAILED_FIRST : NEURLP_MOST_FAILED, verdict));
    again = go_back(fit, options, verdict, previous, settled);
  }
  NEURLP_TRY(neurlp_fit_run(fit, strictness));
  neurlp_fit_update_noise(fit);
done:
  neurlp_release(fit->context, &verdict);
  return status;
}

static void report(const neurlp_fit *fit, const neurlp_direct_options *options, const char *what) {
  if (fit->options.per_system) {
    int64_t good = 0, converged = 0;
    for (int64_t g = 0; g < fit->groups; g++) {
      good += fit->group[g].status == NEURLP_SUCCESS;
      converged += fit->group[g].converged;
    }
    neurlp_direct_say(options, "%s: of this rank's %lld systems %lld in hand, %lld converged", what,
                      (long long)fit->groups, (long long)good, (long long)converged);
    return;
  }
  char noise[256] = "";
  size_t length = 0;
  for (int32_t k = 0; k < fit->model->dimensions && length < sizeof noise - 32; k++)
    length += (size_t)snprintf(noise + length, sizeof noise - length, " %.3g", fit->sigma[k]);
  neurlp_direct_say(options, "%s: %lld windows of %lld samples, residual%s%s", what,
                    (long long)fit->group[0].windows, (long long)fit->group[0].window, noise,
                    fit->group[0].converged ? "" : " (not converged)");
}

/* The best of several starting points on the first windows, group by group. */
static neurlp_status try_starts(neurlp_fit *fit, const neurlp_direct_options *options,
                                const int64_t *previous, bool *settled) {
  neurlp_context *context = fit->context;
  neurlp_status status = NEURLP_SUCCESS;
  const int64_t G = fit->groups, P = fit->model->parameters, D = fit->model->dimensions;
  double *best = NULL, *theta = NULL, *sigma = NULL;
  NEURLP_TRY(neurlp_allocate(context, G, sizeof(double), &best));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(double), &theta));
  NEURLP_TRY(neurlp_allocate(context, G * D, sizeof(double), &sigma));
  memcpy(sigma, fit->sigma, (size_t)(G * D) * sizeof *sigma);
  memcpy(theta, fit->theta, (size_t)(G * P) * sizeof *theta);
  for (int64_t g = 0; g < G; g++) best[g] = INFINITY;
  for (int32_t start = 0; start < options->starts; start++) {
    draw_start(fit, options->seed, start);
    neurlp_fit_restart(fit);
    memcpy(fit->sigma, sigma, (size_t)(G * D) * sizeof *sigma); /* objectives are compared at equal weights */
    for (int64_t g = 0; g < G; g++)
      if (fit->group[g].status == NEURLP_NOT_CONVERGED) fit->group[g].status = NEURLP_SUCCESS;
    NEURLP_TRY(fit_windows(fit, options, previous, settled, NEURLP_ON_THE_WAY));
    for (int64_t g = 0; g < G; g++) {
      double objective = 0;
      for (int64_t k = 0; k < D; k++)
        objective += fit->squares[g * D + k] / (sigma[g * D + k] * sigma[g * D + k]);
      objective /= fmax((double)fit->group[g].values, 1);
      if (fit->group[g].status != NEURLP_SUCCESS || !(objective < best[g])) continue;
      best[g] = objective;
      memcpy(theta + g * P, fit->theta + g * P, (size_t)P * sizeof *theta);
    }
  }
  memcpy(fit->theta, theta, (size_t)(G * P) * sizeof *theta);
  memcpy(fit->sigma, sigma, (size_t)(G * D) * sizeof *sigma);
  neurlp_fit_restart(fit);
  for (int64_t g = 0; g < G; g++)
    if (fit->group[g].status == NEURLP_NOT_CONVERGED && isfinite(best[g]))
      fit->group[g].status = NEURLP_SUCCESS;
done:
  neurlp_release(context, &best);
  neurlp_release(context, &theta);
  neurlp_release(context, &sigma);
  return status;
}

/* Longest segment of this rank's trajectories: windows need not grow beyond it. */
static int64_t longest_segment(const neurlp_fit *fit) {
  int64_t longest = 0;
  for (int64_t g = 0; g < fit->data->plan->segment_count; g++)
    if (fit->data->plan->segments[g].count > longest) longest = fit->data->plan->segments[g].count;
  return longest;
}

/* The longest over all ranks, which all must agree on: they take every step together. */
static neurlp_status agree_longest(neurlp_fit *fit, int64_t *longest) {
  *longest = longest_segment(fit);
  if (fit->options.per_system) return NEURLP_SUCCESS;
  const neurlp_plan *plan = fit->data->plan;
  neurlp_fit_work *work = fit->work;
  for (int64_t b = 0; b < plan->bin_count; b++) work->bin_local[b] = (double)*longest;
  const neurlp_status status = fit->exchange.gather(fit->exchange.user, fit->context, NEURLP_SUCCESS, 1,
                                                    work->bin_local, work->bin_global);
  for (int64_t b = 0; status >= 0 && b < plan->bins; b++)
    if (work->bin_global[b] > (double)*longest) *longest = (int64_t)work->bin_global[b];
  return status;
}

/* Fits on the first windows, then on windows twice as long, and so on to whole segments. */
static neurlp_status grow(neurlp_fit *fit, const neurlp_direct_options *options) {
  neurlp_context *context = fit->context;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t *previous = NULL, longest = 0;
  bool *settled = NULL;
  NEURLP_TRY(neurlp_allocate(context, fit->groups, sizeof *previous, &previous));
  NEURLP_TRY(neurlp_allocate(context, fit->groups, sizeof *settled, &settled));
  NEURLP_TRY(agree_longest(fit, &longest));
  for (int64_t g = 0; g < fit->groups; g++) {
    previous[g] = -1;
    fit->group[g].window = options->first_window < longest ? options->first_window : longest;
  }
  if (options->starts > 1) NEURLP_TRY(try_starts(fit, options, previous, settled));
  int64_t window = options->first_window < longest ? options->first_window : longest;
  for (bool last = false; !last; window *= 2) {
    last = window * 4 / 3 >= longest;
    for (int64_t g = 0; g < fit->groups; g++)
      if (!settled[g]) fit->group[g].window = last ? longest : window;
    NEURLP_TRY(fit_windows(fit, options, previous, settled, NEURLP_ON_THE_WAY));
    report(fit, options, "fit");
    for (int64_t g = 0; g < fit->groups; g++) previous[g] = fit->group[g].window;
  }
done:
  neurlp_release(context, &previous);
  neurlp_release(context, &settled);
  return status;
}

neurlp_status neurlp_direct_learn(neurlp_fit *fit, const neurlp_direct_options *options) {
  neurlp_status status = NEURLP_SUCCESS;
  set_start_parameters(fit);
  NEURLP_TRY(neurlp_fit_cut(fit));
  NEURLP_TRY(set_start_noise(fit));
  if (fit->model->terms > 0) NEURLP_TRY(neurlp_direct_start(fit));
  NEURLP_TRY(grow(fit, options));
  if (fit->model->terms > 0) NEURLP_TRY(neurlp_direct_drop(fit, options));
  NEURLP_TRY(neurlp_fit_run(fit, NEURLP_FINAL));
  neurlp_fit_update_noise(fit);
  NEURLP_TRY(neurlp_fit_run(fit, NEURLP_FINAL));
  report(fit, options, "final fit");
  NEURLP_TRY(neurlp_fit_linearise(fit));
  for (int64_t g = 0; g < fit->groups; g++)
    if (fit->group[g].status == NEURLP_SUCCESS && !fit->group[g].converged)
      fit->group[g].status = NEURLP_NOT_CONVERGED;
done:
  return status;
}
