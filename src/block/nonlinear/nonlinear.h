/* The inside of a nonlinear block (docs/math.md, section 4), shared by
 *   nonlinear.c            making it
 *   equations.h            f as text, and devices that work with that
 *   nonlinear_check.c      arguments
 *   nonlinear_piece.c      linearisation: the arrays of the linear block for some systems of a call
 *   nonlinear_solve.c      the iteration
 *   nonlinear_forward.c    sensitivities
 *   nonlinear_adjoint.c    gradients
 *   damping.h              how far a system moves along its update
 *   nonlinear_curvature.c  what Gauss-Newton leaves out of them */
#ifndef NEURLP_BLOCK_NONLINEAR_H
#define NEURLP_BLOCK_NONLINEAR_H

#include "block/nonlinear/damping.h"
#include "block/nonlinear/equations.h"
#include "core/context.h"

/* Arrays of one piece, row-major as neurlp_inputs has them; R columns: 1, or P + D kappa for sensitivities.
 */
typedef struct nonlinear_piece {
  double *coefficients;   /* [S][T][D][D][d+1] of u^(kappa) - J u */
  double *rhs;            /* [S][T][D][R] */
  double *initial_values; /* [S][D][kappa][R] */
  double *steps;          /* [S][T-1] */
  double *solution;       /* [S][T][D][d+1][R] */
  int32_t *lengths;
  int64_t *systems; /* which systems of the call are in the piece */
  neurlp_status *status;
} nonlinear_piece;

/* More arrays of one piece, for the adjoint. */
typedef struct nonlinear_adjoint {
  double *grad_state; /* [S][T][D][d+1] */
  neurlp_gradients gradients;
  double *grad_coefficients, *grad_rhs, *grad_initial_values, *grad_steps; /* what `gradients` points to */
  /* for corrections only */
  double *remainder; /* [S][T][D] f - u^(kappa): what the solution leaves of the equations */
  double *nearby;    /* [threads][2][T][D][d+1] trajectories on either side of the solution */
  double *distance;  /* [threads][T] multipliers over the distance between them */
} nonlinear_adjoint;

struct neurlp_nonlinear {
  neurlp_context *context;
  neurlp_nonlinear_shape shape; /* with every 0 that stands for a default replaced */
  int64_t capacity;             /* systems that are swept in one go; larger calls run in pieces */
  neurlp_problem *problem, *forward_problem;
  neurlp_solver *solver, *forward_solver;
  nonlinear_piece piece;
  nonlinear_adjoint adjoint;
  nonlinear_progress *progress; /* [S] */
  /* for equations: workspaces of threads, and times that are not given */
  unsigned char *workspace;
  size_t workspace_bytes; /* of one thread */
  double *zeros;          /* [T] */
  /* a device that does everything; then there is nothing of the above but the shape */
  const neurlp_nonlinear_backend *backend;
  void *state;
};

/* D (d+1), D kappa, and the right-hand sides of the forward sensitivities (1 if there are none). */
static inline int64_t nonlinear_unknowns(const neurlp_nonlinear *b) {
  return (int64_t)b->shape.dimensions * (b->shape.order + 1);
}
static inline int64_t nonlinear_symbols(const neurlp_nonlinear *b) {
  return (int64_t)b->shape.dimensions * b->shape.leading_derivative;
}
static inline int64_t nonlinear_columns(const neurlp_nonlinear *b) {
  return b->shape.forward ? b->shape.parameters + nonlinear_symbols(b) : 1;
}

/* Where in a step's unknowns column v = k kappa + j of the Jacobian is. */
static inline int64_t nonlinear_unknown(const neurlp_nonlinear *b, int64_t v) {
  const int64_t kappa = b->shape.leading_derivative;
  return v / kappa * (b->shape.order + 1) + v % kappa;
}

/* Where system s of a batch is: its length, first grid point and first step. */
static inline int32_t nonlinear_length(const neurlp_nonlinear *b, const neurlp_nonlinear_batch *batch,
                                       int64_t s) {
  return batch->lengths ? batch->lengths[s] : b->shape.steps;
}
static inline int64_t nonlinear_point(const neurlp_nonlinear *b, const neurlp_nonlinear_batch *batch,
                                      int64_t s) {
  return batch->first_point ? batch->first_point[s] : s * b->shape.steps;
}
static inline int64_t nonlinear_step(const neurlp_nonlinear *b, const neurlp_nonlinear_batch *batch,
                                     int64_t s) {
  return batch->first_point ? batch->first_point[s] : s * (b->shape.steps - 1);
}

/* Checks a shape and replaces zeros by defaults; checks a call's batch and arrays. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_check_shape(neurlp_context *context,
                                                           neurlp_nonlinear_shape *shape);
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_check_batch(const neurlp_nonlinear *block,
                                                           const neurlp_nonlinear_batch *batch);
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_check_array(const neurlp_nonlinear *block,
                                                           const neurlp_nonlinear_batch *batch,
                                                           const char *name, const void *array);

/* The linear block of so many systems and right-hand sides; the shape is complete. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_problem(neurlp_context *context,
                                                       const neurlp_nonlinear_shape *shape, int64_t systems,
                                                       int64_t columns, neurlp_problem **problem);

/* Linearises system s of the call at a trajectory. Returns false if the caller could not. */
bool neurlp_nonlinear_linearise(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, int64_t s,
                                const double *state, bool want_sensitivity, neurlp_linearisation *result);

/* Linearises the first `count` systems of the piece at their trajectories and fills its arrays. `forward`:
 * right-hand sides and values of the sensitivities rather than of the solution. */
void neurlp_nonlinear_fill(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch, const double *state,
                           int64_t count, bool forward);

/* The piece as inputs of the linear block. */
neurlp_inputs neurlp_nonlinear_inputs(const neurlp_nonlinear *block, int64_t count);

/* What a call returns once each system's status is known. */
neurlp_status neurlp_nonlinear_verdict(const neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                       const neurlp_status *status);

/* grad_state of slot i = the loss's gradient less what the multipliers of the last adjoint see of the
 * curvature of f. */
void neurlp_nonlinear_correct(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                              const double *grad_state, int64_t i);

/* Takes from gradient [P] of slot i what they see of the mixed second derivatives of f. */
void neurlp_nonlinear_correct_parameters(neurlp_nonlinear *block, const neurlp_nonlinear_batch *batch,
                                         int64_t i, double *gradient);

#endif
