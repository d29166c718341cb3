/* The equations that a result file holds, as text that can be integrated. */
#ifndef NEURLP_MPI_LEARNED_H
#define NEURLP_MPI_LEARNED_H

#include "core/context.h"

#include <stdbool.h>

/* Which terms of the equations are wanted: all, or only those that were learned, without what the deck
 * declares to be known (dynamics.known), which a simulation that they are put back into may have of its own.
 */
typedef enum neurlp_learned_part { NEURLP_LEARNED_WHOLE, NEURLP_LEARNED_ALONE } neurlp_learned_part;

/* Right-hand sides in the states' symbols and t; every number is written out. */
typedef struct neurlp_learned {
  int32_t dimensions; /* D */
  int32_t order;      /* 1: x' = ..., 2: x'' = ... */
  char **names;       /* [D] */
  char **equations;   /* [D] "-10*x + 10*y" */
} neurlp_learned;

/* Local: this process opens the file alone. Makes the model from the deck that the file carries, as `neurlp
 * run` did, and puts row `row` of the estimates in, to 17 digits. Fails with NEURLP_ERROR_DATA (no result,
 * not what it claims to be, a row that is not there or was not estimated) or NEURLP_ERROR_MEMORY; release it
 * either way. */
NEURLP_MUST_USE neurlp_status neurlp_learned_read(neurlp_context *context, const char *path,
                                                  neurlp_learned_part part, int64_t row,
                                                  neurlp_learned *learned);

struct neurlp_model;

/* Local. The model of a result and all rows of its estimates, for those who evaluate each system's equations:
 *   theta [*rows][P]  allocated, as neurlp_model_evaluate takes them; NaN where a row was not estimated
 * Fails as neurlp_learned_read; then nothing is allocated. */
NEURLP_MUST_USE neurlp_status neurlp_learned_read_all(neurlp_context *context, const char *path,
                                                      neurlp_learned_part part, struct neurlp_model **model,
                                                      int64_t *rows, double **theta);

/* The trajectories that a result has fitted states of. */
typedef struct neurlp_learned_ends {
  int64_t systems; /* S of the result */
  bool own;        /* each system has estimates of its own */
} neurlp_learned_ends;

/* Local. Fails as neurlp_learned_read; also for results that do not say where their systems end. */
NEURLP_MUST_USE neurlp_status neurlp_learned_count_ends(neurlp_context *context, const char *path,
                                                        neurlp_learned_ends *ends);

/* Local. Fitted states of systems first to first + count - 1 at their first or, with `last`, last samples:
 *   values  [count][size]  written; size = D kappa: x0, x0', x1, ...
 *   times   [count]        written
 * NEURLP_ERROR_DATA if one of these systems was not fitted there. */
NEURLP_MUST_USE neurlp_status neurlp_learned_read_ends(neurlp_context *context, const char *path, bool last,
                                                       int64_t first, int64_t count, int64_t size,
                                                       double *values, double *times);

void neurlp_learned_release(neurlp_context *context, neurlp_learned *learned);

#endif
