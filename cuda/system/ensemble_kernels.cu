/* Ensembles: the steps of system/ensemble_steps.h for one trajectory, and an interpreter for its equations.
 */
#include "cuda/system/ensemble_kernels.h"

#include "cuda/device/interpret.h"
#include "system/tableau.h"

#include <float.h>
#include <math.h>

enum { BLOCK = 64, L = NEURLP_CUDA_GROUP }; /* numbers of a thread are as far apart as threads are many */

#define LANES(t) 1
#define UNROLLED _Pragma("unroll 1")

/* Where numbers of one thread are. */
template <typename number> struct interpreted {
  const neurlp_ensemble_call *call;
  const neurlp_instruction *instructions;
  int32_t count;
  number *slots;
};

/* What an instruction loads: a state, a parameter or the time. */
template <typename number>
NEURLP_ANYWHERE number load(const neurlp_ensemble_call *call, int32_t index, double time,
                            const number *parameters, const number *at) {
  const int32_t n = call->size;
  if (index < n) return at[index * L];
  return index < n + call->parameters_count ? parameters[(index - n) * L] : (number)time;
}

/* Not inline: it is called from every stage. */
template <typename number>
static __noinline__ __host__ __device__ void interpret(const interpreted<number> *f, double time,
                                                       const number *parameters, const number *at,
                                                       number *derivative) {
  const int32_t order = f->call->order;
  for (int32_t i = 0; i < f->count; i++) {
    const neurlp_instruction *in = &f->instructions[i];
    if (in->code == NEURLP_CODE_STORE)
      derivative[(in->index * order + order - 1) * L] = f->slots[in->a * L];
    else if (in->code == NEURLP_CODE_LOAD)
      f->slots[in->to * L] = load(f->call, in->index, time, parameters, at);
    else
      f->slots[in->to * L] = calculate<number>(in, f->slots);
  }
  for (int32_t k = 0; k < f->call->dimensions; k++)
    for (int32_t j = 0; j < order - 1; j++) derivative[(k * order + j) * L] = at[(k * order + j + 1) * L];
}

/* The steps, in either precision. */
#define EVALUATE(number)                                                                                     \
  typedef interpreted<number> vector_field;                                                                  \
  NEURLP_ANYWHERE void evaluate(const vector_field *field, int32_t, const double *times,                     \
                                const number *parameters, const number *at, number *derivative) {            \
    interpret(field, *times, parameters, at, derivative);                                                    \
  }

namespace in_double {
#define REAL  double
#define POINT double
EVALUATE(double)
#include "system/ensemble_steps.h"
#undef REAL
#undef POINT
} // namespace in_double

namespace in_single {
#define REAL  float
#define POINT float
EVALUATE(float)
#include "system/ensemble_steps.h"
#undef REAL
#undef POINT
} // namespace in_single

/* All trajectories of one thread. Its workspace: state, trial, stages, parameters, slots. */
template <typename number, typename tile, int64_t (*integrate)(tile *, int64_t)>
NEURLP_ANYWHERE void run_thread(const neurlp_cuda_ensemble *e, int64_t thread) {
  if (thread >= e->threads) return;
  const int32_t n = e->call.size;
  number *numbers = (number *)((unsigned char *)e->workspace + (size_t)(thread / L) * e->group_bytes);
  numbers += thread % L;
  double time = 0.0;
  neurlp_ensemble_lane lane;
  tile t;
  interpreted<number> field = {&e->call, e->instructions, e->count, nullptr};
  t.call = &e->call;
  t.field = &field;
  t.n = n;
  t.state = numbers;
  t.trial = numbers + n * L;
  for (int32_t i = 0; i < NEURLP_TABLEAU_STAGES; i++) t.stages[i] = numbers + (2 + i) * n * L;
  t.parameters = numbers + (2 + NEURLP_TABLEAU_STAGES) * n * L;
  field.slots = t.parameters + e->call.parameters_count * L;
  t.times = &time;
  t.lane = &lane;
  for (int64_t first = thread; first < e->call.systems; first += e->threads) {
    t.lanes = 1;
    t.failed = 0;
    integrate(&t, first);
  }
}

template <typename number, typename tile, int64_t (*integrate)(tile *, int64_t)>
__global__ void __launch_bounds__(BLOCK) run(const __grid_constant__ neurlp_cuda_ensemble e) {
  run_thread<number, tile, integrate>(&e, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

template <typename number, typename tile, int64_t (*integrate)(tile *, int64_t)>
static void imitate(const void *arguments, int64_t thread, int64_t) {
  run_thread<number, tile, integrate>((const neurlp_cuda_ensemble *)arguments, thread);
}

template <typename number, typename tile, int64_t (*integrate)(tile *, int64_t)>
static neurlp_cuda_kernel kernel_of(void) {
  return {(const void *)run<number, tile, integrate>, imitate<number, tile, integrate>, BLOCK};
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_rk4_kernel(bool single) {
  static const neurlp_cuda_kernel kernels[2] = {kernel_of<double, in_double::tile, in_double::rk4_tile>(),
                                                kernel_of<float, in_single::tile, in_single::rk4_tile>()};
  return &kernels[single];
}

extern "C" const neurlp_cuda_kernel *neurlp_cuda_tsit5_kernel(bool single) {
  static const neurlp_cuda_kernel kernels[2] = {kernel_of<double, in_double::tile, in_double::tsit5_tile>(),
                                                kernel_of<float, in_single::tile, in_single::tsit5_tile>()};
  return &kernels[single];
}
