/* Kernels between and after the two passes over pieces of time. */
#include "cuda/block/cut_kernels.h"

#include "block/sweep/merge.h"

enum { BLOCK = 64 };

/* What a thread does with all arguments of one kind: a function, so that a kernel is one for each of them. */
template <typename arguments, void (*body)(const arguments *, int64_t, int64_t)>
__global__ void __launch_bounds__(BLOCK) run(const __grid_constant__ arguments a) {
  body(&a, (int64_t)blockIdx.x * BLOCK + threadIdx.x, (int64_t)gridDim.x * BLOCK);
}

template <typename arguments, void (*body)(const arguments *, int64_t, int64_t)>
static void imitate(const void *a, int64_t thread, int64_t threads) {
  body((const arguments *)a, thread, threads);
}

template <typename arguments, void (*body)(const arguments *, int64_t, int64_t)>
static const neurlp_cuda_kernel *kernel_of(void) {
  static const neurlp_cuda_kernel kernel = {(const void *)run<arguments, body>, imitate<arguments, body>,
                                            BLOCK};
  return &kernel;
}

static __host__ __device__ neurlp_status first_failure(const neurlp_status *status, neurlp_run run) {
  neurlp_status found = NEURLP_SUCCESS;
  for (int64_t i = 0; i < run.count; i++)
    if (found == NEURLP_SUCCESS) found = status[run.first + i];
  return found;
}

static __host__ __device__ void merge(const neurlp_cuda_merge *a, int64_t thread, int64_t) {
  const int64_t numbers = a->layout.numbers, kept = merge_kept_numbers(a->layout);
  if (thread >= a->threads) return;
  double *work = a->work + thread * merge_work_numbers(a->layout);
  for (int64_t i = thread; i < a->runs; i += a->threads) {
    const neurlp_run run = a->list[i];
    neurlp_status status = first_failure(a->here.status, run);
    if (status == NEURLP_SUCCESS)
      status = merge_run(a->layout, a->here.ends + run.first * numbers, run.count, a->normal, a->epsilon,
                         work, a->here.kept + run.first * kept, a->above.ends + i * numbers);
    a->above.status[i] = status;
  }
}

static __host__ __device__ void spread(const neurlp_cuda_merge *a, int64_t thread, int64_t threads) {
  const int64_t size = a->layout.unknowns * a->layout.columns, kept = merge_kept_numbers(a->layout);
  for (int64_t i = thread; i < a->runs; i += threads) {
    const neurlp_run run = a->list[i];
    const neurlp_status status = a->above.status[i];
    for (int64_t p = run.first; p < run.first + run.count; p++) a->here.status[p] = status;
    if (status != NEURLP_SUCCESS) continue;
    const double *first = a->joints + a->here.start[run.first] * size;
    for (int64_t p = run.first + run.count - 2; p >= run.first; p--)
      merge_solve(a->layout, a->here.kept + p * kept, a->joints + a->here.end[p + 1] * size, first,
                  a->joints + a->here.end[p] * size);
  }
}

static __host__ __device__ void solve_chain(const neurlp_cuda_chain *a, int64_t thread, int64_t threads) {
  const int64_t size = a->layout.unknowns * a->layout.columns, numbers = a->layout.numbers;
  for (int64_t s = thread; s < a->systems; s += threads) {
    const neurlp_run run = a->list[s];
    neurlp_status status = a->head_status[s];
    if (status == NEURLP_SUCCESS) status = first_failure(a->here.status, run);
    double *work = a->work + s * a->work_numbers;
    double *x = work + neurlp_chain_numbers(a->layout, run.count + 1);
    if (status == NEURLP_SUCCESS && run.count > 0)
      status = neurlp_chain_solve(a->layout, a->head_ends + s * numbers, a->here.ends + run.first * numbers,
                                  run.count + 1, a->normal, a->epsilon, work, x);
    for (int64_t i = 0; i <= run.count && run.count > 0 && status == NEURLP_SUCCESS; i++) {
      const int64_t joint = i == 0 ? a->heads[s].joint : a->here.end[run.first + i - 1];
      memcpy(a->joints + joint * size, x + i * size, (size_t)size * sizeof(double));
    }
    a->head_status[s] = status;
    for (int64_t i = 0; i < run.count; i++) a->here.status[run.first + i] = status;
  }
}

static __host__ __device__ void settle(const neurlp_cuda_settle *a, int64_t thread, int64_t threads) {
  for (int64_t s = thread; s < a->systems; s += threads) {
    const neurlp_status head = a->heads[s], others = first_failure(a->pieces, a->list[s]);
    a->status[s] = head == NEURLP_SUCCESS ? others : head;
  }
}

template <typename number>
static __host__ __device__ void collect(const neurlp_cuda_collect *a, int64_t thread, int64_t threads) {
  const number *parts = (const number *)a->parts;
  number *to = (number *)a->to;
  for (int64_t task = thread; task < a->systems * a->width; task += threads) {
    const int64_t s = task / a->width, i = task % a->width;
    const neurlp_run run = a->list[s];
    number sum = parts[s * a->part_numbers + i];
    for (int64_t p = run.first; p < run.first + run.count; p++)
      sum += parts[(a->systems + p) * a->part_numbers + i];
    to[task] = sum;
  }
}

template <typename number>
static __host__ __device__ void finish(const neurlp_cuda_finish *a, int64_t thread, int64_t threads) {
  number *array = (number *)a->array;
  for (int64_t task = thread; task < a->systems * a->per_system; task += threads) {
    const int64_t s = task / a->per_system, i = task % a->per_system;
    const int32_t length = (a->lengths ? a->lengths[s] : a->steps) - a->intervals;
    if (a->status[s] != NEURLP_SUCCESS)
      array[task] = (number)NAN;
    else if (a->step_stride > 0 && i >= length * a->step_stride)
      array[task] = (number)0;
  }
}

extern "C" {
const neurlp_cuda_kernel *neurlp_cuda_merge_kernel(void) {
  return kernel_of<neurlp_cuda_merge, merge>();
}
const neurlp_cuda_kernel *neurlp_cuda_spread_kernel(void) {
  return kernel_of<neurlp_cuda_merge, spread>();
}
const neurlp_cuda_kernel *neurlp_cuda_chain_kernel(void) {
  return kernel_of<neurlp_cuda_chain, solve_chain>();
}
const neurlp_cuda_kernel *neurlp_cuda_settle_kernel(void) {
  return kernel_of<neurlp_cuda_settle, settle>();
}
const neurlp_cuda_kernel *neurlp_cuda_collect_kernel(bool single) {
  return single ? kernel_of<neurlp_cuda_collect, collect<float>>()
                : kernel_of<neurlp_cuda_collect, collect<double>>();
}
const neurlp_cuda_kernel *neurlp_cuda_finish_kernel(bool single) {
  return single ? kernel_of<neurlp_cuda_finish, finish<float>>()
                : kernel_of<neurlp_cuda_finish, finish<double>>();
}
}
