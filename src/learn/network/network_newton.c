#include "learn/network/network_newton.h"

#include "core/triangle.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Numbers that the solutions of a piece, windows that are solved in one go, have at most; most windows of a
 * piece, of which there are multiples of LANES. */
static const double NUMBERS = 4e6;
enum { PIECE = 64, LANES = 8 };

/* Linear blocks of some windows with R columns: unit initial values first, [Z]; then, of a solver that solves
 * for weights, the terms, [D][L]; last, what is known. */
typedef struct columns {
  int64_t count; /* R */
  neurlp_problem *problem;
  neurlp_solver *solver;
} columns;

struct neurlp_newton {
  neurlp_context *context;
  const neurlp_newton_spec *spec;
  neurlp_windows *windows;
  int64_t steps, dimensions, terms, width, weights; /* T, D, L, d+1, P = D L */
  int64_t initial;                                  /* Z = D kappa */
  int64_t size;                                     /* of a window's triangle: Z + P + 1 */
  int64_t numbers; /* of a shard: a triangle on weights and data, windows, rows */
  int64_t piece;
  columns all, few; /* with and without columns for weights */
  /* of the windows of a piece */
  double *coefficients; /* [piece][T][D][D][d+1] */
  double *rhs;          /* [piece][T][D][R] */
  double *values;       /* [piece][D][kappa][R] */
  double *solution;     /* [piece][T][D][d+1][R] */
  double *triangle;     /* [piece][triangle of size] */
  int64_t *window;      /* [piece] */
  bool *good;           /* [piece] */
  neurlp_status *status;
  /* of a thread */
  unsigned char *model; /* [threads] */
  size_t model_bytes;
  double *rows; /* [threads][max(T D, size)][size] */
  int64_t rows_count;
  /* of all */
  double *times;                   /* [T] */
  double *sums, *gathered, *total; /* [shard_count], [shards] and [1] of numbers */
  double *unit;                    /* [D] of residuals */
  double *covariance, *workspace;
  bool *free;
};

/* ---- life -------------------------------------------------------------------------------------------- */

static neurlp_status check(neurlp_context *context, const neurlp_newton_spec *spec,
                           const neurlp_windows *windows) {
  const neurlp_model *m = spec->library;
  if (!windows->estimate || m->terms < 1 || m->named > 0 || m->inputs > 0 || m->order != 1 ||
      m->dimensions != windows->spec.dimensions)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "Gauss-Newton over windows needs their estimates, and a library of order 1 with nothing beside");
  if (spec->leading < 1 || spec->leading > spec->order || spec->training < 1)
    return neurlp_fail(
        context, NEURLP_ERROR_ARGUMENT,
        "Gauss-Newton over %lld windows with a leading derivative of %d; the least are 1 and 1, and "
        "the block's order is %d",
        (long long)spec->training, spec->leading, spec->order);
  return NEURLP_SUCCESS;
}

static neurlp_status make_columns(neurlp_newton *n, int64_t count, columns *c) {
  const neurlp_newton_spec *spec = n->spec;
  const neurlp_shape shape = {.systems = n->piece,
                              .steps = (int32_t)n->steps,
                              .dimensions = (int32_t)n->dimensions,
                              .order = spec->order,
                              .equations = (int32_t)n->dimensions,
                              .initial_steps = 1,
                              .initial_derivatives = spec->leading,
                              .columns = (int32_t)count,
                              .steps_sharing = NEURLP_SHARED_CONSTANT};
  neurlp_formulation formulation = neurlp_formulation_default();
  neurlp_status status = NEURLP_SUCCESS;
  formulation.nominal_step = spec->step;
  formulation.leading_derivative = spec->leading;
  if (spec->weight_top > 0) formulation.weight_top = spec->weight_top;
  c->count = count;
  NEURLP_TRY(neurlp_problem_create(n->context, &shape, &formulation, &c->problem));
  status = neurlp_solver_create(n->context, c->problem, &c->solver);
done:
  return status;
}

