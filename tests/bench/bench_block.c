/* How fast the block is, beside what else could be done with the same rows, measured in the same run. */
#include "bench/competitors.h"
#include "bench/report.h"
#include "bench/verify.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: bench_block [--check] [--scaling] [--shape D,d,T,R,B] [--seconds X] [--csv FILE]\n"
    "\n"
    "Speed of the mechanistic block in million system-steps a second, double precision, hermite rows, hard\n"
    "initial values: forward, adjoint, and both. In the same run, with the same systems and threads:\n"
    "  dpbsv   LAPACK's banded solver on the normal equations; `both` adds dpbtrs and all gradients\n"
    "  dgels   LAPACK's dense least squares, for at most 50 steps\n"
    "  copy    the memory floor: inputs read once and outputs written once\n"
    "LAPACK's figures include writing its matrices. Where they are slow only some of the systems are timed.\n"
    "\n"
    "  --check      time nothing; verify on tiny shapes that all solve the same problem\n"
    "  --scaling    instead of the list of shapes: T to 1e6, then B to 1e6 (needs 8 GB)\n"
    "  --shape ...  this shape only, for example 3,2,50,1,512\n"
    "  --seconds X  time for each figure, default 0.4\n"
    "  --csv FILE   write the figures to FILE as well\n"
    "Threads: OMP_NUM_THREADS. Instruction set: NEURLP_ISA. Exit status: 0, or 1 if anything failed.\n";

enum { LEAST_REPETITIONS = 5, MOST_REPETITIONS = 2000, DENSE_STEPS = 50 };

typedef struct options {
  bool check, scaling, one_shape;
  neurlp_shape shape;
  double seconds;
  const char *csv;
} options;

