#ifndef TESTS_BENCH_VERIFY_H
#define TESTS_BENCH_VERIFY_H

/* Checks on tiny shapes that everything that is timed solves the same problem. Returns the exit status. */
int bench_verify(void);

#endif
