/* What the tests share: checks that print the measured value beside its bound, and a count of failures.
 * A test program is a main() that calls check functions and returns check_verdict(). */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static int check_failures;
static int check_count;

/* measured <= bound; NaN fails. */
static inline void check_below(const char *what, double measured, double bound) {
  const bool good = measured <= bound;
  check_count++;
  check_failures += !good;
  printf("%s %-64s %.3e <= %.3e\n", good ? "ok  " : "FAIL", what, measured, bound);
}

/* measured >= bound; NaN fails. */
static inline void check_above(const char *what, double measured, double bound) {
  const bool good = measured >= bound;
  check_count++;
  check_failures += !good;
  printf("%s %-64s %.3e >= %.3e\n", good ? "ok  " : "FAIL", what, measured, bound);
}

static inline void check_equal(const char *what, long long measured, long long expected) {
  const bool good = measured == expected;
  check_count++;
  check_failures += !good;
  printf("%s %-64s %lld == %lld\n", good ? "ok  " : "FAIL", what, measured, expected);
}

static inline void check_true(const char *what, bool holds) {
  check_count++;
  check_failures += !holds;
  printf("%s %s\n", holds ? "ok  " : "FAIL", what);
}

/* Exit status of the program: 0 if at least one check ran and none failed. */
static inline int check_verdict(void) {
  printf("%d checks, %d failed\n", check_count, check_failures);
  return check_failures == 0 && check_count > 0 ? 0 : 1;
}

#endif
