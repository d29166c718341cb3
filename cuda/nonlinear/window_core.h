/* Nonlinear blocks on a device, for equations that it can interpret: what fits of windows (windows.h) and
 * blocks of the library (nonlinear.c) have in common. A window is a system.
 *
 * Linear blocks are those of the backend cuda, with all their arrays on the device; as many windows go
 * through them at one time as `piece` has room for. Which windows go on is decided on the host, which asks
 * after each iteration. */
#ifndef NEURLP_CUDA_WINDOW_CORE_H
#define NEURLP_CUDA_WINDOW_CORE_H

#include "block/nonlinear/nonlinear.h"
#include "cuda/device/transfer.h"
#include "cuda/nonlinear/window_compile.h"
#include "cuda/nonlinear/window_kernels.h"
#include "learn/model.h"

/* The linear block of one mode. */
typedef struct window_block {
  int64_t right, capacity; /* columns, 0: it is not used; slots */
  neurlp_problem *problem;
  void *state; /* of the backend cuda */
} window_block;

enum { WINDOW_MODES = 3, WINDOW_ARRAYS = 48 };

/* How much there is of what arrays are made for. */
typedef struct window_sizes {
  int64_t windows, points, scales, groups; /* grid points of all; windows that share a scale, or parameters */
  int64_t columns;
  const int32_t *column_parameter; /* [columns] */
} window_sizes;

typedef struct window_core {
  neurlp_context *context;
  neurlp_device *device;
  cuda_transfer transfer;
  neurlp_nonlinear_shape shape; /* complete */
  const neurlp_model *model;
  window_sizes sizes;
  neurlp_cuda_windows given; /* what all calls have in common */
  window_block blocks[WINDOW_MODES];
  /* on the device */
  void *arrays[WINDOW_ARRAYS];
  int32_t array_count;
  size_t array_bytes;           /* of all */
  bool measuring;               /* arrays are added up, not allocated */
  double *theta;                /* [groups][P] */
  int64_t *selected, *position; /* [windows] */
  unsigned char *piece;
  /* kernels with the equations in them; device NULL: they are interpreted */
  neurlp_cuda_kernel compiled[WINDOW_COMPILED];
  void *libraries[WINDOW_COMPILED];
  /* on the host */
  int32_t *lengths;      /* [most slots], pinned */
  int32_t *points;       /* [windows] grid points of each */
  const int64_t *chosen; /* the windows in hand; NULL: all */
  int64_t *list;         /* [windows] */
  uint8_t *active;       /* [windows] */
} window_core;

/* The parts in which a core is made; all leave what they made to neurlp_core_destroy, which is safe on a core
 * that is only zeroed. Describes it, and allocates what is on the host. */
neurlp_status neurlp_core_begin(window_core *core, neurlp_device *device, const neurlp_nonlinear_shape *shape,
                                const neurlp_model *model, const window_sizes *sizes);
/* Allocates an array of the device that lives as long as the core, or adds its size up. */
neurlp_status neurlp_core_reserve(window_core *core, int64_t count, size_t size, void *pointer_to_pointer);
/* All arrays that every core has. */
neurlp_status neurlp_core_reserve_all(window_core *core);
/* Linear blocks with so many columns each (0: none), whose arrays take so many bytes at most. */
neurlp_status neurlp_core_create_blocks(window_core *core, const int64_t right[WINDOW_MODES], size_t bytes);
/* Workspace of threads, of at least so many numbers for each. */
neurlp_status neurlp_core_create_workspace(window_core *core, int64_t numbers);
/* The equations, and which parameters have columns, to the device; the equations compiled, where that can be
 * done. */
neurlp_status neurlp_core_bring_model(window_core *core);
void neurlp_core_destroy(window_core *core);

/* Bytes that a window of a mode takes while it is in the linear block. */
size_t neurlp_core_slot_bytes(const window_core *core, int64_t right);

/* Copies an array of the host to one of the device. */
neurlp_status neurlp_core_bring(const window_core *core, const void *to, const void *from, int64_t count,
                                size_t size);

/* The windows `chosen` (host; NULL: all), `count` of them, are those in hand. */
neurlp_status neurlp_core_choose(window_core *core, const int64_t *chosen, int64_t count);

/* The kernel with the equations in it, or else the one that interprets them. */
const neurlp_cuda_kernel *neurlp_core_kernel(const window_core *core, window_compiled which,
                                             const neurlp_cuda_kernel *interpreting);

/* Runs a kernel for so many tasks. */
neurlp_status neurlp_core_launch(const window_core *core, neurlp_cuda_windows *given,
                                 const neurlp_cuda_kernel *kernel, int64_t tasks);

/* Fills the linear block of a mode for `slots` windows: those at positions core->list [offset ...] if
 * `listed`, which core->position has on the device, too, or those at positions offset, offset + 1, ... */
neurlp_status neurlp_core_fill(window_core *core, neurlp_cuda_windows *given, neurlp_cuda_mode mode,
                               bool listed, int64_t offset, int64_t slots);
/* Solves what has been filled; its gradients for given->grad_state, at given->solution. */
neurlp_status neurlp_core_solve_block(const window_core *core, const neurlp_cuda_windows *given);
neurlp_status neurlp_core_adjoint_block(const window_core *core, const neurlp_cuda_windows *given);

/* Damped Gauss-Newton on all windows in hand, at given->state from given->initial; their statuses are in
 * given->status then. */
neurlp_status neurlp_core_solve(window_core *core, neurlp_cuda_windows *given);

#endif
