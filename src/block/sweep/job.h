/* What is to be done with one tile: solve it, its adjoint, its tangent, its slack. */
#ifndef NEURLP_BLOCK_JOB_H
#define NEURLP_BLOCK_JOB_H

#include "block/arrays.h"
#include "block/problem.h"

/* A stretch of one system's time. Neighbours share a step, the joint: it belongs to the earlier one. */
typedef struct neurlp_piece {
  int64_t system;
  int32_t start;  /* its first step */
  int32_t length; /* steps */
  bool joined;    /* whether another one follows */
  int64_t
      joint; /* the index of the joint at its end, where it is joined; that at its beginning is one less */
} neurlp_piece;

typedef struct neurlp_tile_job {
  const neurlp_problem *problem;
  const neurlp_inputs *inputs;
  int64_t first;   /* systems first, first + 1, ... up to the width of a tile */
  void *workspace; /* of a group of tiles (lanes.h), aligned */
  int32_t lane;    /* the tile's place in the group; 0 where it is alone */
  /* A workspace in which `factorise` has left a factor for all systems; NULL: each tile makes its own. */
  const void *kept;
  /* The factors of all tiles, store_bytes each; NULL: a tile leaves its own in the workspace. Where time is
   * cut there is room, too, for what the first pass leaves to the second. */
  void *store;
  bool stored;        /* they are there */
  void *solution;     /* written by solve */
  const void *solved; /* read by adjoint and tangent, as what follows is */
  const void *grad_output;
  const neurlp_gradients *gradients;  /* those that are not shared by systems are written, */
  const neurlp_gradients *sums;       /* to those that are, in these arrays, the tile's sum is added */
  const neurlp_shape *gradient_shape; /* of the arrays of gradients; NULL: that of the inputs */
  const neurlp_direction *direction;
  void *tangent;         /* written by tangent */
  neurlp_status *status; /* written, [S] */
  void *slack;           /* written by slack, [S][R] */
  /* Where time is cut (docs/math.md, section 2): the lanes of a tile are pieces, of which there are
   * `piece_count`, instead of systems; `problem` is that of a piece, with its first step's unknowns global
   * unless it is the first of its system; status is one for each piece. A first pass over all pieces writes
   * `ends` (joint.h), the second one reads `joints`; the other is NULL. Gradients that are constant in time
   * go to `parts` instead, [pieces][part_numbers]. */
  const neurlp_piece *pieces;
  int64_t piece_count;
  const neurlp_shape *shape; /* of the arrays; NULL: that of `problem` */
  double *ends;
  const double *joints;
  void *parts;
  int64_t part_numbers;
} neurlp_tile_job;

#endif
