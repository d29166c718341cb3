/* What a thread needs that works on a window, or on a grid point of one: where it is, the equations there,
 * and its kernel; for code that nvcc compiles. */
#ifndef NEURLP_CUDA_WINDOW_THREAD_H
#define NEURLP_CUDA_WINDOW_THREAD_H

#include "cuda/device/interpret.h"
#include "cuda/nonlinear/window_kernels.h"

enum { BLOCK = 64, BLOCKS = 8, L = NEURLP_CUDA_GROUP };

typedef neurlp_cuda_windows given;

NEURLP_ANYWHERE int64_t states_of(const given *w) {
  return (int64_t)w->model.dimensions * w->model.order;
}

NEURLP_ANYWHERE const neurlp_cuda_window *window_at(const given *w, int64_t position) {
  return &w->windows[w->selected[position]];
}

NEURLP_ANYWHERE int64_t position_of(const given *w, int64_t slot) {
  return w->position ? w->position[slot] : w->first_position + slot;
}

/* Where state symbol v = k kappa + j is among the unknowns of a step. */
NEURLP_ANYWHERE int64_t unknown_of(const given *w, int64_t v) {
  return v / w->model.order * w->width + v % w->model.order;
}

/* ---- equations --------------------------------------------------------------------------------------- */

/* Parts of a thread's workspace; neighbouring numbers are L apart. */
struct evaluation {
  double *x, *slots, *outputs, *flow, *jacobian, *more;
};

NEURLP_ANYWHERE evaluation parts_of(const given *w, double *workspace) {
  const int64_t v = states_of(w);
  evaluation e;
  e.x = workspace;
  e.slots = e.x + w->model.symbols * L;
  e.outputs = e.slots + w->model.slots * L;
  e.flow = e.outputs + neurlp_model_outputs(&w->model.code) * L;
  e.jacobian = e.flow + w->model.dimensions * L;
  e.more = e.jacobian + w->model.dimensions * v * L;
  return e;
}

/* Named parameters and the time among the symbols; the states are put there before. */
NEURLP_ANYWHERE void load_symbols(const given *w, const evaluation *e, const double *theta, double time) {
  const int64_t v = states_of(w);
  for (int64_t p = 0; p < w->model.named; p++) e->x[(v + p) * L] = theta[p];
  e->x[(w->model.symbols - 1) * L] = time;
}

#ifdef NEURLP_COMPILED_EQUATIONS

/* x[symbol] and y[output] of the statements in "equations.h", which NVRTC is given; an output that is not
 * wanted costs nothing. */
struct symbol_list {
  const double *x;
  __forceinline__ __host__ __device__ double operator[](int i) const {
    return x[i * L];
  }
};
struct output_list {
  double *outputs, unwanted;
  int wanted;
  __forceinline__ __host__ __device__ double &operator[](int i) {
    return i < wanted ? outputs[i * L] : unwanted;
  }
};

#define EVALUATE(what)                                                                                       \
  typedef double real;                                                                                       \
  const symbol_list x = {e->x};                                                                              \
  output_list y = {e->outputs, 0.0, what}

NEURLP_ANYWHERE void evaluate_flow(const given *, const evaluation *e) {
  EVALUATE(NEURLP_FLOW_OUTPUTS);
#include "equations.h"
}

NEURLP_ANYWHERE void evaluate_basic(const given *, const evaluation *e) {
  EVALUATE(NEURLP_ALL_OUTPUTS);
#include "equations.h"
}

NEURLP_ANYWHERE void evaluate_full(const given *, const evaluation *e) {
  EVALUATE(NEURLP_ALL_OUTPUTS);
#define NEURLP_FULL_EQUATIONS
#include "equations.h"
#undef NEURLP_FULL_EQUATIONS
}

#else

static __noinline__ __host__ __device__ void interpret(const neurlp_instruction *instructions, int32_t count,
                                                       const evaluation *e) {
  for (int32_t i = 0; i < count; i++) {
    const neurlp_instruction *in = &instructions[i];
    if (in->code == NEURLP_CODE_STORE)
      e->outputs[in->index * L] = e->slots[in->a * L];
    else if (in->code == NEURLP_CODE_LOAD)
      e->slots[in->to * L] = e->x[in->index * L];
    else
      e->slots[in->to * L] = calculate<double>(in, e->slots);
  }
}

