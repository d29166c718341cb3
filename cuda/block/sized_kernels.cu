/* Kernels of the block for numbers of unknowns that are common, and known here. For hermite rows and initial
 * values that are hard, at the first step or none: then no index of a row depends on anything but those
 * sizes, and the rows that are being eliminated can be in registers. They are for few unknowns; with more of
 * them, where registers do not suffice, this file is compiled once more, without NEURLP_ROWS_IN_REGISTERS. */
#define NEURLP_SIZES_KNOWN 1
#include "cuda/block/launch.h"

#include "block/sweep/adjoint.h"
#include "block/sweep/solve.h"
#include "block/sweep/variants.h"
#include "cuda/block/thread.h"

/* All steps. The edges of the grid have nothing but hard values at the first step. */
static __forceinline__ __host__ __device__ void factorise_rows(neurlp_tile *tile, sweep_sizes z,
                                                               int32_t columns) {
  sweep_sizes edge = z, inside = z;
  edge.edge = 1;
  inside.edge = 0;
  sweep_begin(tile, edge, columns);
  rows_equations(tile, edge, columns, 0, 0, tile->low);
  sweep_eliminate_own(tile, edge, columns, 0, z.equations);
  sweep_smoothness(tile, edge, columns, 0);
  sweep_keep(tile, edge, columns, 0);
  for (int32_t t = 1; t + 1 < tile->steps; t++) {
    sweep_carry(tile, inside, columns, t);
    sweep_smoothness(tile, inside, columns, t);
    sweep_keep(tile, inside, columns, t);
  }
  sweep_carry(tile, inside, columns, tile->steps - 1);
  sweep_keep(tile, inside, columns, tile->steps - 1);
}

template <int32_t D, int32_t derivatives>
static __forceinline__ __host__ __device__ void factorise(neurlp_tile *tile, sweep_sizes z, int32_t columns) {
#if defined(NEURLP_ROWS_IN_REGISTERS)
  enum { UNKNOWNS = D * derivatives, STRIDE = 2 * UNKNOWNS + 1, LOW = UNKNOWNS + D };
  lanes top[UNKNOWNS * STRIDE], low[LOW * STRIDE], square[UNKNOWNS];
  tile->top = top;
  tile->low = low;
  tile->square = square;
#endif
  factorise_rows(tile, z, columns);
}

template <int32_t D, int32_t derivatives>
static __forceinline__ __host__ __device__ void solve(const neurlp_tile_job *job) {
  solve_tile(job, plain(D, derivatives, D, 1), factorise<D, derivatives>);
}

template <int32_t D, int32_t derivatives>
static __forceinline__ __host__ __device__ void adjoint(const neurlp_tile_job *job) {
  adjoint_tile(job, plain(D, derivatives, D, 1), factorise<D, derivatives>);
}

template <int32_t D, int32_t derivatives> static const neurlp_cuda_sized *sized(void) {
  enum { TIGHT = 5, CHOICE = D * derivatives == TIGHT ? 0 : BLOCKS };
  static const neurlp_cuda_sized kernels = {kernel_of<solve<D, derivatives>, CHOICE>(),
                                            kernel_of<adjoint<D, derivatives>, CHOICE>()};
  return &kernels;
}

extern "C" const neurlp_cuda_sized *NEURLP_KERNELS(const neurlp_problem *problem) {
  const sweep_sizes z = sizes_of(problem);
  if (!problem->hard || problem->hard_steps > 1) return NULL;
#if defined(NEURLP_ROWS_IN_REGISTERS)
  if (same(z, 1, 2)) return sized<1, 2>();
  if (same(z, 1, 3)) return sized<1, 3>();
  if (same(z, 1, 4)) return sized<1, 4>();
  if (same(z, 1, 5)) return sized<1, 5>();
#else
  if (same(z, 2, 3)) return sized<2, 3>();
  if (same(z, 3, 3)) return sized<3, 3>();
#endif
  return NULL;
}
