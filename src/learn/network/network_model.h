/* Networks around a mechanistic block, as one graph. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_MODEL_H
#define NEURLP_LEARN_NETWORK_NETWORK_MODEL_H

#include "learn/network/network_spec.h"

/* What the graph is built for. Everything is borrowed during the call. */
typedef struct neurlp_network_model_spec {
  const neurlp_wiring *wiring;
  neurlp_precision precision;
  int64_t samples;    /* B of a shard */
  int32_t steps;      /* T */
  int32_t dimensions; /* D */
  int32_t order;      /* d of the block */
  neurlp_formulation formulation;
  neurlp_symbols states;      /* names of the D states */
  int32_t terms;              /* L of the library; 0: none */
  const char *const *texts;   /* [L] in the states */
  const double *center;       /* [D] what is taken off the data before a network sees them ... */
  const double *spread;       /* [D] ... and what they are divided by then, > 0 */
  const double *weight_scale; /* [D][L] typical size of each weight of the library, > 0; NULL: 1 */
} neurlp_network_model_spec;

enum { NEURLP_NETWORK_LOSSES = 8 };

/* The values of the graph that the world outside writes and reads; NEURLP_NO_VALUE where there is none. */
typedef struct neurlp_network_model {
  neurlp_graph *graph;
  neurlp_value data;           /* [B][T][D], missing samples filled in */
  neurlp_value target;         /* [B][T][D], NaN where missing */
  neurlp_value states;         /* [B][T][D] */
  neurlp_value library;        /* [B][T][L] its terms */
  neurlp_value initial_values; /* [B][K][D][J] or, with J = 1, [B][K][D] */
  neurlp_value weights;        /* [1 or B][D][L] */
  neurlp_value mask; /* [D][L], an input: 1, or 0 for a term that was dropped; weights are multiplied by it */
  neurlp_value coefficients;                  /* [1 or B][T or 1][D or 1][d+1] */
  neurlp_value steps;                         /* [1 or B][T-1 or 1] */
  neurlp_value solution;                      /* [B][T][D] */
  neurlp_value losses[NEURLP_NETWORK_LOSSES]; /* each, before its weight */
} neurlp_network_model;

/* Builds the graph; finish it, and begin. On failure model->graph is NULL. */
NEURLP_MUST_USE neurlp_status neurlp_network_model_create(neurlp_context *context,
                                                          const neurlp_network_model_spec *spec,
                                                          neurlp_network_model *model);
void neurlp_network_model_destroy(neurlp_network_model *model);

#endif
