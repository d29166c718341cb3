/* The inside of the backend cuda: its state, and calls that go through the device in chunks of systems. */
#ifndef NEURLP_CUDA_STATE_H
#define NEURLP_CUDA_STATE_H

#include "block/backend.h"
#include "block/product_map.h"
#include "cuda/block/plan.h"

/* What each queue has of its own, so that copies of one chunk go on while another is being worked on. */
typedef struct cuda_queue {
  unsigned char *room; /* plan.room_bytes: the arrays of a chunk; on their way they are in pinned_of */
  unsigned char *sums; /* plan.sums_bytes: of each gradient its sum, then parts of it */
  unsigned char *workspace;
  int64_t first, count; /* the chunk that is in it; count 0: none */
} cuda_queue;

/* The left-hand side that all systems share, and its factor, on the device. */
typedef struct cuda_left {
  void *workspace; /* of a group; the factor is that of its first thread */
  void *arrays[NEURLP_ARRAY_INPUTS];
} cuda_left;

/* Row i of `numbers` is the solution to unit input i. */
typedef struct cuda_map {
  neurlp_map_sizes sizes;        /* sizes.inputs 0: there is no map */
  void *numbers;                 /* [m][N] */
  void *units[NEURLP_MAP_PARTS]; /* [m][part] unit inputs */
  void *status;                  /* [m] */
  void *pinned;                  /* a way to and from them */
} cuda_map;

typedef struct cuda_state {
  neurlp_context *context;
  const neurlp_problem *problem;
  neurlp_device *device;
  const neurlp_cuda_kernels *kernels;
  const neurlp_cuda_kernel *solve, *adjoint; /* those, or faster ones for this problem's sizes */
  cuda_plan plan;
  cuda_queue queues[NEURLP_DEVICE_QUEUES];
  bool joined;           /* the device's pinned rooms, which have plan.room_bytes or more */
  unsigned char *shared; /* plan.shared_bytes: inputs and directions that systems share */
  unsigned char *store;  /* the factors of all systems of the last solve, or NULL */
  cuda_cut cut;          /* where time is cut: then all systems go through at one time */
  cuda_map map;
  cuda_left kept, passing; /* that of prepare, and of a call that gives its own */
} cuda_state;

/* Which systems count in a call in place: of the first `blocks` times *present those whose status in `before`
 * (NULL: all) is 0. Both are in the device's memory, so that a call that was recorded sees what is there when
 * it is replayed. Outputs of the others, and of those that fail, are zero. */
typedef struct cuda_counting {
  const int64_t *present;
  int64_t blocks;
  const int32_t *before;
} cuda_counting;

/* A call: what the kernel does, and the caller's array in each role, NULL where there is none. */
typedef struct cuda_call {
  const neurlp_cuda_kernel *kernel;
  int64_t systems;
  const cuda_left *left;         /* gives coefficients and steps that are NULL */
  const void *kept;              /* a factor for all systems, or NULL */
  bool stored;                   /* the factors of all systems are there */
  bool by_map;                   /* a product instead of the kernel */
  const cuda_counting *counting; /* in place, and nowhere else */
  const int32_t *of_factor; /* there, too: on the device, the status of a factor of all systems, or NULL */
  const void *in[CUDA_ROLES];
  void *out[CUDA_ROLES];
  neurlp_place in_place[CUDA_ROLES], out_place[CUDA_ROLES]; /* found once, by neurlp_run_cuda */
} cuda_call;

/* The pinned room of a queue. Other solvers of the context have it, too, between calls. */
static inline unsigned char *pinned_of(const cuda_state *state, int32_t queue) {
  return state->device->rooms.room[queue];
}

/* Makes a state of the backend cuda, within so many bytes, for calls whose arrays are all in the device's
 * memory, lengths in pinned memory: without rooms for copies of them. */
neurlp_status neurlp_resident_create_cuda(neurlp_device *device, const neurlp_problem *problem, size_t limit,
                                          void **state);

/* The same for calls in place, which are always of all systems: everything that they read and write is in the
 * device's memory, statuses [systems] included; they are put into queue 0 and not waited for. Statuses of
 * systems that are not present are 0. The state is prepared and destroyed by the backend's functions; bytes
 * are those that it will take. */
neurlp_status neurlp_in_place_create_cuda(neurlp_device *device, const neurlp_problem *problem, void **state);
size_t neurlp_in_place_bytes_cuda(neurlp_device *device, const neurlp_problem *problem);
neurlp_status neurlp_in_place_solve_cuda(void *state, const neurlp_inputs *inputs,
                                         const cuda_counting *counting, void *solution, int32_t *statuses);
neurlp_status neurlp_in_place_adjoint_cuda(void *state, const neurlp_inputs *inputs,
                                           const cuda_counting *counting, const void *solution,
                                           const void *grad_output, const neurlp_gradients *gradients,
                                           int32_t *statuses);

/* Runs a call for all systems. */
neurlp_status neurlp_run_cuda(cuda_state *state, cuda_call *call);

/* Allocates for time that is cut; frees that; starts all that is to be done with the systems of a call, in
 * queue 0, where `tiles` says what that would be if time were not cut. */
neurlp_status neurlp_cut_create_cuda(cuda_state *state);
void neurlp_cut_destroy_cuda(cuda_state *state);
neurlp_status neurlp_cut_run_cuda(cuda_state *state, const cuda_call *call, const neurlp_cuda_tiles *tiles);

/* Plans a map and says what it takes on the device; allocates for it; makes it from the factor that is kept,
 * *of_map the status of the first solution that fails; frees it; does by a product what `tiles` say. */
neurlp_map_sizes neurlp_map_plan_cuda(const neurlp_problem *problem, size_t *bytes);
neurlp_status neurlp_map_create_cuda(cuda_state *state);
neurlp_status neurlp_map_make_cuda(cuda_state *state, neurlp_status *of_map);
void neurlp_map_destroy_cuda(cuda_state *state);
neurlp_status neurlp_map_run_cuda(const cuda_state *state, int32_t queue, const neurlp_cuda_tiles *tiles);

#endif
