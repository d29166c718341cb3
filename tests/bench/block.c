#include "bench/block.h"

#include <stdio.h>
#include <string.h>

bool bench_block_open(bench_block *block, bench_batch *batch, int32_t threads) {
  void *const *input = batch->input, *const *gradient = batch->outputs.array;
  void *const *direction = batch->direction;
  const bool shared = bench_is_shared(&batch->shape);
  memset(block, 0, sizeof *block);
  block->inputs = (neurlp_inputs){.systems = batch->shape.systems,
                                  .coefficients = input[BENCH_COEFFICIENTS],
                                  .rhs = input[BENCH_RHS],
                                  .initial_values = input[BENCH_INITIAL_VALUES],
                                  .steps = input[BENCH_STEPS]};
  block->gradients = (neurlp_gradients){.coefficients = shared ? NULL : gradient[BENCH_COEFFICIENTS],
                                        .rhs = gradient[BENCH_RHS],
                                        .initial_values = gradient[BENCH_INITIAL_VALUES],
                                        .steps = shared ? NULL : gradient[BENCH_STEPS]};
  block->direction = (neurlp_direction){.coefficients = shared ? NULL : direction[BENCH_COEFFICIENTS],
                                        .rhs = direction[BENCH_RHS],
                                        .initial_values = direction[BENCH_INITIAL_VALUES],
                                        .steps = shared ? NULL : direction[BENCH_STEPS]};
  if (neurlp_context_create(threads, &block->context) == NEURLP_SUCCESS &&
      neurlp_problem_create(block->context, &batch->shape, &batch->formulation, &block->problem) ==
          NEURLP_SUCCESS &&
      neurlp_solver_create(block->context, block->problem, &block->solver) == NEURLP_SUCCESS)
    return true;
  printf("the block refuses this: %s\n",
         block->context ? neurlp_context_message(block->context) : "out of memory");
  return false;
}

void bench_block_close(bench_block *block) {
  neurlp_solver_destroy(&block->solver);
  neurlp_problem_destroy(&block->problem);
  neurlp_context_destroy(&block->context);
}

bool bench_block_prepare(bench_block *block, const bench_batch *batch) {
  if (!bench_is_shared(&batch->shape)) return true;
  block->inputs.coefficients = batch->input[BENCH_COEFFICIENTS];
  block->inputs.steps = batch->input[BENCH_STEPS];
  const neurlp_status status = neurlp_solver_prepare(block->solver, &block->inputs);
  block->inputs.coefficients = block->inputs.steps = NULL;
  return status == NEURLP_SUCCESS;
}

bool bench_block_forward(bench_block *block, bench_batch *batch) {
  return neurlp_solver_solve(block->solver, &block->inputs, batch->outputs.array[BENCH_SOLUTION],
                             batch->status) == NEURLP_SUCCESS;
}

bool bench_block_adjoint(bench_block *block, bench_batch *batch) {
  return neurlp_solver_adjoint(block->solver, &block->inputs, batch->outputs.array[BENCH_SOLUTION],
                               batch->grad_output, &block->gradients, batch->status) == NEURLP_SUCCESS;
}

bool bench_block_tangent(bench_block *block, bench_batch *batch) {
  return neurlp_solver_tangent(block->solver, &block->inputs, batch->outputs.array[BENCH_SOLUTION],
                               &block->direction, batch->tangent, batch->status) == NEURLP_SUCCESS;
}
