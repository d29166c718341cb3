/* sigaction is POSIX's. */
#define _POSIX_C_SOURCE 200809L
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

void neurlp_stop_ignore(void) {
  if (!listening) return;
  sigaction(SIGUSR1, &before_usr1, NULL);
  sigaction(SIGTERM, &before_term, NULL);
  arrived = 0;
  listening = false;
}
