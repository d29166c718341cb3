/* Tracking: trajectories of all windows that fit the data at given parameters, before anything is fitted.
 *
 * A long window of a chaotic system cannot be solved from an initial value that is only nearly right. So the
 * block is linearised at the current trajectory, which is near the data, and its solution written as u = u_0
 * + sum_i z_i u_i,   u_0: zero initial values; u_i: unit initial value i, no right-hand side, with z by
 * linear least squares on the window's data; repeat. The trajectory stays near the data at every iteration,
 * where the linearisation holds. (docs/math.md, section 7) */
#include "core/triangle.h"
#include "learn/cpu/cpu.h"

#include <math.h>
#include <string.h>

/* Iterations, and the change relative to a state's size that ends them: the block's own iteration does the
 * rest. */
enum { TRACK_ITERATIONS = 12 };
static const double TRACKED = 1e-4;

/* A trajectory further than this many sizes of its state from zero has run away. */
static const double RUNAWAY = 20;

static int64_t unknowns(const neurlp_fit *fit) {
  return (int64_t)fit->data->dimensions * (fit->data->order + 1);
}

/* The callback of the nonlinear block. The right-hand side f - J u goes where the first sensitivity is
 * expected: its column is u_0. */
static void linearise(void *user, int32_t thread, int64_t index, int32_t length, const double *state,
                      bool want_sensitivity, neurlp_linearisation *result) {
  (void)want_sensitivity;
  neurlp_fit *fit = user;
  const fit_cpu *work = fit_cpu_of(fit);
  const int64_t D = fit->model->dimensions, kappa = fit->model->order, width = fit->data->order + 1;
  const neurlp_window *window = &fit->window[fit->work->selected[index]];
  const neurlp_points points = {length, state, width, fit->data->times + window->first_point,
                                neurlp_trajectory_input(fit->data, window->first_point)};
  neurlp_model_values values;
  neurlp_model_evaluate(fit->model, &points, fit->theta + window->group * fit->model->parameters, false,
                        work->model_workspace + (size_t)thread * work->model_workspace_bytes, &values);
  double *rhs = work->track_rhs + (int64_t)thread * D * fit->work->points;
  const double **sensitivity = work->track_pointers + thread * D;
  for (int64_t e = 0; e < D; e++) {
    sensitivity[e] = rhs + e * length;
    memcpy(rhs + e * length, values.flow + e * length, (size_t)length * sizeof *rhs);
    for (int64_t v = 0; v < D * kappa; v++) {
      const double *entry = values.jacobian + (e * D * kappa + v) * length;
      for (int32_t t = 0; t < length; t++)
        rhs[e * length + t] -= entry[t] * state[(t * D + v / kappa) * width + v % kappa];
    }
  }
  *result = (neurlp_linearisation){values.flow, values.jacobian, (const double *const *)sensitivity};
}

/* z of the selected window from its data. Returns false if they do not determine it. */
static bool fit_initial(const neurlp_fit *fit, const neurlp_window *window, const double *columns,
                        double *rows, double *z) {
  const int64_t D = fit->data->dimensions, width = fit->data->order + 1, initials = D * fit->model->order;
  const int64_t R = 1 + initials, size = initials + 1;
  double *triangle = rows + window->samples * D * size;
  int64_t filled = 0;
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const int64_t t = fit->data->sample_point[i] - window->first_point;
    for (int64_t k = 0; k < D; k++) {
      const double datum = fit->data->samples[i * D + k];
      if (!isfinite(datum)) continue;
      const double weight =
          (fit->data->weight ? fit->data->weight[i * D + k] : 1) / fit->sigma[window->group * D + k];
      const double *u = columns + (t * D + k) * width * R;
      double *row = rows + filled++ * size;
      for (int64_t c = 0; c < initials; c++) row[c] = weight * u[1 + c];
      row[initials] = weight * (datum - u[0]);
    }
  }
  memset(triangle, 0, (size_t)neurlp_triangle_count(size) * sizeof *triangle);
  neurlp_triangle_append(size, triangle, filled, rows);
  for (int64_t i = initials - 1; i >= 0; i--) {
    const double *row = triangle + neurlp_triangle_row(size, i) - i;
    z[i] = row[initials];
    for (int64_t c = i + 1; c < initials; c++) z[i] -= row[c] * z[c];
    z[i] /= row[i];
    if (!isfinite(z[i])) return false;
  }
  return true;
}

/* The callback that gets a window's columns: moves its trajectory, unless the new one has run away. */
static void receive(void *user, int32_t thread, int64_t index, int32_t length, const double *columns) {
  neurlp_fit *fit = user;
  fit_cpu *work = fit_cpu_of(fit);
  const int64_t w = fit->work->selected[index], n = unknowns(fit), D = fit->data->dimensions,
                width = fit->data->order + 1;
  const int64_t initials = D * fit->model->order, R = 1 + initials;
  const neurlp_window *window = &fit->window[w];
  double *z = fit->trial_initial + w * initials, *rows = work->track_rows + thread * work->track_rows_count;
  double *trial = fit->trial_state + window->first_point * n, *state = fit->state + window->first_point * n;
  const double *scale = fit->data->scale + window->segment * D;
  double change = 0, largest = 0;
  work->tracked[w] = INFINITY;
  if (!fit_initial(fit, window, columns, rows, z)) return;
  for (int64_t i = 0; i < length * n; i++) {
    trial[i] = columns[i * R];
    for (int64_t c = 0; c < initials; c++) trial[i] += z[c] * columns[i * R + 1 + c];
    if (i % width != 0) continue;
    const double unit = scale[i % n / width];
    change = fmax(change, fabs(trial[i] - state[i]) / unit);
    largest = fmax(largest, isfinite(trial[i]) ? fabs(trial[i]) / unit : INFINITY);
  }
  if (largest > RUNAWAY) return;
  memcpy(state, trial, (size_t)(length * n) * sizeof *state);
  memcpy(fit->initial + w * initials, z, (size_t)initials * sizeof *z);
  work->tracked[w] = change;
}

neurlp_status neurlp_fit_track_cpu(neurlp_fit *fit) {
  neurlp_fit_work *work = fit->work;
  fit_cpu *cpu = fit_cpu_of(fit);
  for (int64_t w = 0; w < fit->window_count; w++) cpu->tracked[w] = 0;
  for (int64_t i = 0; i < work->selected_count; i++) cpu->tracked[work->selected[i]] = 1;
  for (int32_t iteration = 0; iteration < TRACK_ITERATIONS; iteration++) {
    work->selected_count = 0;
    for (int64_t w = 0; w < fit->window_count; w++) /* one that ran away is done with, too */
      if (cpu->tracked[w] > TRACKED && isfinite(cpu->tracked[w])) work->selected[work->selected_count++] = w;
    if (work->selected_count == 0) break;
    neurlp_nonlinear_batch batch = neurlp_fit_batch(fit, fit->initial);
    batch.linearise = linearise;
    for (int64_t i = 0; i < work->selected_count; i++) cpu->tracked[work->selected[i]] = INFINITY;
    const neurlp_status status =
        neurlp_nonlinear_sensitivity(cpu->track_block, &batch, fit->state, receive, work->status);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}
