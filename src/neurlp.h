/* NeuRLP: batched, differentiable solution of linear ordinary differential equations.
 *
 * One *system* is a set of E linear ODEs in D dimensions with derivatives up to order d, on a grid of T
 * steps. NeuRLP finds all u[t][k][j], the j-th derivative of dimension k at step t, at once, as the minimiser
 * of a weighted sum of squared residuals (docs/math.md, section 1):
 *
 *   equation       w_e ( sum_kj c[t][e][k][j] u[t][k][j] - b[t][e] )                 every t, e
 *   initial value  w_i ( u[t][k][j] - v[t][k][j] ), or u[t][k][j] = v[t][k][j]       t < K, every k, j < J
 *   smoothness     w_s ( relations between neighbouring steps, see neurlp_smoothness )  every interval, k
 *
 * A *batch* holds S independent systems of one shape. The life of a batch:
 *
 *   context  ->  problem (shape and formulation, immutable)  ->  solver (workspace)  ->  solve, adjoint, ...
 *
 * Letters, here and in docs/math.md: system s of S, step t of T, dimension k of D, derivative j of 0..d,
 * equation e of E, right-hand-side column r of R. Arrays are dense, row-major, in host memory, and stay the
 * caller's. Where this header says *numbers*, that is `double`, or `float` in problems whose precision is
 * NEURLP_SINGLE. Nothing in this header is collective; every function may be called from any thread as long
 * as no two threads use the same context. The library never prints, exits or aborts.
 */
#ifndef NEURLP_H
#define NEURLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define NEURLP_MUST_USE __attribute__((warn_unused_result))
#else
#define NEURLP_MUST_USE
#endif

/* ---- status ------------------------------------------------------------------------------------------ */

/* Every status: name, value, sentence. 0 is success. Positive: the numbers failed, and every object is still
 * valid. Negative: the call could not be carried out; an object under construction was not made. */
#define NEURLP_STATUS_LIST(X)                                                                                \
  X(NEURLP_SUCCESS, 0, "success")                                                                            \
  X(NEURLP_SINGULAR, 1, "the equations do not determine the solution (a pivot vanished)")                    \
  X(NEURLP_NOT_FINITE, 2, "a number became infinite or undefined")                                           \
  X(NEURLP_NOT_CONVERGED, 3, "the iteration did not converge")                                               \
  X(NEURLP_TOO_SHORT, 4, "too few samples for the number of unknowns")                                       \
  X(NEURLP_SOME_FAILED, 5, "some systems of the batch failed; each one's own status says why")               \
  X(NEURLP_ERROR_ARGUMENT, -1, "an argument is out of range")                                                \
  X(NEURLP_ERROR_MEMORY, -2, "out of memory")                                                                \
  X(NEURLP_ERROR_SYNTAX, -3, "an expression could not be read")                                              \
  X(NEURLP_ERROR_DATA, -4, "a file is missing, unreadable or not what it claims to be")                      \
  X(NEURLP_ERROR_DECK, -5, "the input deck has errors")                                                      \
  X(NEURLP_ERROR_IO, -6, "a file could not be written")                                                      \
  X(NEURLP_ERROR_INTERNAL, -7, "an internal error; please report it")                                        \
  X(NEURLP_ERROR_DEVICE, -8, "the GPU failed")                                                               \
  X(NEURLP_STOPPED, -9, "stopped in good order before the end; the same command goes on")

typedef enum neurlp_status {
#define NEURLP_STATUS_ENUM(name, value, sentence) name = value,
  NEURLP_STATUS_LIST(NEURLP_STATUS_ENUM)
#undef NEURLP_STATUS_ENUM
} neurlp_status;

/* Name of a status, "NEURLP_SINGULAR". Static storage; "unknown" for a value that is not in the list. */
const char *neurlp_status_name(neurlp_status status);

/* The status in one sentence, without a full stop. Static storage. */
const char *neurlp_status_sentence(neurlp_status status);

/* ---- version ----------------------------------------------------------------------------------------- */

/* Version of the library as "major.minor.patch". Static storage. */
const char *neurlp_version(void);

