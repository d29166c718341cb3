/* What the program `neurlp` asks of libneurlp_petsc.so, which it loads for that only (mpi/petsc_link.h): one
 * table of functions, without PETSc's types. All return a status of this program; a failure (negative) has
 * written a sentence to message [NEURLP_PETSC_MESSAGE]. */
#ifndef NEURLP_MPI_PETSC_CALLS_H
#define NEURLP_MPI_PETSC_CALLS_H

#include "core/context.h"

#include <mpi.h>

enum { NEURLP_PETSC_MESSAGE = 512 };

/* One system y' = f(t, y) of n equations. */
typedef struct neurlp_petsc_flow {
  int32_t size;                                                          /* n */
  void (*evaluate)(void *user, double time, const double *y, double *f); /* writes f [n] */
  void (*differentiate)(void *user, double time, const double *y,
                        double *jacobian); /* [n][n] df_row/dy_column */
  void *user;
} neurlp_petsc_flow;

/* How it is integrated, unless the options -data_ts_... say otherwise. */
typedef struct neurlp_petsc_tolerances {
  double relative, absolute; /* of a step's error */
} neurlp_petsc_tolerances;

/* A smooth loss of x [count] that every rank can evaluate, all together and with the same numbers. */
typedef struct neurlp_petsc_loss {
  MPI_Comm comm;
  const char *prefix; /* "train_": options are -train_tao_... */
  int64_t count;
  int64_t iterations;        /* at most; -..._tao_max_it may lower it */
  double gradient_tolerance; /* likewise -..._tao_gatol: of the gradient's norm */
  /* Collective. Loss and gradient [count]; one that is not finite is out of reach. */
  neurlp_status (*evaluate)(void *user, const double *x, double *loss, double *gradient);
  /* Collective. After each iteration; *more is true, and false ends it. */
  neurlp_status (*iterated)(void *user, int64_t iteration, double loss, double gradient, const double *x,
                            bool *more);
  void *user;
} neurlp_petsc_loss;

/* A sum of squares |f(x)|^2 within bounds, that every rank can evaluate, all together and with the same
 * numbers. */
typedef struct neurlp_petsc_squares {
  MPI_Comm comm;
  const char *prefix; /* "direct_" */
  int32_t unknowns, residuals, iterations;
  const double *lower, *upper; /* [unknowns] */
  /* Collective. Writes f [residuals] and its Jacobian [residuals][unknowns]. *reached is false where x is out
   * of reach, and f is infinite; *settled is true where the best step from here is nothing that counts. */
  neurlp_status (*evaluate)(void *user, const double *x, double *residual, double *jacobian, bool *reached,
                            bool *settled);
  void *user;
} neurlp_petsc_squares;

/* How TAO has ended. */
typedef struct neurlp_petsc_end {
  int64_t iterations, evaluations;
  double loss, gradient; /* norm of the gradient */
  int reason;            /* TAO's: positive if it has converged */
  bool exhausted;        /* all iterations are done */
  char words[64];        /* its name: "CONVERGED_GATOL" */
  char type[32];         /* "lmvm" */
} neurlp_petsc_end;

typedef struct neurlp_petsc_calls {
  /* Collective over comm, which becomes PETSC_COMM_WORLD unless PETSc is there already. Takes in options as
   * PETSc writes them, "-data_ts_type bdf -data_ts_monitor". Files and variables of the user's are not read:
   * what a deck says is all there is. */
  neurlp_status (*begin)(MPI_Comm comm, const char *options, char *message);
  /* Collective. The options that nobody has looked for, each with its value, in `left` ("" if there are
   * none); PETSc is finalised if `begin` initialised it. */
  void (*end)(char *left, int32_t bytes);
  /* Local. Integrates one system by TS from initial [n] at times[0] through times [count], strictly
   * increasing; states [count][n], NaN from a failure on. NEURLP_NOT_CONVERGED, without a message: it ran to
   * infinity, or the steps became too small, or too many. */
  neurlp_status (*integrate)(const neurlp_petsc_flow *flow, const neurlp_petsc_tolerances *tolerances,
                             const double *initial, int64_t count, const double *times, double *states,
                             char *message);
  /* Collective. Minimises by TAO from x [count], which all ranks have and get. Vectors are spread over the
   * ranks of loss->comm. Where a callback fails on a rank, the minimisation ends on all of them, and that
   * rank returns its status, the others NEURLP_SUCCESS with end->reason 0. NEURLP_NOT_FINITE: the loss is not
   * finite at x. */
  neurlp_status (*minimise)(const neurlp_petsc_loss *loss, double *x, neurlp_petsc_end *end, char *message);
  /* Collective. The same for a sum of squares, by BRGN; it ends at the first iterate that is settled, too. */
  neurlp_status (*fit)(const neurlp_petsc_squares *squares, double *x, neurlp_petsc_end *end, char *message);
} neurlp_petsc_calls;

/* The one name that the program looks for. */
const neurlp_petsc_calls *neurlp_petsc_calls_get(void);

#endif
