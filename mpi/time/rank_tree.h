/* The pieces of one long system, divided over ranks: each rank has consecutive ones, and the upper levels of
 * the tree that joins them (block/tree.h) cross the network. Along a route as that of sums (reduce/route.h):
 * a rank that lacks one half of a node which it has pieces of gets that half's record. So every rank knows
 * all nodes above its own pieces, solves for the joints at the end by itself, and nothing has to be sent on
 * the way back. */
#ifndef NEURLP_MPI_RANK_TREE_H
#define NEURLP_MPI_RANK_TREE_H

#include "block/stretch.h"
#include "reduce/reduce.h"
#include "reduce/route.h"

typedef struct neurlp_rank_tree {
  MPI_Comm comm; /* its own */
  neurlp_context *context;
  neurlp_timeline line;
  int64_t nodes;      /* of the tree's level that is dealt out to ranks, a power of two */
  neurlp_route route; /* its shards are these nodes */
  int64_t first, end; /* this rank's pieces */
  int64_t *slot_node; /* [slots][2] the nodes of each of the largest subtrees that are this rank's */
  double *kept;       /* [steps of the route][numbers that are kept of a joint] */
  double *bounds;     /* [nodes + 1][n][R] unknowns before the first node, at the end of each that is known */
  double *work;
  double *received; /* one message */
  double *sent;     /* those of one step */
  int64_t message;  /* numbers of the longest */
  MPI_Request *requests;
  neurlp_traffic traffic; /* of this rank; a sum is a join, or a sum of parts */
} neurlp_rank_tree;

/* Collective. Deals out the pieces: where the number of ranks is a power of two, and there are as many
 * pieces, each rank has one subtree, and sends log2 P messages in each join; else several, of a level with at
 * least eight nodes for each rank if there are so many pieces. All ranks return the same status:
 * NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_rank_tree_create(MPI_Comm comm, neurlp_context *context,
                                                      const neurlp_timeline *line, neurlp_rank_tree *tree);

/* Collective. Safe on one that was not created, but zeroed. */
void neurlp_rank_tree_release(neurlp_rank_tree *tree);

/* Numbers of a message: a record and its status. */
int64_t neurlp_rank_tree_message(const neurlp_timeline *line);

/* Collective. Joins all pieces. `own` has this rank's, first and first_joint being tree->first; its records
 * are merged in place. Writes own->joints, and before [n][R], the unknowns before the first one (zeros for
 * piece 0); *status of the system, the same on all ranks; if it is a failure, joints are not written. */
void neurlp_rank_tree_join(neurlp_rank_tree *tree, const neurlp_tree *own, double *before,
                           neurlp_status *status);

/* Collective. Adds up the parts of all pieces (this rank's are parts->parts, the first tree->first), `total`
 * [count] on every rank, in their precision. */
void neurlp_rank_tree_sum(neurlp_rank_tree *tree, const neurlp_tree_parts *own, void *total);

#endif
