/* What was measured for one shape, and how it is printed. */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include "neurlp.h"

#include <stdio.h>

typedef enum bench_who { BENCH_BLOCK, BENCH_DPBSV, BENCH_DGELS, BENCH_COPY, BENCH_COMPETITORS } bench_who;
typedef enum bench_what {
  BENCH_FORWARD,
  BENCH_ADJOINT,
  BENCH_BOTH,
  BENCH_TANGENT,
  BENCH_PREPARE, /* once for the batch, in the same unit */
  BENCH_PHASES
} bench_what;

enum { BENCH_PRECISIONS = 3 };

/* Name of a neurlp_precision: double, single, mixed. */
const char *bench_precision_name(int32_t precision);

/* Million system-steps a second; all zeros where nothing was measured. */
typedef struct bench_figure {
  int64_t systems; /* of the batch that took part */
  int32_t repetitions;
  double best, median;
} bench_figure;

typedef struct bench_result {
  neurlp_shape shape;
  size_t workspace_bytes;
  bench_figure figures[BENCH_COMPETITORS][BENCH_PHASES];
} bench_result;

/* Where the figures come from; strings live as long as the program. */
typedef struct bench_machine {
  char processor[128];
  char commit[64], compiler[64];
  const char *instruction_set, *lapack;
  int32_t threads;
} bench_machine;

void bench_machine_read(bench_machine *machine, int32_t threads);
void bench_print_machine(const bench_machine *machine);

void bench_print_result(const bench_result *result);

/* One line for each shape of a scaling list. */
void bench_print_scaling_head(const char *title);
void bench_print_scaling(const bench_result *result);

void bench_csv_head(FILE *csv);
/* One row for each figure. */
void bench_csv_result(FILE *csv, const bench_machine *machine, const bench_result *result);

#endif
