#include "checkpoint/stop.h"

#include "clock.h"

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t arrived;
static struct sigaction before_usr1, before_term;
static bool listening;
static double own_end = (double)INFINITY; /* of MPI_Wtime */
static double margin = NEURLP_STOP_MARGIN;
static double last_look = -1, longest; /* of neurlp_stop_between: when, and the longest time between two */

static void note(int signal) {
  arrived = signal;
}

void neurlp_stop_listen(void) {
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  if (listening) return;
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, &before_usr1);
  action.sa_flags = (int)(SA_RESTART | SA_RESETHAND);
  sigaction(SIGTERM, &action, &before_term);
  listening = true;
}

int neurlp_stop_signal(void) {
  return (int)arrived;
}

double neurlp_stop_slurm(void) {
  const char *text = getenv("SLURM_JOB_END_TIME");
  char *end = NULL;
  const double calendar = text ? strtod(text, &end) : 0;
  if (!text || end == text || *end != '\0' || !(calendar > 0)) return (double)INFINITY;
  return MPI_Wtime() + (calendar - (double)time(NULL));
}

void neurlp_stop_limit(double walltime, double left) {
  own_end = walltime >= 0 ? MPI_Wtime() - neurlp_clock_seconds() + walltime : (double)INFINITY;
  margin = left;
}

void neurlp_stop_begin(void) {
  last_look = MPI_Wtime();
}

/* Whether another piece of work may take too long. One is always done: else a program whose time never holds
 * one would be begun again for ever. */
static bool runs_out(void) {
  const double now = MPI_Wtime();
  const bool first = last_look < 0;
  if (!first) longest = fmax(longest, now - last_look);
  last_look = now;
  return !first && now + longest + margin > fmin(own_end, neurlp_stop_slurm());
}

neurlp_status neurlp_stop_between(MPI_Comm comm, neurlp_context *context, const char *after,
                                  const char *file) {
  enum { TIME = 1 }; /* less than both signals */
  int wish = neurlp_stop_signal();
  if (runs_out() && wish == 0) wish = TIME;
  MPI_Allreduce(MPI_IN_PLACE, &wish, 1, MPI_INT, MPI_MAX, comm);
  if (!wish) return NEURLP_SUCCESS;
  if (!file && wish != SIGTERM) return NEURLP_SUCCESS; /* it would only be done again from the start */
  if (!file)
    return neurlp_fail(context, NEURLP_ERROR_IO, "stopped as signal SIGTERM asked, after %s; nothing is kept",
                       after);
  return neurlp_fail(context, NEURLP_STOPPED,
                     "stopped as %s, after %s; they are in %s; the same command goes on from there",
                     wish == SIGTERM   ? "signal SIGTERM asked"
                     : wish == SIGUSR1 ? "signal SIGUSR1 asked"
                                       : "the wall time is nearly over",
                     after, file);
}

void neurlp_stop_ignore(void) {
  own_end = (double)INFINITY;
  margin = NEURLP_STOP_MARGIN;
  last_look = -1;
  longest = 0;
  if (!listening) return;
  sigaction(SIGUSR1, &before_usr1, NULL);
  sigaction(SIGTERM, &before_term, NULL);
  arrived = 0;
  listening = false;
}
