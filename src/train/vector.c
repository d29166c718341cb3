#include "train/vector.h"

#include <math.h>

const neurlp_vector *neurlp_vector_of(neurlp_precision precision) {
  if (precision == NEURLP_DOUBLE) return &neurlp_vector_double;
  return precision == NEURLP_SINGLE ? &neurlp_vector_single : NULL;
}

neurlp_status neurlp_vector_check(neurlp_context *context, neurlp_precision precision, int64_t count,
                                  const neurlp_vector **vector) {
  *vector = neurlp_vector_of(precision);
  if (!*vector)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "parameters are in double or single precision; got precision %d", (int)precision);
  if (count < 0)
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "got %lld parameters; there are 0 or more",
                       (long long)count);
  return NEURLP_SUCCESS;
}

double neurlp_vector_norm(const neurlp_vector *vector, int32_t threads, int64_t count, const void *a) {
  const double square = vector->square(threads, count, 1.0, a);
  if (square > 1e-280 && square < 1e300) return sqrt(square);
  const double greatest = vector->greatest(threads, count, a);
  if (greatest == 0.0 || !isfinite(greatest)) return greatest;
  return greatest * sqrt(vector->square(threads, count, greatest, a));
}
