/* What one thread does with one tile: solve it, its adjoint, its tangent, its slack. Compiled for each
 * instruction set and precision. */
#ifndef NEURLP_BLOCK_KERNELS_H
#define NEURLP_BLOCK_KERNELS_H

#include "block/problem.h"

typedef struct neurlp_tile_job {
  const neurlp_problem *problem;
  const neurlp_inputs *inputs;
  int64_t first;   /* systems first, first + 1, ... up to the width of a tile */
  void *workspace; /* workspace_bytes, aligned */
  /* A workspace in which `factorise` has left a factor for all systems; NULL: each tile makes its own. */
  const void *kept;
  void *solution;     /* written by solve */
  const void *solved; /* read by adjoint and tangent, as what follows is */
  const void *grad_output;
  const neurlp_gradients *gradients; /* those that are not shared by systems are written, */
  const neurlp_gradients *sums;      /* to those that are, in these arrays, the tile's sum is added */
  const neurlp_direction *direction;
  void *tangent;         /* written by tangent */
  neurlp_status *status; /* written, [S] */
  void *slack;           /* written by slack, [S][R] */
} neurlp_tile_job;

/* The kernels for one instruction set and precision. */
typedef struct neurlp_kernels {
  const char *name; /* of the instruction set */
  int32_t width;    /* lanes of a tile */
  size_t (*workspace_bytes)(const neurlp_problem *problem);
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