/* Commit, compiler and flags that built the library, in one line. Static storage. */
const char *neurlp_build_info(void);

/* ---- context ----------------------------------------------------------------------------------------- */

/* Owns memory accounting, the number of threads and the last error message. Outlives everything made with it.
 */
typedef struct neurlp_context neurlp_context;

typedef struct neurlp_memory {
  size_t current_bytes; /* allocated now */
  size_t peak_bytes;    /* the most ever allocated at one time */
  int64_t blocks; /* allocations alive now: 0 just before the context is destroyed, or something leaks */
} neurlp_memory;

/* Makes a context that runs loops on `threads` OpenMP threads (0: as many as OpenMP would use).
 * Fails with NEURLP_ERROR_ARGUMENT (threads < 0) or NEURLP_ERROR_MEMORY; *context is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_context_create(int32_t threads, neurlp_context **context);

/* Frees the context and sets *context to NULL. Safe to call twice. Objects made with it must be gone before.
 */
void neurlp_context_destroy(neurlp_context **context);

/* Message of the last failure in this context: what, where, limit, remedy. "" if nothing failed. Valid until
 * the next failing call. */
const char *neurlp_context_message(const neurlp_context *context);

/* Memory held through this context, in bytes. */
neurlp_memory neurlp_context_memory(const neurlp_context *context);

/* Number of threads that loops over tiles use. */
int32_t neurlp_context_threads(const neurlp_context *context);

/* Which backend runs the solvers that are made from now on:
 *   "cpu"        vectorised over systems, threads over tiles; the default
 *   "cpu:check"  the same numbers, for tests: works on guarded copies in another order of systems, fills what
 *                is only written with NaN beforehand, and fails with NEURLP_ERROR_INTERNAL if a guard was
 *                overwritten, an input changed or a number not written
 *   "cuda"       an NVIDIA GPU, a thread for each system. Arrays may be in its memory, each by itself, or in
 *                the host's, from where they are copied and to where; lengths and statuses are the host's
 *   "cuda:check" the same code on a GPU that is imitated by the CPU, slowly; for tests
 * Fails with NEURLP_ERROR_ARGUMENT for a name that is unknown (the message lists those that are not) and for
 * a backend that this build lacks (the message says how to build it); the context keeps its backend then. */
NEURLP_MUST_USE neurlp_status neurlp_context_set_backend(neurlp_context *context, const char *name);

/* Name of the backend. Static storage. */
const char *neurlp_context_backend(const neurlp_context *context);

/* Which GPU the backend cuda is to use, by its number among those that this process sees; 0 at first. Takes
 * effect when the first solver for it is made. Fails with NEURLP_ERROR_ARGUMENT (index < 0). */
NEURLP_MUST_USE neurlp_status neurlp_context_set_device(neurlp_context *context, int32_t index);

/* Number of that GPU. */
int32_t neurlp_context_device(const neurlp_context *context);

/* ---- problem ----------------------------------------------------------------------------------------- */

typedef enum neurlp_precision {
  NEURLP_DOUBLE, /* arrays and arithmetic in double precision */
  NEURLP_SINGLE, /* arrays and arithmetic in single precision */
  /* Arrays in double precision, factors in single precision; answers are refined until their residuals are
   * those of double precision. A system that is too badly conditioned for that, or singular, is
   * NEURLP_NOT_CONVERGED. */
  NEURLP_MIXED
} neurlp_precision;

/* Which extents of an input array are 1, its numbers serving all systems or all steps. They are read where
 * they are, not copied; a gradient has the shape of its input, so it is summed over what the input serves. */
typedef enum neurlp_sharing {
  NEURLP_VARYING = 0,        /* [S][steps]... */
  NEURLP_SHARED = 1,         /* [1][steps]... the same for all systems */
  NEURLP_CONSTANT = 2,       /* [S][1]...     the same for all steps */
  NEURLP_SHARED_CONSTANT = 3 /* [1][1]... */
} neurlp_sharing;

