#include "bench/run.h"

#include "bench/block.h"
#include "bench/competitors.h"

#include <omp.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LEAST_REPETITIONS = 5, MOST_REPETITIONS = 2000, DENSE_STEPS = 50 };

/* Everything that is needed to time one shape. */
typedef struct bench_run {
  bench_batch batch;
  bench_block block;
  bench_rows rows;
  int32_t threads;
  bench_banded *banded; /* [threads] */
  bench_dense *dense;   /* [threads] */
  int64_t systems;      /* how many of the batch LAPACK gets */
  double seconds;
  int failures;
  double read; /* what the copy has summed: used, so never left out */
} bench_run;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void prepare(bench_run *run) {
  run->failures += !bench_block_prepare(&run->block, &run->batch);
}

static void forward(bench_run *run) {
  run->failures += !bench_block_forward(&run->block, &run->batch);
}

static void adjoint(bench_run *run) {
  run->failures += !bench_block_adjoint(&run->block, &run->batch);
}

static void tangent(bench_run *run) {
  run->failures += !bench_block_tangent(&run->block, &run->batch);
}

static void both(bench_run *run) {
  forward(run);
  adjoint(run);
}

static void copy_forward(bench_run *run) {
  run->read += bench_floor_forward(&run->batch, &run->batch.outputs);
}

static void copy_adjoint(bench_run *run) {
  run->read += bench_floor_adjoint(&run->batch, &run->batch.outputs);
}

static void copy_tangent(bench_run *run) {
  run->read += bench_floor_tangent(&run->batch, &run->batch.outputs);
}

static void copy_both(bench_run *run) {
  copy_forward(run);
  copy_adjoint(run);
}

static void banded(bench_run *run, int (*solve)(bench_banded *, int64_t, const bench_outputs *)) {
  int failures = 0;
#pragma omp parallel for schedule(static) num_threads(run->threads) reduction(+ : failures) if (run->systems > 1)
  for (int64_t s = 0; s < run->systems; s++)
    failures += solve(&run->banded[omp_get_thread_num()], s, &run->batch.outputs) != 0;
  run->failures += failures;
}

static void banded_forward(bench_run *run) {
  banded(run, bench_banded_forward);
}

static void banded_both(bench_run *run) {
  banded(run, bench_banded_both);
}

static void dense_forward(bench_run *run) {
  int failures = 0;
#pragma omp parallel for schedule(static) num_threads(run->threads) reduction(+ : failures) if (run->systems > 1)
  for (int64_t s = 0; s < run->systems; s++)
    failures += bench_dense_forward(&run->dense[omp_get_thread_num()], s, &run->batch.outputs) != 0;
  run->failures += failures;
}

static int ascending(const void *one, const void *other) {
  const double x = *(const double *)one, y = *(const double *)other;
  return (x > y) - (x < y);
}

/* Runs it once untimed, then until both the time and LEAST_REPETITIONS are used up. */
static bench_figure measure(bench_run *run, void (*work)(bench_run *), int64_t systems) {
  static double times[MOST_REPETITIONS];
  int32_t count = 0;
  work(run);
  const double start = now();
  while (count < MOST_REPETITIONS && (count < LEAST_REPETITIONS || now() - start < run->seconds)) {
    const double before = now();
    work(run);
    times[count++] = now() - before;
  }
  qsort(times, (size_t)count, sizeof *times, ascending);
  const double millions = 1e-6 * (double)systems * run->batch.shape.steps;
  return (bench_figure){.systems = systems,
                        .repetitions = count,
                        .best = millions / times[0],
                        .median = millions / times[count / 2]};
}

/* With LAPACK, as many systems as take about a tenth of the time for a figure, the same for every thread. */
static bench_figure measure_lapack(bench_run *run, void (*work)(bench_run *)) {
  const int64_t all = run->batch.shape.systems;
  run->systems = run->threads < all ? run->threads : all;
  work(run);
  const double before = now();
  work(run);
  const double rounds = 0.1 * run->seconds / (now() - before + 1e-9);
  if (rounds > 1)
    run->systems = rounds * (double)run->threads < (double)all ? (int64_t)rounds * run->threads : all;
  return measure(run, work, run->systems);
}

