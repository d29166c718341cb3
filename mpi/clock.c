#include "clock.h"

#include <time.h>

static struct timespec begin;

void neurlp_clock_begin(void) {
  clock_gettime(CLOCK_MONOTONIC, &begin);
}

double neurlp_clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - begin.tv_sec) + 1e-9 * (double)(now.tv_nsec - begin.tv_nsec);
}
