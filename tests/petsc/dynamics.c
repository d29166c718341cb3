/* Learned dynamics as a program uses them: on a DMDA of two dimensions, or on a plain Vec (-plain). Puts
 * known states in, writes states and right-hand sides, has PETSc test the Jacobian, and writes its entries.
 *   -result <file>  -points 3,4  -plain  -learned (without what is known)  -out <file>: u, f(u), f(u) + 2
 * f(u), in natural order */
#include <neurlp_petsc.h>
#include <petscdmda.h>

static PetscErrorCode Write(PetscViewer viewer, Vec u) {
  PetscFunctionBeginUser;
  PetscCall(VecView(u, viewer));
  PetscFunctionReturn(0);
}

/* State k of point p: 1 + sin(1 + p + 10 k) / 2, p in natural order. */
static PetscErrorCode Fill(DM dm, PetscInt fields, Vec u) {
  PetscInt begin, end;
  PetscScalar *values;
  Vec natural = u;
  PetscFunctionBeginUser;
  if (dm) PetscCall(DMDACreateNaturalVector(dm, &natural));
  PetscCall(VecGetOwnershipRange(natural, &begin, &end));
  PetscCall(VecGetArray(natural, &values));
  for (PetscInt i = begin; i < end; i++)
    values[i - begin] = 1 + PetscSinReal(1 + i / fields + 10. * (i % fields)) / 2;
  PetscCall(VecRestoreArray(natural, &values));
  if (!dm) PetscFunctionReturn(0);
  PetscCall(DMDANaturalToGlobalBegin(dm, natural, INSERT_VALUES, u));
  PetscCall(DMDANaturalToGlobalEnd(dm, natural, INSERT_VALUES, u));
  PetscCall(VecDestroy(&natural));
  PetscFunctionReturn(0);
}

/* A TS without a DM has one that says nothing of its matrices; with the DMDA, its own. */
static PetscErrorCode Try(DM dm, neurlp_petsc_dynamics *dynamics, Vec u, PetscViewer viewer) {
  TS ts;
  Mat J;
  Vec f;
  PetscBool right = PETSC_FALSE;
  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &f));
  PetscCall(TSCreate(PETSC_COMM_WORLD, &ts));
  if (dm) PetscCall(TSSetDM(ts, dm));
  if (dm)
    PetscCall(DMCreateMatrix(dm, &J));
  else
    PetscCall(neurlp_petsc_dynamics_matrix(dynamics, u, &J));
  PetscCall(TSSetRHSFunction(ts, NULL, neurlp_petsc_rhs_function, dynamics));
  PetscCall(TSSetRHSJacobian(ts, J, J, neurlp_petsc_rhs_jacobian, dynamics));
  PetscCall(TSSetSolution(ts, u));
  PetscCall(Write(viewer, u));
  PetscCall(TSComputeRHSFunction(ts, 0, u, f));
  PetscCall(Write(viewer, f));
  PetscCall(neurlp_petsc_dynamics_function(dynamics, dm, 0, u, 2, ADD_VALUES, f));
  PetscCall(Write(viewer, f));
  PetscCall(TSComputeRHSJacobian(ts, 0, u, J, J));
  PetscCall(TSRHSJacobianTest(ts, &right));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "Jacobian test of PETSc: %s\n", right ? "right" : "wrong"));
  PetscCall(MatDestroy(&J));
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&f));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  char result[PETSC_MAX_PATH_LEN] = "", out[PETSC_MAX_PATH_LEN] = "out.bin";
  PetscInt points[2] = {3, 4}, two = 2, fields, rows;
  PetscBool plain = PETSC_FALSE, learned = PETSC_FALSE;
  neurlp_petsc_dynamics *dynamics;
  PetscViewer viewer;
  DM dm = NULL;
  Vec u;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(neurlp_petsc_register());
  PetscCall(PetscOptionsGetString(NULL, NULL, "-result", result, sizeof(result), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-out", out, sizeof(out), NULL));
  PetscCall(PetscOptionsGetIntArray(NULL, NULL, "-points", points, &two, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-plain", &plain, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-learned", &learned, NULL));
  if (learned)
    PetscCall(neurlp_petsc_dynamics_open_learned(PETSC_COMM_WORLD, result, &dynamics));
  else
    PetscCall(neurlp_petsc_dynamics_open(PETSC_COMM_WORLD, result, &dynamics));
  PetscCall(neurlp_petsc_dynamics_sizes(dynamics, &fields, &rows));
  for (PetscInt k = 0; k < fields; k++) {
    const char *text;
    PetscCall(neurlp_petsc_dynamics_equation(dynamics, k, &text));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s\n", text));
    PetscCall(neurlp_petsc_dynamics_known(dynamics, k, &text));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "known: %s\n", text));
  }
  if (plain) {
    PetscInt local = PETSC_DECIDE, all = points[0] * points[1];
    PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &local, &all));
    PetscCall(VecCreateMPI(PETSC_COMM_WORLD, local * fields, PETSC_DETERMINE, &u));
  } else {
    PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, points[0],
                           points[1], PETSC_DECIDE, PETSC_DECIDE, fields, 1, NULL, NULL, &dm));
    PetscCall(DMSetUp(dm));
    PetscCall(DMCreateGlobalVector(dm, &u));
  }
  PetscCall(Fill(dm, fields, u));
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, out, FILE_MODE_WRITE, &viewer));
  PetscCall(Try(dm, dynamics, u, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscCall(neurlp_petsc_dynamics_destroy(&dynamics));
  PetscCall(VecDestroy(&u));
  PetscCall(DMDestroy(&dm));
  PetscCall(PetscFinalize());
  return 0;
}
