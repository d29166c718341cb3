/* The rows' least-squares problem by a KSP: LSQR on A, or anything else on the augmented system
 *   ( a I  A ) ( residual / a )   (   r    )
 *   ( A^T  0 ) (      x       ) = ( -l / a ),   l: gamma alpha for each slack, else 0,
 * whose second line is A^T (r - A x) = -l (docs/math.md, section 2). Columns of A are scaled to length 1:
 * A S y = r, x = S y. With a = sigma_min(A) / sqrt(2) the condition number of that matrix is about A's; with
 * a = 1 it is A's squared, if that is large. Source: Bjoerck, Iterative refinement of linear least squares
 * solutions I, BIT 7 (1967). */
#include "petsc/batch/batch.h"

#include "comm.h"

#include <math.h>

#include <petscksp.h>

/* One problem, for all columns. */
typedef struct least_squares {
  Mat matrix;             /* A S */
  Mat product;            /* (A S)^T (A S) for LSQR; else the augmented matrix */
  double a;               /* of that */
  Vec rhs;                /* r [rows][R] */
  Vec scale;              /* the diagonal of S */
  Vec linear;             /* -S l / a; NULL: 0 */
  Vec row_side, unknowns; /* r and x of one column */
  Vec both, both_rhs;     /* of the augmented system */
} least_squares;

