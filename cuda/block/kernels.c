/* Which kernels a problem gets. */
#include "cuda/block/launch.h"

const neurlp_cuda_kernels *neurlp_cuda_kernels_of(neurlp_precision precision) {
  switch (precision) {
  case NEURLP_SINGLE:
    return neurlp_cuda_kernels_single();
  case NEURLP_MIXED:
    return neurlp_cuda_kernels_mixed();
  case NEURLP_DOUBLE:
    break;
  }
  return neurlp_cuda_kernels_double();
}

const neurlp_cuda_sized *neurlp_cuda_sized_find(const neurlp_problem *problem) {
  const bool single = problem->shape.precision == NEURLP_SINGLE;
  if (problem->shape.precision == NEURLP_MIXED || problem->one_factor) return NULL;
  const neurlp_cuda_sized *few =
      single ? neurlp_cuda_registers_single(problem) : neurlp_cuda_registers_double(problem);
  if (few) return few;
  return single ? neurlp_cuda_cells_single(problem) : neurlp_cuda_cells_double(problem);
}