/* Sizes of a batch, and the form of its arrays. Zero is a good default for everything below `columns`. */
typedef struct neurlp_shape {
  int64_t systems;             /* S >= 0, the most that one call may have */
  int32_t steps;               /* T >= 2, grid points of the longest system */
  int32_t dimensions;          /* D >= 1 */
  int32_t order;               /* d, 1 to 6: the highest derivative that is an unknown */
  int32_t equations;           /* E >= 0 */
  int32_t initial_steps;       /* K, 0 to T: the first K steps carry initial values */
  int32_t initial_derivatives; /* J, 0 to d+1: derivatives 0..J-1 are given there */
  int32_t columns;             /* R >= 1: right-hand sides that share one left-hand side */
  bool steps_per_dimension;    /* step sizes are [S][T-1][D] rather than [S][T-1][1] */
  int32_t final_derivatives;   /* JF, 0 to d+1: derivatives 0..JF-1 are given at each system's last step, too,
                                  hard   or soft as initial values are: a two-point problem */
  neurlp_sharing coefficients_sharing, rhs_sharing, steps_sharing;
  neurlp_sharing values_sharing; /* of initial and final values: NEURLP_VARYING or NEURLP_SHARED */
  neurlp_precision precision;
  /* 0: the time of long systems is cut into pieces, which are swept side by side and then joined, where that
   * is faster; a system's length alone decides it, on a GPU this shape's systems and steps. L >= 1: into
   * pieces of L intervals. T or more: never. Swept whole in any case are formulations with central or
   * periodic rows, NEURLP_MIXED, batches that share coefficients and steps; on a GPU final values, too. */
  int32_t piece_intervals;
  /* The solver keeps the factors of a solve, for as many bytes as neurlp_solver_workspace_bytes then says,
   * and the adjoints and tangents that follow need not make them again. They must be given the systems,
   * coefficients, steps and lengths of the last solve. Without effect where batches share both coefficients
   * and steps: neurlp_solver_prepare keeps that one factor. */
  bool keep_factors;
} neurlp_shape;

typedef enum neurlp_initial {
  NEURLP_INITIAL_HARD, /* given values are exact: they leave the system */
  NEURLP_INITIAL_SOFT  /* given values are rows with weight_initial */
} neurlp_initial;

/* What ties neighbouring steps together, for each interval t and dimension k, h = h[t] (docs/math.md, section
 * 1).
 *
 *   hermite  i = 0..d-1, m = d-i, a_q = (2m-q)! m! / ((2m)! q! (m-q)!):
 *              sum_q a_q h^(i+q) ( u[t][k][i+q] - (-1)^q u[t+1][k][i+q] ),   q = 0..m
 *            w_top h^d ( u[t][k][d] - u[t+1][k][d] )
 *   taylor   i = 0..d, or 0..d-1 with central rows, forward and backward:
 *              sum_j h^j/(j-i)! u[t][k][j] - h^i u[t+1][k][i],               j = i..d
 *              sum_j (-h)^j/(j-i)! u[t+1][k][j] - (-h)^i u[t][k][i]
 *   central  with taylor rows only; for 1 <= t <= T-2, s = h[t-1] + h[t]:
 *              s^(d-2) ( u[t+1][k][d-1] - u[t-1][k][d-1] ) - s^(d-1) u[t][k][d] */
typedef enum neurlp_smoothness { NEURLP_SMOOTHNESS_HERMITE, NEURLP_SMOOTHNESS_TAYLOR } neurlp_smoothness;

/* What is minimised. Start from neurlp_formulation_default(), or from one of those below it. Weights are
 * 1e-100 to 1e100. */
