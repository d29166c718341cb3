/* Forward sensitivities: right-hand sides df/dtheta, and unit initial values, are columns of one
 * factorisation (docs/math.md, equation 17). */
#include "block/nonlinear/nonlinear.h"

#include <omp.h>

static neurlp_status forward_piece(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                   const double *state, int64_t count, neurlp_receive_sensitivity receive,
                                   neurlp_status *status) {
  const int64_t stride = block->shape.steps * nonlinear_unknowns(block) * nonlinear_columns(block);
  const nonlinear_piece *piece = &block->piece;
  neurlp_nonlinear_fill(block, batch, state, count, true);
  const neurlp_inputs inputs = neurlp_nonlinear_inputs(block, count);
  const neurlp_status solved =
      neurlp_solver_solve(block->forward_solver, &inputs, piece->solution, piece->status);
  if (solved < 0) return solved;
#pragma omp parallel for schedule(dynamic, 4) num_threads(neurlp_context_threads(block->context))
  for (int64_t i = 0; i < count; i++) {
    const int64_t s = piece->systems[i];
    status[s] = piece->status[i];
    if (status[s] == NEURLP_SUCCESS)
      receive(batch->user, (int32_t)omp_get_thread_num(), s, piece->lengths[i], piece->solution + i * stride);
  }
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_nonlinear_sensitivity(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                           const double *state, neurlp_receive_sensitivity receive,
                                           neurlp_status *statuses) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!block->shape.forward)
    return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                       "the block was made without forward sensitivities; set shape.forward");
  NEURLP_TRY(neurlp_nonlinear_check_batch(block, batch));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "state", state));
  NEURLP_TRY(neurlp_nonlinear_check_array(block, batch, "status", statuses));
  if (!receive && batch->systems > 0)
    return neurlp_fail(block->context, NEURLP_ERROR_ARGUMENT,
                       "receive is NULL; it must be a function that takes the sensitivities");
  if (block->backend) {
    NEURLP_TRY(block->backend->sensitivity(block->state, batch, state, receive, statuses));
    return neurlp_nonlinear_verdict(block, batch, statuses);
  }
  for (int64_t first = 0; first < batch->systems; first += block->capacity) {
    const int64_t left = batch->systems - first, count = left < block->capacity ? left : block->capacity;
    for (int64_t i = 0; i < count; i++) block->piece.systems[i] = first + i;
    NEURLP_TRY(forward_piece(block, batch, state, count, receive, statuses));
  }
  status = neurlp_nonlinear_verdict(block, batch, statuses);
done:
  return status;
}
