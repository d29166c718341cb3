/* Backends: what runs a solver, behind one table of operations.
 *
 * Every function of a table is required. neurlp_solver_* checks arguments before it calls them: pointers that
 * are needed are there, 1 <= inputs->systems <= S, lengths are in range. Where that header allows NULL for
 * coefficients and steps, both are NULL and the last prepare of this state has succeeded. So a backend checks
 * no argument; the returned statuses are those of its own doing. Arrays are as neurlp.h describes them, in
 * host memory, or in that of a device where the backend has one; inputs are read only and are not kept after
 * the call. */
#ifndef NEURLP_BLOCK_BACKEND_H
#define NEURLP_BLOCK_BACKEND_H

#include "block/problem.h"

typedef struct neurlp_backend {
  const char *name; /* static storage */
  /* Bytes that a state for this problem will hold in this context; 0 if it cannot be made here. */
  size_t (*workspace_bytes)(const neurlp_context *context, const neurlp_problem *problem);
  /* Makes a state with all the memory that later calls need; it borrows context and problem. Returns
   * NEURLP_SUCCESS, NEURLP_ERROR_MEMORY, or NEURLP_ERROR_ARGUMENT where the machine lacks what the backend
   * needs; *state is NULL then. */
  neurlp_status (*create)(neurlp_context *context, const neurlp_problem *problem, void **state);
  /* Frees a state and sets *state to NULL. Safe on NULL. */
  void (*destroy)(void **state);
  /* Keeps the factor of the left-hand side; only for problems whose coefficients and steps are shared. Reads
   * inputs->coefficients and inputs->steps, nothing else. Returns NEURLP_SUCCESS, NEURLP_SINGULAR,
   * NEURLP_NOT_FINITE or a failure (negative). */
  neurlp_status (*prepare)(void *state, const neurlp_inputs *inputs);
  /* Write every number of the solution, of the gradients that are not NULL, of the tangent, and every status.
   * Return NEURLP_SUCCESS whatever the statuses say, or a failure (negative) that concerns no one system. */
  neurlp_status (*solve)(void *state, const neurlp_inputs *inputs, void *solution, neurlp_status *statuses);
  neurlp_status (*adjoint)(void *state, const neurlp_inputs *inputs, const void *solution,
                           const void *grad_output, const neurlp_gradients *gradients,
                           neurlp_status *statuses);
  neurlp_status (*tangent)(void *state, const neurlp_inputs *inputs, const void *solution,
                           const neurlp_direction *direction, void *tangent, neurlp_status *statuses);
  /* Writes every number of slack; only for formulations that have one. Returns as solve. */
  neurlp_status (*slack)(void *state, const neurlp_inputs *inputs, const void *solution, void *slack);
} neurlp_backend;

/* Vectorised over systems, threads over tiles. */
const neurlp_backend *neurlp_backend_cpu(void);

/* The same on guarded copies (cpu_check.c). */
const neurlp_backend *neurlp_backend_cpu_check(void);

#ifdef NEURLP_HAVE_CUDA
/* An NVIDIA GPU, and one that is imitated (cuda/). */
const neurlp_backend *neurlp_backend_cuda(void);
const neurlp_backend *neurlp_backend_cuda_check(void);

/* GPUs that this process sees. Where there are none, `reason` is one sentence why. */
int32_t neurlp_device_count(char *reason, size_t reason_bytes);

/* "GPU-" and 32 digits of the GPU that this process counts as number `index`, the same in every process of
 * the node, whatever each of them sees; "" where that cannot be told. */
void neurlp_device_identity(int32_t index, char *identity, size_t identity_bytes);

/* The name of the context's GPU, real or imitated. */
const char *neurlp_device_name(neurlp_context *context);
#endif

/* GPUs that this process sees, for the backend cuda (or auto); 0 and one sentence why there are none, this
 * build's lack of the backend included. For cuda:check as many as the environment's NEURLP_IMITATED_DEVICES
 * says, or 1. */
int32_t neurlp_backend_devices(const char *name, char *reason, size_t reason_bytes);

/* Likewise, what tells one such GPU from others of the node; imitated ones are told by their number. */
void neurlp_backend_device_identity(const char *name, int32_t index, char *identity, size_t identity_bytes);

/* The device that this context's backend has: "GPU 0 (NVIDIA H100)", or "none". Lives as long as the context.
 */
const char *neurlp_backend_device_name(neurlp_context *context);

/* The backend with this name; NULL for a name that is unknown, or known but not in this build. */
const neurlp_backend *neurlp_backend_find(const char *name);

#endif
