/* A checksum that does not depend on who adds which part in which order: a sum, modulo 2^64, of one term for
 * each word, which depends on the word and its place. Terms are a bijection of the word, so a change of one
 * word always changes the sum; of several, but for one case in 2^64. Not meant against forgers. */
#ifndef NEURLP_MPI_CHECKSUM_H
#define NEURLP_MPI_CHECKSUM_H

#include <stdint.h>

/* A bijection of 64 bits in which every bit of the result depends on every bit of x: two rounds of a shift
 * and an odd multiplier, and a last shift. */
static inline uint64_t neurlp_checksum_stir(uint64_t x) {
  x = (x ^ (x >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
  x = (x ^ (x >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
  return x ^ (x >> 32);
}

/* The term of word number `place`. */
static inline uint64_t neurlp_checksum_term(uint64_t place, uint64_t word) {
  return neurlp_checksum_stir(word ^ neurlp_checksum_stir(place + 1));
}

#endif
