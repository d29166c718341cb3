/* What threads do that evaluate equations; for nvcc, and for NVRTC, which compiles the equations into it. */
#ifndef NEURLP_CUDA_WINDOW_EQUATIONS_H
#define NEURLP_CUDA_WINDOW_EQUATIONS_H

#include "cuda/nonlinear/window_thread.h"

/* A trajectory further than this many sizes of its state from zero has run away. */
#define RUNAWAY 1e3

/* ---- the linear block -------------------------------------------------------------------------------- */

/* Coefficients of u^(kappa) - J u at one grid point. */
NEURLP_ANYWHERE void fill_coefficients(const given *w, const evaluation *e, int64_t place) {
  const int64_t D = w->model.dimensions, n = w->unknowns, v = states_of(w);
  double *c = w->coefficients + place * D * n;
  for (int64_t i = 0; i < D * n; i++) c[i] = 0;
  for (int64_t k = 0; k < D; k++) {
    c[k * n + k * w->width + w->model.order] = 1;
    for (int64_t i = 0; i < v; i++) c[k * n + unknown_of(w, i)] = -e->jacobian[(k * v + i) * L];
  }
}

/* f - J u, in the first column. */
NEURLP_ANYWHERE void fill_remainder(const given *w, const evaluation *e, int64_t place) {
  const int64_t D = w->model.dimensions, v = states_of(w);
  for (int64_t k = 0; k < D; k++) {
    double b = e->flow[k * L];
    for (int64_t i = 0; i < v; i++) b -= e->jacobian[(k * v + i) * L] * e->x[i * L];
    w->rhs[(place * D + k) * w->right] = b;
  }
}

/* df/dtheta of the parameters that have columns, and f for the power sums. */
NEURLP_ANYWHERE void fill_sensitivity(const given *w, const evaluation *e, int64_t place) {
  const neurlp_model_code *code = &w->model.code;
  const int64_t D = w->model.dimensions, terms = code->term_count;
  const double *term = e->outputs + code->known_count * L;
  const double *known = term + (terms + code->jacobian_count + code->term_jacobian_count) * L;
  for (int64_t c = 0; c < w->columns; c++) {
    const int64_t theta = w->column_parameter[c] - w->model.named;
    if (theta >= 0) w->rhs[(place * D + theta / terms) * w->right + c] = term[theta % terms * L];
  }
  for (int32_t i = 0; i < code->sensitivity_count; i++) {
    const neurlp_model_entry entry = code->sensitivity[i];
    const int32_t c = w->parameter_column[entry.index];
    if (c >= 0) w->rhs[(place * D + entry.equation) * w->right + c] = known[i * L];
  }
  for (int64_t k = 0; k < D; k++) w->flow[place * D + k] = e->flow[k * L];
}

NEURLP_ANYWHERE void fill_point(const given *w, int64_t place, double *workspace) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, place / w->steps));
  const int64_t t = place % w->steps;
  const double *theta = w->theta + window->group * w->model.parameters;
  const evaluation e = parts_of(w, workspace);
  const bool forward = w->mode == NEURLP_CUDA_FORWARD;
  if (t >= window->points) return;
  load_point(w, window, t, &e);
  if (forward)
    evaluate_full(w, &e);
  else
    evaluate_basic(w, &e);
  assemble_flow(w, &e, theta);
  assemble_jacobian(w, &e, theta);
  fill_coefficients(w, &e, place);
  for (int64_t i = 0; i < w->model.dimensions * w->right && w->right > 1; i++)
    w->rhs[place * w->model.dimensions * w->right + i] = 0;
  if (forward)
    fill_sensitivity(w, &e, place);
  else
    fill_remainder(w, &e, place);
}

/* ---- gradients (block/nonlinear/nonlinear_adjoint.c) ------------------------------------------------- */

