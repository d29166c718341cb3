/* Solves one group of a file of linear problems and writes its answers. */
#ifndef NEURLP_MPI_LINEAR_PROBLEM_SOLVE_H
#define NEURLP_MPI_LINEAR_PROBLEM_SOLVE_H

#include "file/array_file.h"
#include "problem/linear_problem.h"

/* What is divided over the ranks. */
typedef enum neurlp_division {
  NEURLP_DIVIDE_AUTO,    /* time, where it can be divided, if there are fewer systems than ranks, or if one
                            system takes more than 192 MB; else systems */
  NEURLP_DIVIDE_SYSTEMS, /* each rank solves systems of its own */
  NEURLP_DIVIDE_TIME     /* all ranks solve one system after the other, each some of its steps */
} neurlp_division;

typedef struct neurlp_linear_options {
  neurlp_division division;
  int64_t piece_systems; /* of all ranks together; 0, or if those are too many: what 192 MB hold on each */
} neurlp_linear_options;

typedef struct neurlp_linear_outcome {
  int64_t failed; /* systems of the group, on all ranks together, that have another status than success; the
                     group's `status` says which and why */
  bool time;      /* whether time was divided: then */
  int64_t pieces, messages, bytes; /* pieces of one system; what all ranks have sent for all systems */
  int64_t memory_bytes;            /* of slabs and joints, on the rank that needs most */
} neurlp_linear_outcome;

/* Collective. Where systems are divided, they are solved in pieces; the ranks share each out, read, solve and
 * write their parts. Where time is, one system after the other is solved; each rank reads and writes its own
 * steps, slabs of at most 192 MB (mpi/time/long_system.h). The answers are the same, bit for bit, whatever is
 * divided, and for any number of ranks. A piece (or system) is on disk, and the group's attribute
 * `complete_systems` counts it, before the next begins. Goes on where `answers`, a streamed file, has come
 * to. Fails with NEURLP_ERROR_ARGUMENT where time is to be divided and cannot be; NEURLP_STOPPED between two
 * pieces as neurlp_stop_between says. */
NEURLP_MUST_USE neurlp_status neurlp_linear_solve(MPI_Comm comm, neurlp_context *context,
                                                  neurlp_linear_file *problems, int32_t group,
                                                  const neurlp_linear_options *options,
                                                  neurlp_array_file *answers, neurlp_linear_outcome *outcome);

#endif
