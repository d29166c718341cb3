/* Windows of a fit, a thread for each of them or for each grid point. The CPU's side is learn/cpu/. */
#include "cuda/learn/fit_kernels.h"

#include "core/triangle_lane.h"
#include "cuda/nonlinear/window_equations.h"

enum { ROWS = 8 }; /* that are appended to a triangle at a time */

/* A trajectory further than this many sizes of its state from zero has run away. */
#define RUNAWAY_TRACKED 20

NEURLP_ANYWHERE int64_t triangle_size(const given *w) {
  return states_of(w) + w->columns + 1;
}

/* ---- trial and current, and data -------------------------------------------------------------------- */

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

NEURLP_ANYWHERE void sum_squares(const given *w, int64_t position, double *) {
  const neurlp_cuda_window *window = window_at(w, position);
  const int64_t D = w->model.dimensions;
  double *sums = w->squares + position * 2 * D;
  for (int64_t k = 0; k < 2 * D; k++) sums[k] = 0;
  for (int64_t i = window->first_sample; i < window->first_sample + window->samples; i++) {
    const double *u = w->state + w->sample_point[i] * w->unknowns;
    for (int64_t k = 0; k < D; k++) {
      const double datum = w->samples[i * D + k];
      const double left = (datum - u[k * w->width]) * (w->weight ? w->weight[i * D + k] : 1);
      if (!isfinite(datum)) continue;
      sums[k] += left * left;
      sums[D + k] += 1;
    }
  }
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
      const double datum = w->samples[i * D + k];
      const double weight = (w->weight ? w->weight[i * D + k] : 1) / w->sigma[window->group * D + k];
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

/* ---- launches ---------------------------------------------------------------------------------------- */

NEURLP_ANYWHERE int64_t appending_numbers(int64_t size) {
  return neurlp_triangle_count(size) + ROWS * size;
}

extern "C" int64_t neurlp_cuda_fit_numbers(const neurlp_cuda_windows *w) {
  const int64_t marching = neurlp_cuda_window_numbers(w) + 3 * states_of(w);
  const int64_t receiving = appending_numbers(triangle_size(w));
  return marching > receiving ? marching : receiving;
}

extern "C" const neurlp_cuda_fit_kernels *neurlp_cuda_fit_kernels_all(void) {
  static const neurlp_cuda_fit_kernels kernels = {
      kernel_of<copy>(),        kernel_of<copy_back>(), kernel_of<accept>(),    kernel_of<march>(),
      kernel_of<sum_squares>(), kernel_of<receive>(),   kernel_of<sum_power>(), kernel_of<step_initial>(),
      kernel_of<fit_initial>(), kernel_of<combine>(),   kernel_of<judge>()};
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
