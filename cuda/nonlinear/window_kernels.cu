/* Nonlinear systems, a thread for each of them or for each grid point. The CPU's side is block/nonlinear/. */
#include "cuda/nonlinear/window_equations.h"

/* ---- the linear block -------------------------------------------------------------------------------- */

/* Steps and initial values; the host has the lengths. */
NEURLP_ANYWHERE void fill_slot(const given *w, int64_t slot, double *) {
  const int64_t position = position_of(w, slot), v = states_of(w), R = w->right, intervals = w->steps - 1;
  const neurlp_cuda_window *window = window_at(w, position);
  double *values = w->initial_values + slot * v * R;
  for (int64_t t = 0; t + 1 < window->points; t++)
    w->h[slot * intervals + t] = w->intervals[window->first_interval + t];
  for (int64_t j = 0; j < v; j++)
    for (int64_t r = 0; r < R; r++)
      values[j * R + r] =
          w->mode == NEURLP_CUDA_SOLVE ? w->initial[w->selected[position] * v + j] : (double)(r == R - v + j);
}

/* ---- the iteration (block/nonlinear/nonlinear_solve.c) ----------------------------------------------- */

NEURLP_ANYWHERE void begin(const given *w, int64_t position, double *) {
  w->progress[position] = neurlp_nonlinear_begin();
  w->status[position] = NEURLP_NOT_CONVERGED;
  w->active[position] = 1;
}

/* The most that is left of an equation at one grid point, in units of scale per nominal step^kappa. */
NEURLP_ANYWHERE double remainder_at(const given *w, int64_t place, const double *scale) {
  const int64_t D = w->model.dimensions, n = w->unknowns;
  const double *updated = w->solution + place * n;
  double unit = 1, largest = 0;
  for (int32_t j = 0; j < w->model.order; j++) unit *= w->nominal_step;
  for (int64_t e = 0; e < D; e++) {
    const double *c = w->coefficients + (place * D + e) * n;
    double left = w->rhs[place * D + e];
    for (int64_t j = 0; j < n; j++) left -= c[j] * updated[j];
    largest = neurlp_nonlinear_larger(largest, fabs(left) * unit / scale[e]);
  }
  return largest;
}

NEURLP_ANYWHERE void measure(const given *w, int64_t place, double *) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, place / w->steps));
  const int64_t t = place % w->steps, n = w->unknowns;
  const double *scale = w->scale + window->segment * w->model.dimensions;
  const double *old = w->state + (window->first_point + t) * n, *updated = w->solution + place * n;
  double largest = 0;
  if (t >= window->points) return;
  for (int32_t k = 0; k < w->model.dimensions; k++) {
    double unit = 1 / scale[k];
    for (int32_t j = 0; j < w->model.order; j++, unit *= w->nominal_step) {
      const int64_t at = k * w->width + j;
      largest = neurlp_nonlinear_larger(largest, fabs(updated[at] - old[at]) * unit);
    }
  }
  w->change[place] = largest;
  w->largest[place] = w->remainder < INFINITY ? remainder_at(w, place, scale) : 0;
}

NEURLP_ANYWHERE void decide(const given *w, int64_t slot, double *) {
  const int64_t position = position_of(w, slot);
  nonlinear_progress *p = &w->progress[position];
  neurlp_status status = (neurlp_status)w->block_status[slot];
  if (status == NEURLP_SUCCESS)
    status = neurlp_nonlinear_decide(p, largest_of(w, slot, w->change), w->tolerance);
  else
    p->active = false;
  w->fraction[slot] = status == NEURLP_SUCCESS || status == NEURLP_NOT_CONVERGED ? p->damping : 0;
  if (status == NEURLP_SUCCESS && !(largest_of(w, slot, w->largest) <= w->remainder))
    status = NEURLP_NOT_CONVERGED;
  w->status[position] = status;
  w->active[position] = p->active;
}

NEURLP_ANYWHERE void move(const given *w, int64_t place, double *) {
  const int64_t slot = place / w->steps, t = place % w->steps, position = position_of(w, slot);
  const neurlp_cuda_window *window = window_at(w, position);
  double *state = w->state + (window->first_point + t) * w->unknowns;
  const double *updated = w->solution + place * w->unknowns;
  if (t >= window->points || w->fraction[slot] == 0) return;
  for (int64_t i = 0; i < w->unknowns; i++)
    state[i] = neurlp_nonlinear_moved(&w->progress[position], state[i], updated[i]);
}

/* ---- gradients (block/nonlinear/nonlinear_adjoint.c) ------------------------------------------------- */

NEURLP_ANYWHERE void gather(const given *w, int64_t place, double *) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, place / w->steps));
  const int64_t t = place % w->steps, first = (window->first_point + t) * w->unknowns;
  if (t >= window->points) return;
  for (int64_t i = 0; i < w->unknowns; i++) w->solution[place * w->unknowns + i] = w->state[first + i];
}

NEURLP_ANYWHERE void collect(const given *w, int64_t task, double *) {
  const int64_t P = w->model.parameters, slot = task / P, points = window_at(w, position_of(w, slot))->points;
  double sum = 0;
  for (int64_t t = 0; t < points; t++) sum += w->share[(slot * w->steps + t) * P + task % P];
  w->grad_theta[task] = sum;
}

/* ---- launches ---------------------------------------------------------------------------------------- */

extern "C" int64_t neurlp_cuda_window_numbers(const neurlp_cuda_windows *w) {
  const int64_t v = states_of(w), D = w->model.dimensions;
  return w->model.symbols + w->model.slots + neurlp_model_outputs(&w->model.code) + D + D * v;
}

extern "C" const neurlp_cuda_window_kernels *neurlp_cuda_window_kernels_all(void) {
  static const neurlp_cuda_window_kernels kernels = {
      kernel_of<begin>(),   kernel_of<fill_slot>(), kernel_of<fill_point>(),
      kernel_of<measure>(), kernel_of<decide>(),    kernel_of<move>(),
      kernel_of<gather>(),  kernel_of<contract>(),  kernel_of<collect>()};
  return &kernels;
}
