/* Forecasts of a trained model, and how good they are: `forecast` and its metrics in a result
 * (docs/formats.md). */
#ifndef NEURLP_MPI_NETWORK_FORECAST_WRITE_H
#define NEURLP_MPI_NETWORK_FORECAST_WRITE_H

#include "file/array_file.h"
#include "train/network_study.h"

typedef struct neurlp_forecast_scores {
  int64_t systems, failed, steps; /* systems 0: nothing was forecast */
  int32_t horizon_count;
  int64_t horizons[NEURLP_FORECAST_HORIZONS];
  double errors[NEURLP_FORECAST_HORIZONS];      /* mean square over all known samples up to the horizon */
  double persistence[NEURLP_FORECAST_HORIZONS]; /* the same of the last known sample, held */
  double squares[NEURLP_FORECAST_HORIZONS];     /* mean square of the data there */
  double size;                                  /* root mean square of what was to be forecast */
} neurlp_forecast_scores;

/* Collective. Rolls the model out, a piece of the trajectories at a time, each rank a part of it, and writes
 * what comes out; goes on after those that are complete in the file. Every number is the same for any number
 * of ranks and any pieces. Does nothing where study->forecast says so. */
NEURLP_MUST_USE neurlp_status neurlp_network_forecast_write(neurlp_network_study *study,
                                                            neurlp_array_file *file, int32_t compress,
                                                            neurlp_forecast_scores *scores);

/* What it writes, at most. */
int64_t neurlp_network_forecast_bytes(const neurlp_network_study *study);

/* Whether it does so in more than one piece. */
bool neurlp_network_forecast_in_pieces(const neurlp_network_study *study);

/* Bytes that it allocates, at most. */
int64_t neurlp_network_forecast_room(const neurlp_network_study *study);

/* Says on standard output how good the forecasts are; nothing if there are none. */
void neurlp_network_forecast_report(const neurlp_forecast_scores *scores);

#endif
