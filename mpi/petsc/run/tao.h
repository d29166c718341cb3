/* What the files that use TAO share: vectors that are spread over ranks, of which the program's callbacks see
 * all entries; and callbacks that fail. */
#ifndef NEURLP_MPI_PETSC_TAO_H
#define NEURLP_MPI_PETSC_TAO_H

#include "petsc/run/session.h"

#include <petsctao.h>

#if PETSC_VERSION_LT(3, 21, 0)
#define NEURLP_TAO_MONITOR_SET TaoSetMonitor
#else
#define NEURLP_TAO_MONITOR_SET TaoMonitorSet
#endif

typedef struct neurlp_tao {
  MPI_Comm comm;
  Tao tao;
  Vec x;                /* [count] over the ranks */
  Vec all;              /* [count] on each of them */
  VecScatter scatter;   /* from the one to the other */
  neurlp_status status; /* what a callback has failed with here */
  bool failed;          /* one has failed somewhere */
} neurlp_tao;

/* Collective. Makes all of it, with x [count] as the beginning. */
PetscErrorCode neurlp_tao_create(MPI_Comm comm, const char *prefix, int64_t count, const double *x,
                                 neurlp_tao *t);
void neurlp_tao_release(neurlp_tao *t);

/* Collective. All entries of a vector that is spread like t->x; to be given back. */
PetscErrorCode neurlp_tao_see(neurlp_tao *t, Vec x, const PetscScalar **entries);
PetscErrorCode neurlp_tao_unsee(neurlp_tao *t, const PetscScalar **entries);

/* Local. This rank's part of a vector, from all entries of it. */
PetscErrorCode neurlp_tao_put(Vec to, const double *entries);

/* Collective. A callback has ended with `status`, here: an error on all ranks where it is a failure on one.
 */
PetscErrorCode neurlp_tao_agree(neurlp_tao *t, neurlp_status status);

/* Collective. Solves, takes x [count] out, and fills *end. `code`: what has gone wrong before. */
neurlp_status neurlp_tao_solve(neurlp_tao *t, PetscErrorCode code, const char *what, int64_t count, double *x,
                               neurlp_petsc_end *end, char *message);

#endif
