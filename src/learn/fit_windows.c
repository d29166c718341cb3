/* Windows of a fit: cutting trajectories into them, and solving them as nonlinear blocks. */
#include "core/triangle.h"
#include "learn/fit_work.h"

#include <math.h>
#include <string.h>

static int64_t group_of(const neurlp_fit *fit, const neurlp_segment *segment) {
  return fit->options.per_system ? segment->bin - fit->data->plan->first_bin : 0;
}

static int64_t unknowns(const neurlp_fit *fit) {
  return (int64_t)fit->data->dimensions * (fit->data->order + 1);
}

void neurlp_fit_restart(neurlp_fit *fit) {
  memcpy(fit->state, fit->data->start, (size_t)(fit->data->point_count * unknowns(fit)) * sizeof *fit->state);
}

/* Data in a run of samples. */
static int64_t count_values(const neurlp_fit *fit, int64_t first, int64_t count) {
  const int64_t D = fit->data->dimensions;
  int64_t values = 0;
  for (int64_t i = first * D; i < (first + count) * D; i++) values += isfinite(fit->data->samples[i]) != 0;
  return values;
}

/* Lists the windows; `windows` NULL: only counts them. A window with too few data for its own initial values
 * has nothing to say about the parameters and is left out. */
static int64_t list_windows(const neurlp_fit *fit, neurlp_window *windows) {
  const neurlp_trajectories *data = fit->data;
  const neurlp_plan *plan = data->plan;
  const int64_t initial_count = (int64_t)data->dimensions * fit->model->order;
  int64_t count = 0;
  for (int64_t g = 0; g < plan->segment_count; g++) {
    const neurlp_segment *segment = &plan->segments[g];
    const int64_t group = group_of(fit, segment);
    if (data->status[g] != NEURLP_SUCCESS || fit->group[group].status != NEURLP_SUCCESS) continue;
    const int64_t pieces = neurlp_cut_count(segment->count, fit->group[group].window);
    for (int64_t i = 0; i < pieces; i++) {
      const int64_t begin = neurlp_cut_begin(segment->count, pieces, i);
      const int64_t samples = neurlp_cut_begin(segment->count, pieces, i + 1) - begin;
      const int64_t first = data->segment_sample[g] + begin;
      const int64_t points = data->sample_point[first + samples - 1] - data->sample_point[first] + 1;
      if (points < 2 || count_values(fit, first, samples) <= initial_count) continue;
      if (windows)
        windows[count] = (neurlp_window){.segment = g,
                                         .group = group,
                                         .bin = segment->bin - plan->first_bin,
                                         .first_sample = first,
                                         .samples = samples,
                                         .first_point = data->sample_point[first],
                                         .points = (int32_t)points};
      count++;
    }
  }
  return count;
}

/* Initial values from the current trajectory. */
static void take_initial(neurlp_fit *fit, int64_t w) {
  const int64_t D = fit->data->dimensions, width = fit->data->order + 1, kappa = fit->model->order;
  const double *state = fit->state + fit->window[w].first_point * D * width;
  for (int64_t k = 0; k < D; k++)
    for (int64_t j = 0; j < kappa; j++) fit->initial[(w * D + k) * kappa + j] = state[k * width + j];
}

/* Windows with their initial values, beside those of a fit. */
typedef struct old_windows {
  int64_t count;
  neurlp_window *window;
  double *initial;
} old_windows;

/* What standing groups keep of their windows, which are cut as before. Both lists are in the same order. */
static void keep_standing(neurlp_fit *fit, const old_windows *old) {
  const int64_t initials = neurlp_fit_initials(fit);
  int64_t o = 0;
  for (int64_t w = 0; w < fit->window_count; w++) {
    neurlp_window *window = &fit->window[w];
    if (!fit->group[window->group].standing) continue;
    while (o < old->count && old->window[o].first_sample < window->first_sample) o++;
    if (o == old->count || old->window[o].first_sample != window->first_sample) continue;
    window->excluded = old->window[o].excluded;
    memcpy(fit->initial + w * initials, old->initial + o * initials, (size_t)initials * sizeof(double));
  }
}

