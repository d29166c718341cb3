/* What one thread does: solve one tile, or its adjoint, or find its slack. Compiled for several instruction
 * sets. */
#ifndef NEURLP_BLOCK_KERNELS_H
#define NEURLP_BLOCK_KERNELS_H

#include "block/problem.h"

typedef struct neurlp_tile_job {
  const neurlp_problem *problem;
  const neurlp_inputs *inputs;
  int64_t first;        /* systems first, first + 1, ... up to the width of a tile */
  void *workspace;      /* tile_workspace() numbers for each lane, aligned */
  double *solution;     /* written by solve */
  const double *solved; /* read by adjoint, as grad_output and gradients are */
  const double *grad_output;
  const neurlp_gradients *gradients;
  neurlp_status *status; /* written, [S] */
  double *slack;         /* written by slack, [S][R] */
} neurlp_tile_job;

/* The kernels for one instruction set. */
typedef struct neurlp_kernels {
  const char *name;
  int32_t width; /* lanes of a tile */
  void (*solve)(const neurlp_tile_job *job);
  void (*adjoint)(const neurlp_tile_job *job);
  void (*slack)(const neurlp_tile_job *job);
} neurlp_kernels;

/* The kernels for the best instruction set of this machine, or the one that the environment variable
 * NEURLP_ISA names (baseline, avx2, avx512); NULL if it names none that this machine and build have. */
const neurlp_kernels *neurlp_kernels_choose(void);

#endif
