/* Windows of a fit on the CPU: nonlinear blocks, threads over windows.
 *
 *   cpu.c     making the state, solving
 *   march.c   where a solve starts from
 *   track.c   trajectories that fit the data, before anything is fitted
 *   reduce.c  from windows to the triangles of their bins; initial values */
#ifndef NEURLP_LEARN_CPU_H
#define NEURLP_LEARN_CPU_H

#include "learn/fit_work.h"

typedef struct fit_cpu {
  neurlp_nonlinear *block;
  neurlp_nonlinear *track_block; /* of one column besides those of the initial values */
  const double *theta;           /* [groups][P] of the call in hand */
  /* the block's batch: of the selected windows */
  int32_t *lengths;
  int64_t *first_point;    /* [windows] */
  double *initial, *scale; /* [windows][D][kappa], [windows][D] */
  double *window_power;    /* [windows][P + D + 1] sums over grid points, and their number */
  double *window_triangle; /* [windows][triangle of D kappa + columns + 1] */
  int64_t *bin_begin;      /* [bins of this rank + 1] first window of each bin */
  /* tracking */
  double *tracked;               /* [windows] last change of the trajectory */
  double *track_rhs;             /* [threads][D][T] */
  const double **track_pointers; /* [threads][D] */
  double *track_rows;            /* [threads] rows and triangle of one window */
  int64_t track_rows_count;
  /* threads */
  int32_t threads;
  double *march; /* [threads][fit_cpu_march_count] */
  unsigned char *model_workspace;
  size_t model_workspace_bytes; /* of one thread */
  const double **sensitivity;   /* [threads][D][columns] */
  double *rows;                 /* [threads][...] rows of one window, or of one merge */
  int64_t rows_count;           /* doubles of one thread */
} fit_cpu;

static inline fit_cpu *fit_cpu_of(const neurlp_fit *fit) {
  return fit->work->state;
}

/* The block's batch for the selected windows, with initial values [windows][D][kappa]. */
neurlp_nonlinear_batch neurlp_fit_batch(neurlp_fit *fit, const double *initial);

/* Marches window w from its initial values [D][kappa] through its grid into state [points][D][d+1],
 * derivatives below kappa. Returns false, with part of the state written, if the trajectory runs away. Safe
 * from several threads at once. */
bool neurlp_fit_march(const neurlp_fit *fit, int64_t w, const double *theta, const double *initial,
                      double *state);
int64_t neurlp_fit_march_count(const neurlp_fit *fit);

/* Doubles in a thread's rows buffer. */
int64_t neurlp_fit_rows_count(const neurlp_fit *fit);

/* Operations of the backend. */
neurlp_status neurlp_fit_reduce_cpu(neurlp_fit *fit);
neurlp_status neurlp_fit_track_cpu(neurlp_fit *fit);
neurlp_status neurlp_fit_step_initial_cpu(neurlp_fit *fit);

#endif
