/* Windows of a fit on the CPU: the state, and solving. */
#include "learn/cpu/cpu.h"

#include "core/triangle.h"

#include <math.h>
#include <string.h>

/* ---- the state --------------------------------------------------------------------------------------- */

static void destroy_cpu(neurlp_fit *fit, void **state) {
  neurlp_context *context = fit->context;
  fit_cpu *c = *state;
  if (!c) return;
  neurlp_nonlinear_destroy(&c->block);
  neurlp_nonlinear_destroy(&c->track_block);
  neurlp_release(context, &c->lengths);
  neurlp_release(context, &c->first_point);
  neurlp_release(context, &c->initial);
  neurlp_release(context, &c->scale);
  neurlp_release(context, &c->window_power);
  neurlp_release(context, &c->window_triangle);
  neurlp_release(context, &c->bin_begin);
  neurlp_release(context, &c->tracked);
  neurlp_release(context, &c->track_rhs);
  neurlp_release(context, &c->track_pointers);
  neurlp_release(context, &c->track_rows);
  neurlp_release(context, &c->march);
  neurlp_release(context, &c->model_workspace);
  neurlp_release(context, &c->sensitivity);
  neurlp_release(context, &c->rows);
  neurlp_release(context, state);
}

static neurlp_status create_blocks(neurlp_fit *fit, fit_cpu *c) {
  const neurlp_nonlinear_shape shape = neurlp_fit_block_shape(fit, fit->work->columns),
                               track_shape = neurlp_fit_block_shape(fit, 1);
  const neurlp_status status = neurlp_nonlinear_create(fit->context, &shape, &c->block);
  if (status < 0) return status;
  return neurlp_nonlinear_create(fit->context, &track_shape, &c->track_block);
}

/* Buffers whose size depends on the number of windows. */
static neurlp_status allocate_windows(neurlp_fit *fit, fit_cpu *c) {
  neurlp_context *context = fit->context;
  const int64_t W = fit->window_count, P = fit->model->parameters, D = fit->model->dimensions;
  const int64_t triangle = neurlp_triangle_count(neurlp_fit_window_size(fit));
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, W, sizeof(double), &c->tracked));
  NEURLP_TRY(neurlp_allocate(context, W, sizeof *c->lengths, &c->lengths));
  NEURLP_TRY(neurlp_allocate(context, W, sizeof *c->first_point, &c->first_point));
  NEURLP_TRY(neurlp_allocate(context, W * neurlp_fit_initials(fit), sizeof(double), &c->initial));
  NEURLP_TRY(neurlp_allocate(context, W * D, sizeof(double), &c->scale));
  NEURLP_TRY(neurlp_allocate(context, W * (P + D + 1), sizeof(double), &c->window_power));
  NEURLP_TRY(neurlp_allocate(context, W * triangle, sizeof(double), &c->window_triangle));
  NEURLP_TRY(neurlp_allocate(context, fit->data->plan->bin_count + 1, sizeof(int64_t), &c->bin_begin));
done:
  return status;
}

/* Buffers of threads. */
static neurlp_status allocate_threads(neurlp_fit *fit, fit_cpu *c) {
  neurlp_context *context = fit->context;
  const int64_t D = fit->model->dimensions, initials = neurlp_fit_initials(fit), T = fit->work->points;
  int64_t samples = 0;
  for (int64_t i = 0; i < fit->window_count; i++)
    if (fit->window[i].samples > samples) samples = fit->window[i].samples;
  c->threads = neurlp_context_threads(context);
  c->model_workspace_bytes = neurlp_model_workspace_bytes(fit->model, T);
  c->rows_count = neurlp_fit_rows_count(fit);
  c->track_rows_count = (samples * D + initials + 1) * (initials + 1);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, c->threads * neurlp_fit_march_count(fit), sizeof(double), &c->march));
  NEURLP_TRY(neurlp_allocate(context, c->threads * D * T, sizeof(double), &c->track_rhs));
  NEURLP_TRY(neurlp_allocate(context, c->threads * D, sizeof(double *), &c->track_pointers));
  NEURLP_TRY(neurlp_allocate(context, c->threads * c->track_rows_count, sizeof(double), &c->track_rows));
  NEURLP_TRY(neurlp_allocate(context, c->threads, c->model_workspace_bytes, &c->model_workspace));
  NEURLP_TRY(
      neurlp_allocate(context, c->threads * D * fit->work->columns, sizeof(double *), &c->sensitivity));
  NEURLP_TRY(neurlp_allocate(context, c->threads * c->rows_count, sizeof(double), &c->rows));
done:
  return status;
}

static neurlp_status create_cpu(neurlp_fit *fit, void **state) {
  neurlp_status status = NEURLP_SUCCESS;
  void *made = NULL;
  NEURLP_TRY(neurlp_allocate(fit->context, 1, sizeof(fit_cpu), &made));
  NEURLP_TRY(create_blocks(fit, made));
  NEURLP_TRY(allocate_windows(fit, made));
  NEURLP_TRY(allocate_threads(fit, made));
  *state = made;
  made = NULL;
done:
  destroy_cpu(fit, &made);
  return status;
}

/* ---- solving ----------------------------------------------------------------------------------------- */

static int64_t unknowns(const neurlp_fit *fit) {
  return (int64_t)fit->data->dimensions * (fit->data->order + 1);
}

