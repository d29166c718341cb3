/* What kernels of linear blocks are given, and tables of them. */
#ifndef NEURLP_CUDA_LAUNCH_H
#define NEURLP_CUDA_LAUNCH_H

#include "block/sweep/job.h"
#include "cuda/device/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A job for all systems, or pieces, of a batch: thread i does those with the numbers i, i + threads, ... What
 * the job's pointers point to is in here, or in the device's memory. */
typedef struct neurlp_cuda_tiles {
  neurlp_tile_job job;
  neurlp_problem problem;
  neurlp_inputs inputs;
  neurlp_gradients gradients;
  neurlp_direction direction;
  neurlp_shape shape, gradient_shape;
  bool has_shape;     /* whether job.shape is to be `shape` */
  int64_t items;      /* systems or pieces */
  int64_t threads;    /* that have workspace: whole groups */
  size_t group_bytes; /* workspace of a group of threads */
} neurlp_cuda_tiles;

/* The kernels for one precision. */
typedef struct neurlp_cuda_kernels {
  size_t (*group_bytes)(const neurlp_problem *problem);
  size_t (*store_bytes)(const neurlp_problem *problem, bool cut); /* of a group */
  neurlp_cuda_kernel factorise, solve, adjoint, tangent, slack;   /* neurlp_cuda_tiles */
} neurlp_cuda_kernels;

/* Faster ones for solve and adjoint, where the problem's sizes are among the common ones; NULL: they are not.
 */
typedef struct neurlp_cuda_sized {
  neurlp_cuda_kernel solve, adjoint;
} neurlp_cuda_sized;

const neurlp_cuda_sized *neurlp_cuda_sized_find(const neurlp_problem *problem);

/* Those in this build, by precision and by where the rows are that are being eliminated. */
const neurlp_cuda_sized *neurlp_cuda_registers_double(const neurlp_problem *problem);
const neurlp_cuda_sized *neurlp_cuda_registers_single(const neurlp_problem *problem);
const neurlp_cuda_sized *neurlp_cuda_cells_double(const neurlp_problem *problem);
const neurlp_cuda_sized *neurlp_cuda_cells_single(const neurlp_problem *problem);

const neurlp_cuda_kernels *neurlp_cuda_kernels_of(neurlp_precision precision);
const neurlp_cuda_kernels *neurlp_cuda_kernels_double(void);
const neurlp_cuda_kernels *neurlp_cuda_kernels_single(void);
const neurlp_cuda_kernels *neurlp_cuda_kernels_mixed(void);

#ifdef __cplusplus
}
#endif

#endif
