/* Runs something in a process of its own, which may crash or never end. */
#ifndef TESTS_FUZZ_APART_H
#define TESTS_FUZZ_APART_H

#include <stdbool.h>
#include <stdint.h>

typedef enum fuzz_end {
  FUZZ_GOOD,
  FUZZ_BAD,    /* it said so itself */
  FUZZ_LIBRARY /* it crashed at a place in HDF5 that is known (apart.c), and not ours to mend */
} fuzz_end;

/* `seconds`: of computing. body: true for FUZZ_GOOD. A crash anywhere else is FUZZ_BAD, with the functions
 * that were being called on standard output. */
fuzz_end fuzz_apart(bool (*body)(int64_t number), int64_t number, unsigned seconds);

/* In this process: whether what is being done now is a crash at a known place in HDF5. For handlers of
 * signals; the first call, before any crash, loads what it needs. */
bool fuzz_is_known_crash(void);

#endif
