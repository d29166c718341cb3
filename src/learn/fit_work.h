/* Workspace of a fit, shared by fit.c (steps), fit_windows.c (cutting, solving) and fit_reduce.c (triangles).
 */
#ifndef NEURLP_LEARN_FIT_WORK_H
#define NEURLP_LEARN_FIT_WORK_H

#include "learn/fit.h"

typedef struct neurlp_fit_work {
  neurlp_nonlinear *block;
  neurlp_nonlinear *track_block; /* of one column besides those of the initial values */
  int32_t block_points;          /* T the block was made for */
  int32_t columns;               /* parameters that are free in some group: those that have columns */
  int32_t *column_parameter;     /* [P] parameter of each column */
  bool *has_column;              /* [P] */
  /* the windows of the call in hand */
  int64_t selected_count;
  int64_t *selected;     /* [windows] */
  neurlp_status *status; /* [windows] of the block's last call, in its order */
  int32_t *lengths;
  int64_t *first_point;    /* [windows] */
  double *initial, *scale; /* [windows][D][kappa], [windows][D] */
  double *window_squares;  /* [windows][2 D] squared residuals and counts */
  double *window_power;    /* [windows][P + D + 1] sums over grid points, and their number */
  double *window_triangle; /* [windows][triangle of D kappa + columns + 1] */
  /* tracking */
  double *tracked;               /* [windows] last change of the trajectory */
  double *track_rhs;             /* [threads][D][T] */
  const double **track_pointers; /* [threads][D] */
  double *track_rows;            /* [threads] rows and triangle of one window */
  int64_t track_rows_count;
  double *march; /* [threads][neurlp_fit_march_count] */
  /* bins and groups */
  double *bin_local, *bin_global; /* [bins of this rank or of all][largest count] */
  int64_t bin_numbers;            /* numbers for each bin that the buffers hold */
  int64_t *bin_begin;             /* [bins of this rank + 1] first window of each bin */
  double *triangle;               /* [groups][triangle of columns + 1] */
  double *sums;                   /* [groups][numbers] */
  double
      *step_workspace; /* of neurlp_triangle_step and _covariance, and [3][P] bounds and steps of columns */
  bool *column_free;   /* [P] */
  /* threads */
  int32_t threads;
  unsigned char *model_workspace;
  size_t model_workspace_bytes; /* of one thread */
  const double **sensitivity;   /* [threads][D][columns] */
  double *rows;                 /* [threads][...] rows of one window, or of one merge */
  int64_t rows_count;           /* doubles of one thread */
  const double *theta;          /* [groups][P] of the call in hand */
} neurlp_fit_work;

/* Which set of states and parameters a call works on. */
typedef enum neurlp_fit_set { NEURLP_FIT_CURRENT, NEURLP_FIT_TRIAL } neurlp_fit_set;

/* Makes the block and buffers fit for the current windows and free parameters. */
NEURLP_MUST_USE neurlp_status neurlp_fit_prepare(neurlp_fit *fit);
void neurlp_fit_release_work(neurlp_fit *fit);

/* Solves the windows of active groups; fills squares, counts and the objective or trial value of each group.
 * Collective. */
NEURLP_MUST_USE neurlp_status neurlp_fit_evaluate(neurlp_fit *fit, neurlp_fit_set set);

/* Recomputes the triangles of stale groups. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_fit_reduce(neurlp_fit *fit);

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

/* Moves the initial values of every window of a group along with its parameters' step. */
void neurlp_fit_step_initial(neurlp_fit *fit);

/* Sums `count` numbers of each bin over the bins, in order; one bin a group: copies. sums [groups][count].
 * Collective. */
NEURLP_MUST_USE neurlp_status neurlp_fit_sum_bins(neurlp_fit *fit, neurlp_status mine, int64_t count,
                                                  double *sums);

/* Numbers that the data of a group must determine: free parameters, and initial values of its windows. */
int64_t neurlp_fit_unknowns(const neurlp_fit *fit, int64_t g);

/* Weighted residual variance of a group: the objective over the degrees of freedom; 1 if sigma is right. */
double neurlp_fit_residual_variance(const neurlp_fit *fit, int64_t g);

/* Size of a window's triangle: its initial values, the columns, the right-hand side. */
static inline int64_t neurlp_fit_window_size(const neurlp_fit *fit) {
  return (int64_t)fit->model->dimensions * fit->model->order + fit->work->columns + 1;
}

#endif
