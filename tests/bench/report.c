#include "bench/report.h"

#include "bench/batch.h"
#include "bench/competitors.h"
#include "block/cpu/kernels.h"

#include <string.h>

static const char *const WHO[BENCH_COMPETITORS] = {"block", "dpbsv", "dgels", "copy"};
static const char *const WHAT[BENCH_PHASES] = {"forward", "adjoint", "both", "tangent", "prepare"};
static const char *const PRECISION[BENCH_PRECISIONS] = {"double", "single", "mixed"};

const char *bench_precision_name(int32_t precision) {
  return PRECISION[precision];
}

static const char *left_hand_side(const neurlp_shape *z) {
  return bench_is_shared(z) ? "prepared" : z->keep_factors ? "kept" : "own";
}

/* "model name" of /proc/cpuinfo, where there is one. */
static void read_processor(char *name, size_t size) {
  char line[256];
  FILE *file = fopen("/proc/cpuinfo", "r");
  snprintf(name, size, "unknown");
  while (file && fgets(line, sizeof line, file)) {
    const char *value = strchr(line, ':');
    if (!value || strncmp(line, "model name", 10) != 0) continue;
    snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
    break;
  }
  if (file) fclose(file);
}

void bench_machine_read(bench_machine *machine, int32_t threads) {
  const neurlp_kernels *kernels = neurlp_kernels_choose(NEURLP_DOUBLE);
  memset(machine, 0, sizeof *machine);
  read_processor(machine->processor, sizeof machine->processor);
  if (sscanf(neurlp_build_info(), "commit %63[^,], %63[^\n]", machine->commit, machine->compiler) != 2)
    snprintf(machine->commit, sizeof machine->commit, "unknown");
  machine->instruction_set = kernels ? kernels->name : "none";
  machine->lapack = bench_lapack_name();
  machine->threads = threads;
}

void bench_print_machine(const bench_machine *machine) {
  printf("processor  %s, %d threads, %s\nbuild      commit %s, %s\nLAPACK     %s\n", machine->processor,
         machine->threads, machine->instruction_set, machine->commit, machine->compiler, machine->lapack);
}

static void print_shape(const neurlp_shape *z) {
  printf("\nD=%d E=%d d=%d T=%d R=%d B=%lld, %s precision%s", z->dimensions, z->equations, z->order, z->steps,
         z->columns, (long long)z->systems, PRECISION[z->precision],
         bench_is_shared(z) ? ", prepared left-hand side"
         : z->keep_factors  ? ", factors kept"
                            : "");
}

static double ratio(const bench_result *result, int32_t who, int32_t what) {
  return result->figures[BENCH_BLOCK][what].best / result->figures[who][what].best;
}

static bool measured(const bench_result *result, int32_t who, int32_t what) {
  return result->figures[who][what].repetitions > 0;
}

static void print_figures(const bench_result *result, int32_t who) {
  printf("  %-14s", WHO[who]);
  for (int32_t what = 0; what < BENCH_PHASES; what++) {
    const bench_figure *f = &result->figures[who][what];
    if (!measured(result, BENCH_BLOCK, what)) continue;
    if (f->repetitions)
      printf(" %11.4g (%8.4g)", f->best, f->median);
    else
      printf(" %22s", "-");
  }
  printf("\n");
}

static void print_ratios(const bench_result *result, int32_t who) {
  printf("  block / %-6s", WHO[who]);
  for (int32_t what = 0; what < BENCH_PHASES; what++) {
    if (!measured(result, BENCH_BLOCK, what)) continue;
    if (measured(result, who, what))
      printf(" %22.4g", ratio(result, who, what));
    else
      printf(" %22s", "-");
  }
  printf("\n");
}

void bench_print_result(const bench_result *result) {
  print_shape(&result->shape);
  printf(", workspace %.1f kB\n%16s", (double)result->workspace_bytes / 1e3, "");
  for (int32_t what = 0; what < BENCH_PHASES; what++)
    if (measured(result, BENCH_BLOCK, what)) printf(" %22s", WHAT[what]);
  printf("   million system-steps/s: best (median)\n");
  for (int32_t who = 0; who < BENCH_COMPETITORS; who++)
    if (measured(result, who, BENCH_FORWARD)) print_figures(result, who);
  for (int32_t who = BENCH_DPBSV; who < BENCH_COMPETITORS; who++)
    if (measured(result, who, BENCH_FORWARD)) print_ratios(result, who);
  fflush(stdout);
}

void bench_print_scaling_head(const char *title) {
  printf("\n%s\n%9s %10s %10s %12s %12s %12s %14s %14s %14s\n", title, "precision", "B", "T", "forward",
         "adjoint", "both", "both, ns/step", "both / copy", "workspace kB");
}

void bench_print_scaling(const bench_result *result) {
  const bench_figure *block = result->figures[BENCH_BLOCK];
  printf("%9s %10lld %10d %12.4g %12.4g %12.4g %14.4g %14.4g %14.1f\n", PRECISION[result->shape.precision],
         (long long)result->shape.systems, result->shape.steps, block[BENCH_FORWARD].best,
         block[BENCH_ADJOINT].best, block[BENCH_BOTH].best, 1e3 / block[BENCH_BOTH].best,
         ratio(result, BENCH_COPY, BENCH_BOTH), (double)result->workspace_bytes / 1e3);
  fflush(stdout);
}

void bench_csv_head(FILE *csv) {
  fprintf(csv, "processor,compiler,commit,lapack,threads,instruction_set,precision,left_hand_side,dimensions,"
               "equations,order,steps,"
               "columns,systems,workspace_bytes,who,what,systems_timed,repetitions,best,median,"
               "block_over_this\n");
}

void bench_csv_result(FILE *csv, const bench_machine *machine, const bench_result *result) {
  const neurlp_shape *z = &result->shape;
  for (int32_t who = 0; who < BENCH_COMPETITORS; who++)
    for (int32_t what = 0; what < BENCH_PHASES; what++) {
      const bench_figure *f = &result->figures[who][what];
      if (!f->repetitions) continue;
      fprintf(
          csv,
          "\"%s\",\"%s\",\"%s\",\"%s\",%d,%s,%s,%s,%d,%d,%d,%d,%d,%lld,%zu,%s,%s,%lld,%d,%.6g,%.6g,%.6g\n",
          machine->processor, machine->compiler, machine->commit, machine->lapack, machine->threads,
          machine->instruction_set, PRECISION[z->precision], left_hand_side(z), z->dimensions, z->equations,
          z->order, z->steps, z->columns, (long long)z->systems, result->workspace_bytes, WHO[who],
          WHAT[what], (long long)f->systems, f->repetitions, f->best, f->median, ratio(result, who, what));
    }
}
