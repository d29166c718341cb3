/* PETSc inside of the program `neurlp`: its errors become sentences. */
#ifndef NEURLP_MPI_PETSC_SESSION_H
#define NEURLP_MPI_PETSC_SESSION_H

#include "petsc/run/calls.h"
#include "petsc/support.h"

/* Collective over comm, which becomes PETSC_COMM_WORLD. PETSc begins for the program: signals stay the
 * program's, and neither files nor variables of the user's change PETSc. */
PetscErrorCode neurlp_session_initialise(MPI_Comm comm);

/* From one to the other PETSc prints no errors, and the first one's text is kept for `message`. */
PetscErrorCode neurlp_session_listen(void);
PetscErrorCode neurlp_session_rest(void);

/* NEURLP_SUCCESS, or a failure with what PETSc said of it, and `what` in front. */
neurlp_status neurlp_session_status(PetscErrorCode code, const char *what, char *message);

/* ---- the table's functions --------------------------------------------------------------------------- */

neurlp_status neurlp_petsc_integrate(const neurlp_petsc_flow *flow, const neurlp_petsc_tolerances *tolerances,
                                     const double *initial, int64_t count, const double *times,
                                     double *states, char *message);

neurlp_status neurlp_petsc_minimise(const neurlp_petsc_loss *loss, double *x, neurlp_petsc_end *end,
                                    char *message);

neurlp_status neurlp_petsc_fit(const neurlp_petsc_squares *squares, double *x, neurlp_petsc_end *end,
                               char *message);

#endif