/* Everything that is needed to time one shape. */
typedef struct bench_run {
  bench_batch batch;
  bench_rows rows;
  neurlp_context *context;
  neurlp_problem *problem;
  neurlp_solver *solver;
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

static void forward(bench_run *run) {
  bench_batch *b = &run->batch;
  run->failures +=
      neurlp_solver_solve(run->solver, &b->inputs, b->outputs.solution, b->status) != NEURLP_SUCCESS;
}

static void adjoint(bench_run *run) {
  bench_batch *b = &run->batch;
  run->failures += neurlp_solver_adjoint(run->solver, &b->inputs, b->outputs.solution, b->grad_output,
                                         &b->outputs.gradients, b->status) != NEURLP_SUCCESS;
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

static bool open_block(bench_run *run) {
  const bench_batch *batch = &run->batch;
  return neurlp_problem_create(run->context, &batch->shape, &batch->formulation, &run->problem) ==
             NEURLP_SUCCESS &&
         neurlp_solver_create(run->context, run->problem, &run->solver) == NEURLP_SUCCESS;
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
  neurlp_solver_destroy(&run->solver);
  neurlp_problem_destroy(&run->problem);
  neurlp_context_destroy(&run->context);
  bench_batch_close(&run->batch);
}

/* The block first: LAPACK and the copy write over its outputs. */
static void measure_shape(bench_run *run, bool lapack, bench_result *result) {
  const int64_t S = run->batch.shape.systems;
  result->figures[BENCH_BLOCK][BENCH_FORWARD] = measure(run, forward, S);
  result->figures[BENCH_BLOCK][BENCH_ADJOINT] = measure(run, adjoint, S);
  result->figures[BENCH_BLOCK][BENCH_BOTH] = measure(run, both, S);
  if (lapack) {
    result->figures[BENCH_DPBSV][BENCH_FORWARD] = measure_lapack(run, banded_forward);
    result->figures[BENCH_DPBSV][BENCH_BOTH] = measure_lapack(run, banded_both);
    if (run->batch.shape.steps <= DENSE_STEPS)
      result->figures[BENCH_DGELS][BENCH_FORWARD] = measure_lapack(run, dense_forward);
  }
  result->figures[BENCH_COPY][BENCH_FORWARD] = measure(run, copy_forward, S);
  result->figures[BENCH_COPY][BENCH_ADJOINT] = measure(run, copy_adjoint, S);
  result->figures[BENCH_COPY][BENCH_BOTH] = measure(run, copy_both, S);
}

/* False, with the reason printed, if the shape could not be timed. */
static bool time_shape(const neurlp_shape *shape, double seconds, bool lapack, bench_result *result) {
  bench_run run = {.seconds = seconds};
  *result = (bench_result){.shape = *shape};
  bool good = neurlp_context_create(0, &run.context) == NEURLP_SUCCESS;
  if (good) run.threads = neurlp_context_threads(run.context);
  good = good && bench_batch_open(&run.batch, shape) && open_block(&run) &&
         (!lapack || open_lapack(&run, shape->steps <= DENSE_STEPS));
  if (good) {
    result->workspace_bytes = neurlp_solver_workspace_bytes(run.context, run.problem);
    measure_shape(&run, lapack, result);
  } else
    printf("could not be set up: %s\n", run.context ? neurlp_context_message(run.context) : "out of memory");
  if (run.failures) printf("%d calls failed: %s\n", run.failures, neurlp_context_message(run.context));
  good = good && run.failures == 0;
  close_run(&run);
  return good;
}

/* Systems that fit into four fifths of the machine's memory, the solver's workspace included. */
static bool fits(const neurlp_shape *shape) {
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

static bool run_list(const options *o, const bench_machine *machine, FILE *csv) {
  const neurlp_shape list[] = {bench_shape(1536, 50, 1, 2, 1), bench_shape(256, 1000, 1, 2, 1),
                               bench_shape(512, 50, 3, 2, 1), bench_shape(512, 50, 3, 2, 33),
                               bench_shape(1536, 50, 1, 4, 1)};
  const neurlp_shape *shapes = o->one_shape ? &o->shape : list;
  const size_t count = o->one_shape ? 1 : sizeof list / sizeof *list;
  bool good = true;
  for (size_t i = 0; i < count; i++) {
    bench_result result;
    const bool timed = time_shape(&shapes[i], o->seconds, true, &result);
    good = good && timed;
    if (!timed) continue;
    bench_print_result(&result);
    if (csv) bench_csv_result(csv, machine, &result);
  }
  return good;
}

static bool run_scaling(const options *o, const bench_machine *machine, FILE *csv) {
  enum { TEN_TO = 7 };
  bool good = true;
  for (int32_t list = 0; list < 2; list++) {
    bench_print_scaling_head(list == 0 ? "Over T, D=1 d=2 R=1; million system-steps/s"
                                       : "Over B, D=1 d=2 R=1; million system-steps/s");
    for (int32_t i = list == 0 ? 1 : 0, many = list == 0 ? 10 : 1; i < TEN_TO; i++, many *= 10) {
      const neurlp_shape shape = list == 0 ? bench_shape(16, many, 1, 2, 1) : bench_shape(many, 50, 1, 2, 1);
      bench_result result;
      if (!fits(&shape)) continue;
      const bool timed = time_shape(&shape, o->seconds, false, &result);
      good = good && timed;
      if (!timed) continue;
      bench_print_scaling(&result);
      if (csv) bench_csv_result(csv, machine, &result);
    }
  }
  return good;
}

static bool read_shape(const char *text, neurlp_shape *shape) {
  int D, d, T, R, end = 0;
  long long S;
  if (sscanf(text, "%d,%d,%d,%d,%lld%n", &D, &d, &T, &R, &S, &end) != 5 || text[end] || D < 1 || d < 1 ||
      T < 2 || R < 1 || S < 1 || d >= BENCH_MAX_DERIVATIVES)
    return false;
  *shape = bench_shape(S, T, D, d, R);
  return true;
}

static bool read_options(int argc, char **argv, options *o) {
  *o = (options){.seconds = 0.4};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--check") == 0)
      o->check = true;
    else if (strcmp(argv[i], "--scaling") == 0)
      o->scaling = true;
    else if (strcmp(argv[i], "--csv") == 0 && *value)
      o->csv = argv[++i];
    else if (strcmp(argv[i], "--shape") == 0 && read_shape(value, &o->shape))
      o->one_shape = true, i++;
    else if (strcmp(argv[i], "--seconds") == 0 && (o->seconds = atof(value)) > 0)
      i++;
    else
      return false;
  }
  return true;
}

int main(int argc, char **argv) {
  options o;
  bench_machine machine;
  FILE *csv = NULL;
  if (!read_options(argc, argv, &o)) {
    fputs(USAGE, stderr);
    return 1;
  }
  if (o.check) return bench_verify();
  bench_lapack_one_thread();
  bench_machine_read(&machine, (int32_t)omp_get_max_threads());
  bench_print_machine(&machine);
  if (o.csv && !(csv = fopen(o.csv, "w"))) {
    perror(o.csv);
    return 1;
  }
  if (csv) bench_csv_head(csv);
  bool good = o.scaling ? run_scaling(&o, &machine, csv) : run_list(&o, &machine, csv);
  if (csv && (ferror(csv) | fclose(csv))) {
    perror(o.csv);
    good = false;
  }
  return good ? 0 : 1;
}
