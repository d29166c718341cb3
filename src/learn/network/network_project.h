/* Weights of the library that are solved for, while everything else is trained: variable projection
 * (graph/projection.h) over the windows of a training.
 *
 * The rows of a window need what the library and the initial values are, which do not depend on the weights:
 * the forward run of a batch leaves them, whatever its weights were. So the sums of batch b give the weights
 * of batch b + 1, at no more than the price of a solve with L + D columns, and older batches fade: what is
 * solved is a mean over about an epoch. Where weights have to be exact (at both ends of a cycle, and in each
 * evaluation of L-BFGS), all training windows are run first. Source: docs/math.md, section 10. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_PROJECT_H
#define NEURLP_LEARN_NETWORK_NETWORK_PROJECT_H

#include "core/state.h"
#include "graph/projection.h"
#include "learn/exchange.h"
#include "learn/network/network_model.h"

typedef struct neurlp_solving_spec {
  neurlp_projection_spec block;             /* its numbers are only read while training begins */
  neurlp_exchange exchange;                 /* its bins are the shards of a batch */
  int64_t shards, first_shard, shard_count; /* all, and this rank's */
  const double *scale;                      /* [D][L] unit in which weights are parameters; NULL: 1 */
  int32_t loss_count;
  const neurlp_loss_spec
      *losses; /* those of the solution, measured by squares, count; there is one at least */
  /* Rows for each sample of the data: more than 1 where windows overlap. Rows of the same sample do not tell
   * more than one, so standard errors grow by the root of it. */
  double overlap;
  double *errors; /* [D][L], written after each cycle: standard errors */
} neurlp_solving_spec;

typedef struct neurlp_solving {
  neurlp_context *context;
  const neurlp_solving_spec *spec;
  neurlp_network_model *model;
  neurlp_projection *projection;
  neurlp_value parameter; /* the weights */
  int64_t numbers;        /* of a shard's sums */
  int32_t square_losses;
  double *sums, *gathered, *total;   /* [shard_count], [shards] and [1] of them */
  double *library, *values, *states; /* [samples] of a shard */
  double *data;
  double *weights, *errors; /* [D][L] */
  bool *mask;               /* [D][L] */
} neurlp_solving;

/* Everything that solving needs; the spec and the model are borrowed. Fails as neurlp_projection_create;
 * close it either way. */
NEURLP_MUST_USE neurlp_status neurlp_solving_open(neurlp_solving *solving, const neurlp_solving_spec *spec,
                                                  neurlp_network_model *model);

/* Writes how many bytes of the context a solving holds, for shards of `samples` windows: a projection is made
 * for that, and freed. Fails as neurlp_projection_create. */
NEURLP_MUST_USE neurlp_status neurlp_solving_bytes(neurlp_context *context, const neurlp_solving_spec *spec,
                                                   int64_t samples, int64_t *bytes);
void neurlp_solving_close(neurlp_solving *solving);

/* Lists the state, core/state.h: the sums of all shards, each rank its own, and the standard errors. Returns
 * how many arrays. */
int32_t neurlp_solving_state(neurlp_solving *solving, neurlp_state_array arrays[NEURLP_STATE_MOST]);

/* Multiplies what was appended so far by `part`, 0 to 1. Local. */
void neurlp_solving_fade(neurlp_solving *solving, double part);

/* Appends the windows of one of this rank's shards, after the graph's forward run with the first `present` of
 * them. target [samples][T][D], NaN where missing. Local. Cost: that of neurlp_projection_append for each
 * loss. */
NEURLP_MUST_USE neurlp_status neurlp_solving_append(neurlp_solving *solving, int64_t shard, int64_t present,
                                                    const double *target);

/* Collective, begins with agreement on `mine`. Solves for the weights that mask [D][L] leaves (0: dropped)
 * and writes them into the graph, the same on all ranks, bit for bit, for any number of them; with `errors`,
 * spec->errors, too. */
NEURLP_MUST_USE neurlp_status neurlp_solving_solve(neurlp_solving *solving, neurlp_status mine,
                                                   const double *mask, bool errors);

#endif
