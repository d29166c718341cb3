/* Times the block on a GPU, arrays in its memory, as shares of what the GPU can do: its bandwidth (a copy)
 * and its arithmetic (fused multiply-adds), both measured here.
 *
 *   bench_cuda [FILE.csv] */
#include "bench/bench_kernels.h"
#include "cuda/device/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 5 };

static neurlp_context *context;
static neurlp_device *device;
static FILE *csv;
static double copy_rate, fma_rate[2]; /* bytes, operations a second; double, single */

static void stop(const char *what) {
  fprintf(stderr, "bench_cuda: %s: %s\n", what, neurlp_context_message(context));
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *allocate(size_t bytes) {
  void *memory = NULL;
  if (device->operations->allocate(device, bytes, &memory) < 0) stop("allocating");
  return memory;
}

static void finish(void) {
  if (device->operations->wait(device, 0) < 0) stop("waiting");
}

/* ---- what the GPU can do ----------------------------------------------------------------------------- */

static void measure_copy(void) {
  const size_t bytes = (size_t)2 << 30;
  void *from = allocate(bytes), *to = allocate(bytes);
  if (device->operations->set(device, 0, from, 0, bytes) < 0) stop("setting");
  for (int32_t i = 0; i <= REPEATS; i++) {
    finish();
    const double start = seconds();
    if (device->operations->copy(device, 0, to, from, bytes) < 0) stop("copying");
    finish();
    if (i > 0) copy_rate = fmax(copy_rate, 2 * (double)bytes / (seconds() - start));
  }
  device->operations->release(device, &from);
  device->operations->release(device, &to);
}

static void measure_arithmetic(bool single) {
  const int64_t threads = 64 * device->threads;
  void *to = allocate((size_t)threads * sizeof(double));
  const neurlp_bench_fma work = {.to = to, .steps = 4096};
  for (int32_t i = 0; i <= REPEATS; i++) {
    finish();
    const double start = seconds();
    if (device->operations->launch(device, 0, neurlp_bench_fma_kernel(single), threads, &work, sizeof work) <
        0)
      stop("a kernel");
    finish();
    const double operations = 2.0 * NEURLP_BENCH_CHAINS * (double)work.steps * (double)threads;
    if (i > 0) fma_rate[single] = fmax(fma_rate[single], operations / (seconds() - start));
  }
  device->operations->release(device, &to);
}

/* ---- the block --------------------------------------------------------------------------------------- */

typedef struct bench_case {
  const char *what;
  int32_t dimensions, order, steps;
  int64_t systems;
  neurlp_precision precision;
  bool keep;
  int32_t piece_intervals; /* 0: chosen by cost */
} bench_case;

typedef struct bench_arrays {
  neurlp_inputs inputs;
  neurlp_gradients gradients;
  void *solution, *grad_output;
  neurlp_status *status;
} bench_arrays;

/* An array of one number for each entry, on the device: filled on the host, in parts. */
static void *filled(const neurlp_shape *shape, neurlp_array array, double value, double ripple) {
  const neurlp_extents z = neurlp_array_extents(shape, array);
  const int64_t count = neurlp_array_numbers(z, shape->systems), part = 1 << 22;
  const size_t bytes = neurlp_number_bytes(shape);
  const int32_t n = shape->dimensions * (shape->order + 1);
  void *memory = allocate((size_t)count * bytes), *host = NULL;
  if (device->operations->allocate_pinned(device, (size_t)part * bytes, &host) < 0) stop("allocating");
  for (int64_t first = 0; first < count; first += part) {
    const int64_t own = count - first < part ? count - first : part;
    for (int64_t i = 0; i < own; i++) {
      double x = value + ripple * sin(1e-3 * (double)((first + i) % 4099));
      if (array == NEURLP_ARRAY_COEFFICIENTS) { /* x_k' + x_k / 2 + a little of the others */
        const int64_t place = (first + i) % ((int64_t)shape->dimensions * n), e = place / n, c = place % n;
        const int64_t k = c / (shape->order + 1), j = c % (shape->order + 1);
        x = j == 1 && k == e ? 1 : j == 0 ? (k == e ? 0.5 : 0.01) + ripple * x : 0;
      }
      if (shape->precision == NEURLP_SINGLE)
        ((float *)host)[i] = (float)x;
      else
        ((double *)host)[i] = x;
    }
    if (device->operations->copy(device, 0, (unsigned char *)memory + (size_t)first * bytes, host,
                                 (size_t)own * bytes) < 0)
      stop("copying");
    finish();
  }
  device->operations->release_pinned(device, &host);
  return memory;
}

static bench_arrays open_arrays(const neurlp_shape *shape) {
  bench_arrays a = {.inputs = {.systems = shape->systems}};
  a.inputs.coefficients = filled(shape, NEURLP_ARRAY_COEFFICIENTS, 0, 0.01);
  a.inputs.rhs = filled(shape, NEURLP_ARRAY_RHS, 1, 0.5);
  a.inputs.initial_values = filled(shape, NEURLP_ARRAY_INITIAL_VALUES, 1, 0.1);
  a.inputs.steps = filled(shape, NEURLP_ARRAY_STEPS, 0.1, 0.01);
  a.solution = filled(shape, NEURLP_ARRAY_SOLUTION, 0, 0);
  a.grad_output = filled(shape, NEURLP_ARRAY_SOLUTION, 0, 1);
  a.gradients.coefficients = filled(shape, NEURLP_ARRAY_COEFFICIENTS, 0, 0);
  a.gradients.rhs = filled(shape, NEURLP_ARRAY_RHS, 0, 0);
  a.gradients.initial_values = filled(shape, NEURLP_ARRAY_INITIAL_VALUES, 0, 0);
  a.gradients.steps = filled(shape, NEURLP_ARRAY_STEPS, 0, 0);
  a.status = calloc((size_t)shape->systems, sizeof *a.status);
  if (!a.status) exit(1);
  return a;
}

static void close_arrays(bench_arrays *a) {
  const void *list[] = {a->inputs.coefficients,    a->inputs.rhs,    a->inputs.initial_values,
                        a->inputs.steps,           a->solution,      a->grad_output,
                        a->gradients.coefficients, a->gradients.rhs, a->gradients.initial_values,
                        a->gradients.steps};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    void *memory;
    memcpy(&memory, &list[i], sizeof memory);
    device->operations->release(device, &memory);
  }
  free(a->status);
}