static void measure(neurlp_newton *n) {
  const neurlp_newton_spec *spec = n->spec;
  const int64_t triangle = n->windows->spec.window * n->windows->spec.dimensions;
  n->steps = n->windows->spec.window;
  n->dimensions = n->windows->spec.dimensions;
  n->terms = spec->library->terms;
  n->width = spec->order + 1;
  n->weights = n->dimensions * n->terms;
  n->initial = n->dimensions * spec->leading;
  n->size = n->initial + n->weights + 1;
  n->numbers = neurlp_triangle_count(n->weights + 1) + 2;
  const double each = (double)(triangle * n->width) * (double)n->size;
  n->piece = (int64_t)(NUMBERS / each) / LANES * LANES;
  if (n->piece < LANES) n->piece = LANES;
  if (n->piece > PIECE) n->piece = PIECE;
  n->rows_count = (triangle > n->size ? triangle : n->size) * n->size;
  n->model_bytes = neurlp_model_workspace_bytes(spec->library, n->steps);
}

static neurlp_status allocate_piece(neurlp_newton *n) {
  neurlp_context *context = n->context;
  const int64_t S = n->piece, T = n->steps, D = n->dimensions, R = n->size;
  const int32_t threads = neurlp_context_threads(context);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, S * T * D * D * n->width, sizeof(double), &n->coefficients));
  NEURLP_TRY(neurlp_allocate(context, S * T * D * R, sizeof(double), &n->rhs));
  NEURLP_TRY(neurlp_allocate(context, S * n->initial * R, sizeof(double), &n->values));
  NEURLP_TRY(neurlp_allocate(context, S * T * D * n->width * R, sizeof(double), &n->solution));
  NEURLP_TRY(neurlp_allocate(context, S * neurlp_triangle_count(R), sizeof(double), &n->triangle));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *n->window, &n->window));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *n->good, &n->good));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *n->status, &n->status));
  NEURLP_TRY(neurlp_allocate(context, threads, n->model_bytes, &n->model));
  NEURLP_TRY(neurlp_allocate(context, threads * n->rows_count, sizeof(double), &n->rows));
done:
  return status;
}

static neurlp_status allocate(neurlp_newton *n) {
  neurlp_context *context = n->context;
  const neurlp_newton_spec *spec = n->spec;
  const int64_t P = n->weights;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(allocate_piece(n));
  NEURLP_TRY(neurlp_allocate(context, n->steps, sizeof(double), &n->times));
  NEURLP_TRY(neurlp_allocate(context, spec->shard_count * n->numbers, sizeof(double), &n->sums));
  NEURLP_TRY(neurlp_allocate(context, spec->shards * n->numbers, sizeof(double), &n->gathered));
  NEURLP_TRY(neurlp_allocate(context, n->numbers, sizeof(double), &n->total));
  NEURLP_TRY(neurlp_allocate(context, n->dimensions, sizeof(double), &n->unit));
  NEURLP_TRY(neurlp_allocate(context, P * P, sizeof(double), &n->covariance));
  NEURLP_TRY(neurlp_allocate(context, neurlp_triangle_step_workspace(P), sizeof(double), &n->workspace));
  NEURLP_TRY(neurlp_allocate(context, P, sizeof(bool), &n->free));
done:
  return status;
}

neurlp_status neurlp_newton_create(const neurlp_newton_spec *spec, neurlp_windows *windows,
                                   neurlp_newton **newton) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_newton *n = NULL;
  *newton = NULL;
  NEURLP_TRY(check(windows->context, spec, windows));
  NEURLP_TRY(neurlp_allocate(windows->context, 1, sizeof *n, &n));
  n->context = windows->context;
  n->spec = spec;
  n->windows = windows;
  measure(n);
  NEURLP_TRY(make_columns(n, n->size, &n->all));
  NEURLP_TRY(make_columns(n, n->initial + 1, &n->few));
  NEURLP_TRY(allocate(n));
  *newton = n;
  n = NULL;
done:
  neurlp_newton_destroy(&n);
  return status;
}

void neurlp_newton_destroy(neurlp_newton **newton) {
  if (!newton || !*newton) return;
  neurlp_newton *n = *newton;
  neurlp_context *context = n->context;
  neurlp_solver_destroy(&n->all.solver);
  neurlp_solver_destroy(&n->few.solver);
  neurlp_problem_destroy(&n->all.problem);
  neurlp_problem_destroy(&n->few.problem);
  neurlp_release(context, &n->coefficients);
  neurlp_release(context, &n->rhs);
  neurlp_release(context, &n->values);
  neurlp_release(context, &n->solution);
  neurlp_release(context, &n->triangle);
  neurlp_release(context, &n->window);
  neurlp_release(context, &n->good);
  neurlp_release(context, &n->status);
  neurlp_release(context, &n->model);
  neurlp_release(context, &n->rows);
  neurlp_release(context, &n->times);
  neurlp_release(context, &n->sums);
  neurlp_release(context, &n->gathered);
  neurlp_release(context, &n->total);
  neurlp_release(context, &n->unit);
  neurlp_release(context, &n->covariance);
  neurlp_release(context, &n->workspace);
  neurlp_release(context, &n->free);
  neurlp_release(context, newton);
}

