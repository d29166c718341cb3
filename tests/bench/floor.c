#include "bench/competitors.h"

#include <omp.h>

#include <string.h>

enum { STREAM_ARRAYS = 2 * BENCH_INPUTS + 2 };

/* Arrays of one call, seen as one long row of words of four bytes, whatever their precision. */
typedef struct stream {
  int32_t arrays;
  uint32_t *start[STREAM_ARRAYS];
  int64_t size[STREAM_ARRAYS];
} stream;

static void add(stream *to, const bench_batch *batch, void *start, int64_t numbers) {
  to->start[to->arrays] = start;
  to->size[to->arrays++] = numbers * (int64_t)(bench_number_bytes(&batch->shape) / sizeof(uint32_t));
}

static int64_t total(const stream *all) {
  int64_t sum = 0;
  for (int32_t i = 0; i < all->arrays; i++) sum += all->size[i];
  return sum;
}

/* The longest piece of memory from this word on, at most `most` words. */
static uint32_t *piece(const stream *all, int64_t from, int64_t *most) {
  int32_t i = 0;
  while (i + 1 < all->arrays && from >= all->size[i]) from -= all->size[i++];
  if (*most > all->size[i] - from) *most = all->size[i] - from;
  return all->start[i] + from;
}

/* Sum as integers, which the compiler may reorder and so turn into vector instructions. */
static uint32_t read_words(const uint32_t *x, int64_t count) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < count; i++) {
    uint32_t word;
    memcpy(&word, x + i, sizeof word);
    sum += word;
  }
  return sum;
}

static uint32_t copy(const stream *in, int64_t first_in, int64_t end_in, const stream *out, int64_t first_out,
                     int64_t end_out) {
  uint32_t sum = 0;
  while (first_in < end_in || first_out < end_out) {
    int64_t count = 8192;
    uint32_t *from = NULL, *to = NULL;
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
      memset(to, 0, (size_t)count * sizeof *to);
    else
      sum += read_words(from, count);
    if (from) first_in += count;
    if (to) first_out += count;
  }
  return sum;
}

/* Less than this many words is copied sooner by one thread than shared. */
enum { WORTH_SHARING = 1 << 16 };

/* Each thread takes an equal share of both. */
static double run(const stream *in, const stream *out) {
  uint32_t sum = 0;
  const int64_t reads = total(in), writes = total(out);
#pragma omp parallel reduction(+ : sum) if (reads + writes >= WORTH_SHARING)
  {
    const int64_t i = omp_get_thread_num(), of = omp_get_num_threads();
    sum += copy(in, reads * i / of, reads * (i + 1) / of, out, writes * i / of, writes * (i + 1) / of);
  }
  return (double)sum;
}

/* What a call on a prepared solver is not given: the left-hand side. */
static bool left_out(const bench_batch *batch, int32_t array) {
  return bench_is_shared(&batch->shape) && (array == BENCH_COEFFICIENTS || array == BENCH_STEPS);
}

static void add_inputs(stream *to, const bench_batch *batch, void *const *inputs) {
  for (int32_t i = 0; i < BENCH_INPUTS; i++)
    if (!left_out(batch, i)) add(to, batch, inputs[i], batch->shape.systems * batch->size[i]);
}

static void add_solution(stream *to, const bench_batch *batch, void *solution) {
  add(to, batch, solution, batch->shape.systems * batch->size[BENCH_SOLUTION]);
}

double bench_floor_forward(const bench_batch *batch, const bench_outputs *outputs) {
  stream in = {0}, out = {0};
  add_inputs(&in, batch, batch->input);
  add_solution(&out, batch, outputs->array[BENCH_SOLUTION]);
  return run(&in, &out);
}

/* Gradients of right-hand sides and values alone, and tangents along them, need no solution. */
double bench_floor_adjoint(const bench_batch *batch, const bench_outputs *outputs) {
  stream in = {0}, out = {0};
  if (!bench_is_shared(&batch->shape)) {
    add_inputs(&in, batch, batch->input);
    add_solution(&in, batch, outputs->array[BENCH_SOLUTION]);
  }
  add_solution(&in, batch, batch->grad_output);
  add_inputs(&out, batch, outputs->array);
  return run(&in, &out);
}

double bench_floor_tangent(const bench_batch *batch, const bench_outputs *outputs) {
  stream in = {0}, out = {0};
  if (!bench_is_shared(&batch->shape)) {
    add_inputs(&in, batch, batch->input);
    add_solution(&in, batch, outputs->array[BENCH_SOLUTION]);
  }
  add_inputs(&in, batch, batch->direction);
  add_solution(&out, batch, batch->tangent);
  return run(&in, &out);
}
