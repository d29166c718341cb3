#ifndef TESTS_BENCH_ACCURACY_CHECK_H
#define TESTS_BENCH_ACCURACY_CHECK_H

/* Checks that the table measures what it says. Returns the exit status. */
int accuracy_check(void);

#endif
