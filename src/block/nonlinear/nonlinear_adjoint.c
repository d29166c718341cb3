/* Gradients by the implicit function theorem: one linear adjoint at the solution (docs/math.md, section 4).
 */
#include "block/nonlinear/nonlinear.h"

#include <math.h>
#include <string.h>

/* f - u^(kappa) of the system in slot i. */
static void fill_remainder(neurlp_nonlinear *block, int64_t i) {
  const int64_t D = block->shape.dimensions, n = nonlinear_unknowns(block), T = block->shape.steps;
  const double *u = block->piece.solution + i * T * n;
  for (int64_t t = 0; t < block->piece.lengths[i]; t++)
    for (int64_t e = 0; e < D; e++) {
      const int64_t at = (i * T + t) * D + e;
      double left = block->piece.rhs[at];
      for (int64_t j = 0; j < n; j++) left -= block->piece.coefficients[at * n + j] * u[t * n + j];
      block->adjoint.remainder[at] = left;
    }
}

/* The trajectories, and the loss's gradients, beside the piece's linearisations. */
static void fill_adjoint(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, const double *state,
                         const double *grad_state, int64_t count) {
  const int64_t n = nonlinear_unknowns(block), T = block->shape.steps;
#pragma omp parallel for num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) {
    const int64_t from = nonlinear_point(block, batch, block->piece.systems[i]) * n;
    const size_t bytes = (size_t)(block->piece.lengths[i] * n) * sizeof(double);
    memcpy(block->piece.solution + i * T * n, state + from, bytes);
    memcpy(block->adjoint.grad_state + i * T * n, grad_state + from, bytes);
    if (block->shape.corrections > 0) fill_remainder(block, i);
  }
}

/* gradient [P] of slot i: df/dtheta, by what the adjoint says of right-hand sides. Returns false if it is not
 * finite. */
static bool contract(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, const double *state,
                     int64_t i, double *gradient) {
  const int64_t D = block->shape.dimensions, P = block->shape.parameters, s = block->piece.systems[i];
  const double *own = state + nonlinear_point(block, batch, s) * nonlinear_unknowns(block);
  const double *weight = block->adjoint.grad_rhs + i * block->shape.steps * D; /* [T][D] */
  neurlp_linearisation l;
  if (!neurlp_nonlinear_linearise(block, batch, s, own, true, &l)) return false;
  memset(gradient, 0, (size_t)P * sizeof *gradient);
  for (int64_t e = 0; e < D; e++)
    for (int64_t p = 0; p < P; p++) {
      const double *values = l.sensitivity[e * P + p];
      for (int64_t t = 0; values && t < block->piece.lengths[i]; t++)
        gradient[p] += weight[t * D + e] * values[t];
    }
  if (block->shape.corrections > 0) neurlp_nonlinear_correct_parameters(block, batch, i, gradient);
  for (int64_t p = 0; p < P; p++)
    if (!isfinite(gradient[p])) return false;
  return true;
}

static void fill_nan(double *numbers, int64_t count) {
  for (int64_t i = 0; numbers && i < count; i++) numbers[i] = NAN;
}

/* Hands the gradients of slot i to the caller. */
static neurlp_status deliver(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                             const double *state, const neurlp_nonlinear_gradients *gradients, int64_t i) {
  const int64_t P = block->shape.parameters, symbols = nonlinear_symbols(block), T = block->shape.steps,
                s = block->piece.systems[i], intervals = block->piece.lengths[i] - 1;
  double *parameters = gradients->parameters ? gradients->parameters + s * P : NULL;
  double *values = gradients->initial_values ? gradients->initial_values + s * symbols : NULL;
  double *steps = gradients->steps ? gradients->steps + nonlinear_step(block, batch, s) : NULL;
  neurlp_status status = block->piece.status[i];
  if (status == NEURLP_SUCCESS && parameters && P > 0 && !contract(block, batch, state, i, parameters))
    status = NEURLP_NOT_FINITE;
  if (steps && !batch->first_point) memset(steps + intervals, 0, (size_t)(T - 1 - intervals) * sizeof *steps);
  if (status != NEURLP_SUCCESS) {
    fill_nan(parameters, P);
    fill_nan(values, symbols);
    fill_nan(steps, intervals);
    return status;
  }
  if (values)
    memcpy(values, block->adjoint.grad_initial_values + i * symbols, (size_t)symbols * sizeof *values);
  if (steps) memcpy(steps, block->adjoint.grad_steps + i * (T - 1), (size_t)intervals * sizeof *steps);
  return status;
}

static neurlp_status adjoint_piece(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                   const double *state, const double *grad_state, int64_t count,
                                   const neurlp_nonlinear_gradients *gradients, neurlp_status *status) {
  const nonlinear_piece *piece = &block->piece;
  neurlp_nonlinear_fill(block, batch, state, count, false);
  fill_adjoint(block, batch, state, grad_state, count);
  const neurlp_inputs inputs = neurlp_nonlinear_inputs(block, count);
  for (int32_t correction = 0; correction <= block->shape.corrections; correction++) {
    const neurlp_status solved =
        neurlp_solver_adjoint(block->solver, &inputs, piece->solution, block->adjoint.grad_state,
                              &block->adjoint.gradients, piece->status);
    if (solved < 0) return solved;
    if (correction == block->shape.corrections) break;
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(block->context))
    for (int64_t i = 0; i < count; i++) neurlp_nonlinear_correct(block, batch, grad_state, i);
  }
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) status[piece->systems[i]] = deliver(block, batch, state, gradients, i);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_nonlinear_adjoint(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                       const double *state, const double *grad_state,
                                       const neurlp_nonlinear_gradients *gradients, neurlp_status *statuses) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!block->shape.adjoint)
    return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                       "the block was made without an adjoint; set shape.adjoint");
  NEURLP_TRY(neurlp_nonlinear_check_batch(block, batch));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "state", state));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "grad_state", grad_state));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "gradients", gradients));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "status", statuses));
  if (block->backend) {
    NEURLP_TRY(block->backend->adjoint(block->state, batch, state, grad_state, gradients, statuses));
    return neurlp_nonlinear_verdict(block, batch, statuses);
  }
  for (int64_t first = 0; first < batch->systems; first += block->capacity) {
    const int64_t left = batch->systems - first, count = left < block->capacity ? left : block->capacity;
    for (int64_t i = 0; i < count; i++) block->piece.systems[i] = first + i;
    NEURLP_TRY(adjoint_piece(block, batch, state, grad_state, count, gradients, statuses));
  }
  status = neurlp_nonlinear_verdict(block, batch, statuses);
done:
  return status;
}
