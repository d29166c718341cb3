/* Checksums that a change of one word always changes, and one of several but for one case in 2^64. Not meant
 * against forgers.
 *
 * Of files, one that does not depend on who adds which part in which order: a sum, modulo 2^64, of one term
 * for each word, which depends on the word and its place, and is a bijection of the word.
 *
 * Of blocks, one that takes a third of the time, as there is one multiplication a word instead of four: eight
 * chains, of every eighth word each. A step is a bijection of the chain's state as well as of the word. */
#ifndef NEURLP_MPI_CHECKSUM_H
#define NEURLP_MPI_CHECKSUM_H

#include <stdint.h>
#include <string.h>

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

/* Of a block that goes on from one whose checksum was `before`; 0: of a block alone. */
static inline uint64_t neurlp_checksum_chain(uint64_t before, const void *values, size_t bytes) {
  enum { CHAINS = 8 };
  uint64_t words[CHAINS], chains[CHAINS], sum = bytes;
  for (uint64_t i = 0; i < CHAINS; i++) chains[i] = neurlp_checksum_term(i, before);
  for (size_t at = 0; at < bytes; at += sizeof words) {
    const size_t left = bytes - at;
    if (left < sizeof words) memset(words, 0, sizeof words);
    memcpy(words, (const char *)values + at, left < sizeof words ? left : sizeof words);
    for (int i = 0; i < CHAINS; i++) {
      chains[i] = (chains[i] ^ words[i]) * UINT64_C(0xD6E8FEB86659FD93);
      chains[i] ^= chains[i] >> 32;
    }
  }
  for (uint64_t i = 0; i < CHAINS; i++) sum += neurlp_checksum_term(i, chains[i]);
  return sum;
}

#endif
