/* The log of a run: lines on standard output for people, a CSV file beside the result for machines. Rank 0
 * only.
 *
 * What happens once (a fit is done, terms are dropped) is a line each. Iterations are lines at doubling
 * intervals, so that long runs keep short logs, and on a terminal one line that is written over. The CSV has
 * a row for each iteration. */
#ifndef NEURLP_MPI_LOG_H
#define NEURLP_MPI_LOG_H

#include "learn/fit.h"

#include <stdio.h>

typedef struct neurlp_log {
  bool speaks;           /* this is rank 0 */
  bool terminal;         /* standard output is one */
  double begin;          /* MPI_Wtime() at the start of the run */
  double next, interval; /* seconds: when the next iteration is worth a line, and then after how long */
  int64_t row;
  FILE *csv; /* NULL if it could not be opened: the log says so, and the run goes on */
} neurlp_log;

/* The CSV stands beside `result`: "lorenz.h5" gives "lorenz.log.csv" (never the name of data). It begins with
 * `header`, a line with the names of its columns. */
void neurlp_log_open(neurlp_log *log, int rank, const char *result, double begin, const char *header);
extern const char *const neurlp_log_fit_header; /* of what neurlp_log_row writes */
void neurlp_log_close(neurlp_log *log);

/* A line at doubling intervals; on a terminal, in between, one that is written over. */
void neurlp_log_now_and_then(neurlp_log *log, const char *text);

/* Callback of neurlp_direct_options; `user` is the log. */
void neurlp_log_line(void *user, const char *line);

/* An iteration of a fit, so many seconds after the run began: a row of the CSV; and now and then a line. */
void neurlp_log_row(neurlp_log *log, const neurlp_fit_progress *progress, double seconds);
void neurlp_log_iteration(neurlp_log *log, const neurlp_fit_progress *progress, double seconds);

#endif
