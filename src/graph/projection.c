#include "graph/projection.h"

#include "core/triangle.h"

#include <math.h>
#include <string.h>

/* Samples that are solved in one go. */
enum { PIECE = 64 };

struct neurlp_projection {
  neurlp_context *context;
  int64_t steps, dimensions, terms, width, values; /* T, D, L, d+1, K J */
  int64_t derivatives;                             /* J */
  neurlp_problem *problem;
  neurlp_solver *solver;
  /* of one piece, R = L + D columns: terms, then the initial values of each dimension */
  double *rhs;      /* [PIECE][T][R] */
  double *initial;  /* [PIECE][K][J][R] */
  double *solution; /* [PIECE][T][d+1][R] */
  double *rows;     /* [D][max(T, L+1)][L+1] */
  neurlp_status status[PIECE];
  /* of one solve */
  double *triangle, *covariance, *workspace;
  bool *free;
};

/* Numbers of one dimension's sums. */
static int64_t sum_numbers(const neurlp_projection *p) {
  return neurlp_triangle_count(p->terms + 1) + 1;
}

static int64_t columns_of(const neurlp_projection *p) {
  return p->terms + p->dimensions;
}

/* ---- life -------------------------------------------------------------------------------------------- */

static neurlp_status check(neurlp_context *context, const neurlp_projection_spec *spec) {
  if (spec->dimensions < 1 || spec->terms < 1 || spec->steps < 2)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "a projection of %d dimensions, %d terms and %d steps; the least are 1, 1 and 2",
                       spec->dimensions, spec->terms, spec->steps);
  return NEURLP_SUCCESS;
}

/* One system for each sample, all columns at once; its one left-hand side is factorised here. */
static neurlp_status make_solver(neurlp_projection *p, const neurlp_projection_spec *spec) {
  const neurlp_shape shape = {.systems = PIECE,
                              .steps = spec->steps,
                              .dimensions = 1,
                              .order = spec->order,
                              .equations = 1,
                              .initial_steps = spec->initial_steps,
                              .initial_derivatives = spec->initial_derivatives,
                              .columns = (int32_t)columns_of(p),
                              .coefficients_sharing =
                                  spec->constant_coefficients ? NEURLP_SHARED_CONSTANT : NEURLP_SHARED,
                              .steps_sharing = spec->constant_steps ? NEURLP_SHARED_CONSTANT : NEURLP_SHARED};
  const neurlp_inputs inputs = {
      .systems = PIECE, .coefficients = spec->coefficients, .steps = spec->step_sizes};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_problem_create(p->context, &shape, &spec->formulation, &p->problem));
  NEURLP_TRY(neurlp_solver_create(p->context, p->problem, &p->solver));
  NEURLP_TRY(neurlp_solver_prepare(p->solver, &inputs));
  if (status > 0)
    status = neurlp_fail(p->context, NEURLP_ERROR_ARGUMENT, "the projection's left-hand side: %s",
                         neurlp_status_sentence(status));
done:
  return status;
}

static neurlp_status allocate(neurlp_projection *p) {
  neurlp_context *context = p->context;
  const int64_t T = p->steps, L = p->terms, R = columns_of(p);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, PIECE * T * R, sizeof(double), &p->rhs));
  NEURLP_TRY(neurlp_allocate(context, PIECE * p->values * R, sizeof(double), &p->initial));
  NEURLP_TRY(neurlp_allocate(context, PIECE * T * p->width * R, sizeof(double), &p->solution));
  NEURLP_TRY(
      neurlp_allocate(context, p->dimensions * (T > L + 1 ? T : L + 1) * (L + 1), sizeof(double), &p->rows));
  NEURLP_TRY(neurlp_allocate(context, sum_numbers(p), sizeof(double), &p->triangle));
  NEURLP_TRY(neurlp_allocate(context, L * L, sizeof(double), &p->covariance));
  NEURLP_TRY(neurlp_allocate(context, neurlp_triangle_step_workspace(L), sizeof(double), &p->workspace));
  NEURLP_TRY(neurlp_allocate(context, L, sizeof(bool), &p->free));
done:
  return status;
}

