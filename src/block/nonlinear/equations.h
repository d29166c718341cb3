/* Equations as a nonlinear block sees them, and what works on such blocks elsewhere than on the host.
 * learn/equations.c makes equations from text. */
#ifndef NEURLP_BLOCK_NONLINEAR_EQUATIONS_H
#define NEURLP_BLOCK_NONLINEAR_EQUATIONS_H

#include "core/context.h"

struct neurlp_equations {
  neurlp_context *context;
  int32_t dimensions, leading_derivative, parameters; /* D, kappa, P */
  bool timed;                                         /* f uses t */
  struct neurlp_model *model;                         /* learn/model.h */
  /* Bytes of workspace for neurlp_linearise at up to so many grid points. */
  size_t (*workspace_bytes)(const neurlp_equations *equations, int32_t steps);
  /* Linearises f at state [length][D][width] and times [length] with parameters [P], into the workspace. */
  void (*linearise)(const neurlp_equations *equations, int32_t length, int64_t width, const double *state,
                    const double *times, const double *parameters, bool want_sensitivity, void *workspace,
                    neurlp_linearisation *result);
};

/* A device for blocks with equations and without corrections. The caller has checked every argument; arrays
 * are the host's. */
typedef struct neurlp_nonlinear_backend {
  /* Makes a state, which borrows the context and the shape's equations; *state is NULL before, and after a
   * failure. The shape is complete. */
  neurlp_status (*create)(neurlp_context *context, const neurlp_nonlinear_shape *shape, void **state);
  /* Frees a state and sets *state to NULL. Safe on NULL. */
  void (*destroy)(void **state);
  /* As the functions of neurlp.h, but the status of a system is told by statuses only: they return
   * NEURLP_SUCCESS, or a failure (negative) that concerns no one system. */
  neurlp_status (*solve)(void *state, const neurlp_nonlinear_batch *batch, double *trajectories,
                         neurlp_status *statuses);
  neurlp_status (*sensitivity)(void *state, const neurlp_nonlinear_batch *batch, const double *trajectories,
                               neurlp_receive_sensitivity receive, neurlp_status *statuses);
  neurlp_status (*adjoint)(void *state, const neurlp_nonlinear_batch *batch, const double *trajectories,
                           const double *grad_state, const neurlp_nonlinear_gradients *gradients,
                           neurlp_status *statuses);
} neurlp_nonlinear_backend;

#ifdef NEURLP_HAVE_CUDA
/* An NVIDIA GPU, and one that is imitated (cuda/). */
const neurlp_nonlinear_backend *neurlp_nonlinear_backend_cuda(void);
const neurlp_nonlinear_backend *neurlp_nonlinear_backend_cuda_check(void);
#endif

#endif
