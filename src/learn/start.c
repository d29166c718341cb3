/* Where discovery starts: the integral form. With the smoothed trajectory in place of the unknown one, the
 * solution of x_k^(kappa) = known_k + sum_l theta_kl phi_l is linear in theta: block solutions of each basis
 * function alone, I_l^(kappa) = phi_l with zero initial values, are the regressors for the samples
 * themselves. No derivative of noisy data is taken. (docs/math.md, section 6) */
#include "core/triangle.h"
#include "learn/direct_parts.h"
#include "learn/fit_work.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef struct start_work {
  int64_t capacity, size,
      triangle_count; /* segments in a piece; size of a window's triangle: kappa + L + 1 */
  int32_t points;     /* T */
  int64_t columns;    /* L basis functions, D known parts */
  neurlp_problem *problem;
  neurlp_solver *solver;
  double *coefficients, *rhs, *initial, *steps, *solution;
  int32_t *lengths;
  neurlp_status *status;
  double *triangle;     /* [segments][D][triangle of L + 1] */
  unsigned char *model; /* [threads] workspaces */
  size_t model_bytes;
  double *rows; /* [threads] */
  int64_t rows_count;
} start_work;

static int64_t segment_points(const neurlp_trajectories *data, int64_t g) {
  const int64_t first = data->segment_sample[g], end = data->segment_sample[g + 1];
  return data->sample_point[end - 1] - data->sample_point[first] + 1;
}

static neurlp_status create_work(neurlp_fit *fit, start_work *w) {
  neurlp_context *context = fit->context;
  const neurlp_trajectories *data = fit->data;
  const int64_t segments = data->plan->segment_count, D = fit->model->dimensions, L = fit->model->terms;
  const int32_t threads = neurlp_context_threads(context), kappa = fit->model->order;
  neurlp_status status = NEURLP_SUCCESS;
  w->points = 2;
  for (int64_t g = 0; g < segments; g++)
    if (segment_points(data, g) > w->points) w->points = (int32_t)segment_points(data, g);
  w->columns = L + D;
  w->size = kappa + L + 1;
  w->triangle_count = neurlp_triangle_count(L + 1);
  w->capacity = (int64_t)(4e6 / ((double)w->points * (double)w->columns * (data->order + 2))) + 1;
  if (w->capacity > segments) w->capacity = segments;
  const neurlp_shape shape = {.systems = w->capacity,
                              .steps = w->points,
                              .dimensions = 1,
                              .order = data->order,
                              .equations = 1,
                              .initial_steps = 1,
                              .initial_derivatives = kappa,
                              .columns = (int32_t)w->columns};
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = fit->options.nominal_step;
  formulation.leading_derivative = kappa;
  formulation.weight_top = fit->options.weight_top;
  const int64_t S = w->capacity, T = w->points, R = w->columns, n = data->order + 1;
  NEURLP_TRY(neurlp_problem_create(context, &shape, &formulation, &w->problem));
  NEURLP_TRY(neurlp_solver_create(context, w->problem, &w->solver));
  NEURLP_TRY(neurlp_allocate(context, S * T * n, sizeof(double), &w->coefficients));
  NEURLP_TRY(neurlp_allocate(context, S * T * R, sizeof(double), &w->rhs));
  NEURLP_TRY(neurlp_allocate(context, S * kappa * R, sizeof(double), &w->initial));
  NEURLP_TRY(neurlp_allocate(context, S * (T - 1), sizeof(double), &w->steps));
  NEURLP_TRY(neurlp_allocate(context, S * T * n * R, sizeof(double), &w->solution));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *w->lengths, &w->lengths));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *w->status, &w->status));
  NEURLP_TRY(neurlp_allocate(context, segments * D * w->triangle_count, sizeof(double), &w->triangle));
  w->model_bytes = neurlp_model_workspace_bytes(fit->model, w->points);
  NEURLP_TRY(neurlp_allocate(context, threads, w->model_bytes, &w->model));
  w->rows_count = w->size * (w->size > 64 ? w->size : 64) + neurlp_triangle_count(w->size);
  NEURLP_TRY(neurlp_allocate(context, threads * w->rows_count, sizeof(double), &w->rows));
done:
  return status;
}

