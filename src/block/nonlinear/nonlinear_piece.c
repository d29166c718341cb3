/* One piece of a call: systems linearised at their trajectories, as a batch of the linear block. */
#include "block/nonlinear/nonlinear.h"

#include <math.h>
#include <omp.h>
#include <string.h>

bool neurlp_nonlinear_linearise(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, int64_t s,
                                const double *state, bool want_sensitivity, neurlp_linearisation *result) {
  const neurlp_equations *equations = block->shape.equations;
  const int32_t thread = (int32_t)omp_get_thread_num(), length = nonlinear_length(block, batch, s);
  *result = (neurlp_linearisation){0};
  if (equations)
    equations->linearise(equations, length, block->shape.order + 1, state,
                         batch->times ? batch->times + nonlinear_point(block, batch, s) : block->zeros,
                         batch->parameters ? batch->parameters + s * block->shape.parameters : block->zeros,
                         want_sensitivity, block->workspace + (size_t)thread * block->workspace_bytes,
                         result);
  else
    batch->linearise(batch->user, thread, s, length, state, want_sensitivity, result);
  const bool needed = want_sensitivity && block->shape.parameters > 0;
  return result->flow && result->jacobian && (result->sensitivity || !needed);
}

/* Coefficients of u^(kappa) - J u for the system in slot i. */
static void fill_coefficients(neurlp_nonlinear *block, int64_t i, int32_t length, const double *jacobian) {
  const int64_t D = block->shape.dimensions, width = block->shape.order + 1, n = nonlinear_unknowns(block),
                symbols = nonlinear_symbols(block);
  double *c = block->piece.coefficients + i * block->shape.steps * D * n; /* [T][D][D][d+1] */
  memset(c, 0, (size_t)(length * D * n) * sizeof *c);
  for (int64_t e = 0; e < D; e++) {
    for (int64_t t = 0; t < length; t++) c[(t * D + e) * n + e * width + block->shape.leading_derivative] = 1;
    for (int64_t v = 0; v < symbols; v++) {
      const double *entry = jacobian + (e * symbols + v) * length;
      const int64_t column = nonlinear_unknown(block, v);
      for (int64_t t = 0; t < length; t++) c[(t * D + e) * n + column] = -entry[t];
    }
  }
}

/* f - J u for the system in slot i: one column. */
static void fill_rhs(neurlp_nonlinear *block, int64_t i, int32_t length, const double *state,
                     const neurlp_linearisation *l) {
  const int64_t D = block->shape.dimensions, n = nonlinear_unknowns(block),
                symbols = nonlinear_symbols(block);
  double *b = block->piece.rhs + i * block->shape.steps * D; /* [T][D] */
  for (int64_t e = 0; e < D; e++) {
    for (int64_t t = 0; t < length; t++) b[t * D + e] = l->flow[e * length + t];
    for (int64_t v = 0; v < symbols; v++) {
      const double *entry = l->jacobian + (e * symbols + v) * length;
      const int64_t column = nonlinear_unknown(block, v);
      for (int64_t t = 0; t < length; t++) b[t * D + e] -= entry[t] * state[t * n + column];
    }
  }
}

/* df/dtheta in the first P columns, zero in the others; unit initial values in the others. */
static void fill_sensitivity(neurlp_nonlinear *block, int64_t i, int32_t length,
                             const double *const *sensitivity) {
  const int64_t D = block->shape.dimensions, P = block->shape.parameters, R = nonlinear_columns(block),
                symbols = nonlinear_symbols(block);
  double *b = block->piece.rhs + i * block->shape.steps * D * R; /* [T][D][R] */
  memset(b, 0, (size_t)(length * D * R) * sizeof *b);
  for (int64_t e = 0; e < D; e++)
    for (int64_t p = 0; p < P; p++) {
      const double *values = sensitivity[e * P + p];
      for (int64_t t = 0; values && t < length; t++) b[(t * D + e) * R + p] = values[t];
    }
  double *v = block->piece.initial_values + i * symbols * R; /* [D][kappa][R] */
  memset(v, 0, (size_t)(symbols * R) * sizeof *v);
  for (int64_t j = 0; j < symbols; j++) v[j * R + P + j] = 1;
}

/* A system that the caller could not linearise: the sweep finds it not finite. */
static void fill_failed(neurlp_nonlinear *block, int64_t i, int32_t length) {
  const int64_t D = block->shape.dimensions, n = nonlinear_unknowns(block);
  double *c = block->piece.coefficients + i * block->shape.steps * D * n;
  for (int64_t j = 0; j < length * D * n; j++) c[j] = NAN;
}

static void fill_slot(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, const double *all_states,
                      int64_t i, bool forward) {
  nonlinear_piece *piece = &block->piece;
  const int64_t s = piece->systems[i], symbols = nonlinear_symbols(block);
  const int32_t length = nonlinear_length(block, batch, s), intervals = block->shape.steps - 1;
  const double *state = all_states + nonlinear_point(block, batch, s) * nonlinear_unknowns(block);
  neurlp_linearisation l;
  piece->lengths[i] = length;
  memcpy(piece->steps + i * intervals, batch->steps + nonlinear_step(block, batch, s),
         (size_t)(length - 1) * sizeof(double));
  if (!forward)
    memcpy(piece->initial_values + i * symbols, batch->initial_values + s * symbols,
           (size_t)symbols * sizeof(double));
  if (!neurlp_nonlinear_linearise(block, batch, s, state, forward, &l)) {
    fill_failed(block, i, length);
    return;
  }
  fill_coefficients(block, i, length, l.jacobian);
  if (forward)
    fill_sensitivity(block, i, length, l.sensitivity);
  else
    fill_rhs(block, i, length, state, &l);
}

void neurlp_nonlinear_fill(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, const double *state,
                           int64_t count, bool forward) {
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) fill_slot(block, batch, state, i, forward);
}

neurlp_inputs neurlp_nonlinear_inputs(const neurlp_nonlinear *block, int64_t count) {
  const nonlinear_piece *piece = &block->piece;
  return (neurlp_inputs){.systems = count,
                         .coefficients = piece->coefficients,
                         .rhs = piece->rhs,
                         .initial_values = piece->initial_values,
                         .steps = piece->steps,
                         .lengths = piece->lengths};
}