/* What preconditions, where the caller has chosen nothing. */
static PetscErrorCode choose_pc(neurlp_petsc_batch *b, PetscBool augmented) {
  PC pc;
  PetscFunctionBegin;
  b->augmented = augmented;
  PetscCall(KSPGetPC(b->ksp, &pc));
  PetscCall(PCSetType(pc, augmented ? PCLU : PCBJACOBI));
  if (augmented && PetscDefined(HAVE_MUMPS)) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  if (b->from_options) PetscCall(KSPSetFromOptions(b->ksp));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_get_ksp(neurlp_petsc_batch *batch, KSP *ksp) {
  neurlp_petsc_batch *b = batch;
  const char *prefix;
  char type[64] = KSPLSQR;
  PetscBool lsqr;
  PetscFunctionBegin;
  if (!b->ksp) {
    PetscCall(KSPCreate(neurlp_batch_comm(b), &b->ksp));
    PetscCall(PetscObjectIncrementTabLevel((PetscObject)b->ksp, (PetscObject)b, 1));
    PetscCall(PetscObjectSetOptions((PetscObject)b->ksp, b->hdr.options));
    PetscCall(KSPSetTolerances(b->ksp, 1e-13, 0, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(PetscObjectGetOptionsPrefix((PetscObject)b, &prefix));
    PetscCall(KSPSetOptionsPrefix(b->ksp, prefix));
    PetscCall(PetscOptionsGetString(b->hdr.options, prefix, "-ksp_type", type, sizeof type, NULL));
    PetscCall(KSPSetType(b->ksp, type));
    PetscCall(PetscObjectTypeCompare((PetscObject)b->ksp, KSPLSQR, &lsqr));
    PetscCall(choose_pc(b, lsqr ? PETSC_FALSE : PETSC_TRUE));
  }
  *ksp = b->ksp;
  PetscFunctionReturn(0);
}

/* 1 over the length of each column, 1 where that is 0. */
static PetscErrorCode column_scale(Mat matrix, Vec scale) {
  PetscInt first, last, count;
  const PetscInt *columns;
  const PetscScalar *entries;
  PetscScalar *numbers;
  PetscFunctionBegin;
  PetscCall(VecSet(scale, 0));
  PetscCall(MatGetOwnershipRange(matrix, &first, &last));
  for (PetscInt row = first; row < last; row++) {
    PetscCall(MatGetRow(matrix, row, &count, &columns, &entries));
    for (PetscInt i = 0; i < count; i++)
      PetscCall(VecSetValue(scale, columns[i], entries[i] * entries[i], ADD_VALUES));
    PetscCall(MatRestoreRow(matrix, row, &count, &columns, &entries));
  }
  PetscCall(VecAssemblyBegin(scale));
  PetscCall(VecAssemblyEnd(scale));
  PetscCall(VecGetLocalSize(scale, &count));
  PetscCall(VecGetArray(scale, &numbers));
  for (PetscInt c = 0; c < count; c++) numbers[c] = numbers[c] > 0 ? 1 / sqrt(numbers[c]) : 1;
  PetscCall(VecRestoreArray(scale, &numbers));
  PetscFunctionReturn(0);
}

/* Unknowns of u on this rank; those of the slack follow. */
static PetscInt own_unknowns(const neurlp_petsc_batch *b) {
  const neurlp_shape *z = &b->shape;
  return (PetscInt)(z->systems * z->steps * z->dimensions * (z->order + 1));
}

/* -S l, if the formulation has a slack and l is not 0. */
static PetscErrorCode linear_term(const neurlp_petsc_batch *b, least_squares *p) {
  const neurlp_formulation *f = &b->formulation;
  PetscScalar *numbers;
  PetscInt count;
  PetscFunctionBegin;
  if (!f->slack || f->gamma * f->alpha == 0) PetscFunctionReturn(0);
  PetscCall(VecDuplicate(p->scale, &p->linear));
  PetscCall(VecGetLocalSize(p->linear, &count));
  PetscCall(VecGetArrayWrite(p->linear, &numbers));
  for (PetscInt c = 0; c < count; c++) numbers[c] = c < own_unknowns(b) ? 0 : -f->gamma * f->alpha;
  PetscCall(VecRestoreArrayWrite(p->linear, &numbers));
  PetscCall(VecPointwiseMult(p->linear, p->linear, p->scale));
  PetscFunctionReturn(0);
}

/* The augmented matrix, with its rows and unknowns of each rank together. */
static PetscErrorCode augment(const neurlp_petsc_batch *b, least_squares *p) {
  const MPI_Comm comm = neurlp_batch_comm(b);
  Mat identity, transposed, zero, nest;
  PetscInt rows, unknowns;
  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(p->matrix, &rows, &unknowns));
  PetscCall(MatCreateAIJ(comm, rows, rows, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &identity));
  PetscCall(MatAssemblyBegin(identity, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(identity, MAT_FINAL_ASSEMBLY));
  PetscCall(MatShift(identity, p->a));
  PetscCall(
      MatCreateAIJ(comm, unknowns, unknowns, PETSC_DETERMINE, PETSC_DETERMINE, 0, NULL, 0, NULL, &zero));
  PetscCall(MatAssemblyBegin(zero, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(zero, MAT_FINAL_ASSEMBLY));
  PetscCall(MatTranspose(p->matrix, MAT_INITIAL_MATRIX, &transposed));
  Mat blocks[] = {identity, p->matrix, transposed, zero};
  PetscCall(MatCreateNest(comm, 2, NULL, 2, NULL, blocks, &nest));
  PetscCall(MatConvert(nest, MATAIJ, MAT_INITIAL_MATRIX, &p->product));
  PetscCall(MatDestroy(&nest));
  PetscCall(MatDestroy(&identity));
  PetscCall(MatDestroy(&transposed));
  PetscCall(MatDestroy(&zero));
  PetscCall(MatCreateVecs(p->product, &p->both, &p->both_rhs));
  PetscFunctionReturn(0);
}

/* Copies this rank's numbers of one Vec behind, or from behind, `skip` numbers of another. */
static PetscErrorCode copy_part(Vec from, PetscInt skip_from, Vec to, PetscInt skip_to, PetscInt count) {
  const PetscScalar *read;
  PetscScalar *written;
  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(from, &read));
  PetscCall(VecGetArray(to, &written));
  PetscCall(PetscArraycpy(written + skip_to, read + skip_from, (size_t)count));
  PetscCall(VecRestoreArray(to, &written));
  PetscCall(VecRestoreArrayRead(from, &read));
  PetscFunctionReturn(0);
}

/* Solves the augmented system for right-hand sides `above` (NULL: zeros) and `below` (NULL: zeros; may be x,
 * too), and gives x. */
static PetscErrorCode solve_augmented(KSP ksp, const least_squares *p, Vec above, Vec below, Vec x) {
  PetscInt rows, unknowns;
  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(p->matrix, &rows, &unknowns));
  PetscCall(VecSet(p->both_rhs, 0));
  if (above) PetscCall(copy_part(above, 0, p->both_rhs, 0, rows));
  if (below) PetscCall(copy_part(below, 0, p->both_rhs, rows, unknowns));
  PetscCall(KSPSolve(ksp, p->both_rhs, p->both));
  PetscCall(copy_part(p->both, rows, x, 0, unknowns));
  PetscFunctionReturn(0);
}

/* A^T A is a block for each system, so block Jacobi with a factor for each rank is exact, but for rows that
 * couple systems of different ranks. */
static PetscErrorCode factor_blocks(KSP ksp) {
  PetscInt count;
  PetscBool blocks;
  KSP *parts;
  PC pc;
  PetscFunctionBegin;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCBJACOBI, &blocks));
  if (!blocks) PetscFunctionReturn(0);
  PetscCall(KSPSetUp(ksp));
  PetscCall(PCBJacobiGetSubKSP(pc, &count, NULL, &parts));
  for (PetscInt i = 0; i < count; i++) {
    PetscCall(KSPGetPC(parts[i], &pc));
    PetscCall(PCSetType(pc, PCLU));
    PetscCall(KSPSetFromOptions(parts[i]));
  }
  PetscFunctionReturn(0);
}