/* The callback of the nonlinear block: flow and jacobian of one window at its current trajectory. */
static void linearise(void *user, int32_t thread, int64_t index, int32_t length, const double *state,
                      bool want_sensitivity, neurlp_linearisation *result) {
  (void)want_sensitivity;
  const neurlp_fit *fit = user;
  const fit_cpu *cpu = fit_cpu_of(fit);
  const neurlp_window *window = &fit->window[fit->work->selected[index]];
  const neurlp_points points = {.count = length,
                                .states = state,
                                .stride = fit->data->order + 1,
                                .times = fit->data->times + window->first_point,
                                .inputs = neurlp_trajectory_input(fit->data, window->first_point)};
  neurlp_model_values values;
  neurlp_model_evaluate(fit->model, &points, cpu->theta + window->group * fit->model->parameters, false,
                        cpu->model_workspace + (size_t)thread * cpu->model_workspace_bytes, &values);
  *result = (neurlp_linearisation){values.flow, values.jacobian, NULL};
}

neurlp_nonlinear_batch neurlp_fit_batch(neurlp_fit *fit, const double *initial) {
  const neurlp_fit_work *work = fit->work;
  fit_cpu *cpu = fit_cpu_of(fit);
  const int64_t D = fit->data->dimensions, initials = D * fit->model->order;
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i];
    const neurlp_window *window = &fit->window[w];
    cpu->lengths[i] = window->points;
    cpu->first_point[i] = window->first_point;
    memcpy(cpu->initial + i * initials, initial + w * initials, (size_t)initials * sizeof *initial);
    memcpy(cpu->scale + i * D, fit->data->scale + window->segment * D, (size_t)D * sizeof *cpu->scale);
  }
  return (neurlp_nonlinear_batch){.systems = work->selected_count,
                                  .lengths = cpu->lengths,
                                  .first_point = cpu->first_point,
                                  .steps = fit->data->steps,
                                  .initial_values = cpu->initial,
                                  .scale = cpu->scale,
                                  .linearise = linearise,
                                  .user = fit};
}

/* Squared weighted residuals and numbers of data of one window, for each state. */
static void sum_squares(const neurlp_fit *fit, const neurlp_window *window, const double *state,
                        double *sums) {
  const int64_t D = fit->data->dimensions, n = unknowns(fit), width = fit->data->order + 1;
  memset(sums, 0, (size_t)(2 * D) * sizeof *sums);
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const double *u = state + fit->data->sample_point[i] * n;
    for (int64_t k = 0; k < D; k++) {
      const double datum = fit->data->samples[i * D + k];
      if (!isfinite(datum)) continue;
      const double left = (datum - u[k * width]) * (fit->data->weight ? fit->data->weight[i * D + k] : 1);
      sums[k] += left * left;
      sums[D + k] += 1;
    }
  }
}

/* Where the blocks of trial parameters start from: marched trajectories, else the current ones. */
static void predict(neurlp_fit *fit) {
  const neurlp_fit_work *work = fit->work;
  const int64_t initials = (int64_t)fit->model->dimensions * fit->model->order, P = fit->model->parameters;
#pragma omp parallel for schedule(dynamic, 4) num_threads(fit_cpu_of(fit)->threads)
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

static neurlp_status solve_cpu(neurlp_fit *fit, neurlp_fit_set set) {
  const neurlp_fit_work *work = fit->work;
  fit_cpu *cpu = fit_cpu_of(fit);
  const bool trial = set == NEURLP_FIT_TRIAL;
  double *state = trial ? fit->trial_state : fit->state;
  cpu->theta = trial ? fit->trial_theta : fit->theta;
  const neurlp_nonlinear_batch batch = neurlp_fit_batch(fit, trial ? fit->trial_initial : fit->initial);
  if (trial) predict(fit);
  const neurlp_status status = neurlp_nonlinear_solve(cpu->block, &batch, state, work->status);
#pragma omp parallel for num_threads(cpu->threads)
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i];
    sum_squares(fit, &fit->window[w], state, work->window_squares + w * 2 * fit->data->dimensions);
  }
  return status;
}

static neurlp_status accept_cpu(neurlp_fit *fit) {
  const neurlp_fit_work *work = fit->work;
  const int64_t n = unknowns(fit), initials = neurlp_fit_initials(fit);
#pragma omp parallel for num_threads(fit_cpu_of(fit)->threads)
  for (int64_t i = 0; i < work->selected_count; i++) {
    const int64_t w = work->selected[i], first = fit->window[w].first_point * n;
    memcpy(fit->state + first, fit->trial_state + first,
           (size_t)(fit->window[w].points * n) * sizeof(double));
    memcpy(fit->initial + w * initials, fit->trial_initial + w * initials, (size_t)initials * sizeof(double));
  }
  return NEURLP_SUCCESS;
}

/* ---- all together ------------------------------------------------------------------------------------ */

/* It works on the fit's own arrays. */
static neurlp_status fetch_cpu(neurlp_fit *fit) {
  (void)fit;
  return NEURLP_SUCCESS;
}

static const double *triangle_cpu(neurlp_fit *fit, int64_t window) {
  return fit_cpu_of(fit)->window_triangle + window * neurlp_triangle_count(neurlp_fit_window_size(fit));
}

const neurlp_fit_backend *neurlp_fit_backend_cpu(void) {
  static const neurlp_fit_backend backend = {.create = create_cpu,
                                             .destroy = destroy_cpu,
                                             .solve = solve_cpu,
                                             .reduce = neurlp_fit_reduce_cpu,
                                             .track = neurlp_fit_track_cpu,
                                             .step_initial = neurlp_fit_step_initial_cpu,
                                             .accept = accept_cpu,
                                             .fetch = fetch_cpu,
                                             .triangle = triangle_cpu};
  return &backend;
}
