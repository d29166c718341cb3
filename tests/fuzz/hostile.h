/* Files made hostile, from good ones: what is done to a file is a function of (seed, case number) alone. */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include "core/random.h"

#include <stddef.h>

/* Draws of one case, one after the other. */
typedef struct fuzz_draw {
  uint64_t seed;
  int64_t number, index;
} fuzz_draw;

/* One of 0 ... below - 1. */
static inline int64_t fuzz_choose(fuzz_draw *draw, int64_t below) {
  const double u = neurlp_random_uniform(draw->seed, NEURLP_RANDOM_TEST, draw->number, draw->index++);
  return (int64_t)(u * (double)below);
}

/* Damages bytes: bits, numbers that mean something (0, -1, the largest), pieces copied to other places, the
 * end cut off. Returns the new size, at most `size`. */
size_t fuzz_damage_bytes(fuzz_draw *draw, unsigned char *bytes, size_t size);

/* Puts back, from the good file of `size` bytes, what HDF5 believes of texts in its heaps: lengths, places
 * and sizes. HDF5 1.10.8 copies as much as one of them says to where another made room, and crashes then or
 * later, anywhere. (Sizes that lead out of the heap never reach it: array_file_driver.c.) */
void fuzz_spare_texts(const unsigned char *good, size_t size, unsigned char *bytes);

/* Changes one to three objects of the HDF5 file at `path` through the library: arrays of another type, rank,
 * size or layout, links into nowhere, in circles and to other files, attributes that are no numbers, numbers
 * that make no sense, damaged texts. Whatever the library refuses is left out. */
void fuzz_change_objects(fuzz_draw *draw, const char *path);

#endif
