/* What rank 0 says: the result in words, equations first, and the table of phases. */
#ifndef NEURLP_MPI_REPORT_H
#define NEURLP_MPI_REPORT_H

#include "study/result.h"

/* Phases of a run. What they leave of the program's time until the report is in the table, too: the start
 * (MPI, the deck), and the rest. */
typedef struct neurlp_phases {
  double begin;                                       /* MPI_Wtime() when the command began to work */
  double reading, preparing, learning, writing;       /* seconds */
  int64_t read_bytes, exchanged_bytes, written_bytes; /* all ranks */
  int64_t messages; /* that all ranks have sent while they learned; a gather counts once for each of them */
} neurlp_phases;

/* What was found: equations with standard errors, or the spread of each system's parameters; noise; failures.
 * `result`: where the estimates of systems are that are fitted each by itself, else NULL. Collective; rank 0
 * prints to standard output. */
void neurlp_report_result(const neurlp_study *study, const neurlp_estimates *estimates,
                          const neurlp_result *result);

/* Rank 0: prints the equations with these numbers, one line for each state; then a line for each parameter
 * that is named and each term that was not dropped (theta 0), with its standard error in units of the last
 * digit. errors [model->parameters], NaN: none; at_bound [named], NULL: no parameter is at a bound. */
void neurlp_report_equations(const neurlp_model *model, const double *theta);
void neurlp_report_errors(const neurlp_model *model, const double *theta, const double *errors,
                          const int32_t *at_bound);

/* The phases, their share, bytes and messages; the sum of all is the time since the program began
 * (neurlp_clock_begin). Rank 0 prints to standard output. */
void neurlp_report_phases(const neurlp_study *study, const neurlp_phases *phases);

/* What is about to be done: data, equations, unknowns, ranks. Rank 0 prints to standard output. */
void neurlp_report_study(const neurlp_study *study);

#endif
