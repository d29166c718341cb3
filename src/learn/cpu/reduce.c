/* From windows to the triangles of their bins: sensitivities, elimination of initial values, merging in fixed
 * order; and back to initial values. */
#include "core/triangle.h"
#include "learn/cpu/cpu.h"

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
  const fit_cpu *work = fit_cpu_of(fit);
  const int64_t P = fit->model->parameters, D = fit->model->dimensions, w = fit->work->selected[index];
  const int32_t columns = fit->work->columns, *parameter = fit->work->column_parameter;
  const neurlp_window *window = &fit->window[w];
  const neurlp_points points = {.count = length,
                                .states = state,
                                .stride = fit->data->order + 1,
                                .times = fit->data->times + window->first_point,
                                .inputs = neurlp_trajectory_input(fit->data, window->first_point)};
  neurlp_model_values values;
  neurlp_model_evaluate(fit->model, &points, fit->theta + window->group * P, want_sensitivity,
                        work->model_workspace + (size_t)thread * work->model_workspace_bytes, &values);
  sum_power(fit, length, &values, work->window_power + w * (P + D + 1));
  const double **sensitivity = work->sensitivity + (int64_t)thread * D * columns;
  for (int64_t e = 0; e < D; e++)
    for (int32_t c = 0; c < columns; c++)
      sensitivity[e * columns + c] = values.sensitivity[e * P + parameter[c]];
  *result = (neurlp_linearisation){values.flow, values.jacobian, (const double *const *)sensitivity};
}

/* The callback that gets a window's sensitivities: rows (du/dz | du/dtheta | data - u) / sigma into its
 * triangle. */
static void receive(void *user, int32_t thread, int64_t index, int32_t length, const double *columns) {
  (void)length;
  neurlp_fit *fit = user;
  const fit_cpu *work = fit_cpu_of(fit);
  const int64_t D = fit->data->dimensions, width = fit->data->order + 1, w = fit->work->selected[index];
  const int64_t initials = D * fit->model->order, C = fit->work->columns, R = C + initials;
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
      const double weight =
          (fit->data->weight ? fit->data->weight[i * D + k] : 1) / fit->sigma[window->group * D + k];
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

/* Merges the windows of each bin, in order: the triangle after the initial values are eliminated, and the
 * power sums. */
static void merge_windows(neurlp_fit *fit) {
  const fit_cpu *cpu = fit_cpu_of(fit);
  const neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions;
  const int64_t initials = D * fit->model->order, size = neurlp_fit_window_size(fit);
  const int64_t reduced = work->columns + 1, triangle_count = neurlp_triangle_count(reduced);
  const int64_t count = triangle_count + P + D + 1, bins = fit->data->plan->bin_count;
  /* windows come in the order of their bins: a thread takes whole bins */
  int64_t *begin = cpu->bin_begin;
  memset(begin, 0, (size_t)(bins + 1) * sizeof *begin);
  for (int64_t i = 0; i < work->selected_count; i++) begin[fit->window[work->selected[i]].bin + 1] = i + 1;
  for (int64_t b = 0; b < bins; b++)
    if (begin[b + 1] < begin[b]) begin[b + 1] = begin[b];
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
  for (int64_t b = 0; b < bins; b++) {
    double *bin = work->bin_local + b * count;
    double *rows = cpu->rows + omp_get_thread_num() * cpu->rows_count;
    for (int64_t i = begin[b]; i < begin[b + 1]; i++) {
      const int64_t w = work->selected[i];
      const double *triangle =
          cpu->window_triangle + w * neurlp_triangle_count(size) + neurlp_triangle_row(size, initials);
      neurlp_triangle_merge(reduced, bin, triangle, rows);
      for (int64_t j = 0; j < P + D + 1; j++)
        bin[triangle_count + j] += cpu->window_power[w * (P + D + 1) + j];
    }
  }
}

neurlp_status neurlp_fit_reduce_cpu(neurlp_fit *fit) {
  const fit_cpu *cpu = fit_cpu_of(fit);
  neurlp_fit_work *work = fit->work;
  const int64_t count = neurlp_triangle_count(neurlp_fit_window_size(fit));
  neurlp_nonlinear_batch batch = neurlp_fit_batch(fit, fit->initial);
  batch.linearise = linearise;
  for (int64_t i = 0; i < work->selected_count; i++) /* a window that fails now says nothing */
    memset(cpu->window_triangle + work->selected[i] * count, 0, (size_t)count * sizeof(double));
  const neurlp_status status =
      neurlp_nonlinear_sensitivity(cpu->block, &batch, fit->state, receive, work->status);
  if (status >= 0) merge_windows(fit);
  return status;
}

/* ---- initial values ---------------------------------------------------------------------------------- */

/* Initial values follow the parameters' step in full: only their own part is damped. With all of it damped
 * the step need not lead downhill, however short it is, where initial values are far from their best. */
neurlp_status neurlp_fit_step_initial_cpu(neurlp_fit *fit) {
  const fit_cpu *cpu = fit_cpu_of(fit);
  const neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, initials = (int64_t)fit->model->dimensions * fit->model->order;
  const int64_t size = neurlp_fit_window_size(fit);
#pragma omp parallel for num_threads(cpu->threads)
  for (int64_t s = 0; s < work->selected_count; s++) {
    const int64_t w = work->selected[s];
    const neurlp_group *group = &fit->group[fit->window[w].group];
    double *trial = fit->trial_initial + w * initials;
    const double *current = fit->initial + w * initials;
    const double *triangle = cpu->window_triangle + w * neurlp_triangle_count(size);
    const double *step = fit->step + fit->window[w].group * P;
    for (int64_t i = 0; i < initials; i++) {
      const double *row = triangle + neurlp_triangle_row(size, i) - i;
      trial[i] = row[size - 1] / (1 + group->damping);
      for (int32_t c = 0; c < work->columns; c++)
        trial[i] -= row[initials + c] * step[work->column_parameter[c]];
    }
    neurlp_triangle_solve(size, triangle, initials, trial);
    for (int64_t i = 0; i < initials; i++) trial[i] = current[i] + trial[i];
  }
  return NEURLP_SUCCESS;
}
