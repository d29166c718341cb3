#include "petsc/run/tao.h"

#include <stdio.h>
#include <string.h>

PetscErrorCode neurlp_tao_create(MPI_Comm comm, const char *prefix, int64_t count, const double *x,
                                 neurlp_tao *t) {
  PetscInt n;
  PetscFunctionBegin;
  *t = (neurlp_tao){.comm = comm};
  PetscCall(PetscIntCast(count, &n));
  PetscCall(VecCreateMPI(comm, PETSC_DECIDE, n, &t->x));
  PetscCall(VecScatterCreateToAll(t->x, &t->scatter, &t->all));
  PetscCall(neurlp_tao_put(t->x, x));
  PetscCall(TaoCreate(comm, &t->tao));
  PetscCall(TaoSetOptionsPrefix(t->tao, prefix));
  PetscCall(TaoSetSolution(t->tao, t->x));
  PetscFunctionReturn(0);
}

void neurlp_tao_release(neurlp_tao *t) {
  (void)TaoDestroy(&t->tao);
  (void)VecScatterDestroy(&t->scatter);
  (void)VecDestroy(&t->all);
  (void)VecDestroy(&t->x);
}

PetscErrorCode neurlp_tao_see(neurlp_tao *t, Vec x, const PetscScalar **entries) {
  PetscFunctionBegin;
  PetscCall(VecScatterBegin(t->scatter, x, t->all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(t->scatter, x, t->all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(t->all, entries));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_tao_unsee(neurlp_tao *t, const PetscScalar **entries) {
  return VecRestoreArrayRead(t->all, entries);
}

PetscErrorCode neurlp_tao_put(Vec to, const double *entries) {
  PetscInt first, end;
  PetscScalar *own;
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(to, &first, &end));
  PetscCall(VecGetArrayWrite(to, &own));
  memcpy(own, entries + first, (size_t)(end - first) * sizeof *own);
  PetscCall(VecRestoreArrayWrite(to, &own));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_tao_agree(neurlp_tao *t, neurlp_status status) {
  int worst = status < 0 || status == NEURLP_NOT_FINITE;
  PetscFunctionBegin;
  if (worst) t->status = status;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, t->comm));
  t->failed = t->failed || worst;
  PetscFunctionReturn(worst ? PETSC_ERR_USER : 0);
}

static PetscErrorCode describe_end(neurlp_tao *t, neurlp_petsc_end *end) {
  PetscInt iterations, evaluations;
  PetscReal loss, gradient;
  TaoConvergedReason reason;
  TaoType type;
  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(t->tao, &iterations, &loss, &gradient, NULL, NULL, &reason));
  PetscCall(TaoGetTotalIterationNumber(t->tao, &iterations));
  PetscCall(TaoGetCurrentFunctionEvaluations(t->tao, &evaluations));
  PetscCall(TaoGetType(t->tao, &type));
  *end = (neurlp_petsc_end){.iterations = iterations,
                            .evaluations = evaluations,
                            .loss = loss,
                            .gradient = gradient,
                            .reason = (int)reason,
                            .exhausted = reason == TAO_DIVERGED_MAXITS || reason == TAO_DIVERGED_MAXFCN};
  snprintf(end->words, sizeof end->words, "%s", TaoConvergedReasons[reason]);
  snprintf(end->type, sizeof end->type, "%s", type);
  PetscFunctionReturn(0);
}

neurlp_status neurlp_tao_solve(neurlp_tao *t, PetscErrorCode code, const char *what, int64_t count, double *x,
                               neurlp_petsc_end *end, char *message) {
  const PetscScalar *entries;
  *end = (neurlp_petsc_end){0};
  if (!code) code = TaoSolve(t->tao);
  if (t->failed) return t->status; /* whatever PETSc makes of it */
  if (!code) code = describe_end(t, end);
  if (!code) code = neurlp_tao_see(t, t->x, &entries);
  if (code) return neurlp_session_status(code, what, message);
  memcpy(x, entries, (size_t)count * sizeof *x);
  code = neurlp_tao_unsee(t, &entries);
  return neurlp_session_status(code, what, message);
}
