/* How a number is found. A Philox block turns a 128-bit counter and a 64-bit key into 128 random bits, one to
 * one in the counter for every key. Words are listed low half first.
 *
 *   counter = (index, system)       each 64 bits, so that no two pairs share a block, whatever their size
 *   key     = seed XOR (stream << 56)
 *
 * For one seed, therefore, no two of (stream, system, index) share a block. Seeds below 2^56 do not share one
 * with each other either; above that, two seeds that differ in nothing but their top byte may meet in
 * different streams. A block serves one number: the uniform deviate takes its first half, the normal deviate
 * all of it. */
#include "core/random.h"

#include <math.h>

enum { PHILOX_ROUNDS = 10, FEISTEL_ROUNDS = 8 };

void neurlp_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
  uint32_t x[4] = {counter[0], counter[1], counter[2], counter[3]};
  uint32_t k[2] = {key[0], key[1]};
  for (int32_t round = 0; round < PHILOX_ROUNDS; round++) {
    const uint64_t first = (uint64_t)x[0] * 0xD2511F53U;
    const uint64_t second = (uint64_t)x[2] * 0xCD9E8D57U;
    x[0] = (uint32_t)(second >> 32) ^ x[1] ^ k[0];
    x[1] = (uint32_t)second;
    x[2] = (uint32_t)(first >> 32) ^ x[3] ^ k[1];
    x[3] = (uint32_t)first;
    k[0] += 0x9E3779B9U; /* Weyl sequence: the golden ratio, and the square root of 3 less 1 */
    k[1] += 0xBB67AE85U;
  }
  for (int32_t i = 0; i < 4; i++) words[i] = x[i];
}

static void random_block(uint64_t seed, neurlp_random_stream stream, int64_t system, int64_t index,
                         uint32_t words[4]) {
  const uint64_t s = (uint64_t)system;
  const uint64_t i = (uint64_t)index;
  const uint64_t k = seed ^ ((uint64_t)stream << 56);
  const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), (uint32_t)s, (uint32_t)(s >> 32)};
  const uint32_t key[2] = {(uint32_t)k, (uint32_t)(k >> 32)};
  neurlp_philox(counter, key, words);
}

/* 53 bits b to b 2^-53, which is exact; 0 becomes 2^-54, half of the smallest. (The usual (b + 1/2) 2^-53
 * rounds to 1 for the greatest b.) */
static double open_interval(uint32_t low, uint32_t high) {
  const uint64_t bits = (((uint64_t)high << 32) | low) >> 11;
  return bits > 0 ? (double)bits * 0x1p-53 : 0x1p-54;
}

double neurlp_random_uniform(uint64_t seed, neurlp_random_stream stream, int64_t system, int64_t index) {
  uint32_t words[4];
  random_block(seed, stream, system, index, words);
  return open_interval(words[0], words[1]);
}

double neurlp_random_normal(uint64_t seed, neurlp_random_stream stream, int64_t system, int64_t index) {
  const double two_pi = 6.28318530717958647692528676655900577;
  uint32_t words[4];
  random_block(seed, stream, system, index, words);
  const double radius = sqrt(-2.0 * log(open_interval(words[0], words[1])));
  return radius * cos(two_pi * open_interval(words[2], words[3]));
}

/* One pass through a Feistel network of eight rounds on numbers of 2 half_bits bits, which is one to one
 * whatever the rounds mix in: each can be undone. A round mixes in bits of a Philox block of its own. */
static uint64_t feistel(uint64_t seed, neurlp_random_stream stream, int64_t which, int32_t half_bits,
                        uint64_t number) {
  const uint64_t mask = (UINT64_C(1) << half_bits) - 1;
  uint64_t left = number >> half_bits, right = number & mask;
  for (uint64_t round = 0; round < FEISTEL_ROUNDS; round++) {
    uint32_t words[4];
    random_block(seed, stream, which, (int64_t)(round << 32 | right), words);
    const uint64_t mixed = left ^ (words[0] & mask);
    left = right;
    right = mixed;
  }
  return left << half_bits | right;
}

/* Cycle walking (Black and Rogaway, CT-RSA 2002): the network permutes 0..4^h-1, of which 0..n-1 are more
 * than a quarter. Following its cycle from an entry until it is back among them permutes these. */
int64_t neurlp_random_permute(uint64_t seed, neurlp_random_stream stream, int64_t which, int64_t n,
                              int64_t index) {
  if (n < 2) return 0;
  int32_t half_bits = 1;
  while (half_bits < 31 && (INT64_C(1) << (2 * half_bits)) < n) half_bits++;
  uint64_t number = (uint64_t)index;
  do {
    number = feistel(seed, stream, which, half_bits, number);
  } while (number >= (uint64_t)n);
  return (int64_t)number;
}
