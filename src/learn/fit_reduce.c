/* From windows to the triangle of each group: sensitivities, elimination of initial values, merging in fixed
 * order. */
#include "learn/fit_work.h"
#include "learn/triangle.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Rows that are appended to a triangle at a time. */
enum { ROW_BLOCK = 64 };

/* Sums over the window's grid: squares of df/dtheta_p [P], of f_k [D], and the number of points. */
static void sum_power(const neurlp_fit *fit, int32_t length, const neurlp_model_values *values,
                      double *power) {
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  memset(power, 0, (size_t)(P + D + 1) * sizeof *power);
  for (int64_t e = 0; e < D; e++)
    for (int64_t p = 0; p < P; p++) {
      const double *sensitivity = values->sensitivity[e * P + p];
      for (int32_t t = 0; sensitivity && t < length; t++) power[p] += sensitivity[t] * sensitivity[t];
    }
  for (int64_t e = 0; e < D; e++)
    for (int32_t t = 0; t < length; t++)
      power[P + e] += values->flow[e * length + t] * values->flow[e * length + t];
  power[P + D] = length;
}

/* The callback of the nonlinear block, with sensitivities of the parameters that have columns. */
static void linearise(void *user, int32_t thread, int64_t index, int32_t length, const double *state,
                      bool want_sensitivity, neurlp_linearisation *result) {
  neurlp_fit *fit = user;
  const neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions, w = work->selected[index];
  const neurlp_window *window = &fit->window[w];
  const neurlp_points points = {.count = length,
                                .states = state,
                                .stride = fit->data->order + 1,
                                .times = fit->data->times + window->first_point};
  neurlp_model_values values;
  neurlp_model_evaluate(fit->model, &points, fit->theta + window->group * P, want_sensitivity,
                        work->model_workspace + (size_t)thread * work->model_workspace_bytes, &values);
  sum_power(fit, length, &values, work->window_power + w * (P + D + 1));
  const double **sensitivity = work->sensitivity + (int64_t)thread * D * work->columns;
  for (int64_t e = 0; e < D; e++)
    for (int32_t c = 0; c < work->columns; c++)
      sensitivity[e * work->columns + c] = values.sensitivity[e * P + work->column_parameter[c]];
  *result = (neurlp_linearisation){values.flow, values.jacobian, (const double *const *)sensitivity};
}

/* The callback that gets a window's sensitivities: rows (du/dz | du/dtheta | data - u) / sigma into its
 * triangle. */
static void receive(void *user, int32_t thread, int64_t index, int32_t length, const double *columns) {
  (void)length;
  neurlp_fit *fit = user;
  const neurlp_fit_work *work = fit->work;
  const int64_t D = fit->data->dimensions, width = fit->data->order + 1, w = work->selected[index];
  const int64_t initials = D * fit->model->order, C = work->columns, R = C + initials;
  const int64_t size = neurlp_fit_window_size(fit);
  const neurlp_window *window = &fit->window[w];
  double *triangle = work->window_triangle + w * neurlp_triangle_count(size);
  double *rows = work->rows + thread * work->rows_count;
  memset(triangle, 0, (size_t)neurlp_triangle_count(size) * sizeof *triangle);
  int64_t filled = 0;
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const int64_t point = fit->data->sample_point[i], t = point - window->first_point;
    for (int64_t k = 0; k < D; k++) {
      const double datum = fit->data->samples[i * D + k];
      if (!isfinite(datum)) continue;
      const double weight = 1 / fit->sigma[window->group * D + k];
      const double *u = columns + (t * D + k) * width * R; /* derivative 0 */
      double *row = rows + filled * size;
      for (int64_t z = 0; z < initials; z++) row[z] = weight * u[C + z];
      for (int64_t c = 0; c < C; c++) row[initials + c] = weight * u[c];
      row[size - 1] = weight * (datum - fit->state[(point * D + k) * width]);
      if (++filled == ROW_BLOCK) {
        neurlp_triangle_append(size, triangle, filled, rows);
        filled = 0;
      }
    }
  }
  neurlp_triangle_append(size, triangle, filled, rows);
}

/* Rows that a thread's buffer must hold: a block of a window's, or all of a triangle that is merged. */
int64_t neurlp_fit_rows_count(const neurlp_fit *fit) {
  const int64_t size = neurlp_fit_window_size(fit);
  return size * (size > ROW_BLOCK ? size : ROW_BLOCK);
}