/* ---- the linearised block ---------------------------------------------------------------------------- */

static const double *data_of(const neurlp_newton *n, const double *samples, int64_t window) {
  const neurlp_windows *w = n->windows;
  return samples + (w->system[window] * w->spec.samples + w->first[window]) * n->dimensions;
}

static double *estimate_of(const neurlp_newton *n, int64_t window) {
  return n->windows->estimate + window * n->steps * n->dimensions;
}

/* Left-hand side of slot i at step t: derivatives of each state in its own equation, less J. */
static void fill_coefficients(neurlp_newton *n, int64_t i, int64_t t, const double *jacobian) {
  const int64_t T = n->steps, D = n->dimensions, width = n->width;
  double *c = n->coefficients + (i * T + t) * D * D * width;
  for (int64_t k = 0; k < D; k++)
    for (int64_t v = 0; v < D; v++) {
      double *own = c + (k * D + v) * width;
      for (int64_t j = 0; j < width; j++) own[j] = k == v ? n->spec->coefficients[j] : 0;
      own[0] -= jacobian[(k * D + v) * T + t];
    }
}

/* Right-hand sides there: terms, and -J z, to which a block without columns for weights has `after` phi
 * added. */
static void fill_rhs(neurlp_newton *n, const columns *c, int64_t i, int64_t t, const double *z,
                     const double *after, const neurlp_model_values *values) {
  const int64_t T = n->steps, D = n->dimensions, L = n->terms, R = c->count;
  const bool terms = R == n->size;
  for (int64_t k = 0; k < D; k++) {
    double *b = n->rhs + ((i * T + t) * D + k) * R, known = 0;
    memset(b, 0, (size_t)R * sizeof *b);
    for (int64_t v = 0; v < D; v++) known -= values->jacobian[(k * D + v) * T + t] * z[t * D + v];
    for (int64_t l = 0; l < L; l++) {
      const double term = values->sensitivity[l][t];
      if (terms)
        b[n->initial + k * L + l] = term;
      else if (after[k * L + l] != 0)
        known += after[k * L + l] * term;
    }
    b[R - 1] = known;
  }
}

/* Slot i: window n->window[i], linearised about its estimate with the weights `before`. */
static void fill_slot(neurlp_newton *n, const columns *c, int64_t i, const double *before,
                      const double *after) {
  const int64_t T = n->steps, R = c->count;
  const double *z = estimate_of(n, n->window[i]);
  const neurlp_points points = {.count = T, .states = z, .stride = 1, .times = n->times};
  neurlp_model_values values;
  neurlp_model_evaluate(n->spec->library, &points, before, true,
                        n->model + (size_t)omp_get_thread_num() * n->model_bytes, &values);
  for (int64_t t = 0; t < T; t++) {
    fill_coefficients(n, i, t, values.jacobian);
    fill_rhs(n, c, i, t, z, after, &values);
  }
  double *initial = n->values + i * n->initial * R;
  memset(initial, 0, (size_t)(n->initial * R) * sizeof *initial);
  for (int64_t v = 0; v < n->initial; v++) initial[v * R + v] = 1;
}

/* The solutions of `count` slots, whose windows are in n->window. */
static neurlp_status solve_piece(neurlp_newton *n, const columns *c, int64_t count, const double *before,
                                 const double *after) {
  const neurlp_inputs inputs = {.systems = count,
                                .coefficients = n->coefficients,
                                .rhs = n->rhs,
                                .initial_values = n->values,
                                .steps = &n->spec->step};
#pragma omp parallel for num_threads((int)neurlp_context_threads(n->context))
  for (int64_t i = 0; i < count; i++) fill_slot(n, c, i, before, after);
  return neurlp_solver_solve(c->solver, &inputs, n->solution, n->status);
}

/* The triangle of slot i on all columns and the data that its window has; false if it counts nothing, *rows
 * is how many data there are. */
