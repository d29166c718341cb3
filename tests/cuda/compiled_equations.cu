/* The kernels that NVRTC would make for the test's model, made by nvcc, for the CPU. */
#include "defines.h"

#include "cuda/nonlinear/window_equations.h"

extern "C" void compiled_fill_point(const neurlp_cuda_windows *w, int64_t place, double *workspace) {
  fill_point(w, place, workspace);
}

extern "C" void compiled_contract(const neurlp_cuda_windows *w, int64_t place, double *workspace) {
  contract(w, place, workspace);
}

extern "C" void compiled_march(const neurlp_cuda_windows *w, int64_t position, double *workspace) {
  march(w, position, workspace);
}