static bool takes_part(const neurlp_fit *fit, int64_t w) {
  const neurlp_group *group = &fit->group[fit->window[w].group];
  return group->active && group->stale && !fit->window[w].excluded;
}

/* Merges the windows of each bin, in order: the triangle after the initial values are eliminated, and the
 * power sums. */
static void merge_windows(neurlp_fit *fit) {
  neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  const int64_t initials = D * fit->model->order, size = neurlp_fit_window_size(fit);
  const int64_t reduced = work->columns + 1, triangle_count = neurlp_triangle_count(reduced);
  const int64_t count = triangle_count + P + D + 1, bins = fit->data->plan->bin_count;
  memset(work->bin_local, 0, (size_t)(bins * count) * sizeof(double));
  /* windows come in the order of their bins: a thread takes whole bins */
  int64_t *begin = work->bin_begin;
  memset(begin, 0, (size_t)(bins + 1) * sizeof *begin);
  for (int64_t w = 0; w < fit->window_count; w++) begin[fit->window[w].bin + 1] = w + 1;
  for (int64_t b = 0; b < bins; b++)
    if (begin[b + 1] < begin[b]) begin[b + 1] = begin[b];
#pragma omp parallel for schedule(dynamic, 1) num_threads(work->threads)
  for (int64_t b = 0; b < bins; b++) {
    double *bin = work->bin_local + b * count;
    double *rows = work->rows + omp_get_thread_num() * work->rows_count;
    for (int64_t w = begin[b]; w < begin[b + 1]; w++) {
      if (!takes_part(fit, w)) continue;
      const double *triangle =
          work->window_triangle + w * neurlp_triangle_count(size) + neurlp_triangle_row(size, initials);
      neurlp_triangle_merge(reduced, bin, triangle, rows);
      for (int64_t i = 0; i < P + D + 1; i++)
        bin[triangle_count + i] += work->window_power[w * (P + D + 1) + i];
    }
  }
}

static void take_power(neurlp_fit *fit, int64_t g, const double *sums) {
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  for (int64_t i = 0; i < P + D; i++) fit->power[g * (P + D) + i] = sums[i] / fmax(sums[P + D], 1);
}

