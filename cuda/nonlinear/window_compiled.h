/* Kernels that NVRTC compiles when the equations are known. It is given this text, and before it
 *
 *   NEURLP_COMPILED_EQUATIONS   so that they are not interpreted
 *   NEURLP_FLOW_OUTPUTS         outputs that f needs, the first ones
 *   NEURLP_ALL_OUTPUTS          all of them
 *   "equations.h"               the statements of a model's programs: of `full` where NEURLP_FULL_EQUATIONS
 * is defined, else of `basic`
 *
 * so there is no guard. */
#include "cuda/nonlinear/window_equations.h"

extern "C" __global__ void __launch_bounds__(BLOCK, BLOCKS)
    compiled_fill_point(const __grid_constant__ given w) {
  run_tasks<fill_point>(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

extern "C" __global__ void __launch_bounds__(BLOCK, BLOCKS)
    compiled_contract(const __grid_constant__ given w) {
  run_tasks<contract>(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

extern "C" __global__ void __launch_bounds__(BLOCK, BLOCKS) compiled_march(const __grid_constant__ given w) {
  run_tasks<march>(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}
