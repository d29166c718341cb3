#include "study/log.h"

#include <errno.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds to the first line about an iteration. */
static const double FIRST_INTERVAL = 10;

static FILE *open_csv(const char *result) {
  const char *slash = strrchr(result, '/'), *base = slash ? slash + 1 : result, *dot = strrchr(base, '.');
  const int length = (int)(dot && dot > base ? dot - result : (ptrdiff_t)strlen(result));
  const size_t bytes = (size_t)length + sizeof ".log.csv";
  char *path = malloc(bytes);
  if (!path) return NULL;
  snprintf(path, bytes, "%.*s.log.csv", length, result);
  FILE *csv = fopen(path, "w");
  if (!csv) fprintf(stderr, "neurlp: no log for machines: cannot write %s: %s\n", path, strerror(errno));
  free(path);
  return csv;
}

const char *const neurlp_log_fit_header =
    "seconds,row,iteration,window,windows,groups,active,free,weighted_squares\n";

void neurlp_log_open(neurlp_log *log, int rank, const char *result, double begin, const char *header) {
  *log =
      (neurlp_log){.speaks = rank == 0, .begin = begin, .next = FIRST_INTERVAL, .interval = FIRST_INTERVAL};
  if (!log->speaks) return;
  log->terminal =
      isatty(STDOUT_FILENO) == 1 && !getenv("PMIX_RANK"); /* launchers give ranks terminals of their own */
  log->csv = open_csv(result);
  if (log->csv) fputs(header, log->csv);
}

void neurlp_log_close(neurlp_log *log) {
  if (log->terminal) printf("\r\033[K");
  const bool cut =
      log->csv && ferror(log->csv); /* a line in the middle, on a disk that was full for a while */
  if (log->csv && (fclose(log->csv) != 0 || cut))
    fprintf(stderr, "neurlp: the log for machines is incomplete: %s\n",
            cut ? "the disk was full" : strerror(errno));
  log->csv = NULL;
  log->terminal = false; /* nothing more is written over */
}

void neurlp_log_line(void *user, const char *line) {
  const neurlp_log *log = user;
  if (!log->speaks) return;
  printf("%s  %8.2f s  %s\n", log->terminal ? "\r\033[K" : "", MPI_Wtime() - log->begin, line);
  fflush(stdout);
}

void neurlp_log_now_and_then(neurlp_log *log, const char *text) {
  const double now = MPI_Wtime() - log->begin;
  if (!log->speaks) return;
  if (now >= log->next) {
    neurlp_log_line(log, text);
    log->interval *= 2;
    log->next = now + log->interval;
  } else if (log->terminal) {
    printf("\r\033[K  %8.2f s  %s", now, text);
    fflush(stdout);
  }
}

void neurlp_log_row(neurlp_log *log, const neurlp_fit_progress *p, double seconds) {
  log->row++;
  if (log->csv)
    fprintf(log->csv, "%.3f,%lld,%d,%lld,%lld,%lld,%lld,%lld,%.17g\n", seconds, (long long)log->row,
            p->iteration, (long long)p->window, (long long)p->windows, (long long)p->groups,
            (long long)p->active, (long long)p->free, p->objective);
}

void neurlp_log_iteration(neurlp_log *log, const neurlp_fit_progress *p, double seconds) {
  if (!log->speaks) return;
  neurlp_log_row(log, p, seconds);
  char text[160];
  snprintf(text, sizeof text,
           "iteration %d: %lld windows, weighted sum of squares %.6g, %lld of %lld group%s active",
           p->iteration, (long long)p->windows, p->objective, (long long)p->active, (long long)p->groups,
           p->groups == 1 ? "" : "s");
  neurlp_log_now_and_then(log, text);
}
