/* What depends on which samples are present and have not failed. */
#include "cuda/graph/sample_kernels.h"

#include "cuda/device/interpret.h"
#include "cuda/graph/kernel_body.h"
#include "graph/operation.h"

enum { L = NEURLP_CUDA_GROUP };

template <typename number>
NEURLP_ANYWHERE void set_number(const neurlp_cuda_set_number *w, int64_t thread, int64_t) {
  if (thread == 0) *(number *)w->to = (number)w->number;
}

template <typename number>
NEURLP_ANYWHERE void gather(const neurlp_cuda_gather *w, int64_t thread, int64_t threads) {
  for (int64_t i = thread; i < w->count; i += threads) w->to[i] = (double)*(const number *)w->from[i];
}

NEURLP_ANYWHERE bool counts(const neurlp_cuda_run *run, const int32_t *statuses, int64_t s) {
  return s < run->present && statuses[s] == 0;
}

/* ---- losses (graph/cpu/loss.c) ----------------------------------------------------------------------- */

/* Sums of every parts-th number of a sample: of errors, of squares of targets, of how many are known. */
template <typename number>
NEURLP_ANYWHERE void loss_parts(const neurlp_cuda_loss *w, int64_t thread, int64_t threads) {
  for (int64_t task = thread; task < w->samples * w->parts; task += threads) {
    const int64_t s = task / w->parts;
    const number *x = (const number *)w->x + s * w->each, *target = (const number *)w->target + s * w->each;
    double errors = 0, squares = 0, known = 0;
    for (int64_t i = task % w->parts; i < w->each && counts(w->run, w->statuses, s); i += w->parts) {
      const double t = (double)target[i], error = (double)x[i] - t;
      if (t != t) continue;
      errors += w->kind == NEURLP_LOSS_ABSOLUTE ? fabs(error) : error * error;
      squares += t * t;
      known += 1;
    }
    double *to = w->workspace + 3 * task;
    to[0] = errors;
    to[1] = squares;
    to[2] = known;
  }
}

NEURLP_ANYWHERE void loss_values(const neurlp_cuda_loss *w, int64_t thread, int64_t threads) {
  for (int64_t s = thread; s < w->samples; s += threads) {
    double errors = 0, squares = 0, known = 0;
    for (int64_t part = 0; part < w->parts; part++) {
      const double *from = w->workspace + 3 * (s * w->parts + part);
      errors += from[0];
      squares += from[1];
      known += from[2];
    }
    const double unit = w->kind == NEURLP_LOSS_RELATIVE && squares > 0 ? squares / known : 1;
    w->values[s] = errors / (double)w->each / unit;
    w->values[w->samples + s] = unit;
  }
}

template <typename number>
NEURLP_ANYWHERE void loss_slopes(const neurlp_cuda_loss *w, int64_t thread, int64_t threads) {
  const double seed = (double)*(const number *)w->gradient * w->run->weight / (double)w->each;
  const number *x = (const number *)w->x, *target = (const number *)w->target;
  number *dx = (number *)w->dx;
  for (int64_t i = thread; i < w->samples * w->each; i += threads) {
    const int64_t s = i / w->each;
    const double t = (double)target[i], error = (double)x[i] - t;
    if (t != t || !counts(w->run, w->statuses, s)) continue;
    const double slope = w->kind == NEURLP_LOSS_ABSOLUTE ? (double)((error > 0) - (error < 0)) : 2 * error;
    dx[i] += (number)(seed / w->values[w->samples + s] * slope);
  }
}

template <typename number> NEURLP_ANYWHERE void total(const neurlp_cuda_total *w, int64_t thread, int64_t) {
  double sum = 0;
  if (thread != 0) return;
  for (int64_t i = 0; i < w->count; i++) sum += w->from[i];
  const double share = w->shared ? w->run->weight * (double)w->run->present : w->run->weight;
  *(number *)w->to = (number)(share * sum);
}

/* ---- penalties (graph/cpu/penalty.c) ----------------------------------------------------------------- */

template <typename number>
NEURLP_ANYWHERE void penalty_sums(const neurlp_cuda_penalty *w, int64_t thread, int64_t threads) {
  const number *x = (const number *)w->x;
  for (int64_t part = thread; part < w->parts; part += threads) {
    double sum = 0;
    for (int64_t i = part; i < w->numbers; i += w->parts)
      sum += w->absolute ? fabs((double)x[i]) : (double)x[i] * (double)x[i];
    w->sums[part] = sum;
  }
}

template <typename number>
NEURLP_ANYWHERE void penalty_slopes(const neurlp_cuda_penalty *w, int64_t thread, int64_t threads) {
  const double share = w->run->weight * (double)w->run->present;
  const number factor = (number)((double)*(const number *)w->gradient * share), twice = 2 * factor;
  const number *x = (const number *)w->x;
  number *dx = (number *)w->dx;
  for (int64_t i = thread; i < w->numbers; i += threads)
    dx[i] += w->absolute ? factor * (number)((x[i] > 0) - (x[i] < 0)) : twice * x[i];
}

