/* What is done on a device between and after the two passes over pieces of time. */
#ifndef NEURLP_CUDA_CUT_KERNELS_H
#define NEURLP_CUDA_CUT_KERNELS_H

#include "block/sweep/chain.h"
#include "cuda/device/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Neighbouring records of one system that are merged, or solved for: `first`, ... */
typedef struct neurlp_run {
  int64_t first, count;
} neurlp_run;

/* Records of pieces, or of runs of them; those of a system are neighbours. */
typedef struct neurlp_level {
  int64_t records;
  double *ends;          /* [records][numbers of an end] */
  neurlp_status *status; /* [records] */
  double *kept;          /* [records][merge_kept_numbers] of the joint at a record's end, but the last's */
  const int64_t *start, *end; /* [records] which joints are at both ends */
} neurlp_level;

/* For thread i = 0, ..., runs - 1, with its part of `work`. Merging makes record i of `above` from run i of
 * `here`; spreading finds the joints within it, and gives its status to all of them. */
typedef struct neurlp_cuda_merge {
  neurlp_end_layout layout;
  neurlp_level here, above;
  const neurlp_run *list;
  int64_t runs;
  double *work;   /* [threads][merge_work_numbers] */
  double *joints; /* [joints][n][R] */
  int64_t threads;
  double epsilon;
  bool normal;
} neurlp_cuda_merge;

/* For thread s = 0, ..., systems - 1: solves for the joints of the chain of the records in run s. */
typedef struct neurlp_cuda_chain {
  neurlp_end_layout layout;
  neurlp_level here;
  const neurlp_run *list;
  int64_t systems;
  const neurlp_piece *heads; /* [systems] */
  const double *head_ends;
  neurlp_status *head_status;
  double *work; /* [systems][work_numbers]: neurlp_chain_numbers, then the joints in their order */
  int64_t work_numbers;
  double *joints;
  double epsilon;
  bool normal;
} neurlp_cuda_chain;

/* For thread s: the first failure among a system's pieces is the system's. */
typedef struct neurlp_cuda_settle {
  const neurlp_status *heads, *pieces; /* [systems], [pieces] */
  const neurlp_run *list;              /* a system's pieces */
  int64_t systems;
  neurlp_status *status; /* [systems] */
} neurlp_cuda_settle;

/* Numbers i of arrays [systems][width]: adds up what the pieces of a system have found. */
typedef struct neurlp_cuda_collect {
  const void *parts; /* [systems + pieces][part_numbers], from the place on that is meant */
  int64_t part_numbers;
  const neurlp_run *list;
  int64_t systems, width;
  void *to; /* [systems][width] */
} neurlp_cuda_collect;

/* Finishes an array [systems][per_system]: zeros after a system's length, NaN if it failed. */
typedef struct neurlp_cuda_finish {
  void *array;
  int64_t systems, per_system, step_stride; /* step_stride 0: constant in time */
  int32_t intervals;                        /* 1 if numbers belong to intervals */
  int32_t steps;                            /* length where `lengths` is NULL */
  const int32_t *lengths;
  const neurlp_status *status;
} neurlp_cuda_finish;

const neurlp_cuda_kernel *neurlp_cuda_merge_kernel(void);
const neurlp_cuda_kernel *neurlp_cuda_spread_kernel(void);
const neurlp_cuda_kernel *neurlp_cuda_chain_kernel(void);
const neurlp_cuda_kernel *neurlp_cuda_settle_kernel(void);
const neurlp_cuda_kernel *neurlp_cuda_collect_kernel(bool single);
const neurlp_cuda_kernel *neurlp_cuda_finish_kernel(bool single);

#ifdef __cplusplus
}
#endif

#endif
