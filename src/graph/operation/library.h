/* What a library node keeps: programs for its terms and for their derivatives. */
#ifndef NEURLP_GRAPH_OPERATION_LIBRARY_H
#define NEURLP_GRAPH_OPERATION_LIBRARY_H

#include "expr/expr.h"
#include "graph/operation.h"

typedef struct neurlp_graph_library_terms {
  int32_t terms, variables, parameters; /* L, D, P: symbols are the variables, then the parameters */
  neurlp_program *values, *slopes;
  /* slopes has derivative i of term slope_term[i] with respect to symbol slope_symbol[i]: only what is not 0
   * by its form, and only of symbols that gradients flow to */
  int32_t slope_count;
  int32_t *slope_term, *slope_symbol;
  size_t bytes; /* of all this */
} neurlp_graph_library_terms;

/* What one thread works with: a part of the node's scratch. Numbers are doubles in graphs of either
 * precision. */
typedef struct neurlp_library_lanes {
  const double **inputs; /* [D+P] */
  int64_t *strides;      /* [D+P] */
  double *parameters;    /* [P] */
  double *points;        /* [NEURLP_PROGRAM_LANES][D] */
  double *outputs;       /* [max(L, slopes)][NEURLP_PROGRAM_LANES] */
  void *workspace;       /* of the programs */
} neurlp_library_lanes;

/* The lanes of a thread, whose scratch begins at `memory`; the bytes of one thread (memory may be NULL). */
neurlp_library_lanes neurlp_library_lanes_at(const neurlp_graph_library_terms *terms, unsigned char *memory);
size_t neurlp_library_lanes_bytes(const neurlp_graph_library_terms *terms);

#endif