/* MUMPS guesses how much room its factors need; pivots of the zero block need more than that. An option of
 * the caller's, -mat_mumps_icntl_14, still counts. */
static PetscErrorCode give_room(PC pc) {
  PetscFunctionBegin;
#if PetscDefined(HAVE_MUMPS)
  const int PERCENT_MORE = 14;
  MatSolverType solver = NULL;
  PetscBool lu, mumps;
  Mat factor;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCLU, &lu));
  if (lu) PetscCall(PCFactorGetMatSolverType(pc, &solver));
  PetscCall(PetscStrcmp(solver, MATSOLVERMUMPS, &mumps));
  if (!mumps) PetscFunctionReturn(0);
  PetscCall(PCFactorSetUpMatSolverType(pc));
  PetscCall(PCFactorGetMatrix(pc, &factor));
  PetscCall(MatMumpsSetIcntl(factor, PERCENT_MORE, 400));
#else
  (void)pc;
#endif
  PetscFunctionReturn(0);
}

/* sigma_min(A S) by inverse iteration, with a factor of the matrix for a = 1: a right-hand side (0, -v) gives
 * (A^T A)^-1 v. A few steps find it well within a factor of 2. */
static PetscErrorCode smallest_singular_value(KSP ksp, const least_squares *p, double *sigma) {
  enum { STEPS = 4 };
  PetscReal length;
  PetscFunctionBegin;
  *sigma = 1;
  PetscCall(VecCopy(p->scale, p->unknowns));
  PetscCall(VecNormalize(p->unknowns, NULL));
  for (int i = 0; i < STEPS; i++) {
    PetscCall(VecScale(p->unknowns, -1));
    PetscCall(solve_augmented(ksp, p, NULL, p->unknowns, p->unknowns));
    PetscCall(VecNormalize(p->unknowns, &length));
    if (!(length > 0 && length < HUGE_VAL)) PetscFunctionReturn(0); /* the solve to come will say so */
    *sigma = 1 / sqrt(length);
  }
  PetscFunctionReturn(0);
}

/* Changes a in the augmented matrix, whose pattern stays. */
static PetscErrorCode change_a(least_squares *p, double a) {
  PetscInt rows, first;
  PetscFunctionBegin;
  p->a = a;
  PetscCall(MatGetLocalSize(p->matrix, &rows, NULL));
  PetscCall(MatGetOwnershipRange(p->product, &first, NULL));
  for (PetscInt i = first; i < first + rows; i++) PetscCall(MatSetValue(p->product, i, i, a, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(p->product, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->product, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* The augmented matrix; where a factor of it solves, with the a that makes it best conditioned. */
static PetscErrorCode set_augmented(const neurlp_petsc_batch *b, KSP ksp, PC pc, least_squares *p) {
  PetscBool direct;
  double sigma;
  PetscFunctionBegin;
  p->a = 1;
  PetscCall(augment(b, p));
  PetscCall(KSPSetOperators(ksp, p->product, p->product));
  PetscCall(give_room(pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPPREONLY, &direct));
  if (!direct) PetscFunctionReturn(0);
  PetscCall(smallest_singular_value(ksp, p, &sigma));
  PetscCall(change_a(p, sigma / sqrt(2)));
  PetscFunctionReturn(0);
}

/* Tells the KSP what to solve. */
static PetscErrorCode set_operators(neurlp_petsc_batch *b, least_squares *p) {
  PetscBool lsqr, none;
  KSP ksp;
  PC pc;
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_batch_get_ksp(b, &ksp));
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPLSQR, &lsqr));
  PetscCheck(!lsqr || !p->linear, neurlp_batch_comm(b), PETSC_ERR_SUP,
             "the slack's linear term, gamma alpha = %g, is no row, so LSQR cannot minimise it; take the "
             "augmented system, -ksp_type preonly -pc_type lu, or set it to 0",
             b->formulation.gamma * b->formulation.alpha);
  PetscCall(KSPReset(ksp)); /* its viewers, too, so options are read again */
  if (lsqr == b->augmented)
    PetscCall(choose_pc(b, lsqr ? PETSC_FALSE : PETSC_TRUE));
  else if (b->from_options)
    PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCNONE, &none));
  if (!lsqr) {
    PetscCall(set_augmented(b, ksp, pc, p));
  } else if (none) {
    PetscCall(KSPSetOperators(ksp, p->matrix, p->matrix));
  } else {
    PetscCall(MatTransposeMatMult(p->matrix, p->matrix, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &p->product));
    PetscCall(KSPSetOperators(ksp, p->matrix, p->product));
    PetscCall(factor_blocks(ksp));
  }
  PetscFunctionReturn(0);
}

