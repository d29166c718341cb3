/* A kernel whose threads each have systems, or pieces, of a batch; for code that nvcc compiles. */
#ifndef NEURLP_CUDA_THREAD_H
#define NEURLP_CUDA_THREAD_H

#include "block/sweep/lanes.h"
#include "cuda/block/launch.h"

/* Threads of a block, and blocks that a multiprocessor is to have at one time: as many as its registers are
 * for, when each thread has all that it can. The compiler takes that for leave to use all of them; 0 leaves
 * it to find out by itself, which now and then needs fewer. */
enum { BLOCK = 64, BLOCKS = 4 };

/* All items of one thread. */
template <void (*kernel)(const neurlp_tile_job *)>
NEURLP_ANYWHERE void run_thread(const neurlp_cuda_tiles *tiles, int64_t thread) {
  if (thread >= tiles->threads) return;
  const neurlp_gradients none = {}; /* nothing is added up here */
  neurlp_tile_job job = tiles->job;
  job.sums = &none;
  job.problem = &tiles->problem;
  job.inputs = &tiles->inputs;
  job.gradients = &tiles->gradients;
  job.gradient_shape = &tiles->gradient_shape;
  job.direction = &tiles->direction;
  job.shape = tiles->has_shape ? &tiles->shape : NULL;
  job.lane = (int32_t)(thread % GROUP);
  job.workspace = (unsigned char *)job.workspace + (size_t)(thread / GROUP) * tiles->group_bytes;
  for (job.first = thread; job.first < tiles->items; job.first += tiles->threads) kernel(&job);
}

template <void (*kernel)(const neurlp_tile_job *), int blocks>
__global__ void __launch_bounds__(BLOCK, blocks) run(const __grid_constant__ neurlp_cuda_tiles tiles) {
  run_thread<kernel>(&tiles, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

template <void (*kernel)(const neurlp_tile_job *)>
static void imitate(const void *arguments, int64_t thread, int64_t) {
  run_thread<kernel>((const neurlp_cuda_tiles *)arguments, thread);
}

template <void (*kernel)(const neurlp_tile_job *), int blocks = BLOCKS>
static neurlp_cuda_kernel kernel_of(void) {
  return {(const void *)run<kernel, blocks>, imitate<kernel>, BLOCK};
}

#endif
