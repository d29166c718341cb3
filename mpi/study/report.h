/* What rank 0 says: the result in words, equations first, and the table of phases. */
#ifndef NEURLP_MPI_REPORT_H
#define NEURLP_MPI_REPORT_H

#include "study/estimates.h"

/* Phases of a run; the sum of their times is the run's. */
typedef struct neurlp_phases {
  double reading, preparing, learning, writing, rest; /* seconds */
  int64_t read_bytes, exchanged_bytes, written_bytes; /* all ranks */
} neurlp_phases;

/* What was found: equations with standard errors, or the spread of each system's parameters; noise; failures.
 * Collective; rank 0 prints to standard output. */
void neurlp_report_result(const neurlp_study *study, const neurlp_estimates *estimates);

/* The phases, their share, bytes moved. Rank 0 prints to standard output. */
void neurlp_report_phases(const neurlp_study *study, const neurlp_phases *phases);

/* What is about to be done: data, equations, unknowns, ranks. Rank 0 prints to standard output. */
void neurlp_report_study(const neurlp_study *study);

#endif
