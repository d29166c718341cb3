/* How fast the block is, beside what else could be done with the same rows, measured in the same run. */
#include "bench/competitors.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/verify.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: bench_block [--check] [--scaling] [--shape D,d,T,R,B] [--precision double,single,mixed]\n"
    "                   [--keep] [--shared] [--tangent] [--pieces L] [--seconds X] [--csv FILE]\n"
    "\n"
    "Speed of the mechanistic block in million system-steps a second, hermite rows, hard initial values:\n"
    "forward, adjoint, and both. In the same run, with the same systems and threads:\n"
    "  dpbsv   LAPACK's banded solver on the normal equations; `both` adds dpbtrs and all gradients\n"
    "  dgels   LAPACK's dense least squares, for at most 50 steps\n"
    "  copy    the memory floor: inputs read once and outputs written once\n"
    "LAPACK's figures include writing its matrices. Where they are slow only some of the systems are timed. "
    "In\n"
    "single precision and with --shared there are none: normal equations have no digits left there, and with "
    "a\n"
    "prepared left-hand side they would not be the same work.\n"
    "\n"
    "  --check          time nothing; verify on tiny shapes that all solve the same problem\n"
    "  --scaling        instead of the list of shapes: T to 1e6, then B to 1e6 (needs 7 GB, 13 with --keep)\n"
    "  --shape ...      this shape only, for example 3,2,50,1,512\n"
    "  --precision ...  these only; default all three, with --scaling double\n"
    "  --keep           the solver keeps factors for the adjoint and the tangent\n"
    "  --shared         coefficients and steps are the same for all systems, and the solver is prepared\n"
    "  --tangent        time the tangent as well\n"
    "  --pieces L       the time of systems is cut into pieces of L intervals; T or more: never\n"
    "  --seconds X      time for each figure, default 0.4\n"
    "  --csv FILE       write the figures to FILE as well\n"
    "Threads: OMP_NUM_THREADS. Instruction set: NEURLP_ISA. Exit status: 0, or 1 if anything failed.\n";

typedef struct options {
  bool check, scaling, one_shape, shared, keep;
  bool precisions[BENCH_PRECISIONS];
  int32_t piece_intervals;
  neurlp_shape shape;
  bench_plan plan;
  const char *csv;
} options;

/* Times a shape in every precision that was asked for; `print` is for each result. */
static bool run_shape(const options *o, neurlp_shape shape, const bench_plan *plan,
                      const bench_machine *machine, void (*print)(const bench_result *), FILE *csv) {
  bool good = true;
  if (o->shared) bench_share(&shape);
  for (int32_t i = 0; i < BENCH_PRECISIONS; i++) {
    bench_result result;
    shape.precision = (neurlp_precision)i;
    shape.piece_intervals = o->piece_intervals;
    shape.keep_factors = o->keep;
    if (!o->precisions[i] || !bench_fits(&shape)) continue;
    const bool timed = bench_time_shape(&shape, plan, &result);
    good = good && timed;
    if (!timed) continue;
    print(&result);
    if (csv) bench_csv_result(csv, machine, &result);
  }
  return good;
}

static bool run_list(const options *o, const bench_machine *machine, FILE *csv) {
  const neurlp_shape list[] = {bench_shape(1536, 50, 1, 2, 1), bench_shape(256, 1000, 1, 2, 1),
                               bench_shape(512, 50, 3, 2, 1),  bench_shape(512, 50, 3, 2, 33),
                               bench_shape(1024, 50, 2, 2, 1), bench_shape(1536, 50, 1, 3, 1),
                               bench_shape(1536, 50, 1, 4, 1)};
  const neurlp_shape *shapes = o->one_shape ? &o->shape : list;
  const size_t count = o->one_shape ? 1 : sizeof list / sizeof *list;
  bool good = true;
  for (size_t i = 0; i < count; i++)
    good = run_shape(o, shapes[i], &o->plan, machine, bench_print_result, csv) && good;
  return good;
}

static bool run_scaling(const options *o, const bench_machine *machine, FILE *csv) {
  enum { TEN_TO = 7 };
  bench_plan plan = o->plan;
  bool good = true;
  plan.lapack = false;
  for (int32_t list = 0; list < 2; list++) {
    bench_print_scaling_head(list == 0 ? "Over T, D=1 d=2 R=1; million system-steps/s"
                                       : "Over B, D=1 d=2 R=1; million system-steps/s");
    for (int32_t i = list == 0 ? 1 : 0, many = list == 0 ? 10 : 1; i < TEN_TO; i++, many *= 10)
      good = run_shape(o, list == 0 ? bench_shape(1, many, 1, 2, 1) : bench_shape(many, 50, 1, 2, 1), &plan,
                       machine, bench_print_scaling, csv) &&
             good;
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

static bool read_precisions(const char *text, bool *precisions) {
  while (*text) {
    const size_t length = strcspn(text, ",");
    int32_t found = 0;
    while (found < BENCH_PRECISIONS && (strlen(bench_precision_name(found)) != length ||
                                        strncmp(text, bench_precision_name(found), length) != 0))
      found++;
    if (found == BENCH_PRECISIONS) return false;
    precisions[found] = true;
    text += length + (text[length] == ',');
  }
  return true;
}

static bool read_options(int argc, char **argv, options *o) {
  bool chosen = false;
  *o = (options){.plan = {.seconds = 0.4, .lapack = true}};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--check") == 0)
      o->check = true;
    else if (strcmp(argv[i], "--scaling") == 0)
      o->scaling = true;
    else if (strcmp(argv[i], "--shared") == 0)
      o->shared = true;
    else if (strcmp(argv[i], "--keep") == 0)
      o->keep = true;
    else if (strcmp(argv[i], "--tangent") == 0)
      o->plan.tangent = true;
    else if (strcmp(argv[i], "--csv") == 0 && *value)
      o->csv = argv[++i];
    else if (strcmp(argv[i], "--shape") == 0 && read_shape(value, &o->shape))
      o->one_shape = true, i++;
    else if (strcmp(argv[i], "--pieces") == 0 && (o->piece_intervals = atoi(value)) > 0)
      i++;
    else if (strcmp(argv[i], "--precision") == 0 && *value && read_precisions(value, o->precisions))
      chosen = true, i++;
    else if (strcmp(argv[i], "--seconds") == 0 && (o->plan.seconds = atof(value)) > 0)
      i++;
    else
      return false;
  }
  for (int32_t i = 0; i < BENCH_PRECISIONS && !chosen; i++)
    o->precisions[i] = !o->scaling || i == NEURLP_DOUBLE;
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
