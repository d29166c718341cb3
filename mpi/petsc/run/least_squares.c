/* TAO's bounded regularised Gauss-Newton (BRGN) for a sum of squares: the outer problem of a fit. */
#include "petsc/run/tao.h"

#include <math.h>
#include <string.h>

typedef struct squares {
  neurlp_tao t;
  const neurlp_petsc_squares *problem;
  double *x, *residual, *jacobian; /* of the last evaluation */
  bool known, reached, settled;    /* there was one; and what it said */
  Vec f, lower, upper;
  Mat matrix;
} squares;

/* TAO asks for residuals and Jacobian one after the other. */
static PetscErrorCode look(squares *s, Vec x) {
  const neurlp_petsc_squares *p = s->problem;
  const size_t bytes = (size_t)p->unknowns * sizeof(double);
  const PetscScalar *entries;
  neurlp_status status = NEURLP_SUCCESS;
  PetscFunctionBegin;
  PetscCall(neurlp_tao_see(&s->t, x, &entries));
  if (!s->known || memcmp(entries, s->x, bytes) != 0) {
    memcpy(s->x, entries, bytes);
    status = p->evaluate(p->user, s->x, s->residual, s->jacobian, &s->reached, &s->settled);
    s->known = true;
  }
  PetscCall(neurlp_tao_unsee(&s->t, &entries));
  PetscCall(neurlp_tao_agree(&s->t, status));
  PetscFunctionReturn(0);
}

/* Where windows cannot be solved, the sum is infinite, and the line search comes back. */
static PetscErrorCode residual(Tao tao, Vec x, Vec f, void *user) {
  squares *s = user;
  PetscFunctionBegin;
  (void)tao;
  PetscCall(look(s, x));
  if (s->reached)
    PetscCall(neurlp_tao_put(f, s->residual));
  else
    PetscCall(VecSet(f, PETSC_INFINITY));
  PetscFunctionReturn(0);
}

/* Dense matrices are stored by columns. */
static PetscErrorCode jacobian(Tao tao, Vec x, Mat matrix, Mat preconditioner, void *user) {
  squares *s = user;
  const int32_t n = s->problem->unknowns;
  PetscInt first, end, lead;
  PetscScalar *own;
  PetscFunctionBegin;
  (void)tao;
  (void)matrix;
  PetscCall(look(s, x));
  PetscCall(MatGetOwnershipRange(preconditioner, &first, &end));
  PetscCall(MatDenseGetLDA(preconditioner, &lead));
  PetscCall(MatDenseGetArrayWrite(preconditioner, &own));
  for (PetscInt i = first; i < end; i++)
    for (PetscInt c = 0; c < n; c++) own[c * lead + i - first] = s->reached ? s->jacobian[i * n + c] : 0;
  PetscCall(MatDenseRestoreArrayWrite(preconditioner, &own));
  PetscCall(MatAssemblyBegin(preconditioner, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(preconditioner, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* Of the solver within BRGN. */
static PetscErrorCode watch(Tao tao, void *user) {
  squares *s = user;
  Vec x;
  PetscFunctionBegin;
  PetscCall(TaoGetSolution(tao, &x));
  PetscCall(look(s, x));
  if (s->settled) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(0);
}

static PetscErrorCode make(squares *s, const double *x) {
  const neurlp_petsc_squares *p = s->problem;
  const PetscInt n = p->unknowns, m = p->residuals;
  Tao inner;
  PetscBool still;
  PetscInt own, rows;
  PetscFunctionBegin;
  PetscCall(neurlp_tao_create(p->comm, p->prefix, n, x, &s->t));
  PetscCall(PetscMalloc3((size_t)n, &s->x, (size_t)m, &s->residual, (size_t)m * (size_t)n, &s->jacobian));
  PetscCall(VecCreateMPI(p->comm, PETSC_DECIDE, m, &s->f));
  PetscCall(VecGetLocalSize(s->f, &rows));
  PetscCall(VecGetLocalSize(s->t.x, &own));
  PetscCall(MatCreateDense(p->comm, rows, own, m, n, NULL, &s->matrix));
  PetscCall(VecDuplicate(s->t.x, &s->lower));
  PetscCall(VecDuplicate(s->t.x, &s->upper));
  PetscCall(neurlp_tao_put(s->lower, p->lower));
  PetscCall(neurlp_tao_put(s->upper, p->upper));
  PetscCall(TaoSetType(s->t.tao, TAOBRGN));
  PetscCall(TaoSetVariableBounds(s->t.tao, s->lower, s->upper));
  PetscCall(TaoSetResidualRoutine(s->t.tao, s->f, residual, s));
  PetscCall(TaoSetJacobianResidualRoutine(s->t.tao, s->matrix, s->matrix, jacobian, s));
  PetscCall(TaoSetMaximumIterations(s->t.tao, p->iterations));
  PetscCall(TaoSetTolerances(s->t.tao, 0, 0, 1e-12));
  PetscCall(TaoBRGNGetSubsolver(s->t.tao, &inner));
  PetscCall(TaoSetOptionsPrefix(inner, p->prefix));
  PetscCall(TaoAppendOptionsPrefix(inner, "tao_brgn_subsolver_"));
  PetscCall(TaoSetMaximumIterations(inner, p->iterations));
  PetscCall(TaoSetTolerances(inner, 0, 0, 1e-12));
  PetscCall(TaoSetFromOptions(s->t.tao));
  PetscCall(PetscObjectTypeCompare((PetscObject)s->t.tao, TAOBRGN, &still));
  if (still) PetscCall(NEURLP_TAO_MONITOR_SET(inner, watch, s, NULL));
  PetscFunctionReturn(0);
}

neurlp_status neurlp_petsc_fit(const neurlp_petsc_squares *problem, double *x, neurlp_petsc_end *end,
                               char *message) {
  squares s = {.problem = problem};
  PetscErrorCode code = neurlp_session_listen();
  if (!code) code = make(&s, x);
  const neurlp_status status = neurlp_tao_solve(&s.t, code, "TAO", problem->unknowns, x, end, message);
  neurlp_tao_release(&s.t);
  (void)VecDestroy(&s.f);
  (void)VecDestroy(&s.lower);
  (void)VecDestroy(&s.upper);
  (void)MatDestroy(&s.matrix);
  (void)PetscFree3(s.x, s.residual, s.jacobian);
  (void)neurlp_session_rest();
  return status;
}
