/* What one thread does with one tile: solve it, its adjoint, its tangent, its slack. Compiled for each
 * instruction set and precision. */
#ifndef NEURLP_BLOCK_KERNELS_H
#define NEURLP_BLOCK_KERNELS_H

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
  void *workspace; /* workspace_bytes, aligned */
  /* A workspace in which `factorise` has left a factor for all systems; NULL: each tile makes its own. */
  const void *kept;
  /* The factors of all tiles, store_bytes each; NULL: a tile leaves its own in the workspace. Where time is
   * cut there is room, too, for what the first pass leaves to the second. */
  void *store;
  bool stored;        /* they are there */
  void *solution;     /* written by solve */
  const void *solved; /* read by adjoint and tangent, as what follows is */
  const void *grad_output;
  const neurlp_gradients *gradients; /* those that are not shared by systems are written, */
  const neurlp_gradients *sums;      /* to those that are, in these arrays, the tile's sum is added */
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

/* The kernels for one instruction set and precision. */
typedef struct neurlp_kernels {
  const char *name; /* of the instruction set */
  int32_t width;    /* lanes of a tile */
  size_t (*workspace_bytes)(const neurlp_problem *problem);
  size_t (*store_bytes)(const neurlp_problem *problem, bool cut); /* of one tile */
  void (*factorise)(const neurlp_tile_job *job); /* leaves the factor of system `first` in the workspace */
  void (*solve)(const neurlp_tile_job *job);
  void (*adjoint)(const neurlp_tile_job *job);
  void (*tangent)(const neurlp_tile_job *job);
  void (*slack)(const neurlp_tile_job *job);
} neurlp_kernels;

/* The kernels for a precision and the best instruction set of this machine, or the one that the environment
 * variable NEURLP_ISA names (baseline, avx2, avx512); NULL if it names none that this machine and build have.
 */
const neurlp_kernels *neurlp_kernels_choose(neurlp_precision precision);

#endif
