/* Loaded before PETSc, this makes it say that it is version 3.99. */
#include <petscsys.h>

PetscErrorCode PetscGetVersionNumber(PetscInt *major, PetscInt *minor, PetscInt *subminor,
                                     PetscInt *release) {
  *major = 3;
  *minor = 99;
  *subminor = 0;
  *release = 1;
  return 0;
}
