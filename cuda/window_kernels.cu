/* Nonlinear systems and windows of a fit, a thread for each of them or for each grid point. The CPU's side is
 * block/nonlinear/ and learn/cpu/. */
#include "cuda/window_kernels.h"

#include "cuda/interpret.h"
#include "learn/triangle_lane.h"

enum { BLOCK = 64, BLOCKS = 8, L = NEURLP_CUDA_GROUP };

enum { ROWS = 8 }; /* that are appended to a triangle at a time */

/* A trajectory further than this many sizes of its state from zero has run away: marched, or tracked. */
#define RUNAWAY         1e3
#define RUNAWAY_TRACKED 20

typedef neurlp_cuda_windows given;

NEURLP_ANYWHERE int64_t states_of(const given *w) {
  return (int64_t)w->model.dimensions * w->model.order;
}

NEURLP_ANYWHERE int64_t triangle_size(const given *w) {
  return states_of(w) + w->columns + 1;
}

NEURLP_ANYWHERE const neurlp_cuda_window *window_at(const given *w, int64_t position) {
  return &w->windows[w->selected[position]];
}

NEURLP_ANYWHERE int64_t position_of(const given *w, int64_t slot) {
  return w->position ? w->position[slot] : w->first_position + slot;
}

/* Where state symbol v = k kappa + j is among the unknowns of a step. */
NEURLP_ANYWHERE int64_t unknown_of(const given *w, int64_t v) {
  return v / w->model.order * w->width + v % w->model.order;
}

/* ---- equations --------------------------------------------------------------------------------------- */

/* Parts of a thread's workspace; neighbouring numbers are L apart. */
struct evaluation {
  double *x, *slots, *outputs, *flow, *jacobian, *more;
};

NEURLP_ANYWHERE evaluation parts_of(const given *w, double *workspace) {
  const int64_t v = states_of(w);
  evaluation e;
  e.x = workspace;
  e.slots = e.x + w->model.symbols * L;
  e.outputs = e.slots + w->model.slots * L;
  e.flow = e.outputs + neurlp_model_outputs(&w->model.code) * L;
  e.jacobian = e.flow + w->model.dimensions * L;
  e.more = e.jacobian + w->model.dimensions * v * L;
  return e;
}

/* Named parameters and the time among the symbols; the states are put there before. */
NEURLP_ANYWHERE void load_symbols(const given *w, const evaluation *e, const double *theta, double time) {
  const int64_t v = states_of(w);
  for (int64_t p = 0; p < w->model.named; p++) e->x[(v + p) * L] = theta[p];
  e->x[(w->model.symbols - 1) * L] = time;
}

static __noinline__ __host__ __device__ void interpret(const neurlp_instruction *instructions, int32_t count,
                                                       const evaluation *e) {
  for (int32_t i = 0; i < count; i++) {
    const neurlp_instruction *in = &instructions[i];
    if (in->code == NEURLP_CODE_STORE)
      e->outputs[in->index * L] = e->slots[in->a * L];
    else if (in->code == NEURLP_CODE_LOAD)
      e->slots[in->to * L] = e->x[in->index * L];
    else
      e->slots[in->to * L] = calculate<double>(in, e->slots);
  }
}

/* f from the outputs. A term whose coefficient is 0 has no part in it, whatever its value. */
NEURLP_ANYWHERE void assemble_flow(const given *w, const evaluation *e, const double *theta) {
  const neurlp_model_code *code = &w->model.code;
  const int32_t D = w->model.dimensions, terms = code->term_count;
  const double *term = e->outputs + code->known_count * L, *coefficient = theta + w->model.named;
  for (int32_t k = 0; k < D; k++) e->flow[k * L] = 0;
  for (int32_t i = 0; i < code->known_count; i++) e->flow[code->known[i].equation * L] += e->outputs[i * L];
  for (int32_t l = 0; l < terms; l++)
    for (int32_t k = 0; k < D; k++)
      if (coefficient[k * terms + l] != 0) e->flow[k * L] += coefficient[k * terms + l] * term[l * L];
}

/* df/du from the outputs. */
NEURLP_ANYWHERE void assemble_jacobian(const given *w, const evaluation *e, const double *theta) {
  const neurlp_model_code *code = &w->model.code;
  const int32_t D = w->model.dimensions, terms = code->term_count, v = (int32_t)states_of(w);
  const double *known = e->outputs + (code->known_count + terms) * L;
  const double *term = known + code->jacobian_count * L, *coefficient = theta + w->model.named;
  for (int32_t i = 0; i < D * v; i++) e->jacobian[i * L] = 0;
  for (int32_t i = 0; i < code->jacobian_count; i++) {
    const neurlp_model_entry entry = code->jacobian[i];
    e->jacobian[(entry.equation * v + entry.index) * L] += known[i * L];
  }
  for (int32_t i = 0; i < code->term_jacobian_count; i++) {
    const neurlp_model_entry entry = code->term_jacobian[i];
    for (int32_t k = 0; k < D; k++) {
      const double factor = coefficient[k * terms + entry.index];
      if (factor != 0) e->jacobian[(k * v + entry.symbol) * L] += factor * term[i * L];
    }
  }
}

