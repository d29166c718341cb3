/* NeuRLP in PETSc's own terms (docs/petsc.md). Every function returns a PETSc error code and is collective
 * over the communicator of what it is given, unless its comment says otherwise. PETSc's numbers must be real
 * and of double precision; PETSc must be of the version, and have the size of PetscInt, that this library was
 * built for: neurlp_petsc_register() and neurlp_petsc_dynamics_open() check that. */
#ifndef NEURLP_PETSC_H
#define NEURLP_PETSC_H

#include <petscts.h>

#if defined(PETSC_USE_COMPLEX) || !defined(PETSC_USE_REAL_DOUBLE)
#ifdef __cplusplus
static_assert(sizeof(PetscScalar) == 0,
              "NeuRLP needs a PETSc whose numbers are real and of double precision");
#else
_Static_assert(sizeof(PetscScalar) == 0,
               "NeuRLP needs a PETSc whose numbers are real and of double precision");
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Registers the types "neurlp" of TSTrajectory and TS, once; what -dll_append libneurlp_petsc.so does. Call
 * after PetscInitialize(). Fails with PETSC_ERR_SUP if PETSc is not the one that this library was built for.
 */
PetscErrorCode neurlp_petsc_register(void);

/* ---- learned dynamics ---------------------------------------------------------------------------------- */

/* The equations u' = f(u, t) of a result file of `neurlp run`, for every point of a Vec: a Vec is made of
 * points with D fields each, its block size or the fields of a DMDA, in the order of the result's states.
 * Where the result has estimates for each system (shared: false), system s is point s, in the natural
 * ordering of a DMDA; there must be as many points as systems. */
typedef struct neurlp_petsc_dynamics neurlp_petsc_dynamics;

/* Collective over comm. Opens a result; every rank reads the file, and holds all rows of estimates. Fails
 * with PETSC_ERR_FILE_UNEXPECTED if it is no result, its equations are of second order, or a system's were
 * not estimated. Destroy it after the last TS that uses it. */
PetscErrorCode neurlp_petsc_dynamics_open(MPI_Comm comm, const char path[], neurlp_petsc_dynamics **dynamics);

/* Collective over comm. The same without what the result's deck declares to be known (dynamics.known): the
 * terms that were learned alone, for a simulation that has the others of its own, and would count them
 * twice. */
PetscErrorCode neurlp_petsc_dynamics_open_learned(MPI_Comm comm, const char path[],
                                                  neurlp_petsc_dynamics **dynamics);

/* Frees it and sets *dynamics to NULL. Safe to call twice. */
PetscErrorCode neurlp_petsc_dynamics_destroy(neurlp_petsc_dynamics **dynamics);

/* Not collective. D, and the rows of estimates (1: shared by all points). Either may be NULL. */
PetscErrorCode neurlp_petsc_dynamics_sizes(const neurlp_petsc_dynamics *dynamics, PetscInt *fields,
                                           PetscInt *rows);

/* Not collective. Equation k as text, "u' = 1 - 3*u + u^2*v", of point 0 where points have their own. Valid
 * until the dynamics is destroyed. */
PetscErrorCode neurlp_petsc_dynamics_equation(const neurlp_petsc_dynamics *dynamics, PetscInt k,
                                              const char **text);

/* Not collective. What the deck declares to be known of equation k, "-0.5*u"; "0": nothing. It is in the
 * equations after neurlp_petsc_dynamics_open(), and left out of them after
 * neurlp_petsc_dynamics_open_learned(). Valid until the dynamics is destroyed. */
PetscErrorCode neurlp_petsc_dynamics_known(const neurlp_petsc_dynamics *dynamics, PetscInt k,
                                           const char **text);

/* TSRHSFunction and TSRHSJacobian whose context is a neurlp_petsc_dynamics:
 *   TSSetRHSFunction(ts, NULL, neurlp_petsc_rhs_function, dynamics)
 *   TSSetRHSJacobian(ts, J, J, neurlp_petsc_rhs_jacobian, dynamics)
 * The Jacobian is analytic, made from the derivatives of the expressions; J comes from
 * neurlp_petsc_dynamics_matrix(), or is any matrix that has room for the blocks, DMCreateMatrix()'s for
 * example. */
PetscErrorCode neurlp_petsc_rhs_function(TS ts, PetscReal t, Vec u, Vec f, void *dynamics);
PetscErrorCode neurlp_petsc_rhs_jacobian(TS ts, PetscReal t, Vec u, Mat a, Mat b, void *dynamics);

/* The same for callbacks of one's own, which have more than reaction in them. `dm` may be NULL: not a DMDA.
 *   add:  f = f + factor * f(u, t);  insert: f = factor * f(u, t) */
PetscErrorCode neurlp_petsc_dynamics_function(neurlp_petsc_dynamics *dynamics, DM dm, PetscReal t, Vec u,
                                              PetscReal factor, InsertMode mode, Vec f);

/* Puts factor * df/du into the blocks of `matrix` by MatSetValues() with this mode. The caller assembles it,
 * and zeroes it before. */
PetscErrorCode neurlp_petsc_dynamics_jacobian(neurlp_petsc_dynamics *dynamics, DM dm, PetscReal t, Vec u,
                                              PetscReal factor, InsertMode mode, Mat matrix);

/* A matrix of type aij with just the blocks, laid out as u. The caller destroys it. */
PetscErrorCode neurlp_petsc_dynamics_matrix(const neurlp_petsc_dynamics *dynamics, Vec u, Mat *matrix);

#ifdef __cplusplus
}
#endif

#endif
