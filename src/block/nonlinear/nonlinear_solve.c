/* Damped Gauss-Newton on the trajectories of a batch (docs/math.md, section 4). All systems iterate together;
 * those that are done drop out. */
#include "block/nonlinear/nonlinear.h"

#include <math.h>

/* Largest change of the derivatives below kappa, each in units of its dimension's scale per nominal step^j.
 */
static double update_size(const neurlp_nonlinear *block, int32_t length, const double *old, const double *new,
                          const double *scale) {
  const int64_t D = block->shape.dimensions, width = block->shape.order + 1;
  double largest = 0;
  for (int64_t t = 0; t < length; t++)
    for (int64_t k = 0; k < D; k++) {
      double unit = scale ? 1 / scale[k] : 1;
      for (int64_t j = 0; j < block->shape.leading_derivative; j++, unit *= block->shape.nominal_step) {
        const int64_t at = (t * D + k) * width + j;
        largest = neurlp_nonlinear_larger(largest, fabs(new[at] - old[at]) * unit);
      }
    }
  return largest;
}

/* The most that is left of an equation of slot i, in units of scale per nominal step^kappa. */
static double remainder_size(const neurlp_nonlinear *block, int64_t i, const double *new,
                             const double *scale) {
  const int64_t D = block->shape.dimensions, n = nonlinear_unknowns(block), first = i * block->shape.steps;
  const double unit = pow(block->shape.nominal_step, block->shape.leading_derivative);
  double largest = 0;
  for (int64_t t = 0; t < block->piece.lengths[i]; t++)
    for (int64_t e = 0; e < D; e++) {
      const double *c = block->piece.coefficients + ((first + t) * D + e) * n;
      double left = block->piece.rhs[(first + t) * D + e];
      for (int64_t j = 0; j < n; j++) left -= c[j] * new[t * n + j];
      largest = neurlp_nonlinear_larger(largest, fabs(left) * unit / (scale ? scale[e] : 1));
    }
  return largest;
}

/* Moves the system in slot i along its update, and decides whether it goes on. */
static neurlp_status advance(const neurlp_nonlinear *block, int64_t i, const double *scale, double *state,
                             nonlinear_progress *p) {
  const int64_t count = block->piece.lengths[i] * nonlinear_unknowns(block);
  const double *new = block->piece.solution + i * block->shape.steps *nonlinear_unknowns(block);
  const double update = update_size(block, block->piece.lengths[i], state, new, scale);
  const neurlp_status status = neurlp_nonlinear_decide(p, update, block->shape.tolerance);
  if (status == NEURLP_NOT_FINITE) return status;
  for (int64_t j = 0; j < count; j++) state[j] = neurlp_nonlinear_moved(p, state[j], new[j]);
  const bool solved =
      status == NEURLP_SUCCESS && remainder_size(block, i, new, scale) <= block->shape.remainder;
  return solved ? NEURLP_SUCCESS : NEURLP_NOT_CONVERGED;
}

/* One linear solve and one move for `count` systems of the piece. */
static neurlp_status iterate_piece(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                   double *state, int64_t count, neurlp_status *status) {
  const int64_t n = nonlinear_unknowns(block), D = block->shape.dimensions;
  neurlp_nonlinear_fill(block, batch, state, count, false);
  const neurlp_inputs inputs = neurlp_nonlinear_inputs(block, count);
  const neurlp_status solved =
      neurlp_solver_solve(block->solver, &inputs, block->piece.solution, block->piece.status);
  if (solved < 0) return solved;
#pragma omp parallel for num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) {
    const int64_t s = block->piece.systems[i];
    nonlinear_progress *p = &block->progress[s];
    if (block->piece.status[i] != NEURLP_SUCCESS) {
      status[s] = block->piece.status[i];
      p->active = false;
    } else {
      status[s] = advance(block, i, batch->scale ? batch->scale + s * D : NULL,
                          state + nonlinear_point(block, batch, s) * n, p);
    }
  }
  return NEURLP_SUCCESS;
}

/* One iteration of every system that still moves; *moved: how many. */
static neurlp_status iterate(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, double *state,
                             neurlp_status *status, int64_t *moved) {
  int64_t next = 0;
  *moved = 0;
  while (next < batch->systems) {
    int64_t count = 0;
    for (; next < batch->systems && count < block->capacity; next++)
      if (block->progress[next].active) block->piece.systems[count++] = next;
    *moved += count;
    if (count == 0) continue;
    const neurlp_status done = iterate_piece(block, batch, state, count, status);
    if (done < 0) return done;
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_nonlinear_verdict(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                       const neurlp_status *status) {
  for (int64_t s = 0; s < batch->systems; s++)
    if (status[s] != NEURLP_SUCCESS)
      return neurlp_fail(block->context, NEURLP_SOME_FAILED, "system %lld: %s", (long long)s,
                         neurlp_status_sentence(status[s]));
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_nonlinear_solve(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                     double *state, neurlp_status *statuses) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_nonlinear_check_batch(block, batch));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "state", state));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "status", statuses));
  if (block->backend) {
    NEURLP_TRY(block->backend->solve(block->state, batch, state, statuses));
    return neurlp_nonlinear_verdict(block, batch, statuses);
  }
  for (int64_t s = 0; s < batch->systems; s++) {
    block->progress[s] = neurlp_nonlinear_begin();
    statuses[s] = NEURLP_NOT_CONVERGED;
  }
  int64_t moved = 1;
  for (int32_t iteration = 0; iteration < block->shape.iterations && moved > 0; iteration++)
    NEURLP_TRY(iterate(block, batch, state, statuses, &moved));
  status = neurlp_nonlinear_verdict(block, batch, statuses);
done:
  return status;
}
