#include "checkpoint/stop.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static volatile sig_atomic_t arrived;
static struct sigaction before_usr1, before_term;
static bool listening;

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

neurlp_status neurlp_stop_between(MPI_Comm comm, neurlp_context *context, const char *after,
                                  const char *file) {
  int signal = neurlp_stop_signal();
  MPI_Allreduce(MPI_IN_PLACE, &signal, 1, MPI_INT, MPI_MAX, comm);
  if (!signal) return NEURLP_SUCCESS;
  return neurlp_fail(
      context, NEURLP_STOPPED,
      "stopped as signal %s asked, after %s; they are in %s; the same command goes on from there",
      signal == SIGTERM ? "SIGTERM" : "SIGUSR1", after, file);
}

void neurlp_stop_ignore(void) {
  if (!listening) return;
  sigaction(SIGUSR1, &before_usr1, NULL);
  sigaction(SIGTERM, &before_term, NULL);
  arrived = 0;
  listening = false;
}