neurlp_status neurlp_projection_create(neurlp_context *context, const neurlp_projection_spec *spec,
                                       neurlp_projection **projection) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_projection *p = NULL;
  *projection = NULL;
  NEURLP_TRY(check(context, spec));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *p, &p));
  p->context = context;
  p->steps = spec->steps;
  p->dimensions = spec->dimensions;
  p->terms = spec->terms;
  p->width = spec->order + 1;
  p->derivatives = spec->initial_derivatives;
  p->values = (int64_t)spec->initial_steps * spec->initial_derivatives;
  NEURLP_TRY(make_solver(p, spec));
  NEURLP_TRY(allocate(p));
  *projection = p;
  p = NULL;
done:
  neurlp_projection_destroy(&p);
  return status;
}

void neurlp_projection_destroy(neurlp_projection **projection) {
  if (!projection || !*projection) return;
  neurlp_projection *p = *projection;
  neurlp_context *context = p->context;
  neurlp_solver_destroy(&p->solver);
  neurlp_problem_destroy(&p->problem);
  neurlp_release(context, &p->rhs);
  neurlp_release(context, &p->initial);
  neurlp_release(context, &p->solution);
  neurlp_release(context, &p->rows);
  neurlp_release(context, &p->triangle);
  neurlp_release(context, &p->covariance);
  neurlp_release(context, &p->workspace);
  neurlp_release(context, &p->free);
  neurlp_release(context, projection);
}

int64_t neurlp_projection_numbers(const neurlp_projection *p) {
  return p->dimensions * sum_numbers(p);
}

/* ---- samples ----------------------------------------------------------------------------------------- */

/* Right-hand sides and initial values of all columns of a piece. */
static void fill(neurlp_projection *p, int64_t count, const double *library, const double *values) {
  const int64_t T = p->steps, L = p->terms, D = p->dimensions, R = columns_of(p), J = p->derivatives;
  memset(p->initial, 0, (size_t)(count * p->values * R) * sizeof(double));
  for (int64_t i = 0; i < count * T; i++) {
    memcpy(p->rhs + i * R, library + i * L, (size_t)L * sizeof(double));
    memset(p->rhs + i * R + L, 0, (size_t)D * sizeof(double));
  }
  for (int64_t i = 0; i < count * p->values; i++) /* i = (s K + t) J + j */
    for (int64_t k = 0; k < D; k++) p->initial[i * R + L + k] = values[(i / J * D + k) * J + i % J];
}

/* Rows of one sample for dimension k, where there are data; returns how many. */
static int64_t write_rows(const neurlp_projection *p, const double *solution, const double *data, int64_t k,
                          double scale, double *rows) {
  const int64_t T = p->steps, L = p->terms, R = columns_of(p);
  int64_t count = 0;
  for (int64_t t = 0; t < T; t++) {
    const double *u = solution + t * p->width * R, value = data[t * p->dimensions + k];
    double *row = rows + count * (L + 1);
    if (isnan(value)) continue;
    for (int64_t l = 0; l < L; l++) row[l] = scale * u[l];
    row[L] = scale * (value - u[L + k]);
    count++;
  }
  return count;
}

