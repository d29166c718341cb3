/* Workspace of a fit, shared by fit.c (making it, noise), fit_iterate.c (steps), fit_windows.c (cutting,
 * solving), fit_reduce.c (triangles) and what works on windows (cpu/, and cuda/ beside src/). */
#ifndef NEURLP_LEARN_FIT_WORK_H
#define NEURLP_LEARN_FIT_WORK_H

#include "learn/fit_backend.h"

typedef struct neurlp_fit_work {
  const neurlp_fit_backend *backend;
  void *state;               /* the backend's */
  int32_t points;            /* of the longest window */
  int32_t columns;           /* parameters that are free in some group: those that have columns */
  int32_t *column_parameter; /* [P] parameter of each column */
  /* the windows of the call in hand */
  int64_t selected_count;
  int64_t *selected;      /* [windows] */
  neurlp_status *status;  /* [windows] of the last solve, in its order */
  double *window_squares; /* [windows][2 D] squared residuals and counts */
  /* bins and groups */
  double *bin_local, *bin_global; /* [bins of this rank or of all][largest count] */
  double *triangle;               /* [groups][triangle of columns + 1] */
  double *sums;                   /* [groups][numbers] */
  double
      *step_workspace; /* of neurlp_triangle_step and _covariance, and [3][P] bounds and steps of columns */
  bool *column_free;   /* [P] */
  double *rows;        /* [size][size] of a window's triangle, to merge one */
} neurlp_fit_work;

/* Makes workspace fit for the current windows and free parameters; frees it. */
NEURLP_MUST_USE neurlp_status neurlp_fit_prepare(neurlp_fit *fit);
void neurlp_fit_release_work(neurlp_fit *fit);

/* Solves the windows of active groups; fills squares, counts and the objective or trial value of each group.
 * `mine`: this rank's status so far; if that is a failure, nothing is solved. Collective with shared
 * parameters: then a failure is all ranks'. */
NEURLP_MUST_USE neurlp_status neurlp_fit_evaluate(neurlp_fit *fit, neurlp_status mine, neurlp_fit_set set);

/* Brings all ranks to one status, and each of `numbers` [count] to the largest that any rank has. Collective.
 */
NEURLP_MUST_USE neurlp_status neurlp_fit_agree(neurlp_fit *fit, neurlp_status mine, int32_t count,
                                               int64_t *numbers);

/* Chooses the windows of active groups that are not excluded; of those, the windows of groups where `wanted`
 * [groups] is true, if it is not NULL. */
void neurlp_fit_select(neurlp_fit *fit, const bool *wanted);

/* Recomputes the triangles of stale groups. Collective with shared parameters. */
NEURLP_MUST_USE neurlp_status neurlp_fit_reduce(neurlp_fit *fit);

/* Sums `count` numbers of each bin over the bins, in order; one bin a group: copies. sums [groups][count].
 * Collective with shared parameters. */
NEURLP_MUST_USE neurlp_status neurlp_fit_sum_bins(neurlp_fit *fit, neurlp_status mine, int64_t count,
                                                  double *sums);

/* Numbers that the data of a group must determine: free parameters, and initial values of its windows. */
int64_t neurlp_fit_unknowns(const neurlp_fit *fit, int64_t g);

/* Weighted residual variance of a group: the objective over the degrees of freedom; 1 if sigma is right. */
double neurlp_fit_residual_variance(const neurlp_fit *fit, int64_t g);

/* Initial values of a window; size of its triangle: these, the columns, the right-hand side. */
static inline int64_t neurlp_fit_initials(const neurlp_fit *fit) {
  return (int64_t)fit->model->dimensions * fit->model->order;
}
static inline int64_t neurlp_fit_window_size(const neurlp_fit *fit) {
  return neurlp_fit_initials(fit) + fit->work->columns + 1;
}

/* The block for so many windows with so many parameters that have sensitivities. */
neurlp_nonlinear_shape neurlp_fit_block_shape(const neurlp_fit *fit, int32_t parameters);

#endif
