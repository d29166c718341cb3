/* What the solver does, on Vecs. Each call lends its Vecs, calls the solver, and gives them back, whatever
 * the solver said; then the ranks agree on that. */
#include "petsc/batch/batch.h"

#include "comm.h"

PetscErrorCode neurlp_petsc_batch_prepare(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs) {
  neurlp_inputs in;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(neurlp_batch_lend_inputs(batch, inputs, PETSC_TRUE, &in));
  const neurlp_status status = neurlp_solver_prepare(batch->solver, &in);
  PetscCall(neurlp_batch_return_inputs(batch));
  for (int64_t s = 0; s < batch->shape.systems; s++) batch->status[s] = status;
  PetscCall(neurlp_batch_finish(batch, status));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_solve(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                        Vec solution) {
  const PetscLogEvent event = neurlp_batch_events.solve;
  neurlp_inputs in;
  void *u;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(neurlp_batch_lend_inputs(batch, inputs, PETSC_TRUE, &in));
  PetscCall(neurlp_batch_lend_written(batch, BATCH_SOLUTION, solution, PETSC_TRUE, &u));
  PetscCall(PetscLogEventBegin(event, batch, 0, 0, 0));
  const neurlp_status status = neurlp_solver_solve(batch->solver, &in, u, batch->status);
  PetscCall(PetscLogEventEnd(event, batch, 0, 0, 0));
  PetscCall(neurlp_batch_return_written(batch, BATCH_SOLUTION));
  PetscCall(neurlp_batch_return_inputs(batch));
  PetscCall(neurlp_batch_finish(batch, status));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_adjoint(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                          Vec solution, Vec grad_output,
                                          const neurlp_petsc_arrays *gradients) {
  const PetscLogEvent event = neurlp_batch_events.adjoint;
  const void *u, *g;
  void *numbers[NEURLP_ARRAY_INPUTS];
  Vec vecs[NEURLP_ARRAY_INPUTS];
  neurlp_inputs in;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(neurlp_batch_lend_inputs(batch, inputs, PETSC_TRUE, &in));
  PetscCall(neurlp_batch_lend(batch, BATCH_SOLUTION, solution, PETSC_TRUE, &u));
  PetscCall(neurlp_batch_lend(batch, BATCH_ALONG, grad_output, PETSC_TRUE, &g));
  neurlp_batch_list(gradients, vecs);
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    PetscCall(neurlp_batch_lend_written(batch, BATCH_OTHERS + i, vecs[i], PETSC_TRUE, &numbers[i]));
  const neurlp_gradients out = {.coefficients = numbers[NEURLP_ARRAY_COEFFICIENTS],
                                .rhs = numbers[NEURLP_ARRAY_RHS],
                                .initial_values = numbers[NEURLP_ARRAY_INITIAL_VALUES],
                                .final_values = numbers[NEURLP_ARRAY_FINAL_VALUES],
                                .steps = numbers[NEURLP_ARRAY_STEPS]};
  PetscCall(PetscLogEventBegin(event, batch, 0, 0, 0));
  const neurlp_status status = neurlp_solver_adjoint(batch->solver, &in, u, g, &out, batch->status);
  PetscCall(PetscLogEventEnd(event, batch, 0, 0, 0));
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    PetscCall(neurlp_batch_return_written(batch, BATCH_OTHERS + i));
  PetscCall(neurlp_batch_return(batch, BATCH_ALONG));
  PetscCall(neurlp_batch_return(batch, BATCH_SOLUTION));
  PetscCall(neurlp_batch_return_inputs(batch));
  PetscCall(neurlp_batch_finish(batch, status));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_tangent(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                          Vec solution, const neurlp_petsc_arrays *direction, Vec tangent) {
  const PetscLogEvent event = neurlp_batch_events.tangent;
  const void *u, *numbers[NEURLP_ARRAY_INPUTS];
  Vec vecs[NEURLP_ARRAY_INPUTS];
  neurlp_inputs in;
  void *du;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(neurlp_batch_lend_inputs(batch, inputs, PETSC_TRUE, &in));
  PetscCall(neurlp_batch_lend(batch, BATCH_SOLUTION, solution, PETSC_TRUE, &u));
  neurlp_batch_list(direction, vecs);
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++)
    PetscCall(neurlp_batch_lend(batch, BATCH_OTHERS + i, vecs[i], PETSC_TRUE, &numbers[i]));
  PetscCall(neurlp_batch_lend_written(batch, BATCH_ALONG, tangent, PETSC_TRUE, &du));
  const neurlp_direction along = {.coefficients = numbers[NEURLP_ARRAY_COEFFICIENTS],
                                  .rhs = numbers[NEURLP_ARRAY_RHS],
                                  .initial_values = numbers[NEURLP_ARRAY_INITIAL_VALUES],
                                  .final_values = numbers[NEURLP_ARRAY_FINAL_VALUES],
                                  .steps = numbers[NEURLP_ARRAY_STEPS]};
  PetscCall(PetscLogEventBegin(event, batch, 0, 0, 0));
  const neurlp_status status = neurlp_solver_tangent(batch->solver, &in, u, &along, du, batch->status);
  PetscCall(PetscLogEventEnd(event, batch, 0, 0, 0));
  PetscCall(neurlp_batch_return_written(batch, BATCH_ALONG));
  for (int i = 0; i < NEURLP_ARRAY_INPUTS; i++) PetscCall(neurlp_batch_return(batch, BATCH_OTHERS + i));
  PetscCall(neurlp_batch_return(batch, BATCH_SOLUTION));
  PetscCall(neurlp_batch_return_inputs(batch));
  PetscCall(neurlp_batch_finish(batch, status));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_slack(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                        Vec solution, Vec slack) {
  const MPI_Comm comm = neurlp_batch_comm(batch);
  const void *u;
  void *eps;
  neurlp_inputs in;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_set_up(batch));
  PetscCall(neurlp_batch_lend_inputs(batch, inputs, PETSC_TRUE, &in));
  PetscCall(neurlp_batch_lend(batch, BATCH_SOLUTION, solution, PETSC_TRUE, &u));
  PetscCall(neurlp_batch_lend_written(batch, BATCH_SLACK, slack, PETSC_TRUE, &eps));
  const neurlp_status status = neurlp_solver_slack(batch->solver, &in, u, eps);
  PetscCall(neurlp_batch_return_written(batch, BATCH_SLACK));
  PetscCall(neurlp_batch_return(batch, BATCH_SOLUTION));
  PetscCall(neurlp_batch_return_inputs(batch));
  NEURLP_PETSC_CALL(comm, batch->context, neurlp_agree(comm, batch->context, status));
  PetscFunctionReturn(0);
}