/* ---- marching (learn/cpu/march.c) -------------------------------------------------------------------- */

/* slope [D kappa] of the state in e->x. */
NEURLP_ANYWHERE void find_slope(const given *w, const evaluation *e, const double *theta, double time,
                                double *slope) {
  const int32_t kappa = w->model.order;
  load_symbols(w, e, theta, time);
  interpret(w->model.basic, w->model.flow_count, e);
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

/* The symbols at a grid point. */
NEURLP_ANYWHERE void load_point(const given *w, const neurlp_cuda_window *window, int64_t t,
                                const evaluation *e) {
  const int64_t v = states_of(w), point = window->first_point + t;
  for (int64_t i = 0; i < v; i++) e->x[i * L] = w->state[point * w->unknowns + unknown_of(w, i)];
  load_symbols(w, e, w->theta + window->group * w->model.parameters, w->times[point]);
}

NEURLP_ANYWHERE void fill_point(const given *w, int64_t place, double *workspace) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, place / w->steps));
  const int64_t t = place % w->steps;
  const double *theta = w->theta + window->group * w->model.parameters;
  const evaluation e = parts_of(w, workspace);
  const bool forward = w->mode == NEURLP_CUDA_FORWARD;
  if (t >= window->points) return;
  load_point(w, window, t, &e);
  interpret(forward ? w->model.full : w->model.basic, forward ? w->model.full_count : w->model.basic_count,
            &e);
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

/* The largest over a window's grid of numbers [S][T]. */
NEURLP_ANYWHERE double largest_of(const given *w, int64_t slot, const double *numbers) {
  const int64_t points = window_at(w, position_of(w, slot))->points;
  double largest = 0;
  for (int64_t t = 0; t < points; t++)
    largest = neurlp_nonlinear_larger(largest, numbers[slot * w->steps + t]);
  return largest;
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

NEURLP_ANYWHERE void sum_squares(const given *w, int64_t position, double *) {
  const neurlp_cuda_window *window = window_at(w, position);
  const int64_t D = w->model.dimensions;
  double *sums = w->squares + position * 2 * D;
  for (int64_t k = 0; k < 2 * D; k++) sums[k] = 0;
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const double *u = w->state + w->sample_point[i] * w->unknowns;
    for (int64_t k = 0; k < D; k++) {
      const double datum = w->samples[i * D + k], left = datum - u[k * w->width];
      if (!isfinite(datum)) continue;
      sums[k] += left * left;
      sums[D + k] += 1;
    }
  }
}

/* ---- trial and current ------------------------------------------------------------------------------- */

NEURLP_ANYWHERE void copy_point(const given *w, int64_t place, double *to, const double *from) {
  const neurlp_cuda_window *window = window_at(w, place / w->steps);
  const int64_t t = place % w->steps, first = (window->first_point + t) * w->unknowns;
  if (t >= window->points) return;
  for (int64_t i = first; i < first + w->unknowns; i++) to[i] = from[i];
}

NEURLP_ANYWHERE void copy(const given *w, int64_t place, double *) {
  copy_point(w, place, w->state, w->trial_state);
}

NEURLP_ANYWHERE void copy_back(const given *w, int64_t place, double *) {
  copy_point(w, place, w->trial_state, w->state);
}

NEURLP_ANYWHERE void accept(const given *w, int64_t position, double *) {
  const int64_t v = states_of(w), first = w->selected[position] * v;
  for (int64_t i = first; i < first + v; i++) w->initial[i] = w->trial_initial[i];
}

/* ---- triangles (learn/cpu/reduce.c) ------------------------------------------------------------------ */

/* A triangle that rows are appended to, a few at a time; both in the workspace. */
struct appending {
  int64_t size, filled;
  double *triangle, *rows;
};

NEURLP_ANYWHERE appending start_appending(int64_t size, double *workspace) {
  appending a;
  a.size = size;
  a.filled = 0;
  a.triangle = workspace;
  a.rows = workspace + neurlp_triangle_count(size) * L;
  for (int64_t i = 0; i < neurlp_triangle_count(size); i++) a.triangle[i * L] = 0;
  return a;
}

