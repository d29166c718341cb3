#include "learn/fit.h"

#include "core/triangle.h"
#include "learn/fit_work.h"

#include <math.h>
#include <string.h>

/* ---- making and preparing ---------------------------------------------------------------------------- */

neurlp_status neurlp_fit_create(neurlp_context *context, const neurlp_model *model,
                                const neurlp_trajectories *data, const neurlp_exchange *exchange,
                                const neurlp_fit_options *options, neurlp_fit **out) {
  *out = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_fit *fit = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *fit, &fit));
  fit->context = context;
  fit->model = model;
  fit->data = data;
  fit->exchange = *exchange;
  fit->options = *options;
  fit->groups = options->per_system ? data->plan->bin_count : 1;
  const int64_t G = fit->groups, P = model->parameters, D = model->dimensions;
  const int64_t states = data->point_count * D * (data->order + 1);
  NEURLP_TRY(neurlp_allocate(context, G, sizeof *fit->group, &fit->group));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(double), &fit->theta));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(double), &fit->trial_theta));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(double), &fit->step));
  NEURLP_TRY(neurlp_allocate(context, G * P, sizeof(bool), &fit->free));
  NEURLP_TRY(neurlp_allocate(context, G * D, sizeof(double), &fit->sigma));
  NEURLP_TRY(neurlp_allocate(context, G * D, sizeof(double), &fit->squares));
  NEURLP_TRY(neurlp_allocate(context, G * D, sizeof(double), &fit->counts));
  NEURLP_TRY(neurlp_allocate(context, G * (P + D), sizeof(double), &fit->power));
  NEURLP_TRY(neurlp_allocate(context, states, sizeof(double), &fit->state));
  NEURLP_TRY(neurlp_allocate(context, states, sizeof(double), &fit->trial_state));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *fit->work, &fit->work));
  for (int64_t i = 0; i < G * D; i++) fit->sigma[i] = 1;
  neurlp_fit_restart(fit);
  *out = fit;
  fit = NULL;
done:
  neurlp_fit_destroy(&fit);
  return status;
}

void neurlp_fit_destroy(neurlp_fit **fit) {
  if (!fit || !*fit) return;
  neurlp_fit *f = *fit;
  neurlp_context *context = f->context;
  if (f->work) neurlp_fit_release_work(f);
  neurlp_release(context, &f->work);
  neurlp_release(context, &f->group);
  neurlp_release(context, &f->theta);
  neurlp_release(context, &f->trial_theta);
  neurlp_release(context, &f->step);
  neurlp_release(context, &f->free);
  neurlp_release(context, &f->sigma);
  neurlp_release(context, &f->squares);
  neurlp_release(context, &f->counts);
  neurlp_release(context, &f->power);
  neurlp_release(context, &f->state);
  neurlp_release(context, &f->trial_state);
  neurlp_release(context, &f->window);
  neurlp_release(context, &f->initial);
  neurlp_release(context, &f->trial_initial);
  neurlp_release(context, fit);
}

void neurlp_fit_release_work(neurlp_fit *fit) {
  neurlp_context *context = fit->context;
  neurlp_fit_work *w = fit->work;
  if (w->backend) w->backend->destroy(fit, &w->state);
  neurlp_release(context, &w->column_parameter);
  neurlp_release(context, &w->selected);
  neurlp_release(context, &w->status);
  neurlp_release(context, &w->window_squares);
  neurlp_release(context, &w->bin_local);
  neurlp_release(context, &w->bin_global);
  neurlp_release(context, &w->triangle);
  neurlp_release(context, &w->sums);
  neurlp_release(context, &w->step_workspace);
  neurlp_release(context, &w->column_free);
  neurlp_release(context, &w->rows);
  *w = (neurlp_fit_work){0};
}

/* Parameters that get columns: with shared parameters those that are free; with parameters for each system
 * all, so that a system's arithmetic does not depend on which other systems this rank has. */
static void choose_columns(neurlp_fit *fit) {
  neurlp_fit_work *w = fit->work;
  w->columns = 0;
  for (int32_t p = 0; p < fit->model->parameters; p++)
    if (fit->options.per_system || fit->free[p]) w->column_parameter[w->columns++] = p;
}

