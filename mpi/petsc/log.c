/* PETSc's log for the program `neurlp`, which loads this library to have it (mpi/log_view.h). */
#include "petsc/support.h"

#include <petscsys.h>

/* What the program looks for by name. */
PetscErrorCode neurlp_petsc_log_begin(const char *viewer);
PetscErrorCode neurlp_petsc_log_stage(const char *name);
PetscErrorCode neurlp_petsc_log_end(void);

static PetscBool inside; /* of a stage */

/* Collective over MPI_COMM_WORLD, which is initialised already. Neither files nor variables of the user's
 * change PETSc here, and signals stay the program's. */
PetscErrorCode neurlp_petsc_log_begin(const char *viewer) {
  PetscErrorCode code = PetscOptionsSetValue(NULL, "-log_view", *viewer ? viewer : NULL);
  if (!code) code = PetscOptionsSetValue(NULL, "-no_signal_handler", "true");
  if (!code) code = PetscOptionsSetValue(NULL, "-skip_petscrc", "true");
  if (!code) code = PetscInitializeNoArguments();
  return code;
}

/* Collective. */
PetscErrorCode neurlp_petsc_log_stage(const char *name) {
  PetscLogStage number = -1;
  PetscFunctionBegin;
  if (inside) PetscCall(PetscLogStagePop());
  inside = PETSC_FALSE;
  PetscCall(PetscLogStageGetId(name, &number));
  if (number < 0) PetscCall(PetscLogStageRegister(name, &number));
  PetscCall(PetscLogStagePush(number));
  inside = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* Collective. Prints the summary. */
PetscErrorCode neurlp_petsc_log_end(void) {
  if (inside && PetscLogStagePop()) return PETSC_ERR_LIB;
  inside = PETSC_FALSE;
  return PetscFinalize();
}