/* ---- systems of blocks ------------------------------------------------------------------------------- */

NEURLP_ANYWHERE void note_failed(const neurlp_cuda_note *w, int64_t thread, int64_t threads) {
  for (int64_t s = thread; s < w->samples; s += threads)
    for (int64_t b = 0; b < w->blocks && w->statuses[s] == 0; b++)
      w->statuses[s] = w->systems[s * w->blocks + b];
}

/* ---- libraries (graph/cpu/library.c) ----------------------------------------------------------------- */

/* What an instruction loads: a number of the point, or a parameter. */
template <typename number>
NEURLP_ANYWHERE double load_symbol(const neurlp_cuda_library *w, int64_t point, int32_t index) {
  if (index < w->variables) return (double)((const number *)w->x)[point * w->variables + index];
  return (double)((const number *)w->theta)[index - w->variables];
}

/* The program at one point; output i goes to `store`. */
template <typename number, typename storing>
NEURLP_ANYWHERE void interpret(const neurlp_cuda_library *w, int64_t point, double *slots,
                               const storing &store) {
  for (int32_t i = 0; i < w->count; i++) {
    const neurlp_instruction *in = &w->instructions[i];
    if (in->code == NEURLP_CODE_STORE)
      store(in->index, slots[in->a * L]);
    else if (in->code == NEURLP_CODE_LOAD)
      slots[in->to * L] = load_symbol<number>(w, point, in->index);
    else
      slots[in->to * L] = calculate<double>(in, slots);
  }
}

NEURLP_ANYWHERE double *slots_of(const neurlp_cuda_library *w, int64_t thread) {
  return w->workspace + thread / L * w->slots * L + thread % L;
}

NEURLP_ANYWHERE bool point_counts(const neurlp_cuda_library *w, int64_t point) {
  return w->per_sample == 0 || counts(w->run, w->statuses, point / w->per_sample);
}

template <typename number> struct store_values {
  number *y;
  __forceinline__ __host__ __device__ void operator()(int32_t i, double value) const {
    y[i] = (number)value;
  }
};

template <typename number>
NEURLP_ANYWHERE void library_values(const neurlp_cuda_library *w, int64_t thread, int64_t) {
  for (int64_t point = thread; point < w->points && thread < w->threads; point += w->threads) {
    const store_values<number> store = {(number *)w->y + point * w->terms};
    if (point_counts(w, point))
      interpret<number>(w, point, slots_of(w, thread), store);
    else
      for (int32_t i = 0; i < w->terms; i++) store.y[i] = 0;
  }
}

/* Adds what a derivative makes of the term's gradient, also where the derivative is infinite. */
template <typename number> struct add_slopes {
  const neurlp_cuda_library *w;
  const number *dy;
  number *dx;
  double *dtheta;
  __forceinline__ __host__ __device__ void operator()(int32_t i, double slope) const {
    const double d = (double)dy[w->term[i]], part = d == 0 ? 0 : d * slope;
    const int32_t symbol = w->symbol[i];
    if (symbol >= w->variables)
      dtheta[(symbol - w->variables) * w->threads] += part;
    else if (dx)
      dx[symbol] += (number)part;
  }
};

template <typename number>
NEURLP_ANYWHERE void library_slopes(const neurlp_cuda_library *w, int64_t thread, int64_t) {
  if (thread >= w->threads) return;
  for (int32_t i = 0; i < w->parameters; i++) w->dtheta[i * w->threads + thread] = 0;
  for (int64_t point = thread; point < w->points; point += w->threads) {
    const add_slopes<number> store = {w, (const number *)w->y + point * w->terms,
                                      w->dx ? (number *)w->dx + point * w->variables : NULL,
                                      w->dtheta + thread};
    if (point_counts(w, point)) interpret<number>(w, point, slots_of(w, thread), store);
  }
}

#define KERNELS(number)                                                                                      \
  {                                                                                                          \
    NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_set_number, set_number<number>),                                      \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_gather, gather<number>),                                          \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_loss, loss_parts<number>),                                        \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_loss, loss_values),                                               \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_loss, loss_slopes<number>),                                       \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_total, total<number>),                                            \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_penalty, penalty_sums<number>),                                   \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_penalty, penalty_slopes<number>),                                 \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_note, note_failed),                                               \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_library, library_values<number>),                                 \
        NEURLP_CUDA_KERNEL_ROW(neurlp_cuda_library, library_slopes<number>)                                  \
  }

extern "C" const neurlp_cuda_sample_kernels *neurlp_cuda_sample_kernels_of(bool single) {
  static const neurlp_cuda_sample_kernels kernels[2] = {KERNELS(double), KERNELS(float)};
  return &kernels[single];
}

#undef KERNELS
