/* A batch by the sweep and by a KSP, of batch_case.h's options; prints `difference` of their solutions over
 * the largest number, and `slack`, that of the slacks, and writes r, both solutions and A to -out <file>.
 * With -chain, rows that the sweep does not know: see Chain(). */
#include "batch_case.h"

#include <petscksp.h>

static PetscErrorCode Compare(void) {
  char out[PETSC_MAX_PATH_LEN] = "";
  neurlp_petsc_arrays inputs = {0};
  Vec sweep, ksp, slack = NULL, ksp_slack = NULL, r;
  PetscReal difference;
  PetscViewer viewer;
  PetscInt failed;
  PetscBool with_slack;
  batch_case c;
  Mat a;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-out", out, sizeof(out), NULL));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-slack", &with_slack));
  PetscCall(CaseCreate(&c, "b_"));
  PetscCall(CaseCreateArrays(&c, &inputs));
  PetscCall(CaseFill(&c, 0, &inputs));
  PetscCall(neurlp_petsc_batch_create_vec(c.batch, NEURLP_PETSC_SOLUTION, &sweep));
  PetscCall(VecDuplicate(sweep, &ksp));
  PetscCall(neurlp_petsc_batch_solve(c.batch, &inputs, sweep));
  if (with_slack) {
    PetscCall(neurlp_petsc_batch_create_vec(c.batch, NEURLP_PETSC_SLACK, &slack));
    PetscCall(VecDuplicate(slack, &ksp_slack));
    PetscCall(neurlp_petsc_batch_slack(c.batch, &inputs, sweep, slack));
  }
  PetscCall(neurlp_petsc_batch_ksp_solve(c.batch, &inputs, NULL, NULL, ksp, ksp_slack));
  PetscCall(neurlp_petsc_batch_get_status(c.batch, &failed, NULL));
  PetscCall(CaseSay("failed", failed));
  PetscCall(CaseDifference(sweep, ksp, &difference));
  PetscCall(CaseSay("difference", difference));
  if (with_slack) {
    PetscCall(CaseDifference(slack, ksp_slack, &difference));
    PetscCall(CaseSay("slack", difference));
  }
  if (*out) {
    PetscCall(neurlp_petsc_batch_rows(c.batch, &inputs, NULL, NULL, &a, &r));
    PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, out, FILE_MODE_WRITE, &viewer));
    PetscCall(VecView(r, viewer));
    PetscCall(VecView(sweep, viewer));
    PetscCall(VecView(ksp, viewer));
    PetscCall(MatView(a, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
    PetscCall(MatDestroy(&a));
    PetscCall(VecDestroy(&r));
  }
  PetscCall(VecDestroy(&sweep));
  PetscCall(VecDestroy(&ksp));
  PetscCall(VecDestroy(&slack));
  PetscCall(VecDestroy(&ksp_slack));
  PetscCall(CaseDestroyArrays(&inputs));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(0);
}

enum { STEPS = 5, WIDTH = 3 };

/* Unknown j at step t of system s. */
static PetscInt Unknown(PetscInt s, PetscInt t, PetscInt j) {
  return (s * STEPS + t) * WIDTH + j;
}

/* Row 0: u(0) = 0. Row 1: the integral of u over all systems, by a rule that is exact for cubics. Then, for
 * two systems that follow each other, u and u' at the end of one are those at the beginning of the next. */
