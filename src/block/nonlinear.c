#include "block/nonlinear.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* How one system's iteration goes on. */
typedef struct progress {
  double damping; /* fraction of the update that is taken */
  double last_update;
  bool active;
} progress;

struct neurlp_nonlinear {
  neurlp_context *context;
  neurlp_nonlinear_shape shape;
  int64_t capacity; /* systems that are swept in one go; larger calls run in pieces */
  neurlp_problem *problem, *sensitivity_problem;
  neurlp_solver *solver, *sensitivity_solver;
  /* arrays of one piece, row-major as neurlp_inputs has them */
  double *coefficients, *rhs, *initial_values, *steps, *solution;
  int32_t *lengths;
  int64_t *active; /* which systems of the call are in the piece */
  neurlp_status *status;
  progress *progress;
};

/* The most bytes that the arrays of one piece may take. */
static const double PIECE_BYTES = 48e6;

static int64_t unknowns(const neurlp_nonlinear_shape *shape) {
  return (int64_t)shape->dimensions * (shape->order + 1);
}

static int64_t columns(const neurlp_nonlinear_shape *shape) {
  return shape->parameters > 0 ? shape->parameters + (int64_t)shape->dimensions * shape->leading : 1;
}

static neurlp_status create_solver(neurlp_nonlinear *block, int64_t column_count, neurlp_problem **problem,
                                   neurlp_solver **solver) {
  const neurlp_nonlinear_shape *s = &block->shape;
  const neurlp_shape shape = {.systems = block->capacity,
                              .steps = s->steps,
                              .dimensions = s->dimensions,
                              .order = s->order,
                              .equations = s->dimensions,
                              .initial_steps = 1,
                              .initial_derivatives = s->leading,
                              .columns = (int32_t)column_count};
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = s->nominal_step;
  formulation.leading_derivative = s->leading;
  formulation.weight_top = s->weight_top;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_problem_create(block->context, &shape, &formulation, problem));
  NEURLP_TRY(neurlp_solver_create(block->context, *problem, solver));
done:
  return status;
}

static neurlp_status allocate_piece(neurlp_nonlinear *block) {
  const neurlp_nonlinear_shape *s = &block->shape;
  neurlp_context *context = block->context;
  const int64_t n = unknowns(s), D = s->dimensions, R = columns(s), S = block->capacity, T = s->steps;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, S * T * D * n, sizeof(double), &block->coefficients));
  NEURLP_TRY(neurlp_allocate(context, S * T * D * R, sizeof(double), &block->rhs));
  NEURLP_TRY(neurlp_allocate(context, S * D * s->leading * R, sizeof(double), &block->initial_values));
  NEURLP_TRY(neurlp_allocate(context, S * (T - 1), sizeof(double), &block->steps));
  NEURLP_TRY(neurlp_allocate(context, S * T * n * R, sizeof(double), &block->solution));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *block->lengths, &block->lengths));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *block->active, &block->active));
  NEURLP_TRY(neurlp_allocate(context, S, sizeof *block->status, &block->status));
  NEURLP_TRY(neurlp_allocate(context, s->systems, sizeof *block->progress, &block->progress));
done:
  return status;
}

neurlp_status neurlp_nonlinear_create(neurlp_context *context, const neurlp_nonlinear_shape *shape,
                                      neurlp_nonlinear **out) {
  *out = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_nonlinear *block = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *block, &block));
  block->context = context;
  block->shape = *shape;
  const double bytes = 8.0 * shape->steps * (double)(unknowns(shape) + shape->dimensions) *
                       (double)(columns(shape) + shape->dimensions);
  block->capacity = (int64_t)(PIECE_BYTES / bytes) / 64 * 64;
  if (block->capacity < 64) block->capacity = 64;
  if (block->capacity > shape->systems) block->capacity = shape->systems;
  NEURLP_TRY(create_solver(block, 1, &block->problem, &block->solver));
  if (shape->parameters > 0)
    NEURLP_TRY(create_solver(block, columns(shape), &block->sensitivity_problem, &block->sensitivity_solver));
  NEURLP_TRY(allocate_piece(block));
  *out = block;
  block = NULL;
done:
  neurlp_nonlinear_destroy(&block);
  return status;
}

void neurlp_nonlinear_destroy(neurlp_nonlinear **block) {
  if (!block || !*block) return;
  neurlp_nonlinear *b = *block;
  neurlp_context *context = b->context;
  neurlp_solver_destroy(&b->solver);
  neurlp_solver_destroy(&b->sensitivity_solver);
  neurlp_problem_destroy(&b->problem);
  neurlp_problem_destroy(&b->sensitivity_problem);
  neurlp_release(context, &b->coefficients);
  neurlp_release(context, &b->rhs);
  neurlp_release(context, &b->initial_values);
  neurlp_release(context, &b->steps);
  neurlp_release(context, &b->solution);
  neurlp_release(context, &b->lengths);
  neurlp_release(context, &b->active);
  neurlp_release(context, &b->status);
  neurlp_release(context, &b->progress);
  neurlp_release(context, block);
}

