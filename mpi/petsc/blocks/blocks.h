/* The TS type "neurlp": batches of small systems, one for each block of the solution, over a window of many
 * steps at once. One step of TS is one window, of as many intervals as -ts_neurlp_window says.
 *   blocks.c             the type: options, set-up, a step, its error, interpolation
 *   blocks_window.c      one window on one grid: Gauss-Newton for all blocks together
 *   blocks_linearise.c   the program's right-hand side and Jacobian along the window, block by block
 *   blocks_difference.c  that Jacobian where the program gives none
 *
 * Time in a window is counted in its intervals, tau = (t - t0) / h, so u_tau = h f(t, u): the solver's
 * scaling suits every h, however adaptivity changes it. */
#ifndef NEURLP_MPI_PETSC_BLOCKS_H
#define NEURLP_MPI_PETSC_BLOCKS_H

#include "petsc/support.h"

/* A window on a grid of `steps` points, of which the first is the state at t0. B blocks on this rank. */
typedef struct block_window {
  int32_t steps; /* T */
  neurlp_nonlinear *solver;
  double *state;    /* [B][T][D][d+1] */
  double *flow;     /* [B][D][T] h f */
  double *jacobian; /* [B][D][D][T] h df/du */
} block_window;

typedef struct blocks {
  /* options */
  PetscInt window, order, iterations, block_size;
  PetscReal tolerance;
  /* the problem */
  PetscInt fields;       /* D */
  PetscInt first;        /* number of this rank's first block */
  PetscInt count;        /* B */
  PetscBool differences; /* the program gives no Jacobian */
  PetscBool apart;       /* it has been tried out that blocks do not depend on each other */
  Mat matrix;            /* one of the next two: that which is filled and whose rows can be read */
  Mat amat, pmat;
  neurlp_context *context;
  block_window coarse, fine; /* half as many intervals, and all of them */
  Vec start, point, slope, other;
  /* [B] unless said otherwise */
  double *initial;      /* [B][D] of the blocks that still move */
  double *scale;        /* [B][D] what is tolerated of each number; of the same */
  double *weights;      /* [B][D] of all blocks */
  double *ones;         /* [B T] */
  int64_t *moving;      /* which blocks still move */
  int64_t *first_point; /* where their trajectories are */
  neurlp_status *status;
  /* the last window */
  double time, length;
} blocks;

/* Collective. Reads f and its Jacobian at grid point t of a window that begins at time t0 and has intervals
 * h. Blocks that depend on each other are an error. */
PetscErrorCode neurlp_blocks_linearise(TS ts, block_window *window, int32_t t, double t0, double h);

/* Collective. The Jacobian there by differences; b->point and window->flow at t are known. */
PetscErrorCode neurlp_blocks_difference(TS ts, block_window *window, int32_t t, double time, double h);

/* Collective. An error if f of one block changes with another: tried at the state b->start. */
PetscErrorCode neurlp_blocks_check_apart(TS ts);

/* Puts the window's state at grid point t into a vector. */
PetscErrorCode neurlp_blocks_get(const blocks *b, const block_window *window, int32_t t, Vec vector);

/* Makes and frees a window of so many intervals. */
PetscErrorCode neurlp_blocks_window_create(TS ts, PetscInt intervals, block_window *window);
PetscErrorCode neurlp_blocks_window_destroy(blocks *b, block_window *window);

/* Collective. Solves the window from its state at point 0; the others are where to start from. *solved is
 * false if a block did not converge. */
PetscErrorCode neurlp_blocks_window_solve(TS ts, block_window *window, double t0, double h,
                                          PetscBool *solved);

/* Constructor of the TS type "neurlp". */
PetscErrorCode neurlp_blocks_create(TS ts);

#endif
