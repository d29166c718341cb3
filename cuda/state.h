/* The inside of the backend cuda: its state, and calls that go through the device in chunks of systems. */
#ifndef NEURLP_CUDA_STATE_H
#define NEURLP_CUDA_STATE_H

#include "block/backend.h"
#include "cuda/plan.h"

/* What each queue has of its own, so that copies of one chunk go on while another is being worked on. */
typedef struct cuda_queue {
  unsigned char *room, *pinned; /* plan.room_bytes each: the arrays of a chunk, and on their way */
  unsigned char *sums;          /* plan.sums_bytes: of each gradient its sum, then parts of it */
  unsigned char *workspace;
  int64_t first, count; /* the chunk that is in it; count 0: none */
} cuda_queue;

/* The left-hand side that all systems share, and its factor, on the device. */
typedef struct cuda_left {
  void *workspace; /* of a group; the factor is that of its first thread */
  void *arrays[NEURLP_ARRAY_INPUTS];
} cuda_left;

typedef struct cuda_state {
  neurlp_context *context;
  const neurlp_problem *problem;
  neurlp_device *device;
  const neurlp_cuda_kernels *kernels;
  const neurlp_cuda_kernel *solve, *adjoint; /* those, or faster ones for this problem's sizes */
  cuda_plan plan;
  cuda_queue queues[NEURLP_DEVICE_QUEUES];
  unsigned char *shared;   /* plan.shared_bytes: inputs and directions that systems share */
  unsigned char *store;    /* the factors of all systems of the last solve, or NULL */
  cuda_cut cut;            /* where time is cut: then all systems go through at one time */
  cuda_left kept, passing; /* that of prepare, and of a call that gives its own */
} cuda_state;

/* A call: what the kernel does, and the caller's array in each role, NULL where there is none. */
typedef struct cuda_call {
  const neurlp_cuda_kernel *kernel;
  int64_t systems;
  const cuda_left *left; /* gives coefficients and steps that are NULL */
  const void *kept;      /* a factor for all systems, or NULL */
  bool stored;           /* the factors of all systems are there */
  const void *in[CUDA_ROLES];
  void *out[CUDA_ROLES];
} cuda_call;

/* Runs a call for all systems. */
neurlp_status neurlp_run_cuda(cuda_state *state, const cuda_call *call);

/* Allocates for time that is cut; frees that; starts all that is to be done with the systems of a call, in
 * queue 0, where `tiles` says what that would be if time were not cut. */
neurlp_status neurlp_cut_create_cuda(cuda_state *state);
void neurlp_cut_destroy_cuda(cuda_state *state);
neurlp_status neurlp_cut_run_cuda(cuda_state *state, const cuda_call *call, const neurlp_cuda_tiles *tiles);

#endif
