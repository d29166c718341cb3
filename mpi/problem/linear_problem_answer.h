/* What the answers to a group of linear problems are called in a file, and how they are laid out. */
#ifndef NEURLP_MPI_LINEAR_PROBLEM_ANSWER_H
#define NEURLP_MPI_LINEAR_PROBLEM_ANSWER_H

#include "file/array_file.h"
#include "problem/linear_problem.h"

typedef enum neurlp_linear_answer {
  NEURLP_ANSWER_SOLUTION,          /* [S][T][D][d+1] */
  NEURLP_ANSWER_SLACK,             /* [S] */
  NEURLP_ANSWER_STATUS,            /* [S], int32_t */
  NEURLP_ANSWER_GRAD_COEFFICIENTS, /* gradients are as their inputs */
  NEURLP_ANSWER_GRAD_RHS,
  NEURLP_ANSWER_GRAD_INITIAL_VALUES,
  NEURLP_ANSWER_GRAD_FINAL_VALUES,
  NEURLP_ANSWER_GRAD_STEPS,
  NEURLP_ANSWERS
} neurlp_linear_answer;

enum { NEURLP_ANSWER_PATH_BYTES = 2 * NEURLP_GROUP_NAME_BYTES };

/* The gradient of an input. */
neurlp_linear_answer neurlp_linear_gradient(neurlp_linear_array input);

/* The description of one answer; it borrows `path`, which is written. */
void neurlp_linear_answer_of(const neurlp_linear_group *group, neurlp_linear_answer which,
                             char path[NEURLP_ANSWER_PATH_BYTES], neurlp_array *answer);

/* Collective. Attributes of a group whose status is there: what the numbers in it mean, and what was solved.
 */
NEURLP_MUST_USE neurlp_status neurlp_linear_describe(neurlp_array_file *answers,
                                                     const neurlp_linear_group *group);

/* Collective. How many of a group's systems are complete in a streamed file, and failed among them.
 * NEURLP_ERROR_DATA if that cannot be. */
NEURLP_MUST_USE neurlp_status neurlp_linear_progress(MPI_Comm comm, neurlp_context *context,
                                                     const neurlp_array_file *answers,
                                                     const neurlp_linear_group *group, int64_t *complete,
                                                     int64_t *failed);

/* Collective, with `complete` systems done: neurlp_stop_between (checkpoint/stop.h). */
NEURLP_MUST_USE neurlp_status neurlp_linear_look(MPI_Comm comm, neurlp_context *context,
                                                 const neurlp_array_file *answers,
                                                 const neurlp_linear_group *group, int64_t complete);

/* Bytes that the answers of a group take in the file. */
int64_t neurlp_linear_answer_bytes(const neurlp_linear_group *group);

#endif
