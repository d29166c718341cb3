/* Few, long systems on a device: their time is cut into pieces, of which each thread has some; what these
 * leave at their joints is merged in levels, each by as many threads as there are runs of records, and the
 * short chain that is left is solved by one thread for each system; then all goes back again. */
#ifndef NEURLP_CUDA_CUT_H
#define NEURLP_CUDA_CUT_H

#include "block/pieces.h"
#include "cuda/block/cut_kernels.h"
#include "cuda/block/launch.h"

/* Records that a thread merges, and levels that suffice for any number of them. */
enum { CUDA_RUN = 16, CUDA_LEVELS = 9 };

/* Where things are in the cut's two blocks of memory: lists, which the host makes and the device gets a copy
 * of, and what is the device's alone. */
typedef struct cuda_cut_level {
  int64_t records;           /* room for so many */
  size_t runs, start, end;   /* lists; runs make the level above */
  size_t ends, status, kept; /* the device's */
} cuda_cut_level;

typedef struct cuda_cut {
  neurlp_cut plan;    /* plan.intervals 0: time is not cut */
  size_t group_bytes; /* workspace of a group of threads */
  int64_t threads, merge_threads;
  neurlp_end_layout layout;
  int32_t levels;
  cuda_cut_level level[CUDA_LEVELS];
  size_t pieces, systems_pieces, systems_top; /* lists: all pieces; of each system its pieces, its records of
                                                 the last level */
  size_t head_status, head_ends, joints, parts, work, chains, store; /* the device's */
  size_t list_bytes, device_bytes;
  unsigned char *lists, *lists_on_device, *on_device;
} cuda_cut;

/* A multiple of 256 bytes, as which memory is dealt out. */
static inline size_t cuda_whole_bytes(size_t bytes) {
  return (bytes + 255) / 256 * 256;
}

/* Plans a cut for a device that runs so many threads at once. */
void neurlp_cut_plan_cuda(cuda_cut *cut, const neurlp_problem *problem, const neurlp_cuda_kernels *kernels,
                          int64_t device_threads);

#endif
