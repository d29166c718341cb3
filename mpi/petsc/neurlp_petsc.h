/* NeuRLP in PETSc's own terms (docs/petsc.md, docs/petsc_library.md). Every function returns a PETSc error
 * code and is collective over the communicator of what it is given, unless its comment says otherwise.
 * PETSc's numbers must be real and of double precision; PETSc must be of the version, and have the size of
 * PetscInt, that this library was built for: neurlp_petsc_register() and neurlp_petsc_dynamics_open() check
 * that. */
#ifndef NEURLP_PETSC_H
#define NEURLP_PETSC_H

#include "neurlp.h"

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

/* ---- batches of linear systems over Vecs --------------------------------------------------------------- */

/* A batch of linear systems (neurlp.h) whose arrays are Vecs. It is a PetscObject: after a cast,
 * PetscObjectSetName(), PetscObjectSetOptionsPrefix(), PetscObjectReference(), PetscObjectGetComm() and so on
 * take it. Each rank of its communicator has whole systems; they are numbered through, rank after rank.
 *
 *   create -> set_shape, set_formulation, set_from_options -> set_up -> solve, adjoint, tangent, ... ->
 * destroy
 *
 * Layout. The Vec of an array has the numbers of neurlp.h's array of that name, row-major, the last index
 * fastest, S now being the systems of all ranks; neurlp_petsc_batch_create_vec() makes one. Where each rank's
 * part of it is the array of that rank's systems, the solver reads or writes it where it is: nothing is
 * copied. A Vec of the right size that is divided otherwise is copied, by a VecScatter that is made at its
 * first use. Arrays that systems share (neurlp_sharing) may be divided in any way, and on more than one rank
 * every rank gets a copy; their gradients are sums over the systems of all ranks. PETSc's log counts copies
 * as the event NeuRLPCopy. Initial values with K = J = 1 are the Vec of a DMDA with D fields whose points are
 * systems.
 *
 * Memory. With the backend cuda and a PETSc that has CUDA, Vecs of type cuda are used where they are, on the
 * GPU that PETSc uses; with all others numbers are the host's. */
typedef struct neurlp_petsc_batch neurlp_petsc_batch;

/* The arrays of a batch. */
typedef enum neurlp_petsc_array {
  NEURLP_PETSC_COEFFICIENTS,   /* c [S][T][E][D][d+1] */
  NEURLP_PETSC_RHS,            /* b [S][T][E][R] */
  NEURLP_PETSC_INITIAL_VALUES, /* v [S][K][D][J][R] */
  NEURLP_PETSC_FINAL_VALUES,   /* v [S][D][JF][R] */
  NEURLP_PETSC_STEPS,          /* h [S][T-1][1 or D] */
  NEURLP_PETSC_SOLUTION,       /* u [S][T][D][d+1][R] */
  NEURLP_PETSC_SLACK           /* eps [S][R] */
} neurlp_petsc_array;

/* Inputs of a batch, gradients with respect to them, or a direction in their space; borrowed during a call.
 * NULL where an input does not exist or is shared and prepared, where a gradient is not wanted, and for a
 * direction of zeros. */
typedef struct neurlp_petsc_arrays {
  Vec coefficients, rhs, initial_values, final_values, steps;
} neurlp_petsc_arrays;

/* Collective over comm. Makes a batch without a shape, of neurlp_formulation_default() and the backend cpu.
 */
PetscErrorCode neurlp_petsc_batch_create(MPI_Comm comm, neurlp_petsc_batch **batch);

/* Drops this reference and sets *batch to NULL; the last one frees it. Safe to call twice. */
PetscErrorCode neurlp_petsc_batch_destroy(neurlp_petsc_batch **batch);

/* The shape, copied. shape->systems: those of this rank, 0 or more; all else is the same on all ranks.
 * Precision: double or mixed. Arrays, solver and lengths of a shape before are gone. */
PetscErrorCode neurlp_petsc_batch_set_shape(neurlp_petsc_batch *batch, const neurlp_shape *shape);

/* What is minimised, copied; the same on all ranks. */
PetscErrorCode neurlp_petsc_batch_set_formulation(neurlp_petsc_batch *batch,
                                                  const neurlp_formulation *formulation);

/* The backend by its name (neurlp_context_set_backend); an unknown one is an error of set_up. */
PetscErrorCode neurlp_petsc_batch_set_backend(neurlp_petsc_batch *batch, const char name[]);

/* Whether a system that fails is an error, PETSC_ERR_NOT_CONVERGED; not so at first. */
PetscErrorCode neurlp_petsc_batch_set_error_if_failed(neurlp_petsc_batch *batch, PetscBool error);

/* Not collective. A formulation of neurlp.h by its name: hermite (neurlp_formulation_default()), smnn or mnn.
 * Fails with PETSC_ERR_ARG_UNKNOWN_TYPE. */
PetscErrorCode neurlp_petsc_formulation(const char name[], neurlp_formulation *formulation);

/* Not collective. For a ragged batch: lengths [S] of this rank's systems in grid points, copied; NULL: all
 * have T. The shape has to be set. Fails with PETSC_ERR_ARG_OUTOFRANGE. */
PetscErrorCode neurlp_petsc_batch_set_lengths(neurlp_petsc_batch *batch, const int32_t *lengths);

