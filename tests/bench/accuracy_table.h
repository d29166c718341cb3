/* All errors, and how they are written. */
#ifndef TESTS_BENCH_ACCURACY_TABLE_H
#define TESTS_BENCH_ACCURACY_TABLE_H

#include "bench/accuracy_measure.h"

#include <stdio.h>

enum { ACCURACY_PRECISIONS = 3, ACCURACY_GRIDS = 2 };

static const double ACCURACY_STEP[ACCURACY_GRIDS] = {0.1, 0.01};

/* One method's error; `measured` is false where the method does not apply, or was not asked for. */
typedef struct accuracy_error {
  bool measured;
  neurlp_status status;
  double value;
} accuracy_error;

typedef struct accuracy_table {
  bool precisions[ACCURACY_PRECISIONS]; /* which ones were asked for */
  double runge_kutta[LINEAR_PROBLEMS][ACCURACY_GRIDS];
  accuracy_error block[LINEAR_PROBLEMS][ACCURACY_GRIDS][ACCURACY_PRECISIONS][ACCURACY_ROWS]
                      [ACCURACY_ORDERS + 1];
} accuracy_table;

/* Name of a precision: double, single, mixed. */
const char *accuracy_precision_name(int32_t precision);

/* Measures everything. False, with the reason on stderr, if the block refuses a call. */
bool accuracy_fill(neurlp_context *context, accuracy_table *table);

/* One line for each error, with what built and ran it. */
void accuracy_write_csv(FILE *file, const accuracy_table *table);

/* The tables of docs/performance.md. */
void accuracy_write_markdown(FILE *file, const accuracy_table *table);

#endif
