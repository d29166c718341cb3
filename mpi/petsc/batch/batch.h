/* The inside of neurlp_petsc_batch: batches of linear systems whose arrays are Vecs (neurlp_petsc.h).
 *   batch.c        the object: options, set-up, view
 *   batch_vec.c    how Vecs become arrays of the solver, and back
 *   batch_solve.c  solve, adjoint, tangent, slack
 *   batch_rows.c   the rows as a matrix
 *   batch_known.c  what hard values and lengths do to rows, and rows put below each other
 *   batch_ksp.c    their least-squares problem by a KSP */
#ifndef NEURLP_MPI_PETSC_BATCH_H
#define NEURLP_MPI_PETSC_BATCH_H

#include "petsc/neurlp_petsc.h"
#include "petsc/support.h"

#include "block/arrays.h"

#include <petsc/private/petscimpl.h>

/* Every place where a call has a Vec. */
typedef enum batch_place {
  BATCH_INPUTS = 0,                   /* five of them, as neurlp_array has them */
  BATCH_OTHERS = NEURLP_ARRAY_INPUTS, /* gradients or direction, likewise */
  BATCH_SOLUTION = 2 * BATCH_OTHERS,  /* */
  BATCH_ALONG,                        /* grad_output or the tangent */
  BATCH_SLACK,                        /* */
  BATCH_PLACES
} batch_place;

/* What one place keeps from call to call, and a Vec while it is lent to the solver. */
typedef struct batch_slot {
  PetscLayout theirs; /* how the Vec is divided that `scatter` is from; NULL: none was copied yet */
  Vec copy;           /* of that Vec, laid out as the solver takes it */
  VecScatter scatter; /* from that Vec to `copy` */
  Vec lent;           /* what `numbers` are of: the caller's Vec, or `copy`; NULL: nothing */
  Vec whole;          /* the caller's, where it is `copy` that is lent */
  const PetscScalar *numbers;
  PetscBool device; /* they were asked for where they are, a GPU maybe */
} batch_slot;

struct neurlp_petsc_batch {
  PETSCHEADER(int);
  /* what was asked for */
  neurlp_shape shape; /* systems: of this rank */
  neurlp_formulation formulation;
  char backend[32];
  PetscBool shaped, from_options, error_if_failed;
  int32_t *lengths; /* [S]; NULL: all T */
  /* what set-up makes */
  PetscInt *starts; /* [ranks + 1] number of each rank's first system */
  int rank, ranks;
  neurlp_context *context;
  neurlp_problem *problem;
  neurlp_solver *solver; /* NULL: not set up */
  PetscBool device;      /* the solver takes what is on PETSc's GPU */
  batch_slot slots[BATCH_PLACES];
  /* the last call */
  neurlp_status *status; /* [S] */
  PetscInt failed;       /* of all ranks */
  /* least squares */
  KSP ksp;
  PetscBool augmented; /* what the KSP's preconditioner was last chosen for */
};

/* Events of PETSc's log. */
typedef struct batch_events {
  PetscLogEvent solve, adjoint, tangent, copy, rows, ksp;
} batch_events;

extern batch_events neurlp_batch_events;

/* The communicator. */
static inline MPI_Comm neurlp_batch_comm(const neurlp_petsc_batch *b) {
  return b->hdr.comm;
}

/* Numbers of an array in this rank's part of its Vec, as the solver takes it. */
int64_t neurlp_batch_numbers(const neurlp_petsc_batch *b, neurlp_array array);

/* Lends a Vec to the solver: *numbers is its array, or that of a copy; NULL for a Vec that is NULL. `device`:
 * what is on the GPU may stay there. Give it back with the function of the same kind. Errors: another size,
 * another communicator. */
PetscErrorCode neurlp_batch_lend(neurlp_petsc_batch *b, int place, Vec vec, PetscBool device,
                                 const void **numbers);
PetscErrorCode neurlp_batch_return(neurlp_petsc_batch *b, int place);

/* The same for a Vec that will be written, all of it. */
PetscErrorCode neurlp_batch_lend_written(neurlp_petsc_batch *b, int place, Vec vec, PetscBool device,
                                         void **numbers);
PetscErrorCode neurlp_batch_return_written(neurlp_petsc_batch *b, int place);

/* Lends all inputs, and gives them back. */
PetscErrorCode neurlp_batch_lend_inputs(neurlp_petsc_batch *b, const neurlp_petsc_arrays *arrays,
                                        PetscBool device, neurlp_inputs *inputs);
PetscErrorCode neurlp_batch_return_inputs(neurlp_petsc_batch *b);

/* The Vecs of a struct of arrays in the order of neurlp_array. */
void neurlp_batch_list(const neurlp_petsc_arrays *arrays, Vec list[NEURLP_ARRAY_INPUTS]);

/* Frees what the slots keep. */
PetscErrorCode neurlp_batch_forget_vecs(neurlp_petsc_batch *b);

/* Collective. After a call with this status on this rank: errors become PETSc's on all ranks, and failed
 * systems are counted. */
PetscErrorCode neurlp_batch_finish(neurlp_petsc_batch *b, neurlp_status status);

/* Unknowns of this rank whose values are given, and those of slack: [N] of u, [R] columns each. */
typedef struct batch_known {
  Vec free;       /* [N] 1, or 0 where the value is given */
  Vec values;     /* [N][R] 0 where it is not */
  PetscInt count; /* of this rank */
  PetscInt all;   /* of all ranks */
} batch_known;

/* The same, then destroys it. `inputs` in host memory. */
PetscErrorCode neurlp_batch_known_create(const neurlp_petsc_batch *b, const neurlp_inputs *inputs,
                                         batch_known *known);
PetscErrorCode neurlp_batch_known_destroy(batch_known *known);

/* Takes known unknowns out of rows: rhs [rows][R] loses what they contribute, and their columns are zeroed.
 */
PetscErrorCode neurlp_batch_known_remove(const neurlp_petsc_batch *b, const batch_known *known, Mat rows,
                                         Vec rhs);

/* Rows x_c = value for each. */
PetscErrorCode neurlp_batch_known_rows(const neurlp_petsc_batch *b, const batch_known *known, Mat *rows,
                                       Vec *rhs);

#endif