/* Lists the windows anew; their initial values are not set yet. */
static neurlp_status make_windows(neurlp_fit *fit) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_context *context = fit->context;
  const int64_t initials = neurlp_fit_initials(fit);
  neurlp_release(context, &fit->window);
  neurlp_release(context, &fit->initial);
  neurlp_release(context, &fit->trial_initial);
  fit->window_count = list_windows(fit, NULL);
  NEURLP_TRY(neurlp_allocate(context, fit->window_count, sizeof *fit->window, &fit->window));
  NEURLP_TRY(neurlp_allocate(context, fit->window_count * initials, sizeof(double), &fit->initial));
  NEURLP_TRY(neurlp_allocate(context, fit->window_count * initials, sizeof(double), &fit->trial_initial));
  list_windows(fit, fit->window);
done:
  if (status < 0) fit->window_count = 0;
  return status;
}

neurlp_status neurlp_fit_cut(neurlp_fit *fit) {
  old_windows old = {.count = fit->window_count, .window = fit->window, .initial = fit->initial};
  fit->window = NULL;
  fit->initial = NULL;
  neurlp_status status = make_windows(fit);
  for (int64_t w = 0; w < fit->window_count; w++) take_initial(fit, w);
  if (status >= 0) keep_standing(fit, &old);
  neurlp_release(fit->context, &old.window);
  neurlp_release(fit->context, &old.initial);
  return status < 0 ? status : neurlp_fit_prepare(fit);
}

/* ---- going on from what was kept --------------------------------------------------------------------- */

neurlp_status neurlp_fit_keep(neurlp_fit *fit, double *initial, uint8_t *excluded) {
  const int64_t initials = neurlp_fit_initials(fit);
  const neurlp_status status = fit->work->backend->fetch(fit);
  if (status < 0) return status;
  memset(initial, 0, (size_t)(fit->data->sample_count * initials) * sizeof *initial);
  memset(excluded, 0, (size_t)fit->data->sample_count);
  for (int64_t w = 0; w < fit->window_count; w++) {
    const int64_t sample = fit->window[w].first_sample;
    memcpy(initial + sample * initials, fit->initial + w * initials, (size_t)initials * sizeof *initial);
    excluded[sample] = fit->window[w].excluded;
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_fit_resume(neurlp_fit *fit, const double *initial, const uint8_t *excluded) {
  const int64_t initials = neurlp_fit_initials(fit);
  const neurlp_status status = make_windows(fit);
  if (status < 0) return status;
  for (int64_t w = 0; w < fit->window_count; w++) {
    const int64_t sample = fit->window[w].first_sample;
    memcpy(fit->initial + w * initials, initial + sample * initials, (size_t)initials * sizeof *initial);
    fit->window[w].excluded = excluded[sample] != 0;
  }
  /* triangles are not kept: they are functions of what is */
  for (int64_t g = 0; g < fit->groups; g++) fit->group[g].stale = true;
  return neurlp_fit_prepare(fit);
}

/* ---- solving ----------------------------------------------------------------------------------------- */

void neurlp_fit_select(neurlp_fit *fit, const bool *wanted) {
  neurlp_fit_work *work = fit->work;
  work->selected_count = 0;
  for (int64_t w = 0; w < fit->window_count; w++) {
    const neurlp_window *window = &fit->window[w];
    if (window->excluded || !(wanted ? wanted[window->group] : fit->group[window->group].active)) continue;
    work->selected[work->selected_count++] = w;
  }
}

/* Numbers for each bin: squares [D], counts [D], windows, failed windows. */
static void fill_bins(neurlp_fit *fit) {
  neurlp_fit_work *work = fit->work;
  const int64_t D = fit->data->dimensions, count = 2 * D + 2;
  memset(work->bin_local, 0, (size_t)(fit->data->plan->bin_count * count) * sizeof(double));
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i];
    double *bin = work->bin_local + fit->window[w].bin * count;
    bin[2 * D] += 1;
    if (work->status[i] != NEURLP_SUCCESS) {
      bin[2 * D + 1] += 1;
      continue;
    }
    for (int64_t k = 0; k < 2 * D; k++) bin[k] += work->window_squares[w * 2 * D + k];
  }
}

