/* Forecasts: a model that sees the first K of a window's T samples, applied to its own answers. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_FORECAST_H
#define NEURLP_LEARN_NETWORK_NETWORK_FORECAST_H

#include "learn/network/network_model.h"
#include "learn/network/network_windows.h"

typedef struct neurlp_forecast_spec {
  neurlp_network_model *model; /* finished, with its parameters as they are */
  int64_t window, seen;        /* T, and K < T */
  int32_t dimensions;          /* D */
  int64_t steps;               /* N >= 1 to forecast */
  bool of_states;              /* the state estimate is what is forecast, not the block's solution */
} neurlp_forecast_spec;

/* The known past of a forecast: the K samples of trajectory s before sample `first`, [K][D]. Missing ones are
 * on the line between their neighbours within those K, or as the nearest of them: nothing that comes later is
 * looked at. A state that none of them knows is NaN. `first` is K or more. */
void neurlp_forecast_past(const neurlp_windows *windows, int64_t system, int64_t first, int64_t seen,
                          double *past);

/* Rolls the model out: K samples go in, what it makes of the T - K after them is taken, and the last K of all
 * that is then known or forecast go in again, until there are N.
 *   past      [count][K][D]
 *   forecast  [count][N][D], written; NaN from where a block could not be solved
 *   statuses  [count], written: NEURLP_SUCCESS, NEURLP_NOT_FINITE (a past that is not finite), or why the
 *             block could not be solved
 * Trajectories are taken a shard at a time, from the first: the same ones in the same calls have the same
 * bits. What the window holds after the K samples is NaN, so that nothing can depend on it unnoticed. Cost:
 * ceil(N / (T - K)) forward runs for each shard. Fails only with what concerns no one trajectory. */
NEURLP_MUST_USE neurlp_status neurlp_network_forecast(neurlp_context *context,
                                                      const neurlp_forecast_spec *spec, int64_t count,
                                                      const double *past, double *forecast,
                                                      neurlp_status *statuses);

#endif
