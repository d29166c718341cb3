/* Solves one group of a file of linear problems and writes its answers. */
#ifndef NEURLP_MPI_LINEAR_PROBLEM_SOLVE_H
#define NEURLP_MPI_LINEAR_PROBLEM_SOLVE_H

#include "file/array_file.h"
#include "problem/linear_problem.h"

/* Collective. Systems are solved in pieces of piece_systems, or (0, or if those are too many) of what 192 MB
 * hold on each rank; the ranks share each out, read, solve and write their parts. A piece is on disk, and the
 * group's attribute `complete_systems` counts it, before the next begins. Goes on where `answers`, a streamed
 * file, has come to. *failed: number of systems of the group, on all ranks together, that have another status
 * than success; the group's `status` says which and why. NEURLP_STOPPED between two pieces if a signal asked
 * for it. */
NEURLP_MUST_USE neurlp_status neurlp_linear_solve(MPI_Comm comm, neurlp_context *context,
                                                  neurlp_linear_file *problems, int32_t group,
                                                  int64_t piece_systems, neurlp_array_file *answers,
                                                  int64_t *failed);

/* Bytes that the answers of a group take in the file. */
int64_t neurlp_linear_answer_bytes(const neurlp_linear_group *group);

#endif
