#include "bench/competitors.h"

#include <omp.h>

#include <string.h>

enum { ARRAYS = 6 };

/* Arrays of one call, seen as one long row of numbers. */
typedef struct stream {
  int32_t arrays;
  double *start[ARRAYS];
  int64_t size[ARRAYS];
} stream;

static void add(stream *to, double *start, int64_t size) {
  to->start[to->arrays] = start;
  to->size[to->arrays++] = size;
}

static int64_t total(const stream *all) {
  int64_t sum = 0;
  for (int32_t i = 0; i < all->arrays; i++) sum += all->size[i];
  return sum;
}

/* The longest piece of memory from this number on, at most `most` numbers. */
static double *piece(const stream *all, int64_t from, int64_t *most) {
  int32_t i = 0;
  while (i + 1 < all->arrays && from >= all->size[i]) from -= all->size[i++];
  if (*most > all->size[i] - from) *most = all->size[i] - from;
  return all->start[i] + from;
}

/* Sum of the numbers as integers, which the compiler may reorder and so turn into vector instructions. */
static uint64_t read_numbers(const double *x, int64_t count) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++) {
    uint64_t bits;
    memcpy(&bits, x + i, sizeof bits);
    sum += bits;
  }
  return sum;
}

static uint64_t copy(const stream *in, int64_t first_in, int64_t end_in, const stream *out, int64_t first_out,
                     int64_t end_out) {
  uint64_t sum = 0;
  while (first_in < end_in || first_out < end_out) {
    int64_t count = 4096;
    double *from = NULL, *to = NULL;
    if (first_in < end_in) {
      if (count > end_in - first_in) count = end_in - first_in;
      from = piece(in, first_in, &count);
    }
    if (first_out < end_out) {
      if (count > end_out - first_out) count = end_out - first_out;
      to = piece(out, first_out, &count);
    }
    if (from && to)
      memcpy(to, from, (size_t)count * sizeof *to);
    else if (to)
      for (int64_t i = 0; i < count; i++) to[i] = 1;
    else
      sum += read_numbers(from, count);
    if (from) first_in += count;
    if (to) first_out += count;
  }
  return sum;
}

/* Less than this many numbers is copied sooner by one thread than shared. */
enum { WORTH_SHARING = 1 << 15 };

/* Each thread takes an equal share of both. */
static double run(const stream *in, const stream *out) {
  uint64_t sum = 0;
  const int64_t reads = total(in), writes = total(out);
#pragma omp parallel reduction(+ : sum) if (reads + writes >= WORTH_SHARING)
  {
    const int64_t i = omp_get_thread_num(), of = omp_get_num_threads();
    sum += copy(in, reads * i / of, reads * (i + 1) / of, out, writes * i / of, writes * (i + 1) / of);
  }
  return (double)sum;
}

static stream inputs_of(const bench_batch *batch) {
  const int64_t S = batch->shape.systems;
  stream in = {0};
  add(&in, batch->coefficients, S * batch->size_coefficients);
  add(&in, batch->rhs, S * batch->size_rhs);
  add(&in, batch->initial_values, S * batch->size_initial_values);
  add(&in, batch->steps, S * batch->size_steps);
  return in;
}

double bench_floor_forward(const bench_batch *batch, const bench_outputs *outputs) {
  const stream in = inputs_of(batch);
  stream out = {0};
  add(&out, outputs->solution, batch->shape.systems * batch->size_solution);
  return run(&in, &out);
}

double bench_floor_adjoint(const bench_batch *batch, const bench_outputs *outputs) {
  const int64_t S = batch->shape.systems;
  stream in = inputs_of(batch), out = {0};
  add(&in, outputs->solution, S * batch->size_solution);
  add(&in, batch->grad_output, S * batch->size_solution);
  add(&out, outputs->gradients.coefficients, S * batch->size_coefficients);
  add(&out, outputs->gradients.rhs, S * batch->size_rhs);
  add(&out, outputs->gradients.initial_values, S * batch->size_initial_values);
  add(&out, outputs->gradients.steps, S * batch->size_steps);
  return run(&in, &out);
}