NEURLP_ANYWHERE void flush_rows(appending *a) {
  neurlp_triangle_append_lane(a->size, a->triangle, a->filled, a->rows, 0, L);
  a->filled = 0;
}

/* Appends the rows of a window's data: u_r at the sample for each of `count` columns of the solution from
 * `first` on, then those before, up to `others`, then data less `base`. All in units of the noise. */
template <typename base_of>
NEURLP_ANYWHERE void append_window(const given *w, int64_t slot, appending *a, int64_t first, int64_t count,
                                   int64_t others, base_of base) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, slot));
  const int64_t D = w->model.dimensions, R = w->right;
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const int64_t point = w->sample_point[i], t = point - window->first_point;
    for (int64_t k = 0; k < D; k++) {
      const double datum = w->samples[i * D + k], weight = 1 / w->sigma[window->group * D + k];
      if (!isfinite(datum)) continue;
      const double *u = w->solution + ((slot * w->steps + t) * w->unknowns + k * w->width) * R;
      double *row = a->rows + a->filled * a->size * L;
      for (int64_t c = 0; c < count; c++) row[c * L] = weight * u[first + c];
      for (int64_t c = 0; c < others; c++) row[(count + c) * L] = weight * u[c];
      row[(a->size - 1) * L] = weight * (datum - base(point, k, u));
      if (++a->filled == ROWS) flush_rows(a);
    }
  }
  flush_rows(a);
}

/* What data are compared with: the trajectory, or the solution without initial values. */
struct trajectory_base {
  const given *w;
  __host__ __device__ double operator()(int64_t point, int64_t k, const double *) const {
    return w->state[point * w->unknowns + k * w->width];
  }
};
struct column_base {
  __host__ __device__ double operator()(int64_t, int64_t, const double *u) const {
    return u[0];
  }
};

NEURLP_ANYWHERE void receive(const given *w, int64_t slot, double *workspace) {
  const int64_t size = triangle_size(w), count = neurlp_triangle_count(size);
  double *triangle = w->triangle + w->selected[position_of(w, slot)] * count;
  appending a = start_appending(size, workspace);
  if (w->block_status[slot] == NEURLP_SUCCESS) { /* else the window says nothing */
    const trajectory_base base = {w};
    append_window(w, slot, &a, w->columns, states_of(w), w->columns, base);
  }
  for (int64_t i = 0; i < count; i++) triangle[i] = a.triangle[i * L];
}

/* Sums over the grid of squares of df/dtheta_p, of f_k, and the number of points. A parameter without a
 * column gets 0. */
NEURLP_ANYWHERE void sum_power(const given *w, int64_t task, double *) {
  const int64_t D = w->model.dimensions, P = w->model.parameters, numbers = P + D + 1;
  const int64_t slot = task / numbers, i = task % numbers, position = position_of(w, slot);
  const int64_t points = window_at(w, position)->points, R = w->right;
  const int64_t column = i < P ? w->parameter_column[i] : 0;
  double sum = 0;
  for (int64_t place = slot * w->steps; place < slot * w->steps + points && i < P + D && column >= 0; place++)
    for (int64_t k = i < P ? 0 : i - P; k < (i < P ? D : i - P + 1); k++) {
      const double value = i < P ? w->rhs[(place * D + k) * R + column] : w->flow[place * D + k];
      sum += value * value;
    }
  w->power[w->selected[position] * numbers + i] = i < P + D ? sum : (double)points;
}

NEURLP_ANYWHERE void step_initial(const given *w, int64_t position, double *) {
  const int64_t number = w->selected[position], v = states_of(w), size = triangle_size(w);
  const int64_t group = w->windows[number].group;
  const double *triangle = w->triangle + number * neurlp_triangle_count(size);
  const double *step = w->step + group * w->model.parameters;
  double *trial = w->trial_initial + number * v;
  for (int64_t i = 0; i < v; i++) {
    const double *row = triangle + neurlp_triangle_row(size, i) - i;
    trial[i] = row[size - 1] / (1 + w->damping[group]);
    for (int64_t c = 0; c < w->columns; c++) trial[i] -= row[v + c] * step[w->column_parameter[c]];
  }
  neurlp_triangle_solve(size, triangle, v, trial);
  for (int64_t i = 0; i < v; i++) trial[i] += w->initial[number * v + i];
}

/* ---- tracking (learn/cpu/track.c) -------------------------------------------------------------------- */

