/* Flat vectors of parameters or gradients, in double or single precision.
 *
 * Sums run in an order that the length alone decides, in double precision: they are the same, bit for bit,
 * for any number of threads. Nothing allocates. Cost: one pass over each vector. */
#ifndef NEURLP_TRAIN_VECTOR_H
#define NEURLP_TRAIN_VECTOR_H

#include "core/context.h"

/* What can be done with vectors of one precision. `threads` is the most that share the work; vectors are
 * [count], and may be the same. */
typedef struct neurlp_vector {
  size_t number_bytes;
  /* sum_i a_i b_i */
  double (*dot)(int32_t threads, int64_t count, const void *a, const void *b);
  /* sum_i (a_i / scale)^2 */
  double (*square)(int32_t threads, int64_t count, double scale, const void *a);
  /* out_i = a_i + factor b_i */
  void (*combine)(int32_t threads, int64_t count, const void *a, double factor, const void *b, void *out);
  /* a_i = factor a_i */
  void (*scale)(int32_t threads, int64_t count, double factor, void *a);
  /* a_i = 0 where mask_i = 0 */
  void (*mask)(int32_t threads, int64_t count, const uint8_t *mask, void *a);
  /* max_i |a_i|; NaN if one of them is NaN */
  double (*greatest)(int32_t threads, int64_t count, const void *a);
  /* The least i where a_i is infinite or NaN; -1 if there is none. */
  int64_t (*first_not_finite)(int32_t threads, int64_t count, const void *a);
  double (*read)(const void *a, int64_t i); /* a_i */
} neurlp_vector;

extern const neurlp_vector neurlp_vector_double, neurlp_vector_single;

/* The functions for a precision; NULL for NEURLP_MIXED. */
const neurlp_vector *neurlp_vector_of(neurlp_precision precision);

/* As neurlp_vector_of; fails with NEURLP_ERROR_ARGUMENT where that has none, and where count < 0. */
NEURLP_MUST_USE neurlp_status neurlp_vector_check(neurlp_context *context, neurlp_precision precision,
                                                  int64_t count, const neurlp_vector **vector);

/* |a|, without overflow or underflow on the way; NaN or infinity if an entry is. */
double neurlp_vector_norm(const neurlp_vector *vector, int32_t threads, int64_t count, const void *a);

#endif