NEURLP_ANYWHERE void contract(const given *w, int64_t place, double *workspace) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, place / w->steps));
  const neurlp_model_code *code = &w->model.code;
  const int64_t t = place % w->steps, D = w->model.dimensions, terms = code->term_count;
  const evaluation e = parts_of(w, workspace);
  const double *term = e.outputs + code->known_count * L;
  const double *known = term + (terms + code->jacobian_count + code->term_jacobian_count) * L;
  const double *weight = w->grad_rhs + place * D;
  double *share = w->share + place * w->model.parameters;
  if (t >= window->points) return;
  load_point(w, window, t, &e);
  evaluate_full(w, &e);
  for (int32_t p = 0; p < w->model.named; p++) share[p] = 0;
  for (int32_t i = 0; i < code->sensitivity_count; i++)
    share[code->sensitivity[i].index] += weight[code->sensitivity[i].equation] * known[i * L];
  for (int64_t k = 0; k < D; k++)
    for (int64_t l = 0; l < terms; l++) share[w->model.named + k * terms + l] = weight[k] * term[l * L];
}

/* ---- marching (learn/cpu/march.c) -------------------------------------------------------------------- */

/* slope [D kappa] of the state in e->x. */
NEURLP_ANYWHERE void find_slope(const given *w, const evaluation *e, const double *theta, double time,
                                double *slope) {
  const int32_t kappa = w->model.order;
  load_symbols(w, e, theta, time);
  evaluate_flow(w, e);
  assemble_flow(w, e, theta);
  for (int32_t k = 0; k < w->model.dimensions; k++) {
    for (int32_t j = 0; j + 1 < kappa; j++) slope[(k * kappa + j) * L] = e->x[(k * kappa + j + 1) * L];
    slope[(k * kappa + kappa - 1) * L] = e->flow[k * L];
  }
}

/* One classical Runge-Kutta step of y [D kappa]; slope and sum follow it in the workspace. */
NEURLP_ANYWHERE void march_once(const given *w, const evaluation *e, const double *theta, double time,
                                double h, double *y) {
  const int64_t v = states_of(w);
  double *slope = y + v * L, *sum = slope + v * L;
  for (int64_t i = 0; i < 2 * v; i++) slope[i * L] = 0; /* the slope and the sum */
  for (int32_t q = 0; q < 4; q++) {
    const double node = q == 0 ? 0 : q == 3 ? 1 : 0.5, weight = q == 0 || q == 3 ? 1.0 / 6 : 1.0 / 3;
    for (int64_t i = 0; i < v; i++) e->x[i * L] = y[i * L] + node * h * slope[i * L];
    find_slope(w, e, theta, time + node * h, slope);
    for (int64_t i = 0; i < v; i++) sum[i * L] += weight * slope[i * L];
  }
  for (int64_t i = 0; i < v; i++) y[i * L] += h * sum[i * L];
}

NEURLP_ANYWHERE bool march_window(const given *w, const neurlp_cuda_window *window, const evaluation *e,
                                  double *y) {
  const int32_t kappa = w->model.order;
  const double *theta = w->theta + window->group * w->model.parameters;
  const double *scale = w->scale + window->segment * w->model.dimensions;
  for (int64_t p = 0; p < window->points; p++) {
    const int64_t point = window->first_point + p;
    double *state = w->trial_state + point * w->unknowns;
    for (int32_t k = 0; k < w->model.dimensions; k++) {
      if (!(fabs(y[k * kappa * L]) <= RUNAWAY * scale[k])) return false;
      for (int32_t j = 0; j < kappa; j++) state[k * w->width + j] = y[(k * kappa + j) * L];
    }
    if (p + 1 < window->points)
      march_once(w, e, theta, w->times[point], w->intervals[window->first_interval + p], y);
  }
  return true;
}

NEURLP_ANYWHERE void march(const given *w, int64_t position, double *workspace) {
  const neurlp_cuda_window *window = window_at(w, position);
  const evaluation e = parts_of(w, workspace);
  const int64_t v = states_of(w), first = window->first_point * w->unknowns;
  const double *initial = w->trial_initial + w->selected[position] * v;
  double *y = e.more;
  for (int64_t i = 0; i < v; i++) y[i * L] = initial[i];
  if (march_window(w, window, &e, y)) return;
  for (int64_t i = first; i < first + window->points * w->unknowns; i++) w->trial_state[i] = w->state[i];
}

#endif