/* ---- one piece of the batch -------------------------------------------------------------------------- */

/* Coefficients of u^(kappa) - J u for the system in slot i. */
static void fill_coefficients(neurlp_nonlinear *block, int64_t i, int32_t length, const double *jacobian) {
  const neurlp_nonlinear_shape *s = &block->shape;
  const int64_t D = s->dimensions, width = s->order + 1, n = unknowns(s), symbols = D * s->leading;
  double *c = block->coefficients + i * s->steps * D * n; /* [T][D][D][d+1] */
  memset(c, 0, (size_t)(length * D * n) * sizeof *c);
  for (int64_t e = 0; e < D; e++) {
    for (int64_t t = 0; t < length; t++) c[(t * D + e) * n + e * width + s->leading] = 1;
    for (int64_t v = 0; v < symbols; v++) {
      const double *entry = jacobian + (e * symbols + v) * length;
      const int64_t column = v / s->leading * width + v % s->leading;
      for (int64_t t = 0; t < length; t++) c[(t * D + e) * n + column] = -entry[t];
    }
  }
}

/* f - J u for the system in slot i: one column. */
static void fill_rhs(neurlp_nonlinear *block, int64_t i, int32_t length, const double *state,
                     const neurlp_linearisation *l) {
  const neurlp_nonlinear_shape *s = &block->shape;
  const int64_t D = s->dimensions, width = s->order + 1, n = unknowns(s), symbols = D * s->leading;
  double *b = block->rhs + i * s->steps * D; /* [T][D] */
  for (int64_t e = 0; e < D; e++) {
    for (int64_t t = 0; t < length; t++) b[t * D + e] = l->flow[e * length + t];
    for (int64_t v = 0; v < symbols; v++) {
      const double *entry = l->jacobian + (e * symbols + v) * length;
      const int64_t column = v / s->leading * width + v % s->leading;
      for (int64_t t = 0; t < length; t++) b[t * D + e] -= entry[t] * state[t * n + column];
    }
  }
}

/* df/dtheta in the first P columns, zero in the others; unit initial values in the others. */
static void fill_sensitivity(neurlp_nonlinear *block, int64_t i, int32_t length,
                             const double *const *sensitivity) {
  const neurlp_nonlinear_shape *s = &block->shape;
  const int64_t D = s->dimensions, R = columns(s), P = s->parameters, symbols = D * s->leading;
  double *b = block->rhs + i * s->steps * D * R; /* [T][D][R] */
  memset(b, 0, (size_t)(length * D * R) * sizeof *b);
  for (int64_t e = 0; e < D; e++)
    for (int64_t p = 0; p < P; p++) {
      const double *values = sensitivity[e * P + p];
      for (int64_t t = 0; values && t < length; t++) b[(t * D + e) * R + p] = values[t];
    }
  double *v = block->initial_values + i * symbols * R; /* [1][D][kappa][R] */
  memset(v, 0, (size_t)(symbols * R) * sizeof *v);
  for (int64_t j = 0; j < symbols; j++) v[j * R + P + j] = 1;
}

/* Linearises the piece's systems at their trajectories and fills its arrays. */
static void fill_piece(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, int64_t count,
                       bool want_sensitivity) {
  const neurlp_nonlinear_shape *s = &block->shape;
  const int64_t symbols = (int64_t)s->dimensions * s->leading;
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) {
    const int64_t which = block->active[i];
    const int32_t length = batch->lengths[which];
    neurlp_linearisation l = {0};
    batch->linearise(batch->user, (int32_t)omp_get_thread_num(), which, length, batch->state[which],
                     want_sensitivity, &l);
    block->lengths[i] = length;
    memcpy(block->steps + i * (s->steps - 1), batch->steps[which], (size_t)(length - 1) * sizeof(double));
    fill_coefficients(block, i, length, l.jacobian);
    if (want_sensitivity) {
      fill_sensitivity(block, i, length, l.sensitivity);
    } else {
      fill_rhs(block, i, length, batch->state[which], &l);
      memcpy(block->initial_values + i * symbols, batch->initial[which], (size_t)symbols * sizeof(double));
    }
  }
}

static neurlp_inputs piece_inputs(const neurlp_nonlinear *block, int64_t count) {
  return (neurlp_inputs){.systems = count,
                         .coefficients = block->coefficients,
                         .rhs = block->rhs,
                         .initial_values = block->initial_values,
                         .steps = block->steps,
                         .lengths = block->lengths};
}

/* ---- the iteration ----------------------------------------------------------------------------------- */

/* Largest change of the derivatives below kappa, each in units of its dimension's scale per nominal step^j.
 */
