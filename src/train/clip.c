#include "train/clip.h"

#include "train/vector.h"

#include <math.h>

/* Keeps the quotient finite for a gradient of zeros; PyTorch's number. */
#define CLIP_SMALL 1e-6

neurlp_status neurlp_clip_norm(neurlp_context *context, neurlp_precision precision, int64_t count,
                               void *gradient, double most, double *norm) {
  const int32_t threads = neurlp_context_threads(context);
  const neurlp_vector *vector = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!(most > 0.0))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT, "gradients are clipped to more than 0; got %g", most);
  NEURLP_TRY(neurlp_vector_check(context, precision, count, &vector));
  const double before = neurlp_vector_norm(vector, threads, count, gradient);
  if (norm) *norm = before;
  if (!isfinite(before))
    return neurlp_fail(
        context, NEURLP_NOT_FINITE,
        "the gradient's norm is %g, which cannot be clipped; entry %lld is the first that is not "
        "finite",
        before, (long long)vector->first_not_finite(threads, count, gradient));
  const double factor = most / (before + CLIP_SMALL);
  if (factor < 1.0) vector->scale(threads, count, factor, gradient);
done:
  return status;
}