static void release_work(neurlp_context *context, start_work *w) {
  neurlp_solver_destroy(&w->solver);
  neurlp_problem_destroy(&w->problem);
  neurlp_release(context, &w->coefficients);
  neurlp_release(context, &w->rhs);
  neurlp_release(context, &w->initial);
  neurlp_release(context, &w->steps);
  neurlp_release(context, &w->solution);
  neurlp_release(context, &w->lengths);
  neurlp_release(context, &w->status);
  neurlp_release(context, &w->triangle);
  neurlp_release(context, &w->model);
  neurlp_release(context, &w->rows);
}

/* Whether a segment has a trajectory to start from. */
static bool is_usable(const neurlp_trajectories *data, int64_t g) {
  return data->status[g] == NEURLP_SUCCESS && segment_points(data, g) >= 2;
}

/* Basis functions and known parts along the smoothed trajectory of segment g, as right-hand sides of slot i.
 */
static void fill_slot(neurlp_fit *fit, start_work *w, int64_t i, int64_t g) {
  const neurlp_trajectories *data = fit->data;
  const neurlp_model *model = fit->model;
  const int64_t P = model->parameters, L = model->terms, D = model->dimensions, R = w->columns;
  const int64_t width = data->order + 1;
  const int64_t first = data->sample_point[data->segment_sample[g]];
  const int32_t length = is_usable(data, g) ? (int32_t)segment_points(data, g) : 2;
  double *c = w->coefficients + i * w->points * width, *b = w->rhs + i * w->points * R;
  w->lengths[i] = length;
  for (int32_t t = 0; t + 1 < length; t++) w->steps[i * (w->points - 1) + t] = 1;
  memset(c, 0, (size_t)(length * width) * sizeof *c);
  memset(b, 0, (size_t)(length * R) * sizeof *b);
  for (int32_t t = 0; t < length; t++) c[t * width + model->order] = 1;
  if (!is_usable(data, g)) return;
  memcpy(w->steps + i * (w->points - 1), data->steps + first, (size_t)(length - 1) * sizeof(double));
  const int64_t group = fit->options.per_system ? data->plan->segments[g].bin - data->plan->first_bin : 0;
  const neurlp_points points = {length, data->start + first * D * width, width, data->times + first,
                                neurlp_trajectory_input(data, first)};
  neurlp_model_values values;
  /* library coefficients are still zero: the flow is the known part */
  neurlp_model_evaluate(model, &points, fit->theta + group * P, true,
                        w->model + (size_t)omp_get_thread_num() * w->model_bytes, &values);
  for (int64_t l = 0; l < L; l++) {
    const double *term = values.sensitivity[model->named + l];
    for (int32_t t = 0; t < length; t++) b[t * R + l] = term[t];
  }
  for (int64_t k = 0; k < D; k++)
    for (int32_t t = 0; t < length; t++) b[t * R + L + k] = values.flow[k * length + t];
}

/* Regression rows of segment g for equation k: (t - t0)^j / j!, the integrals; datum less the known part's
 * integral. */
static void regress_slot(neurlp_fit *fit, start_work *w, int64_t i, int64_t g, int64_t k) {
  const neurlp_trajectories *data = fit->data;
  const int64_t L = fit->model->terms, D = fit->model->dimensions, R = w->columns, width = data->order + 1;
  const int64_t kappa = fit->model->order, size = w->size, begin = data->segment_sample[g];
  const int64_t end = data->segment_sample[g + 1], first = data->sample_point[begin];
  double *rows = w->rows + omp_get_thread_num() * w->rows_count;
  double *triangle = rows + w->rows_count - neurlp_triangle_count(size);
  memset(triangle, 0, (size_t)neurlp_triangle_count(size) * sizeof *triangle);
  int64_t filled = 0;
  for (int64_t s = begin; s < end; s++) {
    const double datum = data->samples[s * D + k];
    if (!isfinite(datum)) continue;
    const int64_t t = data->sample_point[s] - first;
    const double *integral = w->solution + (i * w->points + t) * width * R;
    double *row = rows + filled * size;
    row[0] = 1;
    if (kappa > 1) row[1] = data->times[first + t] - data->times[first];
    memcpy(row + kappa, integral, (size_t)L * sizeof *row);
    row[size - 1] = datum - integral[L + k];
    if (++filled == 64) {
      neurlp_triangle_append(size, triangle, filled, rows);
      filled = 0;
    }
  }
  neurlp_triangle_append(size, triangle, filled, rows);
  memcpy(w->triangle + (g * D + k) * w->triangle_count, triangle + neurlp_triangle_row(size, kappa),
         (size_t)w->triangle_count * sizeof(double));
}