typedef struct neurlp_formulation {
  neurlp_smoothness smoothness;
  bool central; /* central rows beside the taylor rows */
  bool
      slack; /* one more unknown for each system and right-hand side, eps: beside taylor and central rows,
                each of which becomes w_s ( row + eps ); and -gamma alpha eps is added to what is minimised */
  double gamma, alpha; /* slack only, finite */
  bool periodic; /* rows u[0][k][j] - u[T-1][k][j], j < d, of weight 1, T being the system's own length */
  neurlp_initial initial;
  double nominal_step; /* h_ref, 1e-30 to 1e30, in units of time: unknowns are scaled by the j-th power of the
                          power of two next to it. Changes rounding only, and w_e where that is 0 */
  int32_t leading_derivative; /* kappa, 0 to d: the highest derivative in the equations; for weight_equation =
                                 0 */
  double weight_equation;     /* w_e > 0; 0 means h_ref^kappa */
  double weight_initial;      /* w_i > 0; soft initial values only */
  double weight_smoothness;   /* w_s > 0 */
  double weight_top; /* w_top > 0, weight of the row that keeps the top derivative from oscillating; hermite
                        only */
} neurlp_formulation;

/* Hermite rows, hard initial values, nominal step 1, kappa 1, w_e = h_ref^kappa, w_i = w_s = 1, w_top = 1e-3.
 */
neurlp_formulation neurlp_formulation_default(void);

/* The scalable mechanistic block: taylor rows, no central ones, soft initial values, w_e = w_i = w_s = 1.
 * Source: Chen et al., Scalable Mechanistic Neural Networks, ICLR 2025. */
neurlp_formulation neurlp_formulation_smnn(void);

/* The mechanistic block as first published: the same with central rows and the slack, gamma 0.5, alpha 0.1.
 * Source: Pervez, Locatello, Gavves, Mechanistic Neural Networks for Scientific Machine Learning, ICML 2024.
 */
neurlp_formulation neurlp_formulation_mnn(void);

typedef struct neurlp_problem neurlp_problem;

/* Makes a problem from a shape and a formulation; both are copied. The problem is immutable and may serve any
 * number of solvers. Fails with NEURLP_ERROR_ARGUMENT (the message names the field, its value and its range)
 * or NEURLP_ERROR_MEMORY; *problem is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_problem_create(neurlp_context *context, const neurlp_shape *shape,
                                                    const neurlp_formulation *formulation,
                                                    neurlp_problem **problem);

/* Frees the problem and sets *problem to NULL. Safe to call twice. */
void neurlp_problem_destroy(neurlp_problem **problem);

/* ---- solver ------------------------------------------------------------------------------------------ */

/* Inputs of a batch, borrowed for the duration of a call: numbers. An extent S or T is 1 where the shape's
 * sharing says so. With a ragged batch, entries at and after a system's length are ignored. */
typedef struct neurlp_inputs {
  int64_t systems;            /* systems in this call, 0 to S of the shape; S below is this number */
  const void *coefficients;   /* c [S][T][E][D][d+1] */
  const void *rhs;            /* b [S][T][E][R] */
  const void *initial_values; /* v [S][K][D][J][R]; NULL if K J = 0 */
  const void *final_values;   /* v [S][D][JF][R]; NULL if JF = 0 */
  const void *steps;          /* h [S][T-1][1 or D], > 0, in units of time; see neurlp_solver_solve */
  const int32_t *lengths;     /* [S], 2 to T (at least K; K+1 if JF > 0): grid points; NULL: all have T */
} neurlp_inputs;

/* Gradients of a loss, written by the adjoint, each shaped as its input. NULL where not wanted. */
typedef struct neurlp_gradients {
  void *coefficients;
  void *rhs;
  void *initial_values;
  void *final_values;
  void *steps;
} neurlp_gradients;

/* A direction in the space of inputs, each shaped as its input. NULL stands for zeros. */
typedef struct neurlp_direction {
  const void *coefficients;
  const void *rhs;
  const void *initial_values;
  const void *final_values;
  const void *steps;
} neurlp_direction;

typedef struct neurlp_solver neurlp_solver;

/* Bytes that a solver for this problem will hold in this context; 0 if NEURLP_ISA is wrong, or
 * the backend is cuda and there is no GPU (see below). */
size_t neurlp_solver_workspace_bytes(const neurlp_context *context, const neurlp_problem *problem);