static bool reduce_slot(neurlp_newton *n, const columns *c, int64_t i, double *triangle, int64_t *rows) {
  const int64_t T = n->steps, D = n->dimensions, R = c->count;
  const double *data = data_of(n, n->windows->spec.states, n->window[i]);
  double *row = n->rows + omp_get_thread_num() * n->rows_count;
  bool finite = n->status[i] == NEURLP_SUCCESS;
  *rows = 0;
  memset(triangle, 0, (size_t)neurlp_triangle_count(R) * sizeof *triangle);
  for (int64_t t = 0; finite && t < T; t++)
    for (int64_t k = 0; k < D; k++) {
      const double *u = n->solution + ((i * T + t) * D + k) * n->width * R;
      double *to = row + *rows * R, sum = 0;
      if (isnan(data[t * D + k])) continue;
      for (int64_t r = 0; r < R; r++) to[r] = u[r] / n->unit[k];
      to[R - 1] = data[t * D + k] / n->unit[k] - to[R - 1];
      for (int64_t r = 0; r < R; r++) sum += fabs(to[r]);
      finite = finite && isfinite(sum);
      ++*rows;
    }
  if (!finite || *rows < n->initial) return false;
  neurlp_triangle_append(R, triangle, *rows, row);
  return true;
}

/* ---- weights ----------------------------------------------------------------------------------------- */

static int64_t chosen_window(const neurlp_newton *n, int64_t place) {
  return n->spec->chosen ? n->spec->chosen[place] : place;
}

/* Of each state: RMS of the data less the estimates, or, where these are the data, the state's spread. */
static void measure_residuals(neurlp_newton *n) {
  const int64_t T = n->steps, D = n->dimensions;
  for (int64_t k = 0; k < D; k++) {
    double squares = 0, count = 0;
    for (int64_t place = 0; place < n->spec->training; place++) {
      const int64_t window = chosen_window(n, place);
      const double *data = data_of(n, n->windows->spec.states, window), *z = estimate_of(n, window);
      for (int64_t t = 0; t < T; t++) {
        const double r = data[t * D + k] - z[t * D + k];
        if (isnan(r)) continue;
        squares += r * r;
        count++;
      }
    }
    n->unit[k] = squares > 0 ? sqrt(squares / count) : n->windows->spread[k];
  }
}

/* Windows of the training first..end-1, appended to the sums of their shard. */
static neurlp_status append(neurlp_newton *n, int64_t first, int64_t end, const double *weights,
                            double *sums) {
  const int64_t P = n->weights, triangle = neurlp_triangle_count(n->size);
  for (int64_t at = first; at < end; at += n->piece) {
    const int64_t count = end - at < n->piece ? end - at : n->piece;
    int64_t rows[PIECE];
    for (int64_t i = 0; i < count; i++) n->window[i] = chosen_window(n, at + i);
    const neurlp_status status = solve_piece(n, &n->all, count, weights, NULL);
    if (status < 0) return status;
#pragma omp parallel for num_threads((int)neurlp_context_threads(n->context))
    for (int64_t i = 0; i < count; i++)
      n->good[i] = reduce_slot(n, &n->all, i, n->triangle + i * triangle, &rows[i]);
    for (int64_t i = 0; i < count; i++) {
      if (!n->good[i]) continue;
      const double *own = n->triangle + i * triangle + neurlp_triangle_row(n->size, n->initial);
      neurlp_triangle_merge(P + 1, sums, own, n->rows);
      sums[n->numbers - 2] += (double)(rows[i] - n->initial);
      sums[n->numbers - 1] += 1;
    }
  }
  return NEURLP_SUCCESS;
}

