/* Loaded before PETSc, this makes it say that it is another one, in the respect that OTHER names: its
 * version, the size of its indices, or its numbers. What it does not change it asks the true PETSc for. */
#include <petscsys.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static int is_other(const char *respect) {
  const char *other = getenv("OTHER");
  return other && strcmp(other, respect) == 0;
}

/* The function of this name that would be called without us. Its address is that of data to dlsym; POSIX says
 * that they can be exchanged so. */
#define TRUE_ONE(function, name) (*(void **)&(function) = dlsym(RTLD_NEXT, name))

PetscErrorCode PetscGetVersionNumber(PetscInt *major, PetscInt *minor, PetscInt *subminor,
                                     PetscInt *release) {
  PetscErrorCode (*ask)(PetscInt *, PetscInt *, PetscInt *, PetscInt *);
  TRUE_ONE(ask, "PetscGetVersionNumber");
  const PetscErrorCode code = ask(major, minor, subminor, release);
  if (is_other("version")) *minor = 99;
  return code;
}

PetscErrorCode PetscDataTypeGetSize(PetscDataType type, size_t *size) {
  PetscErrorCode (*ask)(PetscDataType, size_t *);
  TRUE_ONE(ask, "PetscDataTypeGetSize");
  const PetscErrorCode code = ask(type, size);
  if (type == PETSC_INT && is_other("indices")) *size = 12 - *size; /* 8 for 4, 4 for 8 */
  return code;
}

PetscErrorCode PetscDataTypeFromString(const char *name, PetscDataType *type, PetscBool *found) {
  PetscErrorCode (*ask)(const char *, PetscDataType *, PetscBool *);
  TRUE_ONE(ask, "PetscDataTypeFromString");
  const PetscErrorCode code = ask(name, type, found);
  if (strcmp(name, "scalar") == 0 && is_other("scalars")) *type = PETSC_COMPLEX;
  return code;
}
