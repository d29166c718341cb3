/* Solves one group of a file of linear problems and writes its answers. */
#ifndef NEURLP_MPI_LINEAR_PROBLEM_SOLVE_H
#define NEURLP_MPI_LINEAR_PROBLEM_SOLVE_H

#include "file/array_file.h"
#include "problem/linear_problem.h"

/* Collective. Systems are partitioned over the ranks; each rank reads, solves and writes its own, a piece of
 * at most 192 MB at a time (or one system). *failed: number of systems of the group, on all ranks together,
 * that have another status than success; the group's `status` says which and why. */
NEURLP_MUST_USE neurlp_status neurlp_linear_solve(MPI_Comm comm, neurlp_context *context,
                                                  neurlp_linear_file *problems, int32_t group,
                                                  neurlp_array_file *answers, int64_t *failed);

/* Bytes that the answers of a group take in the file. */
int64_t neurlp_linear_answer_bytes(const neurlp_linear_group *group);

#endif