/* Solves for the column whose right-hand side is in p->row_side; S y is in p->unknowns then. */
static PetscErrorCode solve_column(neurlp_petsc_batch *b, least_squares *p, PetscBool *converged) {
  KSPConvergedReason reason;
  PetscFunctionBegin;
  if (p->both)
    PetscCall(solve_augmented(b->ksp, p, p->row_side, p->linear, p->unknowns));
  else
    PetscCall(KSPSolve(b->ksp, p->row_side, p->unknowns));
  PetscCall(KSPGetConvergedReason(b->ksp, &reason));
  *converged = reason > 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(VecPointwiseMult(p->unknowns, p->unknowns, p->scale));
  PetscFunctionReturn(0);
}

/* Makes everything that the columns share. */
static PetscErrorCode set_up(neurlp_petsc_batch *b, least_squares *p) {
  PetscFunctionBegin;
  PetscCall(MatCreateVecs(p->matrix, &p->unknowns, &p->row_side));
  PetscCall(VecDuplicate(p->unknowns, &p->scale));
  PetscCall(column_scale(p->matrix, p->scale));
  PetscCall(MatDiagonalScale(p->matrix, NULL, p->scale));
  PetscCall(linear_term(b, p));
  PetscCall(set_operators(b, p));
  if (p->linear) PetscCall(VecScale(p->linear, 1 / p->a));
  PetscFunctionReturn(0);
}

static PetscErrorCode tear_down(least_squares *p) {
  PetscFunctionBegin;
  PetscCall(MatDestroy(&p->matrix));
  PetscCall(MatDestroy(&p->product));
  Vec *vecs[] = {&p->rhs, &p->scale, &p->linear, &p->row_side, &p->unknowns, &p->both, &p->both_rhs};
  for (size_t i = 0; i < sizeof vecs / sizeof *vecs; i++) PetscCall(VecDestroy(vecs[i]));
  PetscFunctionReturn(0);
}

/* Puts column r into the solution [N][R] and the slack [S][R] of this rank. */
static PetscErrorCode take_column(const neurlp_petsc_batch *b, const least_squares *p, int64_t r,
                                  PetscBool converged, double *u, double *slack) {
  const int64_t R = b->shape.columns, N = own_unknowns(b);
  const PetscScalar *x;
  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(p->unknowns, &x));
  for (int64_t c = 0; c < N; c++) u[c * R + r] = converged ? x[c] : (double)NAN;
  for (int64_t s = 0; slack && s < b->shape.systems; s++)
    slack[s * R + r] = converged ? x[N + s] : (double)NAN;
  PetscCall(VecRestoreArrayRead(p->unknowns, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_batch_ksp_solve(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                            Mat extra, Vec extra_rhs, Vec solution, Vec slack) {
  const PetscLogEvent event = neurlp_batch_events.ksp;
  least_squares p = {0};
  PetscBool all = PETSC_TRUE;
  void *u, *eps;
  PetscFunctionBegin;
  PetscCheck(!slack || batch->formulation.slack, neurlp_batch_comm(batch), PETSC_ERR_ARG_WRONGSTATE,
             "the formulation has no slack; give NULL, or take one that has, mnn");
  PetscCall(neurlp_petsc_batch_rows(batch, inputs, extra, extra_rhs, &p.matrix, &p.rhs));
  PetscCall(PetscLogEventBegin(event, batch, 0, 0, 0));
  PetscCall(set_up(batch, &p));
  PetscCall(neurlp_batch_lend_written(batch, BATCH_SOLUTION, solution, PETSC_FALSE, &u));
  PetscCall(neurlp_batch_lend_written(batch, BATCH_SLACK, slack, PETSC_FALSE, &eps));
  for (PetscInt r = 0; r < batch->shape.columns; r++) {
    PetscBool converged = PETSC_FALSE;
    PetscCall(VecStrideGather(p.rhs, r, p.row_side, INSERT_VALUES));
    PetscCall(solve_column(batch, &p, &converged));
    PetscCall(take_column(batch, &p, r, converged, u, eps));
    all = all && converged ? PETSC_TRUE : PETSC_FALSE;
  }
  PetscCall(neurlp_batch_return_written(batch, BATCH_SLACK));
  PetscCall(neurlp_batch_return_written(batch, BATCH_SOLUTION));
  PetscCall(tear_down(&p));
  PetscCall(PetscLogEventEnd(event, batch, 0, 0, 0));
  for (int64_t s = 0; s < batch->shape.systems; s++)
    batch->status[s] = all ? NEURLP_SUCCESS : NEURLP_NOT_CONVERGED;
  neurlp_status status = all ? NEURLP_SUCCESS : NEURLP_SOME_FAILED;
  if (!all)
    status = neurlp_fail(batch->context, status, "KSP did not converge; -ksp_converged_reason says why");
  PetscCall(neurlp_batch_finish(batch, status));
  PetscFunctionReturn(0);
}
