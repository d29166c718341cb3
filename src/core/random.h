/* Counter-based random numbers: a number is a pure function of its key and counters, so that the answer does
 * not depend on how many ranks or threads there are, nor on the order in which numbers are drawn. Source:
 * Salmon, Moraes, Dror, Shaw, SC 2011 (Philox4x32-10). */
#ifndef NEURLP_CORE_RANDOM_H
#define NEURLP_CORE_RANDOM_H

#include <stdint.h>

/* What a stream of numbers is for; part of the key, so that no two uses share numbers. */
typedef enum neurlp_random_stream {
  NEURLP_RANDOM_PARAMETER = 1, /* parameters of generated systems */
  NEURLP_RANDOM_INITIAL,       /* their initial values */
  NEURLP_RANDOM_NOISE,         /* measurement noise */
  NEURLP_RANDOM_MISSING,       /* which samples are missing */
  NEURLP_RANDOM_START,         /* starting points of a multi-start fit */
  NEURLP_RANDOM_TEST,          /* tests */
  NEURLP_RANDOM_ORDER,         /* the order of systems in the backend cpu:check */
  NEURLP_RANDOM_WEIGHT,        /* first values of a network's parameters: (tensor, entry) */
  NEURLP_RANDOM_SPLIT,         /* which samples are for validation */
  NEURLP_RANDOM_SHUFFLE        /* the order of samples in an epoch */
} neurlp_random_stream;

/* Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key. */
void neurlp_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);

/* A double in (0, 1), never 0 or 1, for (seed, stream, system, index). 53 random bits. */
double neurlp_random_uniform(uint64_t seed, neurlp_random_stream stream, int64_t system, int64_t index);

/* A standard normal deviate for (seed, stream, system, index), by Box and Muller. */
double neurlp_random_normal(uint64_t seed, neurlp_random_stream stream, int64_t system, int64_t index);

/* The place that entry `index` of 0..n-1 takes in permutation `which` of (seed, stream): for given seed,
 * stream, which and n, one to one on 0..n-1. No table is made, so any rank can ask for any entry. 1 <= n <=
 * 2^62, 0 <= index < n. Cost: 8 blocks of Philox, times less than 4 on average over the entries. */
int64_t neurlp_random_permute(uint64_t seed, neurlp_random_stream stream, int64_t which, int64_t n,
                              int64_t index);

#endif
