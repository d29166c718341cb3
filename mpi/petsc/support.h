/* What the files of mpi/petsc share. Functions here and in all of this folder return PETSc's error codes. */
#ifndef NEURLP_MPI_PETSC_SUPPORT_H
#define NEURLP_MPI_PETSC_SUPPORT_H

#include "core/context.h"

#include <petscts.h>

#if defined(PETSC_USE_COMPLEX) || !defined(PETSC_USE_REAL_DOUBLE)
_Static_assert(sizeof(PetscScalar) == 0,
               "NeuRLP's plug-in needs a PETSc whose numbers are real and of double precision");
#endif

/* The PETSc error that a status means. */
PetscErrorCode neurlp_support_code(neurlp_status status);

/* Makes a failure of the library a PETSc error with the library's own text. */
#define NEURLP_PETSC_CALL(comm, context, call)                                                               \
  do {                                                                                                       \
    const neurlp_status status_of_call = (call);                                                             \
    PetscCheck(status_of_call >= 0, comm, neurlp_support_code(status_of_call), "%s",                         \
               neurlp_context_message(context));                                                             \
  } while (0)

/* Makes a context. Its threads are those of OMP_NUM_THREADS; without that one, because programs that use
 * PETSc have a rank for each core. */
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