/* Shared parameters: every rank merges the bins of all ranks, in order. */
static neurlp_status merge_bins(neurlp_fit *fit, neurlp_status mine) {
  neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  const int64_t reduced = work->columns + 1, triangle_count = neurlp_triangle_count(reduced);
  const int64_t count = triangle_count + P + D + 1, bins = fit->data->plan->bins;
  const neurlp_status status =
      fit->exchange.gather(fit->exchange.user, fit->context, mine, count, work->bin_local, work->bin_global);
  if (status < 0) return status;
  memset(work->triangle, 0, (size_t)triangle_count * sizeof(double));
  double *power = work->sums;
  memset(power, 0, (size_t)(P + D + 1) * sizeof(double));
  for (int64_t b = 0; b < bins; b++) {
    const double *bin = work->bin_global + b * count;
    neurlp_triangle_merge(reduced, work->triangle, bin, work->rows);
    for (int64_t i = 0; i < P + D + 1; i++) power[i] += bin[triangle_count + i];
  }
  take_power(fit, 0, power);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_fit_reduce(neurlp_fit *fit) {
  neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  const int64_t triangle_count = neurlp_triangle_count(work->columns + 1), count = triangle_count + P + D + 1;
  bool any = false;
  for (int64_t g = 0; g < fit->groups; g++) any = any || (fit->group[g].active && fit->group[g].stale);
  if (!any) return NEURLP_SUCCESS;
  work->selected_count = 0;
  for (int64_t w = 0; w < fit->window_count; w++)
    if (takes_part(fit, w)) work->selected[work->selected_count++] = w;
  neurlp_nonlinear_batch batch = neurlp_fit_batch(fit, fit->initial);
  batch.linearise = linearise;
  for (int64_t i = 0; i < work->selected_count; i++) /* a window that fails now says nothing */
    memset(work->window_triangle + work->selected[i] * neurlp_triangle_count(neurlp_fit_window_size(fit)), 0,
           (size_t)neurlp_triangle_count(neurlp_fit_window_size(fit)) * sizeof(double));
  neurlp_status status = neurlp_nonlinear_sensitivity(work->block, &batch, fit->state, receive, work->status);
  if (status >= 0) merge_windows(fit);
  if (!fit->options.per_system) {
    status = merge_bins(fit, status < 0 ? status : NEURLP_SUCCESS);
    if (status < 0) return status;
  } else {
    if (status < 0) return status;
    for (int64_t g = 0; g < fit->groups; g++)
      if (fit->group[g].active && fit->group[g].stale) {
        memcpy(work->triangle + g * triangle_count, work->bin_local + g * count,
               (size_t)triangle_count * sizeof(double));
        take_power(fit, g, work->bin_local + g * count + triangle_count);
      }
  }
  for (int64_t g = 0; g < fit->groups; g++)
    if (fit->group[g].active) fit->group[g].stale = false;
  return NEURLP_SUCCESS;
}

/* ---- initial values ---------------------------------------------------------------------------------- */

/* Solves R_zz x = right for the initial values of a window; an initial value that the data do not determine
 * gets 0. */
static void solve_initial(int64_t size, const double *triangle, int64_t initials, double *x) {
  for (int64_t i = initials - 1; i >= 0; i--) {
    const double *row = triangle + neurlp_triangle_row(size, i) - i;
    double sum = x[i], norm = 0;
    for (int64_t j = i + 1; j < initials; j++) sum -= row[j] * x[j];
    for (int64_t j = 0; j <= i; j++) norm = fmax(norm, fabs(triangle[neurlp_triangle_row(size, j) + i - j]));
    x[i] = fabs(row[i]) > 1e-12 * norm && norm > 0 ? sum / row[i] : 0;
  }
}

/* Initial values follow the parameters' step in full: only their own part is damped. With all of it damped
 * the step need not lead downhill, however short it is, where initial values are far from their best. */
void neurlp_fit_step_initial(neurlp_fit *fit) {
  const neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, initials = (int64_t)fit->model->dimensions * fit->model->order;
  const int64_t size = neurlp_fit_window_size(fit);
#pragma omp parallel for num_threads(work->threads)
  for (int64_t w = 0; w < fit->window_count; w++) {
    const neurlp_group *group = &fit->group[fit->window[w].group];
    double *trial = fit->trial_initial + w * initials;
    const double *current = fit->initial + w * initials;
    if (!group->active || fit->window[w].excluded) continue;
    const double *triangle = work->window_triangle + w * neurlp_triangle_count(size);
    const double *step = fit->step + fit->window[w].group * P;
    for (int64_t i = 0; i < initials; i++) {
      const double *row = triangle + neurlp_triangle_row(size, i) - i;
      trial[i] = row[size - 1] / (1 + group->damping);
      for (int32_t c = 0; c < work->columns; c++)
        trial[i] -= row[initials + c] * step[work->column_parameter[c]];
    }
    solve_initial(size, triangle, initials, trial);
    for (int64_t i = 0; i < initials; i++) trial[i] = current[i] + trial[i];
  }
}

void neurlp_fit_initial_errors(neurlp_fit *fit, int64_t w, const double *covariance, double *errors) {
  /* Var(z) = s^2 R_zz^-1 R_zz^-T + B Cov(theta) B^T with B = R_zz^-1 R_ztheta; covariance already holds s^2
   */
  const neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, initials = (int64_t)fit->model->dimensions * fit->model->order;
  const int64_t size = neurlp_fit_window_size(fit), C = work->columns;
  const double *triangle = work->window_triangle + w * neurlp_triangle_count(size);
  const double variance = neurlp_fit_residual_variance(fit, fit->window[w].group);
  double *columns = work->rows; /* [initials + C][initials]: the columns of R_zz^-1, then of B */
  for (int64_t c = 0; c < initials + C; c++) {
    double *x = columns + c * initials;
    for (int64_t i = 0; i < initials; i++) {
      const double *row = triangle + neurlp_triangle_row(size, i) - i;
      x[i] = c < initials ? (i == c ? 1 : 0) : row[c];
    }
    solve_initial(size, triangle, initials, x);
  }
  for (int64_t i = 0; i < initials; i++) {
    double sum = 0;
    for (int64_t c = 0; c < initials; c++)
      sum += variance * columns[c * initials + i] * columns[c * initials + i];
    for (int64_t a = 0; a < C; a++)
      for (int64_t b = 0; b < C; b++) {
        const double cov = covariance[work->column_parameter[a] * P + work->column_parameter[b]];
        if (isfinite(cov))
          sum += columns[(initials + a) * initials + i] * cov * columns[(initials + b) * initials + i];
      }
    errors[i] = sqrt(sum);
  }
}