/* Makes a solver and allocates its whole workspace; no later call allocates. Borrows context and problem
 * until it is destroyed. It runs the best instruction set of this machine, or the one that the environment
 * variable NEURLP_ISA names (baseline, avx2, avx512). Fails with NEURLP_ERROR_MEMORY, or
 * NEURLP_ERROR_ARGUMENT if this machine does not have that one, or no GPU where the backend is cuda; *solver
 * is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_solver_create(neurlp_context *context, const neurlp_problem *problem,
                                                   neurlp_solver **solver);

/* Frees the solver and sets *solver to NULL. Safe to call twice. */
void neurlp_solver_destroy(neurlp_solver **solver);

/* Keeps the factor of the left-hand side for later calls, for problems whose coefficients and steps are
 * shared by all systems and that have no lengths: `inputs` gives both, the rest of it is ignored. Later calls
 * whose inputs have NULL for both use what is kept, until the next call of this function. Then a solve, and
 * an adjoint that wants no gradient of coefficients and steps, is one matrix product with the map from
 * right-hand sides and values to solutions where that is cheaper than sweeps over the factor (docs/math.md,
 * section 5). Fails with NEURLP_ERROR_ARGUMENT, also where the problem is not of that kind; NEURLP_SINGULAR
 * or NEURLP_NOT_FINITE if the one factor fails: nothing is kept then. */
NEURLP_MUST_USE neurlp_status neurlp_solver_prepare(neurlp_solver *solver, const neurlp_inputs *inputs);

/* Solves every system of the batch by one orthogonal sweep over the steps.
 *   solution [S][T][D][d+1][R], numbers, written (zeros after a system's length; NaN where a system failed)
 *   status   [S], written: NEURLP_SUCCESS, NEURLP_SINGULAR, NEURLP_NOT_FINITE or NEURLP_NOT_CONVERGED for
 * each A system with a step that is zero or negative is NEURLP_SINGULAR, with one that is not finite
 * NEURLP_NOT_FINITE. Hard initial values are in the solution bit for bit. A system's numbers do not depend
 * on the rest of the batch nor on the number of threads; between instruction sets they differ by rounding.
 * Returns NEURLP_SUCCESS, NEURLP_SOME_FAILED (the others are right), or NEURLP_ERROR_ARGUMENT (an array that
 * is needed is NULL, too many systems, a length out of range); then nothing is written.
 * Cost: O(S T n^2 (n + R)) flops with n = D (d+1); inputs are read once, the solution is written once.
 * Source: Pervez, Locatello, Gavves, ICML 2024, eq. 8 to 12 (problem); docs/math.md, section 2 (sweep). */
NEURLP_MUST_USE neurlp_status neurlp_solver_solve(neurlp_solver *solver, const neurlp_inputs *inputs,
                                                  void *solution, neurlp_status *status);

/* Gradients of a loss with respect to every input, given its gradient with respect to the solution.
 *   solution    [S][T][D][d+1][R], as neurlp_solver_solve wrote it for the same inputs
 *   grad_output [S][T][D][d+1][R], dLoss/du; entries after a system's length are ignored
 *   gradients   written; zeros after a system's length, NaN where a system failed
 *   status      [S], written as by neurlp_solver_solve; NEURLP_NOT_FINITE too if a gradient is not finite
 * Returns as neurlp_solver_solve, and NEURLP_ERROR_ARGUMENT where the shape's keep_factors is true and the
 * last solve had another number of systems. Cost: about twice a solve; less than one with keep_factors.
 * Source: docs/math.md, section 3. */
NEURLP_MUST_USE neurlp_status neurlp_solver_adjoint(neurlp_solver *solver, const neurlp_inputs *inputs,
                                                    const void *solution, const void *grad_output,
                                                    const neurlp_gradients *gradients, neurlp_status *status);

/* Derivative of the solution along a direction of the inputs, dL/d(inputs) . direction with L the solution.
 *   solution  [S][T][D][d+1][R], as neurlp_solver_solve wrote it for the same inputs
 *   tangent   [S][T][D][d+1][R], written; zeros after a system's length, NaN where a system failed
 *   status    [S], written as by neurlp_solver_solve
 * Returns as neurlp_solver_adjoint. Cost: about twice a solve, less with keep_factors. Source: docs/math.md,
 * section 3. */