static bool open_lapack(bench_run *run, bool dense) {
  run->banded = calloc((size_t)run->threads, sizeof *run->banded);
  run->dense = calloc((size_t)run->threads, sizeof *run->dense);
  bool good = run->banded && run->dense && bench_rows_open(&run->rows, &run->batch);
  for (int32_t i = 0; good && i < run->threads; i++)
    good = bench_banded_open(&run->banded[i], &run->rows) &&
           (!dense || bench_dense_open(&run->dense[i], &run->rows));
  return good;
}

static void close_run(bench_run *run) {
  for (int32_t i = 0; i < run->threads; i++) {
    if (run->banded) bench_banded_close(&run->banded[i]);
    if (run->dense) bench_dense_close(&run->dense[i]);
  }
  free(run->banded);
  free(run->dense);
  bench_rows_close(&run->rows);
  bench_block_close(&run->block);
  bench_batch_close(&run->batch);
}

static void measure_lapack_all(bench_run *run, bench_result *result) {
  result->figures[BENCH_DPBSV][BENCH_FORWARD] = measure_lapack(run, banded_forward);
  result->figures[BENCH_DPBSV][BENCH_BOTH] = measure_lapack(run, banded_both);
  if (run->batch.shape.steps <= DENSE_STEPS)
    result->figures[BENCH_DGELS][BENCH_FORWARD] = measure_lapack(run, dense_forward);
}

/* The block first: LAPACK and the copy write over its outputs. */
static void measure_shape(bench_run *run, const bench_plan *plan, bool lapack, bench_result *result) {
  const int64_t S = run->batch.shape.systems;
  bench_figure *block = result->figures[BENCH_BLOCK], *copy = result->figures[BENCH_COPY];
  if (bench_is_shared(&run->batch.shape)) block[BENCH_PREPARE] = measure(run, prepare, S);
  block[BENCH_FORWARD] = measure(run, forward, S);
  block[BENCH_ADJOINT] = measure(run, adjoint, S);
  block[BENCH_BOTH] = measure(run, both, S);
  if (plan->tangent) block[BENCH_TANGENT] = measure(run, tangent, S);
  if (lapack) measure_lapack_all(run, result);
  copy[BENCH_FORWARD] = measure(run, copy_forward, S);
  copy[BENCH_ADJOINT] = measure(run, copy_adjoint, S);
  copy[BENCH_BOTH] = measure(run, copy_both, S);
  if (plan->tangent) copy[BENCH_TANGENT] = measure(run, copy_tangent, S);
}

bool bench_time_shape(const neurlp_shape *shape, const bench_plan *plan, bench_result *result) {
  const bool lapack = plan->lapack && !bench_is_shared(shape) && shape->precision != NEURLP_SINGLE;
  bench_run run = {.seconds = plan->seconds};
  *result = (bench_result){.shape = *shape};
  bool good = bench_batch_open(&run.batch, shape, plan->tangent);
  if (!good) printf("out of memory\n");
  good = good && bench_block_open(&run.block, &run.batch, 0);
  if (good) run.threads = neurlp_context_threads(run.block.context);
  if (good && lapack) good = open_lapack(&run, shape->steps <= DENSE_STEPS);
  if (good) {
    result->workspace_bytes = neurlp_solver_workspace_bytes(run.block.context, run.block.problem);
    measure_shape(&run, plan, lapack, result);
  }
  if (run.failures) printf("%d calls failed: %s\n", run.failures, neurlp_context_message(run.block.context));
  good = good && run.failures == 0;
  close_run(&run);
  return good;
}

bool bench_fits(const neurlp_shape *shape) {
  neurlp_context *context = NULL;
  neurlp_problem *problem = NULL;
  const neurlp_formulation formulation = neurlp_formulation_default();
  double bytes = bench_batch_bytes(shape);
  if (neurlp_context_create(0, &context) == NEURLP_SUCCESS &&
      neurlp_problem_create(context, shape, &formulation, &problem) == NEURLP_SUCCESS)
    bytes += (double)neurlp_solver_workspace_bytes(context, problem);
  neurlp_problem_destroy(&problem);
  neurlp_context_destroy(&context);
  const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (bytes <= 0.8 * memory) return true;
  printf("%10lld %10d left out: needs %.1f GB, this machine has %.1f\n", (long long)shape->systems,
         shape->steps, bytes / 1e9, memory / 1e9);
  return false;
}
