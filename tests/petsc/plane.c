/* Oscillators u' = w v, v' = -w u on a DMDA of two dimensions, each with its own w(x, y) and begun at (1, 0),
 * so u = cos(w t): what a program does with TS beside solving. A monitor, TSSetPostStep(), an event where u
 * of the slowest one is 0, all counted; and a prefix for the options, -prefix <a_>. -stop: the event ends it
 * -out <file>: the solution at the end, in natural order */
#include <petscdmda.h>
#include <petscts.h>

typedef struct {
  PetscInt steps_seen, monitored, events;
  PetscReal event, last;
} Counts;

static PetscReal Frequency(PetscInt i, PetscInt j) {
  return 1 + 0.1 * i + 0.03 * j;
}

static PetscErrorCode RHSFunction(TS ts, PetscReal t, Vec U, Vec F, void *ctx) {
  DM dm;
  DMDALocalInfo box;
  PetscScalar ***u, ***f;
  PetscFunctionBeginUser;
  PetscCall(TSGetDM(ts, &dm));
  PetscCall(DMDAGetLocalInfo(dm, &box));
  PetscCall(DMDAVecGetArrayDOFRead(dm, U, &u));
  PetscCall(DMDAVecGetArrayDOF(dm, F, &f));
  for (PetscInt j = box.ys; j < box.ys + box.ym; j++)
    for (PetscInt i = box.xs; i < box.xs + box.xm; i++) {
      f[j][i][0] = Frequency(i, j) * u[j][i][1];
      f[j][i][1] = -Frequency(i, j) * u[j][i][0];
    }
  PetscCall(DMDAVecRestoreArrayDOF(dm, F, &f));
  PetscCall(DMDAVecRestoreArrayDOFRead(dm, U, &u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Monitor(TS ts, PetscInt step, PetscReal t, Vec U, void *ctx) {
  PetscFunctionBeginUser;
  Counts *counts = ctx;
  if (step >= counts->monitored) counts->monitored++; /* a step that is rolled back comes again */
  PetscFunctionReturn(0);
}

static PetscErrorCode PostStep(TS ts) {
  Counts *counts;
  PetscFunctionBeginUser;
  PetscCall(TSGetApplicationContext(ts, &counts));
  counts->steps_seen++;
  PetscFunctionReturn(0);
}

/* u of point (0, 0), whose rank tells the others. */
static PetscErrorCode Indicator(TS ts, PetscReal t, Vec U, PetscScalar values[], void *ctx) {
  const PetscScalar *u;
  PetscInt first;
  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(U, &first, NULL));
  PetscCall(VecGetArrayRead(U, &u));
  values[0] = u[0];
  PetscCall(VecRestoreArrayRead(U, &u));
  PetscCallMPI(MPI_Bcast(values, 1, MPIU_SCALAR, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(0);
}

static PetscErrorCode PostEvent(TS ts, PetscInt count, PetscInt list[], PetscReal t, Vec U, PetscBool forward,
                                void *ctx) {
  Counts *counts = ctx;
  PetscFunctionBeginUser;
  if (counts->events++ == 0) counts->event = t;
  PetscFunctionReturn(0);
}

static PetscErrorCode Start(DM dm, Vec U) {
  DMDALocalInfo box;
  PetscScalar ***u;
  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(dm, &box));
  PetscCall(VecSet(U, 0));
  PetscCall(DMDAVecGetArrayDOF(dm, U, &u));
  for (PetscInt j = box.ys; j < box.ys + box.ym; j++)
    for (PetscInt i = box.xs; i < box.xs + box.xm; i++) u[j][i][0] = 1;
  PetscCall(DMDAVecRestoreArrayDOF(dm, U, &u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(TS ts, Vec U, PetscBool stop, const char *out) {
  Counts counts = {0};
  PetscInt direction = 0, steps;
  PetscFunctionBeginUser;
  PetscCall(TSSetApplicationContext(ts, &counts));
  PetscCall(TSMonitorSet(ts, Monitor, &counts, NULL));
  PetscCall(TSSetPostStep(ts, PostStep));
  PetscCall(TSSetEventHandler(ts, 1, &direction, &stop, Indicator, PostEvent, &counts));
  PetscCall(TSSetFromOptions(ts));
  PetscCall(TSSolve(ts, U));
  PetscCall(TSGetStepNumber(ts, &steps));
  PetscCall(TSGetTime(ts, &counts.last));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "steps %" PetscInt_FMT ", seen after %" PetscInt_FMT ", monitored %" PetscInt_FMT
                        ", events %" PetscInt_FMT ", first at %.12f, end at %.12f\n",
                        steps, counts.steps_seen, counts.monitored, counts.events, (double)counts.event,
                        (double)counts.last));
  if (out[0]) {
    PetscViewer viewer;
    PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, out, FILE_MODE_WRITE, &viewer));
    PetscCall(VecView(U, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  char out[PETSC_MAX_PATH_LEN] = "", prefix[64] = "";
  PetscBool stop = PETSC_FALSE;
  DM dm;
  Vec U;
  TS ts;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-out", out, sizeof(out), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-prefix", prefix, sizeof(prefix), NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-stop", &stop, NULL));
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 5, 4,
                         PETSC_DECIDE, PETSC_DECIDE, 2, 1, NULL, NULL, &dm));
  PetscCall(DMSetFromOptions(dm));
  PetscCall(DMSetUp(dm));
  PetscCall(DMDASetUniformCoordinates(dm, 0, 4, 0, 3, 0, 0));
  PetscCall(DMDASetFieldName(dm, 0, "u"));
  PetscCall(DMDASetFieldName(dm, 1, "v"));
  PetscCall(DMCreateGlobalVector(dm, &U));
  PetscCall(Start(dm, U));
  PetscCall(TSCreate(PETSC_COMM_WORLD, &ts));
  PetscCall(TSSetOptionsPrefix(ts, prefix));
  PetscCall(TSSetDM(ts, dm));
  PetscCall(TSSetRHSFunction(ts, NULL, RHSFunction, NULL));
  PetscCall(TSSetTimeStep(ts, 0.1));
  PetscCall(TSSetMaxTime(ts, 4));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(Solve(ts, U, stop, out));
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&U));
  PetscCall(DMDestroy(&dm));
  PetscCall(PetscFinalize());
  return 0;
}