/* Reads -neurlp_formulation, -neurlp_initial, -neurlp_nominal_step, -neurlp_weight_equation,
 * -neurlp_weight_initial, -neurlp_weight_smoothness, -neurlp_weight_top, -neurlp_precision, -neurlp_backend,
 * -neurlp_piece_intervals, -neurlp_keep_factors and -neurlp_error_if_failed, each after the batch's prefix,
 * and the options of its KSP. An unknown one that begins with -neurlp_ is an error. -neurlp_view views the
 * batch when it is set up. */
PetscErrorCode neurlp_petsc_batch_set_from_options(neurlp_petsc_batch *batch);

/* Makes the solver, with its whole workspace; the first call that needs it does this, too. Fails with the
 * library's text, on all ranks if on one. */
PetscErrorCode neurlp_petsc_batch_set_up(neurlp_petsc_batch *batch);

/* What the batch is, and how its last call went. */
PetscErrorCode neurlp_petsc_batch_view(neurlp_petsc_batch *batch, PetscViewer viewer);

/* A Vec of zeros that is laid out as this array, which the caller destroys: of type cuda where that can be
 * used as it is, else standard. */
PetscErrorCode neurlp_petsc_batch_create_vec(neurlp_petsc_batch *batch, neurlp_petsc_array array, Vec *vec);

/* Keeps the one factor of systems that share coefficients and steps (neurlp_solver_prepare); later inputs
 * have NULL for both. */
PetscErrorCode neurlp_petsc_batch_prepare(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs);

/* Solves every system (neurlp_solver_solve) and writes the solution. A system that fails is no error: its
 * numbers are NaN, and neurlp_petsc_batch_get_status() tells; with -neurlp_error_if_failed it is
 * PETSC_ERR_NOT_CONVERGED. Wrong or missing arrays are errors with the library's text. */
PetscErrorCode neurlp_petsc_batch_solve(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                        Vec solution);

/* Gradients of a loss with respect to the inputs, given grad_output, its gradient with respect to the
 * solution (neurlp_solver_adjoint); `gradients` are written. Failures as of solve. */
PetscErrorCode neurlp_petsc_batch_adjoint(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                          Vec solution, Vec grad_output,
                                          const neurlp_petsc_arrays *gradients);

/* Derivative of the solution along a direction of the inputs (neurlp_solver_tangent); `tangent` is written.
 * Failures as of solve. */
PetscErrorCode neurlp_petsc_batch_tangent(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                          Vec solution, const neurlp_petsc_arrays *direction, Vec tangent);

/* The slack of solved systems (neurlp_solver_slack), for formulations that have one. */
PetscErrorCode neurlp_petsc_batch_slack(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                        Vec solution, Vec slack);

/* Not collective. Of the last call: how many systems of all ranks failed, and status [S] of this rank's,
 * valid until the next call. Either may be NULL. */
PetscErrorCode neurlp_petsc_batch_get_status(neurlp_petsc_batch *batch, PetscInt *failed,
                                             const neurlp_status **status);

/* ---- the same least-squares problems by a KSP ---------------------------------------------------------- */

/* The rows of docs/math.md, section 1, of all systems as a matrix of type aij, weighted, made from the
 * equations there and by no code that the sweep uses: what is minimised is |r - A x|^2. The caller destroys
 * both.
 *   A  unknowns x: on each rank u [S][T][D][d+1] of its systems, then, with a slack, eps [S]. Rows: those of
 *      its systems; those of `extra`; one x_c = value for each unknown that is known (hard values; 0 past a
 *      system's length), which appears in no other row
 *   r  [rows][R]
 * `extra` are rows of the caller's own, weights included, on u alone and laid out as it, with extra_rhs
 * [rows][R] (NULL: zeros); they may couple systems, of different ranks, too. NULL: none. With a slack
 * |r - A x|^2 / 2 less gamma alpha sum eps is minimised. */
PetscErrorCode neurlp_petsc_batch_rows(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                       Mat extra, Vec extra_rhs, Mat *matrix, Vec *rhs);

/* Not collective after the first time. The KSP that neurlp_petsc_batch_ksp_solve() uses, with the batch's
 * prefix; the batch's. Its type is lsqr at first, preconditioned by LU of A^T A on each rank; any other type
 * gets the augmented system (residual, x), [I A; A^T 0], by LU of MUMPS where PETSc has it. Columns of A are
 * scaled to length 1 in both. */
PetscErrorCode neurlp_petsc_batch_get_ksp(neurlp_petsc_batch *batch, KSP *ksp);

/* Solves what neurlp_petsc_batch_rows() gives by the KSP, one column after the other, and writes the solution
 * and, unless it is NULL, the slack. If KSP fails (KSPGetConvergedReason()), all systems have: they are
 * NEURLP_NOT_CONVERGED, and their numbers NaN. With gamma alpha not 0 lsqr is PETSC_ERR_SUP. For checks, and
 * for rows that the sweep does not know; it takes many times as long. */
PetscErrorCode neurlp_petsc_batch_ksp_solve(neurlp_petsc_batch *batch, const neurlp_petsc_arrays *inputs,
                                            Mat extra, Vec extra_rhs, Vec solution, Vec slack);

#ifdef __cplusplus
}
#endif

#endif
