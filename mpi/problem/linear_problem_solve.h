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

typedef struct neurlp_linear_outcome {
  int64_t failed; /* systems of the group, on all ranks together, that have another status than success; the
                     group's `status` says which and why */
  bool time;      /* whether time was divided: then */
  int64_t pieces, messages, bytes; /* pieces of one system; what all ranks have sent for all systems */
  int64_t memory_bytes;            /* of slabs and joints, on the rank that needs most */
} neurlp_linear_outcome;

/* Collective. Where systems are divided each rank reads, solves and writes its own, a piece of at most 192 MB
 * at a time (or one system). Where time is, each rank reads and writes its own steps, slabs of at most 192 MB
 * (mpi/time/long_system.h). The answers are the same, bit for bit, whatever is divided, and for any number of
 * ranks. Fails with NEURLP_ERROR_ARGUMENT where time is to be divided and cannot be. */
NEURLP_MUST_USE neurlp_status neurlp_linear_solve(MPI_Comm comm, neurlp_context *context,
                                                  neurlp_linear_file *problems, int32_t group,
                                                  neurlp_array_file *answers, neurlp_division division,
                                                  neurlp_linear_outcome *outcome);

#endif