neurlp_nonlinear_shape neurlp_fit_block_shape(const neurlp_fit *fit, int32_t parameters) {
  return (neurlp_nonlinear_shape){.systems = fit->window_count,
                                  .steps = fit->work->points,
                                  .dimensions = fit->model->dimensions,
                                  .order = fit->data->order,
                                  .leading_derivative = fit->model->order,
                                  .parameters = parameters,
                                  .forward = true,
                                  .nominal_step = fit->options.nominal_step,
                                  .weight_top = fit->options.weight_top,
                                  .iterations = 100, /* linear convergence where the grid is coarse for f */
                                  .tolerance = 1e-10,
                                  .remainder = INFINITY /* the data judge */};
}

/* Buffers of windows, bins and groups. */
static neurlp_status allocate_work(neurlp_fit *fit) {
  neurlp_context *context = fit->context;
  neurlp_fit_work *w = fit->work;
  const neurlp_plan *plan = fit->data->plan;
  const int64_t P = fit->model->parameters, D = fit->model->dimensions, G = fit->groups,
                W = fit->window_count;
  const int64_t triangle = neurlp_triangle_count(w->columns + 1), size = neurlp_fit_window_size(fit);
  const int64_t numbers = triangle + P + D + 1 + 2 * D + 2;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, W, sizeof(int64_t), &w->selected));
  NEURLP_TRY(neurlp_allocate(context, W, sizeof *w->status, &w->status));
  NEURLP_TRY(neurlp_allocate(context, W * 2 * D, sizeof(double), &w->window_squares));
  NEURLP_TRY(neurlp_allocate(context, plan->bin_count * numbers, sizeof(double), &w->bin_local));
  if (!fit->options.per_system)
    NEURLP_TRY(neurlp_allocate(context, plan->bins * numbers, sizeof(double), &w->bin_global));
  NEURLP_TRY(neurlp_allocate(context, G * triangle, sizeof(double), &w->triangle));
  NEURLP_TRY(neurlp_allocate(context, G * (P + 3 * D + 3), sizeof(double), &w->sums));
  NEURLP_TRY(neurlp_allocate(context, neurlp_triangle_step_workspace(w->columns) + 3 * P + P * P,
                             sizeof(double), &w->step_workspace));
  NEURLP_TRY(neurlp_allocate(context, P, sizeof(bool), &w->column_free));
  NEURLP_TRY(neurlp_allocate(context, size * size, sizeof(double), &w->rows));
done:
  return status;
}

/* The one that goes with the context's backend for solvers. */
static const neurlp_fit_backend *find_backend(const neurlp_context *context) {
#ifdef NEURLP_HAVE_CUDA
  if (strcmp(neurlp_context_backend(context), "cuda") == 0) return neurlp_fit_backend_cuda();
  if (strcmp(neurlp_context_backend(context), "cuda:check") == 0) return neurlp_fit_backend_cuda_check();
#else
  (void)context;
#endif
  return neurlp_fit_backend_cpu();
}

neurlp_status neurlp_fit_prepare(neurlp_fit *fit) {
  neurlp_fit_work *work = fit->work;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_fit_release_work(fit);
  work->points = 2;
  for (int64_t w = 0; w < fit->window_count; w++)
    if (fit->window[w].points > work->points) work->points = fit->window[w].points;
  NEURLP_TRY(neurlp_allocate(fit->context, fit->model->parameters, sizeof(int32_t), &work->column_parameter));
  choose_columns(fit);
  NEURLP_TRY(allocate_work(fit));
  work->backend = find_backend(fit->context);
  if (fit->model->inputs > 0 && work->backend != neurlp_fit_backend_cpu()) {
    status = neurlp_fail(fit->context, NEURLP_ERROR_ARGUMENT,
                         "equations with inputs are fitted by the backend cpu, and this context has %s",
                         neurlp_context_backend(fit->context));
    goto done;
  }
  NEURLP_TRY(work->backend->create(fit, &work->state));
done:
  return status;
}