/* Takes the sums of active groups over. */
static void judge_groups(neurlp_fit *fit, neurlp_fit_set set, const double *sums) {
  const int64_t D = fit->data->dimensions, count = 2 * D + 2;
  for (int64_t g = 0; g < fit->groups; g++) {
    neurlp_group *group = &fit->group[g];
    if (!group->active) continue;
    const double *sum = sums + g * count;
    double objective = 0;
    for (int64_t k = 0; k < D; k++) {
      const double sigma = fit->sigma[g * D + k];
      objective += sum[k] / (sigma * sigma);
    }
    group->failed = (int64_t)sum[2 * D + 1];
    if (group->failed > 0 || !isfinite(objective)) objective = INFINITY;
    if (set == NEURLP_FIT_TRIAL) {
      group->trial = objective;
      continue;
    }
    group->objective = objective;
    group->windows = (int64_t)sum[2 * D] - group->failed;
    group->values = 0;
    for (int64_t k = 0; k < D; k++) {
      fit->squares[g * D + k] = sum[k];
      fit->counts[g * D + k] = sum[D + k];
      group->values += (int64_t)sum[D + k];
    }
  }
}

neurlp_status neurlp_fit_evaluate(neurlp_fit *fit, neurlp_status mine, neurlp_fit_set set) {
  neurlp_fit_work *work = fit->work;
  if (mine >= 0) {
    neurlp_fit_select(fit, NULL);
    mine = work->backend->solve(fit, set);
    fill_bins(fit);
  }
  const neurlp_status status =
      neurlp_fit_sum_bins(fit, mine < 0 ? mine : NEURLP_SUCCESS, 2 * fit->data->dimensions + 2, work->sums);
  if (status < 0) return status;
  judge_groups(fit, set, work->sums);
  return NEURLP_SUCCESS;
}

/* What the first solution of its windows says of group g. */
static neurlp_status judge_beginning(const neurlp_fit *fit, int64_t g, double most) {
  const neurlp_group *group = &fit->group[g];
  const int64_t all = group->windows + group->failed;
  if (group->status != NEURLP_SUCCESS) return group->status;
  if (all == 0 || (group->failed == 0 && group->values <= neurlp_fit_unknowns(fit, g)))
    return NEURLP_TOO_SHORT;
  if (group->windows == 0 || (double)group->failed > most * (double)all) return NEURLP_NOT_CONVERGED;
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_fit_begin(neurlp_fit *fit, double most, neurlp_status *verdict) {
  neurlp_fit_work *work = fit->work;
  bool any = false;
  for (int64_t g = 0; g < fit->groups; g++)
    fit->group[g].active = fit->group[g].status == NEURLP_SUCCESS && !fit->group[g].standing;
  neurlp_status status = neurlp_fit_cut(fit);
  if (status >= 0) {
    neurlp_fit_select(fit, NULL);
    status = work->backend->track(fit);
  }
  status = neurlp_fit_evaluate(fit, status, NEURLP_FIT_CURRENT);
  if (status < 0) return status;
  for (int64_t i = 0; i < work->selected_count; i++)
    if (work->status[i] != NEURLP_SUCCESS) fit->window[work->selected[i]].excluded = true;
  for (int64_t g = 0; g < fit->groups; g++) {
    if (fit->group[g].standing) continue;
    verdict[g] = judge_beginning(fit, g, most);
    any = any || (fit->group[g].status == NEURLP_SUCCESS && verdict[g] != NEURLP_SUCCESS);
  }
  return any ? work->backend->fetch(fit)
             : NEURLP_SUCCESS; /* the caller goes on with trajectories of his own */
}
