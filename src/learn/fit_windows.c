/* Windows of a fit: cutting trajectories into them, and solving them as nonlinear blocks. */
#include "learn/fit_work.h"
#include "learn/triangle.h"

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

neurlp_status neurlp_fit_cut(neurlp_fit *fit) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_context *context = fit->context;
  const int64_t initial_count = (int64_t)fit->data->dimensions * fit->model->order;
  neurlp_release(context, &fit->window);
  neurlp_release(context, &fit->initial);
  neurlp_release(context, &fit->trial_initial);
  fit->window_count = list_windows(fit, NULL);
  NEURLP_TRY(neurlp_allocate(context, fit->window_count, sizeof *fit->window, &fit->window));
  NEURLP_TRY(neurlp_allocate(context, fit->window_count * initial_count, sizeof(double), &fit->initial));
  NEURLP_TRY(
      neurlp_allocate(context, fit->window_count * initial_count, sizeof(double), &fit->trial_initial));
  list_windows(fit, fit->window);
  for (int64_t w = 0; w < fit->window_count; w++) take_initial(fit, w);
  NEURLP_TRY(neurlp_fit_prepare(fit));
done:
  return status;
}

/* ---- solving ----------------------------------------------------------------------------------------- */

/* The callback of the nonlinear block: flow and jacobian of one window at its current trajectory. */
static void linearise(void *user, int32_t thread, int64_t index, int32_t length, const double *state,
                      bool want_sensitivity, neurlp_linearisation *result) {
  (void)want_sensitivity;
  const neurlp_fit *fit = user;
  const neurlp_fit_work *work = fit->work;
  const neurlp_window *window = &fit->window[work->selected[index]];
  const neurlp_points points = {.count = length,
                                .states = state,
                                .stride = fit->data->order + 1,
                                .times = fit->data->times + window->first_point};
  neurlp_model_values values;
  neurlp_model_evaluate(fit->model, &points, work->theta + window->group * fit->model->parameters, false,
                        work->model_workspace + (size_t)thread * work->model_workspace_bytes, &values);
  *result = (neurlp_linearisation){values.flow, values.jacobian, NULL};
}

/* Chooses the windows of active groups. */
static void select_active(neurlp_fit *fit) {
  neurlp_fit_work *work = fit->work;
  work->selected_count = 0;
  for (int64_t w = 0; w < fit->window_count; w++)
    if (fit->group[fit->window[w].group].active && !fit->window[w].excluded)
      work->selected[work->selected_count++] = w;
}

neurlp_nonlinear_batch neurlp_fit_batch(neurlp_fit *fit, const double *initial) {
  neurlp_fit_work *work = fit->work;
  const int64_t D = fit->data->dimensions, initials = D * fit->model->order;
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i];
    const neurlp_window *window = &fit->window[w];
    work->lengths[i] = window->points;
    work->first_point[i] = window->first_point;
    memcpy(work->initial + i * initials, initial + w * initials, (size_t)initials * sizeof *initial);
    memcpy(work->scale + i * D, fit->data->scale + window->segment * D, (size_t)D * sizeof *work->scale);
  }
  return (neurlp_nonlinear_batch){.systems = work->selected_count,
                                  .lengths = work->lengths,
                                  .first_point = work->first_point,
                                  .steps = fit->data->steps,
                                  .initial_values = work->initial,
                                  .scale = work->scale,
                                  .linearise = linearise,
                                  .user = fit};
}

/* Squared residuals and numbers of data of one window, for each state. */
static void sum_squares(const neurlp_fit *fit, const neurlp_window *window, const double *state,
                        double *sums) {
  const int64_t D = fit->data->dimensions, n = unknowns(fit), width = fit->data->order + 1;
  memset(sums, 0, (size_t)(2 * D) * sizeof *sums);
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const double *u = state + fit->data->sample_point[i] * n;
    for (int64_t k = 0; k < D; k++) {
      const double datum = fit->data->samples[i * D + k];
      if (!isfinite(datum)) continue;
      sums[k] += (datum - u[k * width]) * (datum - u[k * width]);
      sums[D + k] += 1;
    }
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

/* Where the blocks of trial parameters start from: marched trajectories, else the current ones. */
static void predict(neurlp_fit *fit) {
  const neurlp_fit_work *work = fit->work;
  const int64_t initials = (int64_t)fit->model->dimensions * fit->model->order, P = fit->model->parameters;
#pragma omp parallel for schedule(dynamic, 4) num_threads(work->threads)
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i];
    const neurlp_window *window = &fit->window[w];
    const double *current = fit->state + window->first_point * unknowns(fit);
    const size_t bytes = (size_t)(window->points * unknowns(fit)) * sizeof(double);
    const double *theta = fit->trial_theta + window->group * P, *initial = fit->trial_initial + w * initials;
    double *trial = fit->trial_state + window->first_point * unknowns(fit);
    memcpy(trial, current, bytes);
    if (!neurlp_fit_march(fit, w, theta, initial, trial)) memcpy(trial, current, bytes);
  }
}

neurlp_status neurlp_fit_evaluate(neurlp_fit *fit, neurlp_fit_set set) {
  neurlp_fit_work *work = fit->work;
  const bool trial = set == NEURLP_FIT_TRIAL;
  double *state = trial ? fit->trial_state : fit->state;
  select_active(fit);
  work->theta = trial ? fit->trial_theta : fit->theta;
  const neurlp_nonlinear_batch batch = neurlp_fit_batch(fit, trial ? fit->trial_initial : fit->initial);
  if (trial) predict(fit);
  neurlp_status status = neurlp_nonlinear_solve(work->block, &batch, state, work->status);
#pragma omp parallel for num_threads(work->threads)
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i];
    sum_squares(fit, &fit->window[w], state, work->window_squares + w * 2 * fit->data->dimensions);
  }
  fill_bins(fit);
  double *sums = work->sums;
  status =
      neurlp_fit_sum_bins(fit, status < 0 ? status : NEURLP_SUCCESS, 2 * fit->data->dimensions + 2, sums);
  if (status < 0) return status;
  judge_groups(fit, set, sums);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_fit_begin(neurlp_fit *fit, double most, neurlp_status *verdict) {
  neurlp_fit_work *work = fit->work;
  for (int64_t w = 0; w < fit->window_count; w++) fit->window[w].excluded = false;
  for (int64_t g = 0; g < fit->groups; g++) fit->group[g].active = fit->group[g].status == NEURLP_SUCCESS;
  neurlp_status status = neurlp_fit_evaluate(fit, NEURLP_FIT_CURRENT);
  if (status < 0) return status;
  for (int64_t i = 0; i < work->selected_count; i++)
    if (work->status[i] != NEURLP_SUCCESS) fit->window[work->selected[i]].excluded = true;
  for (int64_t g = 0; g < fit->groups; g++) {
    const neurlp_group *group = &fit->group[g];
    verdict[g] = group->status;
    if (group->status != NEURLP_SUCCESS) continue;
    const int64_t all = group->windows + group->failed;
    if (all == 0 || (group->failed == 0 && group->values <= neurlp_fit_unknowns(fit, g)))
      verdict[g] = NEURLP_TOO_SHORT;
    else if (group->windows == 0 || (double)group->failed > most * (double)all)
      verdict[g] = NEURLP_NOT_CONVERGED;
  }
  return NEURLP_SUCCESS;
}