static PetscErrorCode CoupledRows(PetscInt systems, PetscReal h, PetscReal integral, PetscInt local,
                                  Mat *rows, Vec *rhs) {
  const PetscInt all = 2 * systems;
  PetscInt first, last;
  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, local, all, PETSC_DETERMINE, 2 * STEPS * systems,
                         NULL, 2 * STEPS * systems, NULL, rows));
  PetscCall(MatCreateVecs(*rows, NULL, rhs));
  PetscCall(VecSet(*rhs, 0));
  PetscCall(MatGetOwnershipRange(*rows, &first, &last));
  for (PetscInt i = first; i < last; i++) {
    const PetscInt s = i / 2 - 1, j = i % 2;
    if (i == 0) PetscCall(MatSetValue(*rows, i, Unknown(0, 0, 0), 1, INSERT_VALUES));
    if (i == 1) PetscCall(VecSetValue(*rhs, i, integral, INSERT_VALUES));
    for (PetscInt t = 0; i == 1 && t < STEPS * systems; t++) {
      const PetscInt end = t % STEPS == STEPS - 1, begin = t % STEPS == 0;
      PetscCall(MatSetValue(*rows, i, 3 * t, begin || end ? h / 2 : h, INSERT_VALUES));
      PetscCall(MatSetValue(*rows, i, 3 * t + 1, (begin - end) * h * h / 12, INSERT_VALUES));
    }
    if (i > 1) PetscCall(MatSetValue(*rows, i, Unknown(s, STEPS - 1, j), 1, INSERT_VALUES));
    if (i > 1) PetscCall(MatSetValue(*rows, i, Unknown(s + 1, 0, j), -1, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(*rhs));
  PetscCall(VecAssemblyEnd(*rhs));
  PetscCall(MatAssemblyBegin(*rows, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*rows, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* u'' = 2 on [0, S] in S systems of length 1 without initial values, coupled, with u(0) = 0 and the integral
 * of t^2 + 4 t / 3: that is u. */
static PetscErrorCode Chain(void) {
  const PetscReal h = 1. / (STEPS - 1);
  const neurlp_formulation *f = NULL;
  neurlp_shape z = {.steps = STEPS,
                    .dimensions = 1,
                    .order = WIDTH - 1,
                    .equations = 1,
                    .columns = 1,
                    .coefficients_sharing = NEURLP_SHARED_CONSTANT,
                    .rhs_sharing = NEURLP_SHARED_CONSTANT,
                    .steps_sharing = NEURLP_SHARED_CONSTANT};
  PetscInt systems = 4, local = PETSC_DECIDE, first, last, failed;
  neurlp_formulation own;
  neurlp_petsc_arrays inputs = {0};
  neurlp_petsc_batch *batch;
  PetscScalar *numbers;
  Vec u, exact, rhs;
  PetscReal error;
  Mat rows;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-systems", &systems, NULL));
  PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &local, &systems));
  z.systems = local;
  PetscCall(neurlp_petsc_formulation("hermite", &own));
  own.nominal_step = h;
  own.leading_derivative = 2;
  f = &own;
  PetscCall(neurlp_petsc_batch_create(PETSC_COMM_WORLD, &batch));
  PetscCall(neurlp_petsc_batch_set_shape(batch, &z));
  PetscCall(neurlp_petsc_batch_set_formulation(batch, f));
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)batch, "b_"));
  PetscCall(neurlp_petsc_batch_set_from_options(batch));
  PetscCall(neurlp_petsc_batch_create_vec(batch, NEURLP_PETSC_COEFFICIENTS, &inputs.coefficients));
  PetscCall(neurlp_petsc_batch_create_vec(batch, NEURLP_PETSC_RHS, &inputs.rhs));
  PetscCall(neurlp_petsc_batch_create_vec(batch, NEURLP_PETSC_STEPS, &inputs.steps));
  PetscCall(VecSetValue(inputs.coefficients, 2, 1, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(inputs.coefficients));
  PetscCall(VecAssemblyEnd(inputs.coefficients));
  PetscCall(VecSet(inputs.rhs, 2));
  PetscCall(VecSet(inputs.steps, h));
  PetscCall(neurlp_petsc_batch_create_vec(batch, NEURLP_PETSC_SOLUTION, &u));
  PetscCall(VecDuplicate(u, &exact));
  PetscCall(VecGetOwnershipRange(exact, &first, &last));
  PetscCall(VecGetArrayWrite(exact, &numbers));
  for (PetscInt i = first; i < last; i++) {
    const PetscReal t = i / (STEPS * WIDTH) + h * (i / WIDTH % STEPS);
    numbers[i - first] = i % WIDTH == 0 ? t * t + 4 * t / 3 : i % WIDTH == 1 ? 2 * t + 4. / 3 : 2;
  }
  PetscCall(VecRestoreArrayWrite(exact, &numbers));
  PetscCall(neurlp_petsc_batch_solve(batch, &inputs, u));
  PetscCall(neurlp_petsc_batch_get_status(batch, &failed, NULL));
  PetscCall(CaseSay("alone_failed", failed));
  PetscCall(CoupledRows(systems, h, systems * systems * (systems / 3. + 2. / 3), last - first, &rows, &rhs));
  PetscCall(neurlp_petsc_batch_ksp_solve(batch, &inputs, rows, rhs, u, NULL));
  PetscCall(neurlp_petsc_batch_get_status(batch, &failed, NULL));
  PetscCall(CaseSay("failed", failed));
  PetscCall(CaseDifference(exact, u, &error));
  PetscCall(CaseSay("difference", error));
  PetscCall(MatDestroy(&rows));
  PetscCall(VecDestroy(&rhs));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&exact));
  PetscCall(CaseDestroyArrays(&inputs));
  PetscCall(neurlp_petsc_batch_destroy(&batch));
  PetscFunctionReturn(0);
}

static PetscErrorCode One(void) {
  PetscBool chain;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-chain", &chain));
  PetscCall(chain ? Chain() : Compare());
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(CaseForEach(One));
  PetscCall(PetscFinalize());
  return 0;
}
