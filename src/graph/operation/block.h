/* What a block node keeps: its problem, its solver, and the statuses of its systems. */
#ifndef NEURLP_GRAPH_OPERATION_BLOCK_H
#define NEURLP_GRAPH_OPERATION_BLOCK_H

#include "block/arrays.h"
#include "graph/operation.h"

typedef struct neurlp_graph_block_state {
  neurlp_context *context;
  neurlp_shape shape;
  neurlp_formulation formulation;
  int64_t blocks;                     /* systems of a sample: system s is of sample s / blocks */
  int32_t place[NEURLP_ARRAY_INPUTS]; /* which of the node's inputs an array is; -1: there is none */
  neurlp_problem *problem;
  neurlp_solver *solver;           /* from prepare on, as the statuses; on a machine it has its own */
  bool prepared;                   /* the solver keeps the factor of constants that all systems share */
  neurlp_status *statuses;         /* [systems] of the last forward run, or of what its adjoint made of it */
  neurlp_status *adjoint_statuses; /* [systems] */
  size_t bytes;                    /* of all this once it is prepared */
} neurlp_graph_block_state;

/* Parts of the scratch of backward. */
typedef struct neurlp_block_scratch {
  void *gradients[NEURLP_ARRAY_INPUTS]; /* NULL where none is wanted */
  void *solution; /* where the solver keeps factors: of systems that are solved again; not on a machine */
  size_t bytes;
} neurlp_block_scratch;

/* The parts of the memory that begins at `memory`; NULL to learn how many bytes that takes. */
neurlp_block_scratch neurlp_block_scratch_at(neurlp_graph *graph, const neurlp_node *node,
                                             unsigned char *memory);

/* Whether all systems share a left-hand side of constants, which is then factorised once. */
bool neurlp_block_left_is_fixed(neurlp_graph *graph, const neurlp_node *node);

/* The node of an input array, or NULL. */
neurlp_node *neurlp_block_array(neurlp_graph *graph, const neurlp_node *node, neurlp_array array);

#endif