/* Bytes that a solve, and an adjoint, have to move: their arrays once. */
static double floor_bytes(const neurlp_shape *shape, bool adjoint) {
  static const neurlp_array inputs[] = {NEURLP_ARRAY_COEFFICIENTS, NEURLP_ARRAY_RHS,
                                        NEURLP_ARRAY_INITIAL_VALUES, NEURLP_ARRAY_STEPS};
  const neurlp_extents u = neurlp_array_extents(shape, NEURLP_ARRAY_SOLUTION);
  int64_t numbers = neurlp_array_numbers(u, shape->systems) * (adjoint ? 2 : 1);
  for (int32_t i = 0; i < 4; i++)
    numbers +=
        neurlp_array_numbers(neurlp_array_extents(shape, inputs[i]), shape->systems) * (adjoint ? 2 : 1);
  return (double)numbers * (double)neurlp_number_bytes(shape);
}

static void report(const bench_case *c, const neurlp_shape *shape, const char *what, double best,
                   double bytes) {
  const double rate = (double)shape->systems * shape->steps / best;
  printf("%-34s %-8s %10.4g system-steps/s  %6.3f of bandwidth\n", c->what, what, rate,
         bytes / best / copy_rate);
  if (csv)
    fprintf(csv, "\"%s\",%d,%d,%d,%lld,%s,%d,%s,%.6g,%.6g,%.4g\n", c->what, c->dimensions, c->order, c->steps,
            (long long)c->systems,
            c->precision == NEURLP_SINGLE  ? "single"
            : c->precision == NEURLP_MIXED ? "mixed"
                                           : "double",
            c->keep, what, best, rate, bytes / best / copy_rate);
}

