/* NeuRLP in PETSc's own terms (docs/petsc.md). Every function returns a PETSc error code and is collective
 * over the communicator of what it is given, unless its comment says otherwise. PETSc must be of the version,
 * and have the size of PetscInt, that this library was built for: neurlp_petsc_register() checks that. */
#ifndef NEURLP_PETSC_H
#define NEURLP_PETSC_H

#include <petscts.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Registers the types "neurlp" of TSTrajectory and TS, once; what -dll_append libneurlp_petsc.so does. Call
 * after PetscInitialize(). Fails with PETSC_ERR_SUP if PETSc is not the one that this library was built for.
 */
PetscErrorCode neurlp_petsc_register(void);

#ifdef __cplusplus
}
#endif

#endif
