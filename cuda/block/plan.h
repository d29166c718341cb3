/* What a solver needs of a device: how many systems go through it at one time, by how many threads, and where
 * in its memory things are. Known before anything is allocated. */
#ifndef NEURLP_CUDA_PLAN_H
#define NEURLP_CUDA_PLAN_H

#include "cuda/block/cut.h"
#include "cuda/device/device.h"

/* Arrays of a call: those of neurlp_array, the same as gradients, the same as a direction, and others. */
typedef enum cuda_role {
  CUDA_INPUTS = 0,
  CUDA_GRADIENTS = NEURLP_ARRAY_INPUTS,
  CUDA_DIRECTION = 2 * NEURLP_ARRAY_INPUTS,
  CUDA_SOLUTION = 3 * NEURLP_ARRAY_INPUTS,
  CUDA_GRAD_OUTPUT,
  CUDA_TANGENT,
  CUDA_SLACK,
  CUDA_LENGTHS,
  CUDA_STATUS,
  CUDA_ROLES
} cuda_role;

/* Of an array, in bytes. Gradients of what systems share are made for each system first: they have both. */
typedef struct cuda_extent {
  size_t system; /* of one system; 0 if all share it */
  size_t shared; /* of what all systems share */
  size_t offset; /* of a chunk's part in a queue's room */
} cuda_extent;

/* Where callers' arrays are. */
typedef enum cuda_stay {
  CUDA_COPIED,   /* anywhere: each chunk of systems has rooms that they are copied to and from */
  CUDA_RESIDENT, /* on the device, but for lengths and statuses */
  CUDA_IN_PLACE  /* all on the device, and calls only put work into queue 0: nobody waits, so they can be
                    recorded */
} cuda_stay;

typedef struct cuda_plan {
  bool resident;       /* callers' arrays are on the device: only lengths and statuses have room, */
  bool in_place;       /* and gradients of what systems share, before they are added up */
  int32_t queues;      /* that take turns */
  int64_t chunk;       /* systems that go through at one time: whole groups, or all */
  int64_t threads;     /* that do: whole groups */
  size_t group_bytes;  /* workspace of a group of threads */
  size_t store_bytes;  /* what is kept of all systems; 0: nothing */
  size_t room_bytes;   /* of a queue, on the device and pinned: the parts of all arrays */
  size_t shared_bytes; /* on the device: inputs and directions that all systems share */
  size_t sums_bytes;   /* of a queue, on the device: sums of gradients over systems, and parts of them */
  size_t device_bytes; /* all together */
  size_t pinned_bytes; /* the rooms included, which all solvers of a context share */
  cuda_extent extents[CUDA_ROLES];
} cuda_plan;

/* Parts in which systems are added up. */
enum { CUDA_SUM_PARTS = 64 };

/* Plans for a device that runs so many threads at once and has so many bytes for this solver. If that is not
 * enough the plan is for one group of systems, and device_bytes more than the limit. Unless arrays are copied
 * all systems are one chunk. */
void neurlp_plan_cuda(cuda_plan *plan, const neurlp_problem *problem, const neurlp_cuda_kernels *kernels,
                      int64_t device_threads, cuda_stay stay, size_t limit_bytes);

/* The same for time that is cut: all systems go through at one time. */
void neurlp_plan_cut_cuda(cuda_plan *plan, const neurlp_problem *problem, const cuda_cut *cut,
                          cuda_stay stay);

#endif
