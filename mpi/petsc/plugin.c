/* What happens when PETSc loads the library: it is checked that the two belong together, and the types are
 * registered. */
#include "petsc/blocks/blocks.h"
#include "petsc/neurlp_petsc.h"
#include "petsc/recorder/recorder.h"
#include "petsc/support.h"

#include "file/array_file.h"

/* What PETSc calls after loading libneurlp_petsc.so. */
PetscErrorCode PetscDLLibraryRegister_neurlp_petsc(void);

static PetscBool registered;

/* PETSc forgets its types when it is finalised, and a program may begin it again. */
static PetscErrorCode forget(void) {
  registered = PETSC_FALSE;
  return 0;
}

PetscErrorCode neurlp_petsc_register(void) {
  PetscFunctionBegin;
  if (registered) PetscFunctionReturn(0);
  PetscCall(neurlp_support_check_petsc());
  neurlp_array_file_prepare(); /* takes effect where the program has not written by MPI-IO yet */
  PetscCall(TSTrajectoryRegister("neurlp", neurlp_recorder_create));
  PetscCall(TSRegister("neurlp", neurlp_blocks_create));
  PetscCall(PetscRegisterFinalize(forget));
  registered = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode PetscDLLibraryRegister_neurlp_petsc(void) {
  PetscFunctionBegin;
  PetscCall(neurlp_petsc_register());
  PetscCall(PetscFPrintf(PETSC_COMM_WORLD, PETSC_STDERR,
                         "NeuRLP %s for PETSc %d.%d.%d: TS and TSTrajectory types neurlp\n", neurlp_version(),
                         PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR));
  PetscFunctionReturn(0);
}
