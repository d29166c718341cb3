#include "petsc/blocks/blocks.h"

#include <petsc/private/tsimpl.h>

/* What the solver's callback needs: system s of a call is block moving[s]. */
typedef struct lookup {
  const blocks *b;
  const block_window *window;
} lookup;

/* f and its Jacobian, which have been read before. */
static void look_up(void *user, int32_t thread, int64_t system, int32_t length, const double *state,
                    bool want_sensitivity, neurlp_linearisation *result) {
  const lookup *l = user;
  const int64_t D = l->b->fields, T = l->window->steps, i = l->b->moving[system];
  (void)thread, (void)length, (void)state, (void)want_sensitivity;
  result->flow = l->window->flow + i * D * T;
  result->jacobian = l->window->jacobian + i * D * D * T;
}

PetscErrorCode neurlp_blocks_window_create(TS ts, PetscInt intervals, block_window *window) {
  blocks *b = ts->data;
  const int64_t D = b->fields, T = intervals + 1, points = b->count * T;
  /* One iteration for each linearisation; the iteration is ours, because f is evaluated for all blocks at
   * once. Numbers are in units of what is tolerated of them: so much may be left of u_tau = h f in an
   * interval. */
  const neurlp_nonlinear_shape shape = {.systems = b->count,
                                        .steps = (int32_t)T,
                                        .dimensions = (int32_t)D,
                                        .order = (int32_t)b->order,
                                        .leading_derivative = 1,
                                        .nominal_step = 1,
                                        .iterations = 1,
                                        .tolerance = b->tolerance,
                                        .remainder = 1};
  PetscFunctionBegin;
  window->steps = (int32_t)T;
  NEURLP_PETSC_CALL(PETSC_COMM_SELF, b->context,
                    neurlp_nonlinear_create(b->context, &shape, &window->solver));
  NEURLP_PETSC_CALL(PETSC_COMM_SELF, b->context,
                    neurlp_allocate(b->context, points * D * (b->order + 1), sizeof(double), &window->state));
  NEURLP_PETSC_CALL(PETSC_COMM_SELF, b->context,
                    neurlp_allocate(b->context, points * D, sizeof(double), &window->flow));
  NEURLP_PETSC_CALL(PETSC_COMM_SELF, b->context,
                    neurlp_allocate(b->context, points * D * D, sizeof(double), &window->jacobian));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_blocks_window_destroy(blocks *b, block_window *window) {
  PetscFunctionBegin;
  if (!b->context) PetscFunctionReturn(0);
  neurlp_nonlinear_destroy(&window->solver);
  neurlp_release(b->context, &window->state);
  neurlp_release(b->context, &window->flow);
  neurlp_release(b->context, &window->jacobian);
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_blocks_get(const blocks *b, const block_window *window, int32_t t, Vec vector) {
  const int64_t D = b->fields, width = b->order + 1;
  PetscScalar *values;
  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(vector, &values));
  for (int64_t i = 0; i < b->count; i++)
    for (int64_t k = 0; k < D; k++)
      values[i * D + k] = window->state[((i * window->steps + t) * D + k) * width];
  PetscCall(VecRestoreArrayWrite(vector, &values));
  PetscFunctionReturn(0);
}

/* The blocks that move, with what belongs to them side by side. */
static neurlp_nonlinear_batch collect(blocks *b, const block_window *window, int64_t moving, lookup *user) {
  const int64_t D = b->fields, T = window->steps, width = b->order + 1;
  for (int64_t s = 0; s < moving; s++) {
    const int64_t i = b->moving[s];
    b->first_point[s] = i * T;
    for (int64_t k = 0; k < D; k++) {
      b->initial[s * D + k] = window->state[(i * T * D + k) * width];
      b->scale[s * D + k] = b->weights[i * D + k];
    }
  }
  return (neurlp_nonlinear_batch){.systems = moving,
                                  .first_point = b->first_point,
                                  .steps = b->ones,
                                  .initial_values = b->initial,
                                  .scale = b->scale,
                                  .linearise = look_up,
                                  .user = user};
}

/* One iteration of the blocks that move. *left: how many still do; *failed: one of them cannot go on. */
static PetscErrorCode iterate(TS ts, block_window *window, int64_t *left, int *failed) {
  blocks *b = ts->data;
  lookup user = {b, window};
  int64_t next = 0;
  PetscFunctionBegin;
  const neurlp_nonlinear_batch batch = collect(b, window, *left, &user);
  NEURLP_PETSC_CALL(PETSC_COMM_SELF, b->context,
                    neurlp_nonlinear_solve(window->solver, &batch, window->state, b->status));
  for (int64_t s = 0; s < *left; s++)
    if (b->status[s] == NEURLP_NOT_CONVERGED)
      b->moving[next++] = b->moving[s];
    else if (b->status[s] != NEURLP_SUCCESS)
      *failed = 1;
  *left = next;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_blocks_window_solve(TS ts, block_window *window, double t0, double h,
                                          PetscBool *solved) {
  blocks *b = ts->data;
  int64_t left = b->count;
  int mine[2] = {1, 0}, all[2] = {1, 0}; /* some move; some failed */
  PetscFunctionBegin;
  for (int64_t i = 0; i < left; i++) b->moving[i] = i;
  for (PetscInt iteration = 0; iteration < b->iterations && all[0] && !all[1]; iteration++) {
    for (int32_t t = iteration > 0; t < window->steps; t++) /* the first point is known */
      PetscCall(neurlp_blocks_linearise(ts, window, t, t0, h));
    PetscCall(iterate(ts, window, &left, &mine[1]));
    ts->snes_its++;
    mine[0] = left > 0;
    PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ts)));
  }
  *solved = !all[0] && !all[1] ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(0);
}