/* Back substitution with the diagonal as it is: false if the data do not determine an initial value. */
NEURLP_ANYWHERE bool solve_tracked(const appending *a, int64_t v, double *z) {
  for (int64_t i = v - 1; i >= 0; i--) {
    const double *row = a->triangle + (neurlp_triangle_row(a->size, i) - i) * L;
    z[i] = row[v * L];
    for (int64_t c = i + 1; c < v; c++) z[i] -= row[c * L] * z[c];
    z[i] /= row[i * L];
    if (!isfinite(z[i])) return false;
  }
  return true;
}

NEURLP_ANYWHERE void fit_initial(const given *w, int64_t slot, double *workspace) {
  const int64_t v = states_of(w);
  double *z = w->trial_initial + w->selected[position_of(w, slot)] * v;
  appending a = start_appending(v + 1, workspace);
  const column_base base = {};
  w->fraction[slot] = 0;
  if (w->block_status[slot] != NEURLP_SUCCESS) return;
  append_window(w, slot, &a, 1, v, 0, base);
  w->fraction[slot] = solve_tracked(&a, v, z);
}

NEURLP_ANYWHERE void combine(const given *w, int64_t place, double *) {
  const int64_t slot = place / w->steps, t = place % w->steps, position = position_of(w, slot), R = w->right;
  const int64_t v = states_of(w), first = (window_at(w, position)->first_point + t) * w->unknowns;
  const double *z = w->trial_initial + w->selected[position] * v;
  const double *scale = w->scale + window_at(w, position)->segment * w->model.dimensions;
  double change = 0, largest = 0;
  if (t >= window_at(w, position)->points || w->fraction[slot] == 0) return;
  for (int64_t i = 0; i < w->unknowns; i++) {
    const double *columns = w->solution + (place * w->unknowns + i) * R;
    double value = columns[0];
    for (int64_t c = 0; c < v; c++) value += z[c] * columns[1 + c];
    w->trial_state[first + i] = value;
    if (i % w->width != 0) continue;
    const double unit = scale[i / w->width];
    change = neurlp_nonlinear_larger(change, fabs(value - w->state[first + i]) / unit);
    largest = neurlp_nonlinear_larger(largest, fabs(value) / unit);
  }
  w->change[place] = change;
  w->largest[place] = largest;
}

/* Takes the trial trajectory over, unless it has run away. */
NEURLP_ANYWHERE void judge(const given *w, int64_t slot, double *) {
  const int64_t position = position_of(w, slot), number = w->selected[position], v = states_of(w);
  const neurlp_cuda_window *window = window_at(w, position);
  const int64_t first = window->first_point * w->unknowns, count = window->points * w->unknowns;
  w->tracked[position] = INFINITY;
  if (w->fraction[slot] == 0 || !(largest_of(w, slot, w->largest) <= RUNAWAY_TRACKED)) return;
  for (int64_t i = first; i < first + count; i++) w->state[i] = w->trial_state[i];
  for (int64_t i = number * v; i < number * v + v; i++) w->initial[i] = w->trial_initial[i];
  w->tracked[position] = largest_of(w, slot, w->change);
}

/* ---- gradients (block/nonlinear/nonlinear_adjoint.c) ------------------------------------------------- */

NEURLP_ANYWHERE void gather(const given *w, int64_t place, double *) {
  const neurlp_cuda_window *window = window_at(w, position_of(w, place / w->steps));
  const int64_t t = place % w->steps, first = (window->first_point + t) * w->unknowns;
  if (t >= window->points) return;
  for (int64_t i = 0; i < w->unknowns; i++) w->solution[place * w->unknowns + i] = w->state[first + i];
}

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
  interpret(w->model.full, w->model.full_count, &e);
  for (int32_t p = 0; p < w->model.named; p++) share[p] = 0;
  for (int32_t i = 0; i < code->sensitivity_count; i++)
    share[code->sensitivity[i].index] += weight[code->sensitivity[i].equation] * known[i * L];
  for (int64_t k = 0; k < D; k++)
    for (int64_t l = 0; l < terms; l++) share[w->model.named + k * terms + l] = weight[k] * term[l * L];
}

NEURLP_ANYWHERE void collect(const given *w, int64_t task, double *) {
  const int64_t P = w->model.parameters, slot = task / P, points = window_at(w, position_of(w, slot))->points;
  double sum = 0;
  for (int64_t t = 0; t < points; t++) sum += w->share[(slot * w->steps + t) * P + task % P];
  w->grad_theta[task] = sum;
}

/* ---- launches ---------------------------------------------------------------------------------------- */

NEURLP_ANYWHERE int64_t appending_numbers(int64_t size) {
  return neurlp_triangle_count(size) + ROWS * size;
}