static void run(const bench_case *c) {
  const neurlp_shape shape = {.systems = c->systems,
                              .steps = c->steps,
                              .dimensions = c->dimensions,
                              .order = c->order,
                              .equations = c->dimensions,
                              .initial_steps = 1,
                              .initial_derivatives = 1,
                              .columns = 1,
                              .precision = c->precision,
                              .piece_intervals = c->piece_intervals,
                              .keep_factors = c->keep};
  neurlp_formulation formulation = neurlp_formulation_default();
  formulation.nominal_step = 0.1;
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  double forward = INFINITY, adjoint = INFINITY;
  if (neurlp_problem_create(context, &shape, &formulation, &problem) < 0) stop("a problem");
  if (neurlp_solver_create(context, problem, &solver) < 0) {
    printf("%-34s not run: %s\n", c->what, neurlp_context_message(context));
    neurlp_problem_destroy(&problem);
    return;
  }
  bench_arrays a = open_arrays(&shape);
  for (int32_t i = 0; i <= REPEATS; i++) {
    const double start = seconds();
    if (neurlp_solver_solve(solver, &a.inputs, a.solution, a.status) != NEURLP_SUCCESS) stop("a solve");
    const double middle = seconds();
    if (neurlp_solver_adjoint(solver, &a.inputs, a.solution, a.grad_output, &a.gradients, a.status) !=
        NEURLP_SUCCESS)
      stop("an adjoint");
    const double end = seconds();
    if (i > 0) forward = fmin(forward, middle - start);
    if (i > 0) adjoint = fmin(adjoint, end - middle);
  }
  report(c, &shape, "forward", forward, floor_bytes(&shape, false));
  report(c, &shape, "adjoint", adjoint, floor_bytes(&shape, true));
  report(c, &shape, "both", forward + adjoint, floor_bytes(&shape, false) + floor_bytes(&shape, true));
  close_arrays(&a);
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
}

int main(int count, char **arguments) {
  static const bench_case cases[] = {
      {"D=1 d=2 T=50 B=1e6", 1, 2, 50, 1000000, NEURLP_DOUBLE, false, 0},
      {"the same, factors kept", 1, 2, 50, 1000000, NEURLP_DOUBLE, true, 0},
      {"the same, single", 1, 2, 50, 1000000, NEURLP_SINGLE, false, 0},
      {"the same, single, factors kept", 1, 2, 50, 1000000, NEURLP_SINGLE, true, 0},
      {"the same, mixed", 1, 2, 50, 1000000, NEURLP_MIXED, false, 0},
      {"D=1 d=3 T=50 B=1e6", 1, 3, 50, 1000000, NEURLP_DOUBLE, false, 0},
      {"D=1 d=4 T=50 B=1e6", 1, 4, 50, 1000000, NEURLP_DOUBLE, false, 0},
      {"D=3 d=2 T=50 B=1e5", 3, 2, 50, 100000, NEURLP_DOUBLE, false, 0},
      {"D=1 d=2 T=1e6 B=1", 1, 2, 1000000, 1, NEURLP_DOUBLE, false, 0},
      {"one lane: T=20000 B=1, not cut", 1, 2, 20000, 1, NEURLP_DOUBLE, false, 20000},
      {"D=1 d=2 T=1000 B=1000", 1, 2, 1000, 1000, NEURLP_DOUBLE, false, 0},
  };
  if (neurlp_context_create(0, &context) < 0 || neurlp_context_set_backend(context, "cuda") < 0) return 1;
  if (neurlp_device_of_cuda(context, &device) < 0) {
    printf("not measured: %s\n", neurlp_context_message(context));
    neurlp_context_destroy(&context);
    return 77;
  }
  measure_copy();
  for (int32_t single = 0; single < 2; single++) measure_arithmetic(single);
  printf("%s: copy %.4g B/s, fma %.4g double, %.4g single operations/s\n", device->name, copy_rate,
         fma_rate[0], fma_rate[1]);
  csv = count > 1 ? fopen(arguments[1], "w") : NULL;
  if (csv)
    fprintf(csv,
            "# %s, %s, copy %.6g B/s, fma %.6g double, %.6g single\ncase,D,d,T,B,precision,kept,what,"
            "seconds,system_steps_per_s,share_of_bandwidth\n",
            device->name, neurlp_version(), copy_rate, fma_rate[0], fma_rate[1]);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run(&cases[i]);
  if (csv) fclose(csv);
  neurlp_context_destroy(&context);
  return 0;
}
