/* Batches of linear systems, by options, with numbers that depend on their place in the whole batch alone:
 * the same for any number of ranks. -systems 7 -steps 9 -dimensions 2 -order 2 -equations 2 -columns 1
 * -initial 1,1 -final 0 -per_dimension -ragged -periodic -central -linear: with what -share_coefficients 0
 * -share_steps 0 -share_rhs 0 -share_values 0: neurlp_sharing -broken 3: this system has a negative step */
#ifndef NEURLP_TESTS_PETSC_BATCH_CASE_H
#define NEURLP_TESTS_PETSC_BATCH_CASE_H

#include <neurlp_petsc.h>

typedef struct batch_case {
  neurlp_petsc_batch *batch;
  neurlp_shape shape;
  PetscInt first; /* this rank's first system */
  PetscInt systems, broken;
} batch_case;

/* All Vecs that a batch has, inputs and what is shaped like them. */
PetscErrorCode CaseCreate(batch_case *c, const char prefix[]);
PetscErrorCode CaseDestroy(batch_case *c);

/* Makes Vecs, and fills them; `salt` makes other numbers, small ones of both signs. */
PetscErrorCode CaseCreateArrays(const batch_case *c, neurlp_petsc_arrays *arrays);
PetscErrorCode CaseFill(const batch_case *c, PetscInt salt, neurlp_petsc_arrays *arrays);
PetscErrorCode CaseDestroyArrays(neurlp_petsc_arrays *arrays);

/* A number from -1 to 1 that belongs to place i. */
PetscReal CaseNumber(PetscInt salt, PetscInt i);
PetscErrorCode CaseFillVec(PetscInt salt, Vec v);

/* The Vecs of arrays, in order. */
static inline Vec *CaseVec(neurlp_petsc_arrays *arrays, int i) {
  Vec *const list[] = {&arrays->coefficients, &arrays->rhs, &arrays->initial_values, &arrays->final_values,
                       &arrays->steps};
  return list[i];
}

/* Runs every line of the file -cases as the only options that there are; says "# line" before each. Without
 * that option it runs once, with the command line's. */
PetscErrorCode CaseForEach(PetscErrorCode (*run)(void));

/* Prints "= name value", a line that the script reads. */
PetscErrorCode CaseSay(const char name[], PetscReal value);

/* Largest difference of two Vecs over the largest number of the first; 0 if both are NULL. */
PetscErrorCode CaseDifference(Vec a, Vec b, PetscReal *difference);

#endif
