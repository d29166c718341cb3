static char help[] =
    "Brusselator on a line: u_t = a - (b+1) u + u^2 v + d1 u_xx, v_t = b u - u^2 v + d2 v_xx.\n\
Diffusion is implicit, reaction explicit (IMEX). Boundaries let nothing through.\n\
  -a, -b: constants of the reaction; -d1, -d2: diffusion coefficients; -da_grid_x: points; -final_time\n\
  -solution <file>: writes the solution at the end; -restart <file>: begins with such a one\n\n";

#include <petscdmda.h>
#include <petscts.h>

typedef struct {
  PetscScalar u, v;
} Field;

typedef struct {
  PetscReal a, b, d1, d2;
} AppCtx;

/* G(t, U): the reaction. */
static PetscErrorCode Reaction(TS ts, PetscReal t, Vec U, Vec G, void *ctx) {
  AppCtx *user = (AppCtx *)ctx;
  DM da;
  DMDALocalInfo info;
  const Field *u;
  Field *g;

  PetscFunctionBeginUser;
  PetscCall(TSGetDM(ts, &da));
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(DMDAVecGetArrayRead(da, U, &u));
  PetscCall(DMDAVecGetArray(da, G, &g));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscScalar uuv = u[i].u * u[i].u * u[i].v;
    g[i].u = user->a - (user->b + 1) * u[i].u + uuv;
    g[i].v = user->b * u[i].u - uuv;
  }
  PetscCall(DMDAVecRestoreArrayRead(da, U, &u));
  PetscCall(DMDAVecRestoreArray(da, G, &g));
  PetscFunctionReturn(0);
}

/* F(t, U, U_t) = U_t - D U_xx. */
static PetscErrorCode Diffusion(TS ts, PetscReal t, Vec U, Vec Ut, Vec F, void *ctx) {
  AppCtx *user = (AppCtx *)ctx;
  DM da;
  DMDALocalInfo info;
  Vec local;
  const Field *u, *ut;
  Field *f;

  PetscFunctionBeginUser;
  PetscCall(TSGetDM(ts, &da));
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(DMGetLocalVector(da, &local));
  PetscCall(DMGlobalToLocal(da, U, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(da, local, &u));
  PetscCall(DMDAVecGetArrayRead(da, Ut, &ut));
  PetscCall(DMDAVecGetArray(da, F, &f));
  const PetscReal h2 = 1.0 / ((info.mx - 1.0) * (info.mx - 1.0));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscInt left = i == 0 ? 1 : i - 1, right = i == info.mx - 1 ? info.mx - 2 : i + 1;
    f[i].u = ut[i].u - user->d1 * (u[left].u - 2 * u[i].u + u[right].u) / h2;
    f[i].v = ut[i].v - user->d2 * (u[left].v - 2 * u[i].v + u[right].v) / h2;
  }
  PetscCall(DMDAVecRestoreArrayRead(da, local, &u));
  PetscCall(DMDAVecRestoreArrayRead(da, Ut, &ut));
  PetscCall(DMDAVecRestoreArray(da, F, &f));
  PetscCall(DMRestoreLocalVector(da, &local));
  PetscFunctionReturn(0);
}

/* dF/dU + shift dF/dU_t. */
static PetscErrorCode DiffusionJacobian(TS ts, PetscReal t, Vec U, Vec Ut, PetscReal shift, Mat A, Mat B,
                                        void *ctx) {
  AppCtx *user = (AppCtx *)ctx;
  DM da;
  DMDALocalInfo info;

  PetscFunctionBeginUser;
  PetscCall(TSGetDM(ts, &da));
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(MatZeroEntries(B));
  const PetscReal h2 = 1.0 / ((info.mx - 1.0) * (info.mx - 1.0)), d[2] = {user->d1 / h2, user->d2 / h2};
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++)
    for (PetscInt c = 0; c < 2; c++) {
      const PetscBool first = i == 0 ? PETSC_TRUE : PETSC_FALSE,
                      last = i == info.mx - 1 ? PETSC_TRUE : PETSC_FALSE;
      const MatStencil row = {.i = i, .c = c};
      const MatStencil columns[] = {
          row, {.i = first ? 1 : i - 1, .c = c}, {.i = last ? i - 1 : i + 1, .c = c}};
      const PetscScalar at_end[] = {shift + 2 * d[c], -2 * d[c]}, inside[] = {shift + 2 * d[c], -d[c], -d[c]};
      if (first || last)
        PetscCall(MatSetValuesStencil(B, 1, &row, 2, columns, at_end, INSERT_VALUES));
      else
        PetscCall(MatSetValuesStencil(B, 1, &row, 3, columns, inside, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
  if (A != B) {
    PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(0);
}

/* A different state at each point, so that they do not all do the same. */
static PetscErrorCode Initial(DM da, Vec U) {
  DMDALocalInfo info;
  Field *u;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(DMDAVecGetArray(da, U, &u));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscReal x = i / (info.mx - 1.0);
    u[i].u = 1 + PetscSinReal(2 * PETSC_PI * x);
    u[i].v = 3 - 2 * x;
  }
  PetscCall(DMDAVecRestoreArray(da, U, &u));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  AppCtx user = {.a = 1, .b = 2, .d1 = 0.02, .d2 = 0.02};
  PetscReal final_time = 10;
  char solution[PETSC_MAX_PATH_LEN], restart[PETSC_MAX_PATH_LEN];
  PetscBool write = PETSC_FALSE, read = PETSC_FALSE;
  PetscViewer viewer;
  DM da;
  TS ts;
  Vec U;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-a", &user.a, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-b", &user.b, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-d1", &user.d1, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-d2", &user.d2, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-final_time", &final_time, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-solution", solution, sizeof(solution), &write));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-restart", restart, sizeof(restart), &read));

  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, 33, 2, 1, NULL, &da));
  PetscCall(DMSetFromOptions(da));
  PetscCall(DMSetUp(da));
  PetscCall(DMDASetUniformCoordinates(da, 0, 1, 0, 0, 0, 0));
  PetscCall(DMDASetFieldName(da, 0, "u"));
  PetscCall(DMDASetFieldName(da, 1, "v"));
  PetscCall(DMCreateGlobalVector(da, &U));

  PetscCall(TSCreate(PETSC_COMM_WORLD, &ts));
  PetscCall(TSSetDM(ts, da));
  PetscCall(TSSetType(ts, TSARKIMEX));
  PetscCall(TSSetIFunction(ts, NULL, Diffusion, &user));
  PetscCall(TSSetIJacobian(ts, NULL, NULL, DiffusionJacobian, &user));
  PetscCall(TSSetRHSFunction(ts, NULL, Reaction, &user));
  PetscCall(TSSetTimeStep(ts, 0.01));
  PetscCall(TSSetMaxTime(ts, final_time));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetFromOptions(ts));
  if (read) {
    PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, restart, FILE_MODE_READ, &viewer));
    PetscCall(VecLoad(U, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
  } else {
    PetscCall(Initial(da, U));
  }
  PetscCall(TSSolve(ts, U));

  if (write) {
    PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, solution, FILE_MODE_WRITE, &viewer));
    PetscCall(VecView(U, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&U));
  PetscCall(DMDestroy(&da));
  PetscCall(PetscFinalize());
  return 0;
}
