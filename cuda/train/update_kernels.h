/* Kernels that change parameters and gradients: steps of optimisers, masks, clipping. */
#ifndef NEURLP_CUDA_TRAIN_UPDATE_KERNELS_H
#define NEURLP_CUDA_TRAIN_UPDATE_KERNELS_H

#include "cuda/device/kernel.h"
#include "train/update.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Groups of one launch: a kernel has at most 4096 bytes of arguments. */
enum { NEURLP_CUDA_UPDATES = 16 };

typedef struct neurlp_cuda_updates {
  int32_t count;
  int64_t numbers; /* of all groups together */
  neurlp_update_call calls[NEURLP_CUDA_UPDATES];
} neurlp_cuda_updates;

typedef struct neurlp_cuda_mask {
  int64_t count;
  const uint8_t *mask;
  void *a;
} neurlp_cuda_mask;

/* Norms are formed in PARTS parts, folded to FOLDS, which who needs the result adds up: first the largest
 * number, then the sum of squares of what is divided by it. */
enum { NEURLP_CUDA_NORM_PARTS = 1024, NEURLP_CUDA_NORM_FOLDS = 32 };

typedef struct neurlp_cuda_norm {
  int64_t count;
  void *a; /* scaled in the end */
  double most;
  double *parts;            /* [PARTS] */
  double *largest, *square; /* [FOLDS] each */
  double *norm;             /* one number */
} neurlp_cuda_norm;

/* All that follows a gradient (update.h), with norms as above, and samples that failed counted like sums. */
typedef struct neurlp_cuda_descent {
  neurlp_descent_call call;
  double *parts, *failed_parts;      /* [PARTS] each */
  double *largest, *square, *failed; /* [FOLDS] each */
} neurlp_cuda_descent;

typedef struct neurlp_cuda_update_kernels {
  neurlp_cuda_kernel sgd, adam;                   /* neurlp_cuda_updates, numbers */
  neurlp_cuda_kernel mask;                        /* count */
  neurlp_cuda_kernel largest_parts, square_parts; /* PARTS */
  neurlp_cuda_kernel largest_folds, square_folds; /* FOLDS */
  neurlp_cuda_kernel clip;                        /* count, and *norm is written */
  /* neurlp_cuda_descent, in this order: PARTS, FOLDS, PARTS, FOLDS, count. */
  neurlp_cuda_kernel fix_parts, fix_folds, descend_parts, descend_folds;
  neurlp_cuda_kernel descend_sgd, descend_adam;
} neurlp_cuda_update_kernels;

const neurlp_cuda_update_kernels *neurlp_cuda_update_kernels_of(bool single);

#ifdef __cplusplus
}
#endif

#endif