/* The sums of this rank's shards. */
static neurlp_status append_all(neurlp_newton *n, const double *weights) {
  const neurlp_newton_spec *spec = n->spec;
  measure_residuals(n);
  memset(n->sums, 0, (size_t)(spec->shard_count * n->numbers) * sizeof *n->sums);
  for (int64_t i = 0; i < spec->shard_count; i++) {
    const int64_t shard = spec->first_shard + i;
    const neurlp_status status =
        append(n, shard * spec->training / spec->shards, (shard + 1) * spec->training / spec->shards, weights,
               n->sums + i * n->numbers);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}

/* `left` of the squares, and as many data more than unknowns as sums say. */
static void write_errors(neurlp_newton *n, double left, double *errors) {
  const int64_t P = n->weights;
  double freedom = n->total[n->numbers - 2];
  for (int64_t p = 0; p < P; p++) freedom -= n->free[p];
  const double variance = freedom > 0 ? n->spec->overlap * left / freedom : INFINITY;
  neurlp_triangle_covariance(P, n->total, n->free, n->covariance, n->workspace);
  for (int64_t p = 0; p < P; p++) {
    const double part = n->covariance[p * P + p];
    errors[p] = !n->free[p] ? 0 : isfinite(variance) && isfinite(part) ? sqrt(variance * part) : INFINITY;
  }
}

/* Where no window could be solved. */
static void write_no_errors(const double *mask, int64_t count, double *errors) {
  for (int64_t p = 0; p < count; p++) errors[p] = mask[p] != 0 ? INFINITY : 0;
}

/* |R w - y|^2 of the triangle on weights and data. */
static double squares_left(const neurlp_newton *n, const double *weights) {
  const int64_t P = n->weights;
  double squares = 0;
  for (int64_t i = 0; i <= P; i++) {
    const double *row = n->total + neurlp_triangle_row(P + 1, i) - i;
    double r = row[P];
    for (int64_t p = i; p < P; p++) r -= row[p] * weights[p];
    squares += r * r;
  }
  return squares;
}

neurlp_status neurlp_newton_solve(neurlp_newton *n, neurlp_status mine, const double *mask, double *weights,
                                  double *errors) {
  const neurlp_newton_spec *spec = n->spec;
  const int64_t P = n->weights;
  if (mine >= 0) mine = append_all(n, weights);
  const neurlp_status status =
      spec->exchange.gather(spec->exchange.user, n->context, mine, n->numbers, n->sums, n->gathered);
  if (status < 0) return status;
  memset(n->total, 0, (size_t)n->numbers * sizeof *n->total);
  for (int64_t shard = 0; shard < spec->shards; shard++) {
    const double *other = n->gathered + shard * n->numbers;
    neurlp_triangle_merge(P + 1, n->total, other, n->rows);
    for (int64_t i = n->numbers - 2; i < n->numbers; i++) n->total[i] += other[i];
  }
  if (n->total[n->numbers - 1] == 0) {
    if (errors) write_no_errors(mask, P, errors);
    return NEURLP_SUCCESS;
  }
  for (int64_t p = 0; p < P; p++) n->free[p] = mask[p] != 0;
  neurlp_triangle_step(P, n->total, n->free, 0, NULL, NULL, weights, n->workspace);
  if (errors) write_errors(n, squares_left(n, weights), errors);
  return NEURLP_SUCCESS;
}

/* ---- states ------------------------------------------------------------------------------------------ */

/* Initial values that fit the data best, and the solution from there; false if there is none. */
static bool move_slot(neurlp_newton *n, int64_t i) {
  const int64_t T = n->steps, D = n->dimensions, Z = n->initial, R = n->few.count;
  double *triangle = n->triangle + i * neurlp_triangle_count(n->size), *z = estimate_of(n, n->window[i]);
  double *own = n->rows + omp_get_thread_num() * n->rows_count,
         sum = 0; /* [Z] after what reduce_slot needs */
  int64_t rows;
  if (!reduce_slot(n, &n->few, i, triangle, &rows)) return false;
  for (int64_t v = Z; v-- > 0;) {
    const double *row = triangle + neurlp_triangle_row(R, v) - v;
    own[v] = row[Z];
    for (int64_t c = v + 1; c < Z; c++) own[v] -= row[c] * own[c];
    own[v] /= row[v];
    sum += fabs(own[v]);
  }
  if (!isfinite(sum)) return false;
  for (int64_t p = 0; p < T * D; p++) {
    const double *u = n->solution + (i * T * D + p) * n->width * R;
    z[p] = u[R - 1];
    for (int64_t v = 0; v < Z; v++) z[p] += own[v] * u[v];
  }
  return true;
}

neurlp_status neurlp_newton_move(neurlp_newton *n, const double *before, const double *after) {
  const int64_t all = n->windows->count, each = n->steps * n->dimensions;
  measure_residuals(n);
  for (int64_t at = 0; at < all; at += n->piece) {
    const int64_t count = all - at < n->piece ? all - at : n->piece;
    for (int64_t i = 0; i < count; i++) n->window[i] = at + i;
    const neurlp_status status = solve_piece(n, &n->few, count, before, after);
    if (status < 0) return status;
#pragma omp parallel for num_threads((int)neurlp_context_threads(n->context))
    for (int64_t i = 0; i < count; i++) n->good[i] = move_slot(n, i);
    for (int64_t i = 0; i < count; i++)
      if (!n->good[i])
        memcpy(estimate_of(n, at + i), data_of(n, n->windows->filled, at + i), (size_t)each * sizeof(double));
  }
  return NEURLP_SUCCESS;
}
