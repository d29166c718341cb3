/* The block, with the arrays of a batch. With a shared left-hand side its solver is prepared: that is done
 * once, and calls are given neither coefficients nor steps, nor asked for their gradients. */
#ifndef TESTS_BENCH_BLOCK_H
#define TESTS_BENCH_BLOCK_H

#include "bench/batch.h"

typedef struct bench_block {
  neurlp_context *context;
  neurlp_problem *problem;
  neurlp_solver *solver;
  neurlp_inputs inputs;
  neurlp_gradients gradients;
  neurlp_direction direction;
} bench_block;

/* Threads as for neurlp_context_create. False, with the reason printed, if the library refuses the batch's
 * shape or precision; to be closed all the same. */
bool bench_block_open(bench_block *block, bench_batch *batch, int32_t threads);
void bench_block_close(bench_block *block);

/* Prepares the solver where the left-hand side is shared; does nothing else. True if all went well. */
bool bench_block_prepare(bench_block *block, const bench_batch *batch);

/* Each writes into the batch; true if every system succeeded. Adjoint and tangent need the solution there. */
bool bench_block_forward(bench_block *block, bench_batch *batch);
bool bench_block_adjoint(bench_block *block, bench_batch *batch);
bool bench_block_tangent(bench_block *block, bench_batch *batch);

#endif
