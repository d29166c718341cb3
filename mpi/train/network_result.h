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

/* Collective. Evaluates the model on all windows, and forecasts, piece by piece, each rank a part of a piece,
 * and writes everything that was found. Goes on from what an earlier run with the same model has completed.
 * All numbers are the same for any number of ranks and any pieces, to the last bit. NEURLP_STOPPED: an end
 * was asked for between two pieces. */
NEURLP_MUST_USE neurlp_status neurlp_network_result_write(neurlp_network_study *study,
                                                          const neurlp_network_history *history,
                                                          const char *path, neurlp_network_scores *scores,
                                                          int64_t *written_bytes);

/* Whether that takes more than one piece. */
bool neurlp_network_result_in_pieces(const neurlp_network_study *study);

/* The library's weights [D][L] of the model's last run, zeros where terms were dropped. Only where they are
 * parameters; after neurlp_network_evaluate, on every rank those of the parameters as they are. */
NEURLP_MUST_USE neurlp_status neurlp_network_weights(neurlp_network_study *study, double *weights);

#endif
