static char help[] = "Robertson's three species in many cells, each with rates of its own:\n\
  x' = -k1 x + k2 y z,  y' = k1 x - k2 y z - k3 y^2,  z' = k3 y^2\n\
  -cells: how many; -final_time; -solution <file>: writes the solution at the end;\n\
  -exchange <rate>: cells get x from their right neighbours (then they depend on each other)\n\
  -jacobian <true>: whether TS is given the Jacobian\n\n";

#include <petsctime.h>
#include <petscts.h>

typedef struct {
  PetscInt first, count, cells;
  PetscReal exchange;
  PetscReal (*rates)[3];
} AppCtx;

/* The rates of cell i: those of the literature times 1/2 to 2, spread out evenly. */
static void Rates(PetscInt i, PetscReal rates[3]) {
  const PetscReal literature[3] = {0.04, 1e4, 3e7}, steps[3] = {0.6180339887, 0.7548776662, 0.5698402910};

  for (int j = 0; j < 3; j++) {
    const PetscReal x = steps[j] * (i + 1);
    rates[j] = literature[j] * PetscPowReal(2, 2 * (x - PetscFloorReal(x)) - 1);
  }
}

static PetscErrorCode RHSFunction(TS ts, PetscReal t, Vec U, Vec G, void *ctx) {
  AppCtx *user = (AppCtx *)ctx;
  const PetscScalar *u;
  PetscScalar *g;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(U, &u));
  PetscCall(VecGetArrayWrite(G, &g));
  for (PetscInt i = 0; i < user->count; i++) {
    const PetscReal *k = user->rates[i];
    const PetscScalar x = u[3 * i], y = u[3 * i + 1], z = u[3 * i + 2];
    const PetscScalar other = i + 1 < user->count ? u[3 * i + 3] : x;
    g[3 * i] = -k[0] * x + k[1] * y * z + user->exchange * (other - x);
    g[3 * i + 1] = k[0] * x - k[1] * y * z - k[2] * y * y;
    g[3 * i + 2] = k[2] * y * y;
  }
  PetscCall(VecRestoreArrayRead(U, &u));
  PetscCall(VecRestoreArrayWrite(G, &g));
  PetscFunctionReturn(0);
}

static PetscErrorCode RHSJacobian(TS ts, PetscReal t, Vec U, Mat A, Mat B, void *ctx) {
  AppCtx *user = (AppCtx *)ctx;
  const PetscScalar *u;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(U, &u));
  for (PetscInt i = 0; i < user->count; i++) {
    const PetscReal *k = user->rates[i], e = i + 1 < user->count ? user->exchange : 0;
    const PetscScalar y = u[3 * i + 1], z = u[3 * i + 2];
    const PetscInt block = 3 * (user->first + i), rows[3] = {block, block + 1, block + 2}, next = block + 3;
    const PetscScalar values[9] = {-k[0] - e, k[1] * z,
                                   k[1] * y, //
                                   k[0],      -k[1] * z - 2 * k[2] * y,
                                   -k[1] * y, //
                                   0,         2 * k[2] * y,
                                   0};
    PetscCall(MatSetValues(B, 3, rows, 3, rows, values, INSERT_VALUES));
    if (e != 0) PetscCall(MatSetValues(B, 1, rows, 1, &next, &e, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(U, &u));
  PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  AppCtx user = {.cells = 1000};
  PetscReal final_time = 40, seconds;
  PetscLogDouble begin, end;
  char solution[PETSC_MAX_PATH_LEN];
  PetscBool write = PETSC_FALSE, jacobian = PETSC_TRUE;
  PetscInt local, steps, rejected, last;
  Vec U;
  Mat J;
  TS ts;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-cells", &user.cells, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-final_time", &final_time, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-exchange", &user.exchange, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-solution", solution, sizeof(solution), &write));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-jacobian", &jacobian, NULL));
  user.count = PETSC_DECIDE;
  PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &user.count, &user.cells));
  local = 3 * user.count;

  PetscCall(VecCreate(PETSC_COMM_WORLD, &U));
  PetscCall(VecSetSizes(U, local, 3 * user.cells));
  PetscCall(VecSetBlockSize(U, 3));
  PetscCall(VecSetFromOptions(U));
  PetscCall(VecGetOwnershipRange(U, &user.first, &last));
  user.first /= 3;
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, local, local, 3 * user.cells, 3 * user.cells, 4, NULL, 1, NULL, &J));
  PetscCall(MatSetBlockSize(J, 3));
  PetscCall(PetscMalloc1(user.count, &user.rates));
  for (PetscInt i = 0; i < user.count; i++) {
    Rates(user.first + i, user.rates[i]);
    PetscCall(VecSetValue(U, 3 * (user.first + i), 1, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(U));
  PetscCall(VecAssemblyEnd(U));

  PetscCall(TSCreate(PETSC_COMM_WORLD, &ts));
  PetscCall(TSSetType(ts, TSBDF));
  PetscCall(TSSetRHSFunction(ts, NULL, RHSFunction, &user));
  if (jacobian) PetscCall(TSSetRHSJacobian(ts, J, J, RHSJacobian, &user));
  PetscCall(TSSetTolerances(ts, 1e-10, NULL, 1e-5, NULL)); /* y is of size 1e-5 */
  PetscCall(TSSetTimeStep(ts, 1e-4));
  PetscCall(TSSetMaxTime(ts, final_time));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetFromOptions(ts));
  PetscCall(PetscTime(&begin));
  PetscCall(TSSolve(ts, U));
  PetscCall(PetscTime(&end));
  seconds = end - begin;
  PetscCall(TSGetStepNumber(ts, &steps));
  PetscCall(TSGetStepRejections(ts, &rejected));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "%" PetscInt_FMT " cells, %" PetscInt_FMT " steps, %" PetscInt_FMT
                        " rejected, %.3f s\n",
                        user.cells, steps, rejected, (double)seconds));

  if (write) {
    PetscViewer viewer;
    PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, solution, FILE_MODE_WRITE, &viewer));
    PetscCall(VecView(U, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscCall(PetscFree(user.rates));
  PetscCall(TSDestroy(&ts));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&U));
  PetscCall(PetscFinalize());
  return 0;
}
