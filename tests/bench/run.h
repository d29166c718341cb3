/* Times one shape: the block, and what it is compared with, one after the other. */
#ifndef TESTS_BENCH_RUN_H
#define TESTS_BENCH_RUN_H

#include "bench/report.h"

/* What is timed, and for how long. */
typedef struct bench_plan {
  double seconds; /* for each figure */
  bool lapack;    /* too; never with a shared left-hand side or in single precision */
  bool tangent;   /* too */
} bench_plan;

/* False, with the reason printed, if the shape could not be timed. */
bool bench_time_shape(const neurlp_shape *shape, const bench_plan *plan, bench_result *result);

/* Whether the batch fits into four fifths of this machine's memory, the solver's workspace included; prints
 * what it needs if not. */
bool bench_fits(const neurlp_shape *shape);

#endif