static double update_size(const neurlp_nonlinear_shape *s, int32_t length, const double *old,
                          const double *new, const double *scale) {
  const int64_t D = s->dimensions, width = s->order + 1;
  double largest = 0;
  for (int64_t t = 0; t < length; t++)
    for (int64_t k = 0; k < D; k++) {
      double unit = 1 / scale[k];
      for (int64_t j = 0; j < s->leading; j++, unit *= s->nominal_step) {
        const int64_t at = (t * D + k) * width + j;
        const double change = fabs(new[at] - old[at]) * unit;
        if (!(change <= largest)) largest = change;
      }
    }
  return largest;
}

/* Moves one system along its update; decides whether it goes on. An update that does not shrink means that
 * the linearisation was trusted too far: the next one is taken by halves. Where the linearisation
 * holds, a step of a fraction a leaves 1 - a of the update; a decrease by half of that or more doubles a
 * again. */
static neurlp_status advance(const neurlp_nonlinear_shape *s, int32_t length, const double *new,
                             const double *scale, double *state, progress *p) {
  const int64_t count = length * unknowns(s);
  const double update = update_size(s, length, state, new, scale);
  if (!isfinite(update) || update > 1e12) {
    p->active = false;
    return NEURLP_NOT_FINITE;
  }
  if (update > p->last_update)
    p->damping = p->damping > 0.125 ? p->damping / 2 : 0.125;
  else if (update < (1 - 0.5 * p->damping) * p->last_update)
    p->damping = p->damping < 0.5 ? 2 * p->damping : 1;
  p->last_update = update;
  if (update <= s->tolerance) p->damping = 1;
  for (int64_t i = 0; i < count; i++)
    state[i] = p->damping == 1 ? new[i] : state[i] + p->damping *(new[i] - state[i]);
  p->active = update > s->tolerance;
  return p->active ? NEURLP_NOT_CONVERGED : NEURLP_SUCCESS;
}

/* One linear solve and one move for `count` systems of the piece. */
static neurlp_status iterate_piece(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                   int64_t count, neurlp_status *status) {
  const neurlp_nonlinear_shape *s = &block->shape;
  fill_piece(block, batch, count, false);
  const neurlp_inputs inputs = piece_inputs(block, count);
  const neurlp_status solved = neurlp_solver_solve(block->solver, &inputs, block->solution, block->status);
  if (solved < 0) return solved;
#pragma omp parallel for num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) {
    const int64_t which = block->active[i];
    progress *p = &block->progress[which];
    if (block->status[i] != NEURLP_SUCCESS) {
      status[which] = block->status[i];
      p->active = false;
    } else {
      status[which] = advance(s, batch->lengths[which], block->solution + i * s->steps * unknowns(s),
                              batch->scale[which], batch->state[which], p);
    }
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_nonlinear_solve(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                     neurlp_status *status) {
  const neurlp_nonlinear_shape *s = &block->shape;
  for (int64_t i = 0; i < batch->systems; i++) {
    block->progress[i] = (progress){.damping = 1, .last_update = INFINITY, .active = true};
    status[i] = NEURLP_NOT_CONVERGED;
  }
  for (int32_t iteration = 0; iteration < s->iterations; iteration++) {
    int64_t next = 0, moved = 0;
    while (next < batch->systems) {
      int64_t count = 0;
      for (; next < batch->systems && count < block->capacity; next++)
        if (block->progress[next].active) block->active[count++] = next;
      moved += count;
      if (count == 0) continue;
      const neurlp_status done = iterate_piece(block, batch, count, status);
      if (done < 0) return done;
    }
    if (moved == 0) break;
  }
  for (int64_t i = 0; i < batch->systems; i++)
    if (status[i] != NEURLP_SUCCESS) return NEURLP_SOME_FAILED;
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_nonlinear_sensitivity(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                           neurlp_receive_sensitivity receive, neurlp_status *status) {
  const neurlp_nonlinear_shape *s = &block->shape;
  const int64_t stride = s->steps * unknowns(s) * columns(s);
  neurlp_status all = NEURLP_SUCCESS;
  for (int64_t first = 0; first < batch->systems; first += block->capacity) {
    const int64_t left = batch->systems - first;
    const int64_t count = left < block->capacity ? left : block->capacity;
    for (int64_t i = 0; i < count; i++) block->active[i] = first + i;
    fill_piece(block, batch, count, true);
    const neurlp_inputs inputs = piece_inputs(block, count);
    const neurlp_status solved =
        neurlp_solver_solve(block->sensitivity_solver, &inputs, block->solution, block->status);
    if (solved < 0) return solved;
    if (solved != NEURLP_SUCCESS) all = solved;
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(block->context))
    for (int64_t i = 0; i < count; i++) {
      status[first + i] = block->status[i];
      if (block->status[i] == NEURLP_SUCCESS)
        receive(batch->user, (int32_t)omp_get_thread_num(), first + i, batch->lengths[first + i],
                block->solution + i * stride);
    }
  }
  return all;
}
