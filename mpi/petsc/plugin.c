/* What happens when PETSc loads the library: it is checked that the two belong together, and the types are
 * registered. */
#include "petsc/blocks.h"
#include "petsc/neurlp_petsc.h"
#include "petsc/recorder.h"
#include "petsc/support.h"

#include "file/array_file.h"

/* What PETSc calls after loading libneurlp_petsc.so. */
PetscErrorCode PetscDLLibraryRegister_neurlp_petsc(void);

/* PETSc's objects are not the same inside from version to version, and types work inside of them. A program
 * with another size of PetscInt brings another library, whose functions then come first. */
static PetscErrorCode check_version(void) {
  PetscInt major = 0, minor = 0, subminor = 0, release = 0;
  size_t index_bytes = 0;
  PetscFunctionBegin;
  PetscCall(PetscDataTypeGetSize(PETSC_INT, &index_bytes));
  PetscCheck(index_bytes == sizeof(PetscInt), PETSC_COMM_WORLD, PETSC_ERR_SUP,
             "NeuRLP's plug-in was built for a PETSc with %d-bit indices, and this one has %d bits; build it "
             "against the program's PETSc",
             (int)(8 * sizeof(PetscInt)), (int)(8 * index_bytes));
  PetscCall(PetscGetVersionNumber(&major, &minor, &subminor, &release));
  PetscCheck(major == PETSC_VERSION_MAJOR && minor == PETSC_VERSION_MINOR, PETSC_COMM_WORLD, PETSC_ERR_SUP,
             "NeuRLP's plug-in was built for PETSc %d.%d, and this is PETSc %d.%d.%d; build it against the "
             "program's PETSc",
             PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, (int)major, (int)minor, (int)subminor);
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_petsc_register(void) {
  static PetscBool done = PETSC_FALSE;
  PetscFunctionBegin;
  if (done) PetscFunctionReturn(0);
  PetscCall(check_version());
  neurlp_array_file_prepare(); /* takes effect where the program has not written by MPI-IO yet */
  PetscCall(TSTrajectoryRegister("neurlp", neurlp_recorder_create));
  PetscCall(TSRegister("neurlp", neurlp_blocks_create));
  done = PETSC_TRUE;
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
