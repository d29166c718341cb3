/* Kernels that know of samples: which of them count, losses, systems of blocks, terms of libraries. */
#ifndef NEURLP_CUDA_GRAPH_SAMPLE_KERNELS_H
#define NEURLP_CUDA_GRAPH_SAMPLE_KERNELS_H

#include "cuda/device/kernel.h"
#include "expr/instruction.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The run at hand, in the device's memory, so that kernels that were recorded with its address see the next
 * one, too. Statuses [samples] are neurlp_status. */
typedef struct neurlp_cuda_run {
  int64_t present;
  double weight;
} neurlp_cuda_run;

typedef struct neurlp_cuda_set_number {
  void *to;
  double number;
} neurlp_cuda_set_number;

/* to_i = *from_i, as doubles: single numbers that lie here and there, put together. */
enum { NEURLP_CUDA_GATHERED = 16 };
typedef struct neurlp_cuda_gather {
  int32_t count;
  const void *from[NEURLP_CUDA_GATHERED];
  double *to; /* [count] */
} neurlp_cuda_gather;

/* A loss of `samples` samples of `each` numbers, of neurlp_loss_kind. */
typedef struct neurlp_cuda_loss {
  const neurlp_cuda_run *run;
  const int32_t *statuses;
  int32_t kind;
  int64_t samples, each, parts;
  const void *x, *target, *gradient; /* gradient: of the loss, one number */
  void *dx;
  double *workspace; /* [samples][parts][3] */
  double
      *values; /* [samples] each sample's part of the loss, then [samples] what its errors are divided by */
} neurlp_cuda_loss;

/* The sum of squares, or of absolute values, of a tensor, in parts; and its slopes. */
typedef struct neurlp_cuda_penalty {
  const neurlp_cuda_run *run;
  bool absolute;
  int64_t numbers, parts;
  const void *x, *gradient;
  void *dx;
  double *sums; /* [parts] */
} neurlp_cuda_penalty;

/* *to = weight times the sum of `count` doubles; times the samples present, too, if `shared`. One thread. */
typedef struct neurlp_cuda_total {
  const neurlp_cuda_run *run;
  bool shared;
  int64_t count;
  const double *from;
  void *to;
} neurlp_cuda_total;

/* A sample whose status is 0 has that of the first of its blocks whose status is not. */
typedef struct neurlp_cuda_note {
  const int32_t *systems; /* [samples][blocks] */
  int64_t samples, blocks;
  int32_t *statuses; /* [samples] */
} neurlp_cuda_note;

/* Terms at points (graph/operation/library.h); slots of neighbouring threads are side by side. */
typedef struct neurlp_cuda_library {
  const neurlp_cuda_run *run;
  const int32_t *statuses;
  const neurlp_instruction *instructions;
  int32_t count, slots;
  int32_t terms, variables, parameters;
  int64_t points, per_sample; /* per_sample 0: of no sample */
  const void *x, *theta;      /* [points][variables], [parameters] */
  void *y;                    /* [points][terms], or its gradient */
  /* backward: output i of the program is the derivative of term term[i] with respect to symbol[i] */
  const int32_t *term, *symbol;
  void *dx;          /* or NULL */
  double *dtheta;    /* [parameters][threads] */
  double *workspace; /* [threads / group][slots][group] */
  int64_t threads;   /* whole groups */
} neurlp_cuda_library;

typedef struct neurlp_cuda_sample_kernels {
  neurlp_cuda_kernel set_number;  /* one thread */
  neurlp_cuda_kernel gather;      /* count */
  neurlp_cuda_kernel loss_parts;  /* samples parts: sums of every parts-th number */
  neurlp_cuda_kernel loss_values; /* samples */
  neurlp_cuda_kernel loss_slopes; /* samples each */
  neurlp_cuda_kernel total;
  neurlp_cuda_kernel penalty_sums; /* parts */
  neurlp_cuda_kernel penalty_slopes;
  neurlp_cuda_kernel note_failed;                    /* samples */
  neurlp_cuda_kernel library_values, library_slopes; /* points, by `threads` threads */
} neurlp_cuda_sample_kernels;

const neurlp_cuda_sample_kernels *neurlp_cuda_sample_kernels_of(bool single);

#ifdef __cplusplus
}
#endif

#endif
