/* The kernel that is compiled while the program runs, when the equations are known: a trajectory for each
 * thread, with everything in registers. NVRTC is given this text, and before it
 *
 *   REAL                      double or float
 *   DIMENSIONS, ORDER         D and the order; n = D * ORDER
 *   PARAMETERS                P
 *   INTEGRATE                 rk4_tile or tsit5_tile
 *   BLOCK                     threads of a block
 *   "equations.h"             the statements that neurlp_program_source makes
 *
 * so there is no guard. */
#include "system/ensemble_call.h"
#include "system/tableau.h"

enum { SIZE = DIMENSIONS * ORDER, L = 1 };

#define POINT    REAL
#define LANES(t) 1
#define UNROLLED _Pragma("unroll")

/* x[symbol] and y[equation] of the statements. */
struct symbols {
  const REAL *state, *parameters;
  REAL time;
  __forceinline__ __device__ REAL operator[](int symbol) const {
    return symbol < SIZE ? state[symbol] : symbol < SIZE + PARAMETERS ? parameters[symbol - SIZE] : time;
  }
};

struct highest_derivatives {
  REAL *derivative;
  __forceinline__ __device__ REAL &operator[](int equation) {
    return derivative[equation * ORDER + ORDER - 1];
  }
};

struct vector_field {};

NEURLP_ANYWHERE void evaluate(const vector_field *, int32_t, const double *times, const REAL *parameters,
                              const REAL *at, REAL *derivative) {
  typedef REAL real;
  const symbols x = {at, parameters, (REAL)*times};
  highest_derivatives y = {derivative};
#include "equations.h"
  UNROLLED for (int k = 0; k < DIMENSIONS; k++) {
    UNROLLED for (int j = 0; j < ORDER - 1; j++) derivative[k * ORDER + j] = at[k * ORDER + j + 1];
  }
}

#include "system/ensemble_steps.h"

extern "C" __global__ void __launch_bounds__(BLOCK)
    trajectories(const __grid_constant__ neurlp_ensemble_call given) {
  const int64_t thread = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (thread >= given.systems) return;
  neurlp_ensemble_call call = given;
  REAL state[SIZE], trial[SIZE], stages[STAGES][SIZE], parameters[PARAMETERS + 1];
  double time = 0.0;
  neurlp_ensemble_lane lane;
  vector_field field;
  tile t;
  call.size = SIZE;
  call.parameters_count = PARAMETERS;
  t.call = &call;
  t.field = &field;
  t.n = SIZE;
  t.lanes = 1;
  t.state = state;
  t.trial = trial;
  UNROLLED for (int i = 0; i < STAGES; i++) t.stages[i] = stages[i];
  t.parameters = parameters;
  t.times = &time;
  t.lane = &lane;
  t.failed = 0;
  INTEGRATE(&t, thread);
}
