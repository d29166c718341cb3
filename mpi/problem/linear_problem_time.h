/* Solves one group of a file of linear problems system by system, the time of each divided over the ranks. */
#ifndef NEURLP_MPI_LINEAR_PROBLEM_TIME_H
#define NEURLP_MPI_LINEAR_PROBLEM_TIME_H

#include "problem/linear_problem_solve.h"

/* Collective. For groups whose time can be divided, of systems from `complete` on; see neurlp_linear_solve,
 * which calls this. */
NEURLP_MUST_USE neurlp_status neurlp_linear_solve_time(MPI_Comm comm, neurlp_context *context,
                                                       neurlp_linear_file *problems, int32_t group,
                                                       neurlp_array_file *answers, int64_t complete,
                                                       neurlp_linear_outcome *outcome);

#endif
