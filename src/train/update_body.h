/* Steps of optimisers on the CPU. Who includes it defines before REAL and SQUARE_ROOT, for updates.h, and
 *
 *   UPDATE_SGD, UPDATE_ADAM    names of the functions
 *
 * so there is no guard. Every parameter is for itself, so any number of threads gives the same numbers. */
#include "train/updates.h"

/* Fewer parameters are not worth waking threads for. */
enum { SHARED_LEAST = 16384 };

static void descend(const neurlp_update_call *call) {
  const update_numbers n = update_round(&call->update);
  REAL *parameters = call->parameters;
  const REAL *gradient = call->gradient;
#pragma omp parallel for num_threads(call->threads) schedule(static) if (call->count >= SHARED_LEAST)
  for (int64_t i = 0; i < call->count; i++) {
    const REAL moved = update_descent(&n, parameters[i], gradient[i]);
    parameters[i] = call->mask[i] ? moved : 0;
  }
}

void UPDATE_SGD(const neurlp_update_call *call) {
  if (!call->first) {
    descend(call);
    return;
  }
  const update_numbers n = update_round(&call->update);
  REAL *parameters = call->parameters, *velocities = call->first;
  const REAL *gradient = call->gradient;
#pragma omp parallel for num_threads(call->threads) schedule(static) if (call->count >= SHARED_LEAST)
  for (int64_t i = 0; i < call->count; i++) {
    REAL velocity = velocities[i];
    const REAL moved = update_momentum(&n, parameters[i], gradient[i], &velocity);
    parameters[i] = call->mask[i] ? moved : 0;
    velocities[i] = call->mask[i] ? velocity : 0;
  }
}

void UPDATE_ADAM(const neurlp_update_call *call) {
  const update_numbers n = update_round(&call->update);
  REAL *parameters = call->parameters, *firsts = call->first, *seconds = call->second;
  const REAL *gradient = call->gradient;
#pragma omp parallel for num_threads(call->threads) schedule(static) if (call->count >= SHARED_LEAST)
  for (int64_t i = 0; i < call->count; i++) {
    REAL first = firsts[i], second = seconds[i];
    const REAL moved = update_adam(&n, parameters[i], gradient[i], &first, &second);
    parameters[i] = call->mask[i] ? moved : 0;
    firsts[i] = call->mask[i] ? first : 0;
    seconds[i] = call->mask[i] ? second : 0;
  }
}
