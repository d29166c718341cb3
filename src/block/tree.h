/* How pieces of one system's time are joined: along a binary tree that depends on nothing but the number of
 * pieces (docs/math.md, section 2), so that neither threads nor ranks that share the work change a bit of the
 * answer. A run of pieces [first, end) is what [first, middle) and [middle, end) are when the joint between
 * them, at the end of piece middle - 1, has been eliminated (sweep/merge.h). */
#ifndef NEURLP_BLOCK_TREE_H
#define NEURLP_BLOCK_TREE_H

#include "block/sweep/chain.h"

/* Where a run is halved. */
static inline int64_t neurlp_tree_middle(int64_t first, int64_t end) {
  return first + (end - first + 1) / 2;
}

/* Where node i of 2^levels at this depth of the tree over `pieces` begins; i = 2^levels: where the last one
 * ends. There must be as many pieces as nodes. */
int64_t neurlp_tree_node(int64_t pieces, int32_t levels, int64_t i);

/* The whole depth of any tree. */
enum { NEURLP_TREE_ALL = 64 };

/* Values that are given at the end of a system. Pieces know nothing of them: they come in where all pieces
 * have been joined, and what is left are rows of the last step alone. */
typedef struct neurlp_tree_given {
  int32_t derivatives, count; /* d+1, of which the first JF are given, in every dimension */
  bool hard;
  double weight;                       /* of soft ones */
  const double *scale, *inverse_scale; /* [d+1] of the unknowns */
  const double *values;                /* [D][JF][R] in the caller's units, or changes of them; NULL: zeros */
  double *gradients;                   /* [D][JF][R] likewise, of an adjoint: written; NULL: not wanted */
} neurlp_tree_given;

/* Those of systems of this problem. */
neurlp_tree_given neurlp_tree_given_of(const neurlp_problem *problem, const double *values,
                                       double *gradients);

/* Pieces that are in memory, of one system. Records are chain.h's: what a run leaves stands in the place of
 * its first piece. */
typedef struct neurlp_tree {
  neurlp_end_layout layout;
  bool normal;    /* records hold sources of normal equations */
  double epsilon; /* of the precision of the pieces */
  int64_t first;  /* the piece whose record is the first of `ends` */
  double *head;   /* the record of piece 0, wherever it is */
  double *ends;   /* [pieces from first on][layout.numbers] */
  double *kept;   /* [pieces from first on][neurlp_tree_kept_numbers]: of the joint before each piece */
  double *joints; /* [pieces from first_joint on][n][R]: unknowns at the end of each piece */
  int64_t first_joint;
  /* Of piece 0, and of the pieces from first on: the status of a piece, then that of the run it begins: of
   * its left half, or of the right one, or of the joint between them, whichever is a failure first. */
  neurlp_status *head_status, *status;
  const neurlp_tree_given *given; /* NULL: nothing is */
} neurlp_tree;

/* Numbers that are kept of a joint, and of workspace for one thread. */
int64_t neurlp_tree_kept_numbers(neurlp_end_layout layout);
int64_t neurlp_tree_work_numbers(neurlp_end_layout layout);

/* A record, and what came of the run that it is of. */
typedef struct neurlp_tree_run {
  double *record;
  neurlp_status *status;
} neurlp_tree_run;

/* Merges the run `next` into the one before it, whose place the result takes. */
void neurlp_tree_merge(const neurlp_tree *tree, neurlp_tree_run run, neurlp_tree_run next, double *kept,
                       double *work);

/* Merges the uppermost levels of the tree over pieces [first, end), where all below is merged: to the record
 * and the status of piece `first`. */
void neurlp_tree_gather(const neurlp_tree *tree, int64_t first, int64_t end, int32_t levels, double *work);

/* The unknowns [n][R] at the end of the last piece, from the record of all, and what is given there. Returns
 * as neurlp_tree_merge, NEURLP_NOT_FINITE also where they are not finite. */
neurlp_status neurlp_tree_root(const neurlp_tree *tree, const double *record, double *work, double *x);

/* The unknowns at the joint in the middle of a run, from those at its end and before its beginning. */
void neurlp_tree_between(const neurlp_tree *tree, const double *kept, const double *before, const double *end,
                         double *x);

/* The way back of neurlp_tree_gather: unknowns at all joints inside the run, of its uppermost levels, when
 * that at its end is there; `before` [n][R] are those before its beginning, zeros for first = 0. */
void neurlp_tree_spread(const neurlp_tree *tree, int64_t first, int64_t end, int32_t levels,
                        const double *before);

/* Numbers that pieces add up, of each piece: count of them, `stride` numbers from one piece to the next. */
typedef struct neurlp_tree_parts {
  bool single; /* float, else double */
  int64_t first, count, stride;
  void *head, *parts; /* of piece 0, and of the pieces from first on */
} neurlp_tree_parts;

/* Adds up pieces [first, end) along the tree: to the place of piece `first`. */
void neurlp_tree_sum(const neurlp_tree_parts *parts, int64_t first, int64_t end);

/* total += part. */
void neurlp_tree_add(bool single, int64_t count, void *total, const void *part);

#endif