neurlp_status neurlp_fit_sum_bins(neurlp_fit *fit, neurlp_status mine, int64_t count, double *sums) {
  neurlp_fit_work *w = fit->work;
  const neurlp_plan *plan = fit->data->plan;
  if (fit->options.per_system) {
    if (mine >= 0) memcpy(sums, w->bin_local, (size_t)(fit->groups * count) * sizeof *sums);
    return mine;
  }
  const neurlp_status status =
      fit->exchange.gather(fit->exchange.user, fit->context, mine, count, w->bin_local, w->bin_global);
  if (status < 0) return status;
  memset(sums, 0, (size_t)count * sizeof *sums);
  for (int64_t b = 0; b < plan->bins; b++)
    for (int64_t i = 0; i < count; i++) sums[i] += w->bin_global[b * count + i];
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_fit_agree(neurlp_fit *fit, neurlp_status mine, int32_t count, int64_t *numbers) {
  return fit->exchange.largest(fit->exchange.user, fit->context, mine, count, numbers);
}

/* ---- noise and errors -------------------------------------------------------------------------------- */

int64_t neurlp_fit_unknowns(const neurlp_fit *fit, int64_t g) {
  const int64_t P = fit->model->parameters;
  int64_t unknowns = fit->group[g].windows * fit->model->dimensions * fit->model->order;
  for (int64_t p = 0; p < P; p++) unknowns += fit->free[g * P + p];
  return unknowns;
}

static int64_t freedom(const neurlp_fit *fit, int64_t g) {
  const int64_t values = fit->group[g].values, unknowns = neurlp_fit_unknowns(fit, g);
  return values > unknowns ? values - unknowns : 1;
}

double neurlp_fit_residual_variance(const neurlp_fit *fit, int64_t g) {
  return fit->group[g].objective / (double)freedom(fit, g);
}

/* Keeps the weight of a state without any residual finite. */
static const double NOISE_FLOOR = 1e-140;

void neurlp_fit_update_noise(neurlp_fit *fit) {
  const int64_t D = fit->model->dimensions;
  for (int64_t g = 0; g < fit->groups; g++) {
    if (fit->group[g].status != NEURLP_SUCCESS || fit->group[g].standing) continue;
    double *sigma = fit->sigma + g * D;
    const double share = (double)freedom(fit, g) / fmax((double)fit->group[g].values, 1);
    double squares = 0, counts = 0;
    for (int64_t k = 0; k < D; k++) {
      squares += fit->squares[g * D + k];
      counts += fit->counts[g * D + k];
    }
    for (int64_t k = 0; k < D; k++) {
      const double own = fit->counts[g * D + k] > 0 ? fit->squares[g * D + k] / fit->counts[g * D + k] : 0;
      const double variance = (fit->options.equal_noise ? squares / fmax(counts, 1) : own) / share;
      const double old = sigma[k];
      sigma[k] = fmax(sqrt(variance), NOISE_FLOOR);
      fit->group[g].objective += fit->squares[g * D + k] * (1 / (sigma[k] * sigma[k]) - 1 / (old * old));
    }
  }
}

void neurlp_fit_covariance(neurlp_fit *fit, int64_t g, double *covariance) {
  const neurlp_fit_work *w = fit->work;
  const int64_t P = fit->model->parameters, C = w->columns;
  double *columns = w->step_workspace + neurlp_triangle_step_workspace(C) + 3 * P;
  for (int64_t c = 0; c < C; c++) w->column_free[c] = fit->free[g * P + w->column_parameter[c]];
  neurlp_triangle_covariance(C, w->triangle + g * neurlp_triangle_count(C + 1), w->column_free, columns,
                             w->step_workspace);
  const double variance = neurlp_fit_residual_variance(fit, g);
  memset(covariance, 0, (size_t)(P * P) * sizeof *covariance);
  for (int64_t a = 0; a < C; a++)
    for (int64_t b = 0; b < C; b++)
      covariance[w->column_parameter[a] * P + w->column_parameter[b]] = variance * columns[a * C + b];
}
