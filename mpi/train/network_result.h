/* The result of a training as an HDF5 file (docs/formats.md). */
#ifndef NEURLP_MPI_NETWORK_RESULT_H
#define NEURLP_MPI_NETWORK_RESULT_H

#include "study/truth.h"
#include "train/network_forecast_write.h"
#include "train/network_study.h"
#include "train/network_truth.h"

/* What happened, epoch by epoch. */
typedef struct neurlp_network_history {
  neurlp_context *context;
  int64_t count, room;
  neurlp_epoch *epochs; /* [room] */
  double *seconds;      /* [room] since the run began, when each was done */
  neurlp_training_result result;
  neurlp_status outcome; /* of training: success, or what went wrong, */
  char message[1024];    /* in words */
  const char *trouble;   /* with checkpoints; NULL: none */
} neurlp_network_history;

/* How well the model does on its windows, and on what is held back. */
typedef struct neurlp_network_scores {
  int64_t windows, failed;
  double error; /* root mean square of solution less data over all known samples, in units of each state's
                   spread */
  neurlp_forecast_scores forecast;
  neurlp_network_truth truth; /* release it */
  bool has_truth;             /* of the library's weights: coefficients say how far they are from it */
  neurlp_coefficient_errors coefficients;
} neurlp_network_scores;

/* The windows that this rank evaluates: whole shards, so that each window has the same place in the same
 * shard for any number of ranks, and the same numbers to the last bit. */
void neurlp_network_result_part(const neurlp_network_study *study, int64_t *first, int64_t *count);

/* Collective. Evaluates the model on all windows, each rank a part of them, and writes everything that was
 * found. */
NEURLP_MUST_USE neurlp_status neurlp_network_result_write(neurlp_network_study *study,
                                                          const neurlp_network_history *history,
                                                          const char *path, neurlp_network_scores *scores,
                                                          int64_t *written_bytes);

/* The library's weights [D][L] of the model's last run, zeros where terms were dropped. Only where they are
 * parameters; after neurlp_network_evaluate, on every rank those of the parameters as they are. */
NEURLP_MUST_USE neurlp_status neurlp_network_weights(neurlp_network_study *study, double *weights);

#endif
