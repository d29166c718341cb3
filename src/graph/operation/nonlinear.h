/* What a nonlinear block node keeps. The block works in double precision in graphs of either precision, on
 * arrays in which nothing is shared. */
#ifndef NEURLP_GRAPH_OPERATION_NONLINEAR_H
#define NEURLP_GRAPH_OPERATION_NONLINEAR_H

#include "graph/operation.h"

/* The node's inputs; -1: there is none. */
typedef enum neurlp_nonlinear_input {
  NEURLP_NONLINEAR_INITIAL_VALUES,
  NEURLP_NONLINEAR_PARAMETERS,
  NEURLP_NONLINEAR_STEPS,
  NEURLP_NONLINEAR_GUESS,
  NEURLP_NONLINEAR_INPUTS
} neurlp_nonlinear_input;

typedef struct neurlp_graph_nonlinear {
  neurlp_context *context;
  neurlp_nonlinear_shape shape;
  int32_t place[NEURLP_NONLINEAR_INPUTS];
  neurlp_nonlinear *block; /* from prepare on, as the rest */
  double *scale;           /* [S][D], or NULL: 1 */
  neurlp_status *statuses; /* [S] of the last forward run */
  neurlp_status *adjoint_statuses;
  size_t bytes; /* of all this once it is prepared */
} neurlp_graph_nonlinear;

/* Parts of the scratch: arrays of neurlp_nonlinear_batch, and of its adjoint. */
typedef struct neurlp_nonlinear_scratch {
  double *initial_values, *parameters, *steps, *times;
  double *grad_state;
  neurlp_nonlinear_gradients gradients;
  size_t bytes;
} neurlp_nonlinear_scratch;

/* The parts of the memory that begins at `memory`; NULL to learn how many bytes that takes. */
neurlp_nonlinear_scratch neurlp_nonlinear_scratch_at(const neurlp_graph_nonlinear *nonlinear, double *memory);

/* The node of an input, or NULL. */
neurlp_node *neurlp_nonlinear_node(neurlp_graph *graph, const neurlp_node *node,
                                   neurlp_nonlinear_input input);

#endif