static neurlp_status append_piece(neurlp_projection *p, int64_t count, const double *library,
                                  const double *values, const double *data, const neurlp_status *statuses,
                                  double weight, double *sums) {
  const int64_t T = p->steps, L = p->terms, D = p->dimensions, room = T > L + 1 ? T : L + 1;
  const int64_t each = T * p->width * columns_of(p);
  const neurlp_inputs inputs = {
      .systems = count, .rhs = p->rhs, .initial_values = p->values > 0 ? p->initial : NULL};
  fill(p, count, library, values);
  const neurlp_status status = neurlp_solver_solve(p->solver, &inputs, p->solution, p->status);
  if (status < 0) return status;
#pragma omp parallel for num_threads((int)neurlp_context_threads(p->context))
  for (int64_t k = 0; k < D; k++) {
    double *sum = sums + k * sum_numbers(p), *rows = p->rows + k * room * (L + 1);
    for (int64_t s = 0; s < count; s++) {
      if (p->status[s] != NEURLP_SUCCESS || (statuses && statuses[s] != NEURLP_SUCCESS)) continue;
      const int64_t m = write_rows(p, p->solution + s * each, data + s * T * D, k, sqrt(weight), rows);
      neurlp_triangle_append(L + 1, sum, m, rows);
      sum[sum_numbers(p) - 1] += (double)m;
    }
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_projection_append(neurlp_projection *p, int64_t count, const double *library,
                                       const double *values, const double *data,
                                       const neurlp_status *statuses, double weight, double *sums) {
  const int64_t per_values = p->values * p->dimensions;
  if (!(weight >= 0) || (p->values > 0 && !values))
    return neurlp_fail(p->context, NEURLP_ERROR_ARGUMENT,
                       "a projection with a weight of %g, which has to be 0 or more, or without the initial "
                       "values that its block has",
                       weight);
  for (int64_t first = 0; first < count; first += PIECE) {
    const int64_t left = count - first, piece = left < PIECE ? left : PIECE;
    const neurlp_status status = append_piece(
        p, piece, library + first * p->steps * p->terms, values ? values + first * per_values : NULL,
        data + first * p->steps * p->dimensions, statuses ? statuses + first : NULL, weight, sums);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}

void neurlp_projection_merge(neurlp_projection *p, double *sums, const double *other) {
  const int64_t numbers = sum_numbers(p);
  for (int64_t k = 0; k < p->dimensions; k++) {
    neurlp_triangle_merge(p->terms + 1, sums + k * numbers, other + k * numbers, p->rows);
    sums[(k + 1) * numbers - 1] += other[(k + 1) * numbers - 1];
  }
}

/* ---- weights ----------------------------------------------------------------------------------------- */

/* |R w - y|^2 of a triangle on the terms and the data. */
static double residual(int64_t L, const double *triangle, const double *w) {
  double squared = 0;
  for (int64_t i = 0; i <= L; i++) {
    const double *row = triangle + neurlp_triangle_row(L + 1, i) - i;
    double r = row[L];
    for (int64_t l = i; l < L; l++) r -= row[l] * w[l];
    squared += r * r;
  }
  return squared;
}

static void write_errors(neurlp_projection *p, double variance, double *errors) {
  const int64_t L = p->terms;
  neurlp_triangle_covariance(L, p->triangle, p->free, p->covariance, p->workspace);
  for (int64_t l = 0; l < L; l++) {
    const double part = p->covariance[l * L + l];
    errors[l] = !p->free[l] ? 0 : isfinite(variance) && isfinite(part) ? sqrt(variance * part) : INFINITY;
  }
}

/* One dimension; returns its part of the loss. */
static double solve_dimension(neurlp_projection *p, const double *sum, double ridge, double *w,
                              double *errors) {
  const int64_t L = p->terms;
  int64_t count = 0;
  memcpy(p->triangle, sum, (size_t)sum_numbers(p) * sizeof *sum);
  if (ridge > 0) {
    memset(p->rows, 0, (size_t)(L * (L + 1)) * sizeof(double));
    for (int64_t l = 0; l < L; l++) p->rows[l * (L + 1) + l] = sqrt(ridge);
    neurlp_triangle_append(L + 1, p->triangle, L, p->rows);
  }
  neurlp_triangle_step(L, p->triangle, p->free, 0, NULL, NULL, w, p->workspace);
  const double left = residual(L, sum, w), rows = sum[sum_numbers(p) - 1];
  double penalty = 0;
  for (int64_t l = 0; l < L; l++) {
    penalty += ridge * w[l] * w[l];
    count += p->free[l];
  }
  if (errors) write_errors(p, rows > (double)count ? left / (rows - (double)count) : INFINITY, errors);
  return left + penalty;
}

double neurlp_projection_solve(neurlp_projection *p, const double *sums, const bool *mask, double ridge,
                               double *weights, double *errors) {
  const int64_t L = p->terms;
  double loss = 0;
  for (int64_t k = 0; k < p->dimensions; k++) {
    for (int64_t l = 0; l < L; l++) p->free[l] = !mask || mask[k * L + l];
    loss +=
        solve_dimension(p, sums + k * sum_numbers(p), ridge, weights + k * L, errors ? errors + k * L : NULL);
  }
  return loss;
}