extern "C" int64_t neurlp_cuda_window_numbers(const neurlp_cuda_windows *w) {
  const int64_t v = states_of(w), D = w->model.dimensions;
  const int64_t evaluating =
      w->model.symbols + w->model.slots + neurlp_model_outputs(&w->model.code) + D + D * v + 3 * v;
  const int64_t receiving = appending_numbers(triangle_size(w));
  return evaluating > receiving ? evaluating : receiving;
}

template <void (*task)(const given *, int64_t, double *)>
NEURLP_ANYWHERE void run_tasks(const given *w, int64_t thread) {
  if (thread >= w->threads) return;
  double *workspace = w->workspace + thread / L * L * w->numbers + thread % L;
  for (int64_t i = thread; i < w->tasks; i += w->threads) task(w, i, workspace);
}

template <void (*task)(const given *, int64_t, double *)>
__global__ void __launch_bounds__(BLOCK, BLOCKS) run(const __grid_constant__ given w) {
  run_tasks<task>(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

template <void (*task)(const given *, int64_t, double *)>
static void imitate(const void *arguments, int64_t thread, int64_t) {
  run_tasks<task>((const given *)arguments, thread);
}

template <void (*task)(const given *, int64_t, double *)> static neurlp_cuda_kernel kernel_of(void) {
  return {(const void *)run<task>, imitate<task>, BLOCK};
}

extern "C" const neurlp_cuda_window_kernels *neurlp_cuda_window_kernels_all(void) {
  static const neurlp_cuda_window_kernels kernels = {
      kernel_of<begin>(),     kernel_of<copy>(),         kernel_of<copy_back>(),   kernel_of<accept>(),
      kernel_of<march>(),     kernel_of<sum_squares>(),  kernel_of<fill_slot>(),   kernel_of<fill_point>(),
      kernel_of<measure>(),   kernel_of<decide>(),       kernel_of<move>(),        kernel_of<receive>(),
      kernel_of<sum_power>(), kernel_of<step_initial>(), kernel_of<fit_initial>(), kernel_of<combine>(),
      kernel_of<judge>(),     kernel_of<gather>(),       kernel_of<contract>(),    kernel_of<collect>()};
  return &kernels;
}

/* ---- bins -------------------------------------------------------------------------------------------- */

/* Appends another triangle, some of its rows at a time. */
NEURLP_ANYWHERE void append_triangle(int64_t size, double *triangle, const double *other, double *rows) {
  for (int64_t first = 0; first < size; first += ROWS) {
    const int64_t count = size - first < ROWS ? size - first : ROWS;
    for (int64_t i = 0; i < count; i++)
      for (int64_t c = first; c < size; c++)
        rows[(i * size + c) * L] =
            c < first + i ? 0 : other[neurlp_triangle_row(size, first + i) + c - first - i];
    neurlp_triangle_append_lane(size, triangle, count, rows, first, L);
  }
}

NEURLP_ANYWHERE void merge_record(const neurlp_cuda_bins *b, int64_t record, double *workspace) {
  const int64_t count = neurlp_triangle_count(b->size);
  double *to = b->to + record * (count + b->power_count), *power = to + count;
  appending a = start_appending(b->size, workspace);
  for (int64_t i = 0; i < b->power_count; i++) power[i] = 0;
  for (int64_t s = b->begin[record]; s < b->end[record]; s++) {
    const int64_t source = b->list ? b->list[s] : s;
    append_triangle(b->size, a.triangle, b->triangle + source * b->triangle_stride, a.rows);
    for (int64_t i = 0; i < b->power_count; i++) power[i] += b->power[source * b->power_stride + i];
  }
  for (int64_t i = 0; i < count; i++) to[i] = a.triangle[i * L];
}

NEURLP_ANYWHERE void merge_bins(const neurlp_cuda_bins *b, int64_t thread) {
  if (thread >= b->threads) return;
  double *workspace = b->workspace + thread / L * L * appending_numbers(b->size) + thread % L;
  for (int64_t r = thread; r < b->records; r += b->threads) merge_record(b, r, workspace);
}

static __global__ void __launch_bounds__(BLOCK, BLOCKS) run_bins(const __grid_constant__ neurlp_cuda_bins b) {
  merge_bins(&b, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

static void imitate_bins(const void *arguments, int64_t thread, int64_t) {
  merge_bins((const neurlp_cuda_bins *)arguments, thread);
}

extern "C" int64_t neurlp_cuda_bin_numbers(int64_t size) {
  return appending_numbers(size);
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_bin_kernel(void) {
  static const neurlp_cuda_kernel kernel = {(const void *)run_bins, imitate_bins, BLOCK};
  return &kernel;
}