NEURLP_MUST_USE neurlp_status neurlp_solver_tangent(neurlp_solver *solver, const neurlp_inputs *inputs,
                                                    const void *solution, const neurlp_direction *direction,
                                                    void *tangent, neurlp_status *status);

/* The slack of solved systems, in formulations that have one: with M smoothness rows, solved for eps,
 *   eps = gamma alpha / (w_s^2 M) - mean of the rows' products with u
 *   solution [S][T][D][d+1][R], as neurlp_solver_solve wrote it for the same inputs
 *   slack    [S][R], written; NaN where the solution is
 * Fails with NEURLP_ERROR_ARGUMENT, also where the formulation has no slack. Cost: one pass over the
 * solution. */
NEURLP_MUST_USE neurlp_status neurlp_solver_slack(neurlp_solver *solver, const neurlp_inputs *inputs,
                                                  const void *solution, void *slack);

/* ---- nonlinear block --------------------------------------------------------------------------------- */

/* f as text, from which all derivatives are made; on a GPU the whole iteration then stays there. */
typedef struct neurlp_equations neurlp_equations;

/* What equations are made from. Texts are borrowed during the call. */
typedef struct neurlp_equations_spec {
  int32_t dimensions;             /* D >= 1 */
  int32_t leading_derivative;     /* kappa, 1 or 2 */
  const char *const *states;      /* [D] names; with kappa = 2 right-hand sides may use x' for the state x */
  const char *const *right_sides; /* [D] f_k, in the states, the parameters and t (docs/expressions.md) */
  int32_t parameters;             /* P >= 0 */
  const char *const *parameter_names; /* [P]; NULL if P = 0 */
} neurlp_equations_spec;

/* Makes equations; the context is borrowed until they are destroyed. Fails with NEURLP_ERROR_SYNTAX (the
 * message has the text and the place in it), NEURLP_ERROR_ARGUMENT (a name twice, a number out of range) or
 * NEURLP_ERROR_MEMORY; *equations is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_equations_create(neurlp_context *context,
                                                      const neurlp_equations_spec *spec,
                                                      neurlp_equations **equations);

/* Frees equations and sets *equations to NULL. Safe to call twice. */
void neurlp_equations_destroy(neurlp_equations **equations);

/* Sizes of a batch of nonlinear systems u_k^(kappa) = f_k(u, theta, t), where f may use the derivatives of u
 * below kappa, and how its iteration ends. Hermite rows, hard initial values, double precision. Zero is a
 * good default for what has a meaning of 0. */
typedef struct neurlp_nonlinear_shape {
  int64_t systems;            /* S >= 0, the most that one call may have */
  int32_t steps;              /* T >= 2, grid points of the longest system */
  int32_t dimensions;         /* D >= 1 */
  int32_t order;              /* d, 1 to 6: the highest derivative that is an unknown */
  int32_t leading_derivative; /* kappa, 1 to d */
  int32_t parameters;         /* P >= 0: the theta that derivatives are wanted for */
  bool forward;               /* neurlp_nonlinear_sensitivity will be called */
  bool adjoint;               /* neurlp_nonlinear_adjoint will be called */
  double nominal_step;        /* as in neurlp_formulation */
  double weight_top;          /* as in neurlp_formulation; 0: 1e-3 */
  int32_t iterations;         /* >= 0: the most linear solves for a system; 0: 20 */
  double tolerance;    /* >= 0: a system has converged when no derivative j < kappa changes by more than this,
                          in units of scale / nominal_step^j; 0: 1e-10 */
  double remainder;    /* >= 0: a system has not converged to a solution if it leaves more than this of an
                          equation anywhere, |u^(kappa) - f| in units of scale / nominal_step^kappa; 0: 1e-3 */
  int32_t corrections; /* >= 0: sweeps more for a better gradient; see neurlp_nonlinear_adjoint */
  /* f, of D dimensions, kappa and P as above, borrowed until the block is destroyed; NULL: the batch has
     `linearise`. With the backend cuda and without corrections, iterations, sensitivities and gradients are
     made on the GPU from beginning to end; with `linearise`, linear solves only. */
  const neurlp_equations *equations;
} neurlp_nonlinear_shape;

