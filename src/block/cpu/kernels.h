/* What one thread does with one tile. Compiled for each instruction set and precision. */
#ifndef NEURLP_BLOCK_CPU_KERNELS_H
#define NEURLP_BLOCK_CPU_KERNELS_H

#include "block/sweep/job.h"

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
