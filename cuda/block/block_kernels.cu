/* The kernels of the block for one precision: each thread has a system, or a piece of one, and does with it
 * what a tile does on a CPU, by the same functions. */
#include "cuda/block/launch.h"

#include "block/sweep/adjoint.h"
#include "block/sweep/solve.h"
#include "block/sweep/tangent.h"
#include "block/sweep/variants.h"
#include "cuda/block/thread.h"

/* Sizes that are known when the program runs: one copy of the sweep for all kernels. */
static __noinline__ __host__ __device__ void factorise_any(neurlp_tile *tile, sweep_sizes z,
                                                           int32_t columns) {
  z.fast = 0;
  sweep_factorise(tile, z, columns);
}

static __host__ __device__ void factorise(const neurlp_tile_job *job) {
  factorise_tile(job, sizes_of(job->problem), factorise_any);
}

static __host__ __device__ void solve(const neurlp_tile_job *job) {
  solve_tile(job, sizes_of(job->problem), factorise_any);
}

static __host__ __device__ void adjoint(const neurlp_tile_job *job) {
  adjoint_tile(job, sizes_of(job->problem), factorise_any);
}

static __host__ __device__ void tangent(const neurlp_tile_job *job) {
  tangent_tile(job, sizes_of(job->problem), factorise_any);
}

static __host__ __device__ void slack(const neurlp_tile_job *job) {
  slack_tile(job, sizes_of(job->problem));
}

static size_t group_bytes(const neurlp_problem *problem) {
  return (size_t)tile_outer(problem) * sizeof(wide_cell) + (size_t)tile_inner(problem) * sizeof(lane_cell);
}

static size_t store_bytes(const neurlp_problem *problem, bool cut) {
  return tile_store_bytes(problem, cut);
}

extern "C" const neurlp_cuda_kernels *NEURLP_KERNELS(void) {
  static const neurlp_cuda_kernels kernels = {
      group_bytes,          store_bytes,          kernel_of<factorise>(), kernel_of<solve>(),
      kernel_of<adjoint>(), kernel_of<tangent>(), kernel_of<slack>()};
  return &kernels;
}
