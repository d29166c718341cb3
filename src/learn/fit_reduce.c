/* From the triangles of bins to that of each group; errors of initial values. */
#include "core/triangle.h"
#include "learn/fit_work.h"

#include <math.h>
#include <string.h>

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

static bool takes_part(const neurlp_fit *fit, int64_t w) {
  const neurlp_group *group = &fit->group[fit->window[w].group];
  return group->active && group->stale && !fit->window[w].excluded;
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
  memset(work->bin_local, 0, (size_t)(fit->data->plan->bin_count * count) * sizeof(double));
  neurlp_status status = work->backend->reduce(fit);
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

void neurlp_fit_initial_errors(neurlp_fit *fit, int64_t w, const double *covariance, double *errors) {
  /* Var(z) = s^2 R_zz^-1 R_zz^-T + B Cov(theta) B^T with B = R_zz^-1 R_ztheta; covariance already holds s^2
   */
  const neurlp_fit_work *work = fit->work;
  const int64_t P = fit->model->parameters, initials = (int64_t)fit->model->dimensions * fit->model->order;
  const int64_t size = neurlp_fit_window_size(fit), C = work->columns;
  const double *triangle = work->backend->triangle(fit, w);
  const double variance = neurlp_fit_residual_variance(fit, fit->window[w].group);
  for (int64_t i = 0; i < initials; i++) errors[i] = NAN;
  if (!triangle) return;
  double *columns = work->rows; /* [initials + C][initials]: the columns of R_zz^-1, then of B */
  for (int64_t c = 0; c < initials + C; c++) {
    double *x = columns + c * initials;
    for (int64_t i = 0; i < initials; i++) {
      const double *row = triangle + neurlp_triangle_row(size, i) - i;
      x[i] = c < initials ? (i == c ? 1 : 0) : row[c];
    }
    neurlp_triangle_solve(size, triangle, initials, x);
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
