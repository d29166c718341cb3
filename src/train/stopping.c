#include "train/stopping.h"

#include "train/vector.h"

#include <math.h>
#include <string.h>

enum { BEST, REFERENCE }; /* the least loss; that of the last improvement */

struct neurlp_stopping {
  neurlp_context *context;
  neurlp_stopping_options options;
  neurlp_precision precision;
  int64_t count;
  size_t bytes;
  double losses[2];
  int64_t waited;   /* losses since then */
  void *parameters; /* [count] of the least loss */
};

neurlp_status neurlp_stopping_create(neurlp_context *context, const neurlp_stopping_options *options,
                                     neurlp_precision precision, int64_t count, neurlp_stopping **stopping) {
  const neurlp_vector *vector = NULL;
  neurlp_stopping *made = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *stopping = NULL;
  NEURLP_TRY(neurlp_vector_check(context, precision, count, &vector));
  if (options->patience < 1 || !(options->min_delta >= 0.0 && isfinite(options->min_delta)))
    return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                       "early stopping got patience %lld and min_delta %g; patience is at least 1, min_delta "
                       "finite and at least 0",
                       (long long)options->patience, options->min_delta);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made, &made));
  made->context = context;
  made->options = *options;
  made->precision = precision;
  made->count = count;
  made->bytes = (size_t)count * vector->number_bytes;
  made->losses[BEST] = made->losses[REFERENCE] = INFINITY;
  NEURLP_TRY(neurlp_allocate(context, count, vector->number_bytes, &made->parameters));
  *stopping = made;
  made = NULL;
done:
  neurlp_stopping_destroy(&made);
  return status;
}

void neurlp_stopping_destroy(neurlp_stopping **stopping) {
  if (!stopping || !*stopping) return;
  neurlp_context *context = (*stopping)->context;
  neurlp_release(context, &(*stopping)->parameters);
  neurlp_release(context, stopping);
}

bool neurlp_stopping_observe(neurlp_stopping *s, double loss, const void *parameters) {
  if (loss < s->losses[BEST]) {
    s->losses[BEST] = loss;
    memcpy(s->parameters, parameters, s->bytes);
  }
  if (loss < s->losses[REFERENCE] - s->options.min_delta) {
    s->losses[REFERENCE] = loss;
    s->waited = 0;
  } else {
    s->waited++;
  }
  return s->waited >= s->options.patience;
}

neurlp_status neurlp_stopping_restore(const neurlp_stopping *s, void *parameters) {
  if (s->losses[BEST] == INFINITY)
    return neurlp_fail(s->context, NEURLP_ERROR_ARGUMENT,
                       "there are no best parameters: no loss so far was finite");
  memcpy(parameters, s->parameters, s->bytes);
  return NEURLP_SUCCESS;
}

int32_t neurlp_stopping_state(neurlp_stopping *s, neurlp_state_array arrays[NEURLP_STATE_MOST]) {
  arrays[0] =
      (neurlp_state_array){.name = "losses", .kind = NEURLP_STATE_DOUBLE, .count = 2, .numbers = s->losses};
  arrays[1] =
      (neurlp_state_array){.name = "waited", .kind = NEURLP_STATE_INT64, .count = 1, .numbers = &s->waited};
  arrays[2] = (neurlp_state_array){.name = "best_parameters",
                                   .kind = neurlp_state_real(s->precision),
                                   .count = s->count,
                                   .numbers = s->parameters};
  return 3;
}
