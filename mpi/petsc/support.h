/* What the files of mpi/petsc share. Functions here and in all of this folder return PETSc's error codes. */
#ifndef NEURLP_MPI_PETSC_SUPPORT_H
#define NEURLP_MPI_PETSC_SUPPORT_H

#include "core/context.h"
#include "petsc/neurlp_petsc.h"

/* What a type's setfromoptions gets; PETSc 3.23 put the pointer into the type. */
#if PETSC_VERSION_LT(3, 23, 0)
typedef PetscOptionItems *neurlp_petsc_options;
#else
typedef PetscOptionItems neurlp_petsc_options;
#endif

/* An error if the PETSc of this process is not of the version, or its numbers or indices not of the kind,
 * that this library was built for: objects are not the same inside from version to version, and types work
 * inside of them. */
PetscErrorCode neurlp_support_check_petsc(void);

/* The PETSc error that a status means. */
PetscErrorCode neurlp_support_code(neurlp_status status);

/* Makes a failure of the library a PETSc error with the library's own text. `comm` is that whose ranks all
 * fail alike, PETSC_COMM_SELF where this one may fail alone: PETSc prints what rank 0 of it has to say. */
#define NEURLP_PETSC_CALL(comm, context, call)                                                               \
  do {                                                                                                       \
    const neurlp_status status_of_call = (call);                                                             \
    PetscCheck(status_of_call >= 0, comm, neurlp_support_code(status_of_call), "%s",                         \
               neurlp_context_message(context));                                                             \
  } while (0)

/* Collective. Makes a context. Its threads are those of OMP_NUM_THREADS; without that one, because programs
 * that use PETSc have a rank for each core. */
PetscErrorCode neurlp_support_context(MPI_Comm comm, neurlp_context **context);

/* Collective. Options that begin with `start` (after the prefix) and that nobody has looked for are mistakes:
 * an error that names the nearest of `known` (a list that ends with NULL). Call when all have been read. */
PetscErrorCode neurlp_support_unknown_options(PetscObject object, const char *start,
                                              const char *const *known);

/* How a Vec is made of points with a number of fields each: by its block size, or that of the option
 * (0: none). An error where ranks do not own whole points.
 *   fields        D, written
 *   first, count  points of this rank, written */
PetscErrorCode neurlp_support_points(Vec vector, PetscInt block_size, const char *option, PetscInt *fields,
                                     PetscInt *first, PetscInt *count);

#endif