/* The outputs that f needs; those that its jacobian needs, too; all of them. */
NEURLP_ANYWHERE void evaluate_flow(const given *w, const evaluation *e) {
  interpret(w->model.basic, w->model.flow_count, e);
}

NEURLP_ANYWHERE void evaluate_basic(const given *w, const evaluation *e) {
  interpret(w->model.basic, w->model.basic_count, e);
}

NEURLP_ANYWHERE void evaluate_full(const given *w, const evaluation *e) {
  interpret(w->model.full, w->model.full_count, e);
}

#endif

/* f from the outputs. A term whose coefficient is 0 has no part in it, whatever its value. */
NEURLP_ANYWHERE void assemble_flow(const given *w, const evaluation *e, const double *theta) {
  const neurlp_model_code *code = &w->model.code;
  const int32_t D = w->model.dimensions, terms = code->term_count;
  const double *term = e->outputs + code->known_count * L, *coefficient = theta + w->model.named;
  for (int32_t k = 0; k < D; k++) e->flow[k * L] = 0;
  for (int32_t i = 0; i < code->known_count; i++) e->flow[code->known[i].equation * L] += e->outputs[i * L];
  for (int32_t l = 0; l < terms; l++)
    for (int32_t k = 0; k < D; k++)
      if (coefficient[k * terms + l] != 0) e->flow[k * L] += coefficient[k * terms + l] * term[l * L];
}

/* df/du from the outputs. */
NEURLP_ANYWHERE void assemble_jacobian(const given *w, const evaluation *e, const double *theta) {
  const neurlp_model_code *code = &w->model.code;
  const int32_t D = w->model.dimensions, terms = code->term_count, v = (int32_t)states_of(w);
  const double *known = e->outputs + (code->known_count + terms) * L;
  const double *term = known + code->jacobian_count * L, *coefficient = theta + w->model.named;
  for (int32_t i = 0; i < D * v; i++) e->jacobian[i * L] = 0;
  for (int32_t i = 0; i < code->jacobian_count; i++) {
    const neurlp_model_entry entry = code->jacobian[i];
    e->jacobian[(entry.equation * v + entry.index) * L] += known[i * L];
  }
  for (int32_t i = 0; i < code->term_jacobian_count; i++) {
    const neurlp_model_entry entry = code->term_jacobian[i];
    for (int32_t k = 0; k < D; k++) {
      const double factor = coefficient[k * terms + entry.index];
      if (factor != 0) e->jacobian[(k * v + entry.symbol) * L] += factor * term[i * L];
    }
  }
}

/* The symbols at a grid point. */
NEURLP_ANYWHERE void load_point(const given *w, const neurlp_cuda_window *window, int64_t t,
                                const evaluation *e) {
  const int64_t v = states_of(w), point = window->first_point + t;
  for (int64_t i = 0; i < v; i++) e->x[i * L] = w->state[point * w->unknowns + unknown_of(w, i)];
  load_symbols(w, e, w->theta + window->group * w->model.parameters, w->times[point]);
}

/* The largest over a window's grid of numbers [S][T]. */
NEURLP_ANYWHERE double largest_of(const given *w, int64_t slot, const double *numbers) {
  const int64_t points = window_at(w, position_of(w, slot))->points;
  double largest = 0;
  for (int64_t t = 0; t < points; t++)
    largest = neurlp_nonlinear_larger(largest, numbers[slot * w->steps + t]);
  return largest;
}

/* ---- kernels ----------------------------------------------------------------------------------------- */

template <void (*task)(const given *, int64_t, double *)>
NEURLP_ANYWHERE void run_tasks(const given *w, int64_t thread) {
  if (thread >= w->threads) return;
  double *workspace = w->workspace + thread / L * L * w->numbers + thread % L;
  for (int64_t i = thread; i < w->tasks; i += w->threads) task(w, i, workspace);
}

#ifndef __CUDACC_RTC__

template <void (*task)(const given *, int64_t, double *)>
__global__ void __launch_bounds__(BLOCK, BLOCKS) run(const __grid_constant__ given w) {
  run_tasks<task>(&w, (int64_t)blockIdx.x * BLOCK + threadIdx.x);
}

template <void (*task)(const given *, int64_t, double *)>
static void imitate(const void *arguments, int64_t thread, int64_t) {
  run_tasks<task>((const given *)arguments, thread);
}

template <void (*task)(const given *, int64_t, double *)> static neurlp_cuda_kernel kernel_of(void) {
  return {(const void *)run<task>, imitate<task>, BLOCK};
}

#endif

#endif
