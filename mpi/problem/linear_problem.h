/* Files of linear problems (docs/formats.md): one group for each batch that NeuRLP solves as it stands. */
#ifndef NEURLP_MPI_LINEAR_PROBLEM_H
#define NEURLP_MPI_LINEAR_PROBLEM_H

#include "core/context.h"

#include <mpi.h>

enum { NEURLP_GROUP_NAME_BYTES = 256 };

/* One group. Sent between ranks as bytes. */
typedef struct neurlp_linear_group {
  char name[NEURLP_GROUP_NAME_BYTES];
  neurlp_shape shape;
  neurlp_formulation formulation;
  bool has_grad_output;
} neurlp_linear_group;

/* An open file; every rank knows all groups. */
typedef struct neurlp_linear_file {
  int32_t count;
  neurlp_linear_group *groups; /* [count], in the order of their names */
  struct neurlp_linear_source *source;
} neurlp_linear_file;

/* What can be read of a group; each is a batch of rows, one for each system. */
typedef enum neurlp_linear_array {
  NEURLP_LINEAR_COEFFICIENTS,   /* [S][T][E][D][d+1], T or, where it is constant in time, 1 */
  NEURLP_LINEAR_RHS,            /* [S][T][E], in the same way */
  NEURLP_LINEAR_INITIAL_VALUES, /* [S][K][D][J] */
  NEURLP_LINEAR_FINAL_VALUES,   /* [S][D][JF] */
  NEURLP_LINEAR_STEPS,          /* [S][T-1][1 or D], or [S][1][1 or D] */
  NEURLP_LINEAR_GRAD_OUTPUT,    /* [S][T][D][d+1]; the solution has this shape, too */
  NEURLP_LINEAR_ARRAYS
} neurlp_linear_array;

/* Name of an array in the file, and its extents for a group: *rank of them, the first being S. */
const char *neurlp_linear_array_name(neurlp_linear_array array);
void neurlp_linear_extents(const neurlp_linear_group *group, neurlp_linear_array array, int32_t *rank,
                           int64_t *extents);

/* Numbers of one system in an array. */
int64_t neurlp_linear_row(const neurlp_linear_group *group, neurlp_linear_array array);

/* The problem as the library knows it, of so many systems. What it refuses is the file's fault:
 * NEURLP_ERROR_DATA, with the group's name. */
NEURLP_MUST_USE neurlp_status neurlp_linear_problem_create(neurlp_context *context,
                                                           const neurlp_linear_group *group, int64_t systems,
                                                           neurlp_problem **problem);

/* Collective. Opens and checks the file. Sizes that disagree, attributes out of range, ... are
 * NEURLP_ERROR_DATA on every rank, with group, value and remedy. */
NEURLP_MUST_USE neurlp_status neurlp_linear_open(MPI_Comm comm, neurlp_context *context, const char *path,
                                                 neurlp_linear_file **file);

/* Collective. Reads systems [first, first + count) of an array of a group; count may be 0. */
NEURLP_MUST_USE neurlp_status neurlp_linear_read(neurlp_linear_file *file, int32_t group,
                                                 neurlp_linear_array array, int64_t first, int64_t count,
                                                 double *values);

/* Collective. Reads steps (or intervals) [first, first + count) of one system of an array; count may be 0.
 * What is constant in time is read as it is, its one step. */
NEURLP_MUST_USE neurlp_status neurlp_linear_read_steps(neurlp_linear_file *file, int32_t group,
                                                       neurlp_linear_array array, int64_t system,
                                                       int64_t first, int64_t count, double *values);

/* Collective. */
void neurlp_linear_close(neurlp_linear_file **file);

#endif
