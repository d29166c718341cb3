/* What learning found, as arrays ready to be written and said: estimates with standard errors, and each
 * system's status. */
#ifndef NEURLP_MPI_ESTIMATES_H
#define NEURLP_MPI_ESTIMATES_H

#include "study/study.h"

typedef struct neurlp_estimates {
  int64_t
      rows; /* groups that this rank reports: all its own; with shared parameters 1 on rank 0, 0 elsewhere */
  int64_t first_row;      /* global number of the first */
  int64_t total_rows;     /* all ranks: 1 or S */
  double *theta, *errors; /* [rows][P] estimates and standard errors; errors NaN where not estimated */
  int32_t *at_bound;      /* [rows][named] 1: the estimate is a bound of its parameter; NULL: none is named */
  double *correlation;    /* [rows][named][named]; NULL if there are more than 32 named parameters, or none */
  double *noise;          /* [rows][D] */
  double *squares;        /* [rows][D] sum of squared residuals */
  int32_t *window;        /* [rows] samples in the last windows */
  int64_t system_count;   /* systems whose first sample this rank has */
  int64_t first_system;
  int32_t *status; /* [system_count] neurlp_status */
  double *initial,
      *initial_errors;  /* [system_count][D kappa] at each system's first sample; NaN where not fitted */
  int64_t ending_count; /* systems whose last sample this rank has */
  int64_t first_ending;
  double *first_time; /* [system_count] of the first sample */
  double *last_time;  /* [ending_count] of the last sample */
  double *final;      /* [ending_count][D kappa] fitted state there; NaN where not fitted */
  double *fitted;     /* [samples of this rank][D] solution at the sample times; NaN where not fitted */
  int64_t failed, not_converged; /* systems, all ranks */
  int64_t bounded;               /* rows with an estimate at a bound, all ranks */
} neurlp_estimates;

/* Collective. */
NEURLP_MUST_USE neurlp_status neurlp_estimates_collect(neurlp_study *study, neurlp_estimates *estimates);
void neurlp_estimates_release(neurlp_context *context, neurlp_estimates *estimates);

#endif
