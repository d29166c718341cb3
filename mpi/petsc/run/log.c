/* PETSc's log for the program `neurlp`, which loads this library to have it (mpi/log_view.h). */
#include "petsc/run/session.h"

#include <petscsys.h>

/* What the program looks for by name. */
PetscErrorCode neurlp_petsc_log_begin(const char *viewer);
PetscErrorCode neurlp_petsc_log_stage(const char *name);
PetscErrorCode neurlp_petsc_log_end(void);

static PetscBool inside; /* of a stage */

/* Collective over MPI_COMM_WORLD, which is initialised already. */
PetscErrorCode neurlp_petsc_log_begin(const char *viewer) {
  const PetscErrorCode code = PetscOptionsSetValue(NULL, "-log_view", *viewer ? viewer : NULL);
  return code ? code : neurlp_session_initialise(MPI_COMM_WORLD);
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