static neurlp_status regress_segments(neurlp_fit *fit, start_work *w) {
  const neurlp_trajectories *data = fit->data;
  const int64_t segments = data->plan->segment_count, D = fit->model->dimensions;
  const int32_t threads = neurlp_context_threads(fit->context);
  for (int64_t first = 0; first < segments; first += w->capacity) {
    const int64_t count = first + w->capacity < segments ? w->capacity : segments - first;
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < count; i++) fill_slot(fit, w, i, first + i);
    const neurlp_inputs inputs = {.systems = count,
                                  .coefficients = w->coefficients,
                                  .rhs = w->rhs,
                                  .initial_values = w->initial,
                                  .steps = w->steps,
                                  .lengths = w->lengths};
    const neurlp_status status = neurlp_solver_solve(w->solver, &inputs, w->solution, w->status);
    if (status < 0) return status;
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < count; i++)
      for (int64_t k = 0; k < D; k++)
        if (w->status[i] == NEURLP_SUCCESS && is_usable(data, first + i))
          regress_slot(fit, w, i, first + i, k);
  }
  return NEURLP_SUCCESS;
}

/* Merges segments into bins and bins into groups, and solves: fit->theta. */
static neurlp_status solve_groups(neurlp_fit *fit, start_work *w, neurlp_status mine) {
  neurlp_context *context = fit->context;
  const neurlp_plan *plan = fit->data->plan;
  const int64_t D = fit->model->dimensions, L = fit->model->terms, P = fit->model->parameters;
  const int64_t count = D * w->triangle_count;
  const bool shared = !fit->options.per_system;
  neurlp_status status = NEURLP_SUCCESS;
  double *local = NULL, *global = NULL, *workspace = NULL;
  NEURLP_TRY(neurlp_allocate(context, plan->bin_count * count, sizeof(double), &local));
  NEURLP_TRY(neurlp_allocate(context, (shared ? plan->bins : 1) * count, sizeof(double), &global));
  NEURLP_TRY(neurlp_allocate(context, neurlp_triangle_step_workspace(L) + (L + 1) * (L + 1), sizeof(double),
                             &workspace));
done:
  if (mine < 0) status = mine;
  double *rows = workspace ? workspace + neurlp_triangle_step_workspace(L) : NULL;
  for (int64_t g = 0; status >= 0 && g < plan->segment_count; g++)
    for (int64_t k = 0; k < D; k++)
      neurlp_triangle_merge(L + 1,
                            local + (plan->segments[g].bin - plan->first_bin) * count + k * w->triangle_count,
                            w->triangle + (g * D + k) * w->triangle_count, rows);
  if (shared) status = fit->exchange.gather(fit->exchange.user, context, status, count, local, global);
  for (int64_t b = 1; shared && status >= 0 && b < plan->bins; b++)
    for (int64_t k = 0; k < D; k++)
      neurlp_triangle_merge(L + 1, global + k * w->triangle_count, global + b * count + k * w->triangle_count,
                            rows);
  for (int64_t g = 0; status >= 0 && g < fit->groups; g++)
    for (int64_t k = 0; k < D; k++) {
      const double *triangle = (shared ? global : local + g * count) + k * w->triangle_count;
      const int64_t first = g * P + fit->model->named + k * L;
      neurlp_triangle_step(L, triangle, fit->free + first, 1e-12, NULL, NULL, fit->theta + first, workspace);
    }
  neurlp_release(context, &workspace);
  neurlp_release(context, &global);
  neurlp_release(context, &local);
  return status;
}

neurlp_status neurlp_direct_integrals(neurlp_fit *fit) {
  start_work w = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(create_work(fit, &w));
  NEURLP_TRY(regress_segments(fit, &w));
done:
  status = solve_groups(fit, &w, status);
  release_work(fit->context, &w);
  return status;
}