/* f linearised at a trajectory of `length` grid points, in arrays of the caller that stay valid until his
 * next linearisation on the same thread. Where f cannot be computed, NaN or NULL: the system fails with
 * NEURLP_NOT_FINITE, the others go on. */
typedef struct neurlp_linearisation {
  const double *flow;               /* [D][length] f_k */
  const double *jacobian;           /* [D][D kappa][length] df_k / du[k'][j], column k' kappa + j */
  const double *const *sensitivity; /* [D][P] pointers to [length] df_k / dtheta_p; NULL where that is 0 */
} neurlp_linearisation;

/* Linearises f for system number `system` of the call at state [length][D][d+1]. Called from several threads
 * at once, with `thread` from 0 to neurlp_context_threads() - 1. `result` is zeroed beforehand; sensitivity
 * is looked at only where it is wanted and P > 0. Must be a pure function: the same trajectory, the same
 * numbers. */
typedef void (*neurlp_linearise)(void *user, int32_t thread, int64_t system, int32_t length,
                                 const double *state, bool want_sensitivity, neurlp_linearisation *result);

/* Inputs of a batch, borrowed for the duration of a call. Trajectories are [S][T][D][d+1] arrays, or, if
 * first_point is given, [points][D][d+1] ones in which system s has the lengths[s] grid points from
 * first_point[s] on, and no other system has these. */
typedef struct neurlp_nonlinear_batch {
  int64_t systems;              /* systems in this call, 0 to S of the shape; S below is this number */
  const int32_t *lengths;       /* [S], 2 to T: grid points; NULL: all have T */
  const int64_t *first_point;   /* [S], >= 0; NULL: trajectories are [S][T] */
  const double *steps;          /* h [S][T-1], or [points] if first_point is given: from each grid point to
                                   the next, > 0, in units of time; none is read at a system's last point */
  const double *initial_values; /* v [S][D][kappa], exact: u[0][k][j] = v[k][j] */
  const double *scale;          /* [S][D] typical size of each dimension, > 0, finite; NULL: 1 */
  neurlp_linearise linearise;   /* NULL if the shape has equations */
  void *user;                   /* handed to linearise */
  const double *parameters;     /* theta [S][P] of the shape's equations; NULL if there are none, or P = 0 */
  const double *times;          /* [S][T], or [points] if first_point is given: t at grid points; NULL: 0, for
                                   equations without t */
} neurlp_nonlinear_batch;

/* Gradients of a loss, written by the adjoint. NULL where not wanted. */
typedef struct neurlp_nonlinear_gradients {
  double *parameters;     /* [S][P] */
  double *initial_values; /* [S][D][kappa] */
  double *steps;          /* [S][T-1], zeros after a system's length; or [points], nothing written there */
} neurlp_nonlinear_gradients;

/* A nonlinear block: workspace for the batch, whose memory does not grow with S beyond some 64 systems and 50
 * MB, as larger batches run in pieces. */
typedef struct neurlp_nonlinear neurlp_nonlinear;

/* Makes a nonlinear block and allocates its whole workspace; no later call allocates. The shape is copied,
 * the context borrowed until the block is destroyed. Fails with NEURLP_ERROR_ARGUMENT (the message names the
 * field, its value and its range) or NEURLP_ERROR_MEMORY; *block is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_create(neurlp_context *context,
                                                      const neurlp_nonlinear_shape *shape,
                                                      neurlp_nonlinear **block);

/* Frees the block and sets *block to NULL. Safe to call twice. */
void neurlp_nonlinear_destroy(neurlp_nonlinear **block);

