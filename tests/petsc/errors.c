/* What goes wrong in the library is an error of PETSc's with the library's own text, after which a program
 * that handles errors goes on: a handler notes each, and all of them are printed as "what: code, text".
 *   -result <file>: equations u' of 12 systems, x and y   -data <file>: HDF5, but no result   -cut <file>:
 * half a result */
#include <neurlp_petsc.h>
#include <petscdmda.h>

static char said[4096];
static PetscErrorCode code_said;

static PetscErrorCode Note(MPI_Comm comm, int line, const char *function, const char *file,
                           PetscErrorCode code, PetscErrorType type, const char *text, void *user) {
  (void)comm, (void)line, (void)function, (void)file, (void)user;
  if (type != PETSC_ERROR_INITIAL) return code;
  code_said = code;
  (void)PetscStrncpy(said, text ? text : "", sizeof said);
  return code;
}

static PetscErrorCode Report(const char *what, PetscErrorCode code) {
  const char *kind = "none";
  PetscFunctionBeginUser;
  if (code) PetscCall(PetscErrorMessage(code, &kind, NULL));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s: %s, %s\n", what, code && code == code_said ? kind : "no error",
                        said));
  said[0] = '\0';
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(const char *what, const char *option) {
  char path[PETSC_MAX_PATH_LEN] = "nowhere.h5";
  neurlp_petsc_dynamics *dynamics = NULL;
  PetscFunctionBeginUser;
  if (option) PetscCall(PetscOptionsGetString(NULL, NULL, option, path, sizeof path, NULL));
  PetscCall(Report(what, neurlp_petsc_dynamics_open(PETSC_COMM_WORLD, path, &dynamics)));
  if (dynamics) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s left something behind\n", what));
  PetscFunctionReturn(0);
}

/* f(u) of a Vec of so many numbers. */
static PetscErrorCode TryVec(const char *what, neurlp_petsc_dynamics *dynamics, PetscInt numbers) {
  Vec u, f;
  Mat J = NULL;
  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, numbers, &u));
  PetscCall(VecDuplicate(u, &f));
  PetscCall(Report(what, neurlp_petsc_dynamics_function(dynamics, NULL, 0, u, 1, INSERT_VALUES, f)));
  if (numbers % 2) PetscCall(Report("matrix of it", neurlp_petsc_dynamics_matrix(dynamics, u, &J)));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&f));
  PetscFunctionReturn(0);
}

/* f(u) on a DMDA of 12 points, with so many fields, of which the first has this name. */
static PetscErrorCode TryGrid(const char *what, neurlp_petsc_dynamics *dynamics, PetscInt fields,
                              const char *name) {
  DM dm;
  Vec u;
  PetscFunctionBeginUser;
  PetscCall(DMDACreate1d(PETSC_COMM_SELF, DM_BOUNDARY_NONE, 12, fields, 1, NULL, &dm));
  PetscCall(DMSetUp(dm));
  PetscCall(DMDASetFieldName(dm, 0, name));
  PetscCall(DMCreateGlobalVector(dm, &u));
  PetscCall(VecSet(u, 1));
  PetscCall(Report(what, neurlp_petsc_dynamics_function(dynamics, dm, 0, u, 1, INSERT_VALUES, u)));
  PetscCall(VecDestroy(&u));
  PetscCall(DMDestroy(&dm));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  char result[PETSC_MAX_PATH_LEN] = "";
  const char *text;
  neurlp_petsc_dynamics *dynamics;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscPushErrorHandler(Note, NULL));
  PetscCall(Open("no such file", NULL));
  PetscCall(Open("no result", "-data"));
  PetscCall(Open("half a file", "-cut"));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-result", result, sizeof result, NULL));
  PetscCall(neurlp_petsc_dynamics_open(PETSC_COMM_WORLD, result, &dynamics));
  PetscCall(Report("no equation", neurlp_petsc_dynamics_equation(dynamics, 2, &text)));
  PetscCall(TryVec("no whole points", dynamics, 25));
  PetscCall(TryVec("other points", dynamics, 26));
  PetscCall(TryVec("right points", dynamics, 24));
  PetscCall(TryGrid("other fields", dynamics, 3, "x"));
  PetscCall(TryGrid("other names", dynamics, 2, "z"));
  PetscCall(TryGrid("right names", dynamics, 2, "x"));
  PetscCall(PetscPopErrorHandler());
  PetscCall(neurlp_petsc_dynamics_destroy(&dynamics));
  PetscCall(neurlp_petsc_dynamics_destroy(&dynamics));
  PetscCall(PetscFinalize());
  return 0;
}
