/* Inside a graph. */
#ifndef NEURLP_GRAPH_GRAPH_PARTS_H
#define NEURLP_GRAPH_GRAPH_PARTS_H

#include "graph/operation.h"

/* A part of the arena that is in use from time `begin` to time `end`, both included. Forward of node i is at
 * time i, its backward at 2 N - 1 - i. */
typedef struct neurlp_graph_item {
  int32_t begin, end;
  size_t bytes, offset;
} neurlp_graph_item;

/* Where what a node needs lies in the arena; -1: it has none there. */
typedef struct neurlp_graph_place {
  int32_t data, gradient, scratch_forward, scratch_backward, saved;
  int32_t
      clears; /* the gradients that are cleared before this node's backward: a chain of nodes, -1 ends it */
  int32_t next_cleared;
} neurlp_graph_place;

struct neurlp_graph {
  neurlp_context *context;
  const neurlp_graph_backend *backend;
  bool check; /* guards, poison, unchanged inputs (graph_check.c) */
  neurlp_precision precision;
  size_t number_bytes;
  int64_t samples;
  neurlp_status failure; /* the first of building */
  bool finished, has_run;
  neurlp_value loss;
  int32_t node_count, node_room;
  neurlp_node *nodes; /* [node_count] */
  double **constants; /* [node_count] numbers of constants until they are uploaded */
  int64_t parameter_count;
  int32_t parameter_tensors;
  void *parameters, *gradients;
  neurlp_graph_place *places; /* [node_count] */
  int32_t item_count;
  neurlp_graph_item *items;
  size_t arena_bytes;
  unsigned char *arena;
  void *own; /* what the backend's machine has of this graph */
  size_t own_bytes;
  int64_t present;
  double weight;
  neurlp_status *statuses; /* [samples] */
  double *staging;         /* what crosses the interface, converted; as many numbers as the largest value */
  int64_t staging_numbers;
};

/* Bytes between parts of the arena, and what is in them when the graph is checked. */
enum { NEURLP_GRAPH_ALIGNMENT = 256, NEURLP_GRAPH_GUARD = 0xA5 };

/* Decides which values get gradients, where everything lies, and how large the arena is (plan.c). */
NEURLP_MUST_USE neurlp_status neurlp_graph_plan(neurlp_graph *graph);

/* Whether backward of this node has something to do. */
static inline bool neurlp_graph_goes_back(const neurlp_node *node) {
  return node->role == NEURLP_ROLE_COMPUTED && node->trained;
}

/* Around each call of a kernel, where graph->check is set (graph_check.c). */
void neurlp_graph_check_before(neurlp_graph *graph, int32_t index, bool forward, uint64_t *inputs);
NEURLP_MUST_USE neurlp_status neurlp_graph_check_after(neurlp_graph *graph, int32_t index, bool forward,
                                                       uint64_t inputs);

#endif