/* Solves u^(kappa) = f(u, theta, t) on the whole grid of every system by damped Gauss-Newton: linearise at
 * the trajectory, solve the linear block, move towards its solution, until that changes nothing.
 *   state  [S][T][D][d+1], or as first_point says: the trajectory to start from in (derivatives below
 *          kappa), the solution out; nothing is written past a system's length
 *   status [S], written: NEURLP_SUCCESS; NEURLP_NOT_CONVERGED after as many iterations as the shape allows,
 *          or if more than the shape's remainder is left; NEURLP_NOT_FINITE where f, an input or an update
 *          was not; NEURLP_SINGULAR as by neurlp_solver_solve
 * A solution has its initial values bit for bit; a system that failed has its last finite trajectory.
 * Nothing of one system depends on the others or on the number of threads. Where no smooth trajectory
 * exists, as past the blow-up of one, the iteration may end at a stationary point of the sum of squares that
 * does not satisfy the equations: the shape's remainder tells these from solutions.
 * Returns NEURLP_SUCCESS, NEURLP_SOME_FAILED (the others are right), or NEURLP_ERROR_ARGUMENT (an array that
 * is needed is NULL, too many systems, a length, first point or scale out of range); then nothing is
 * written.
 * Cost: a linearisation and a neurlp_solver_solve for each iteration of the systems that still move.
 * Source: docs/math.md, section 4. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_solve(neurlp_nonlinear *block,
                                                     const neurlp_nonlinear_batch *batch, double *state,
                                                     neurlp_status *status);

/* Receives the sensitivities of one system, columns [length][D][d+1][P + D kappa]: du/dtheta_p, then
 * du/dv[k][j] at P + k kappa + j. Read only, valid during the call; called from several threads at once, as
 * neurlp_linearise. */
typedef void (*neurlp_receive_sensitivity)(void *user, int32_t thread, int64_t system, int32_t length,
                                           const double *columns);

/* Derivatives of solutions with respect to parameters and initial values, all of them columns of one
 * factorisation, handed to `receive` (with the batch's user) once for each system that did not fail.
 *   state  [S][T][D][d+1], or as first_point says: as neurlp_nonlinear_solve left it. `receive` may change
 *          that of its own system
 *   status [S], written: as by neurlp_solver_solve
 * Neglected is what the adjoint neglects without corrections.
 * Returns as neurlp_nonlinear_solve, and NEURLP_ERROR_ARGUMENT where the shape's `forward` is false.
 * Cost: a linearisation and a neurlp_solver_solve with P + D kappa columns.
 * Source: docs/math.md, section 4. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_sensitivity(neurlp_nonlinear *block,
                                                           const neurlp_nonlinear_batch *batch,
                                                           const double *state,
                                                           neurlp_receive_sensitivity receive,
                                                           neurlp_status *status);

/* Gradients of a loss with respect to parameters, initial values and steps, given its gradient with respect
 * to the solution: the implicit function theorem, by one linear adjoint at the solution.
 *   state      [S][T][D][d+1], or as first_point says: as neurlp_nonlinear_solve left it
 *   grad_state [S][T][D][d+1], laid out as state: dLoss/du; ignored past a system's length
 *   gradients  written; NaN where a system failed. That of a step is with f held fixed as a function of time
 *              at each grid point
 *   status     [S], written: as by neurlp_solver_adjoint
 * Without corrections the second derivatives of f, times what the solution leaves of u^(kappa) - f, an error
 * of discretisation, are neglected. Each correction makes what is neglected smaller by that factor again: it
 * takes the second derivatives from the difference of two linearisations at a distance of 1e-5 in units of
 * the scale, and sweeps once more. It fails with NEURLP_NOT_FINITE where these linearisations do.
 * Returns as neurlp_nonlinear_solve, and NEURLP_ERROR_ARGUMENT where the shape's `adjoint` is false.
 * Cost: two linearisations and a neurlp_solver_adjoint; for each correction the same again, and two
 * linearisations at the end.
 * Source: docs/math.md, section 4. */
NEURLP_MUST_USE neurlp_status neurlp_nonlinear_adjoint(neurlp_nonlinear *block,
                                                       const neurlp_nonlinear_batch *batch,
                                                       const double *state, const double *grad_state,
                                                       const neurlp_nonlinear_gradients *gradients,
                                                       neurlp_status *status);

#ifdef __cplusplus
}
#endif

#endif
