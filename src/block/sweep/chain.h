/* The chain of joints: where time is cut into pieces, what is left to solve for when each has been swept
 * (docs/math.md, section 2). In double precision, whatever the pieces are swept in. */
#ifndef NEURLP_BLOCK_CHAIN_H
#define NEURLP_BLOCK_CHAIN_H

#include "block/sweep/job.h"

/* What a piece leaves, an end, is one record of numbers, in scaled unknowns; absent entries are 0:
 *   [n][n | n | R] the triangle of its last step, entries for its first step, right-hand side (of a normal
 *                  equation: what is left of its source, [n][R] in that place)
 *   [n][n | R]     the triangle of its first step, right-hand side (or source)
 *   [n]            squared norms, without these triangles, of the columns of its last step
 *   [n]            and of its first. */
typedef struct neurlp_end_layout {
  int64_t unknowns, columns;
  int64_t last_row;         /* numbers of a row of the first part */
  int64_t first, first_row; /* where the second part begins, numbers of a row */
  int64_t last_square, first_square;
  int64_t numbers;
} neurlp_end_layout;

NEURLP_ANYWHERE neurlp_end_layout neurlp_end_layout_of(int64_t n, int64_t R) {
  const int64_t last_row = 2 * n + R, first_row = n + R, first = n * last_row,
                squares = first + n * first_row;
  return (neurlp_end_layout){.unknowns = n,
                             .columns = R,
                             .last_row = last_row,
                             .first = first,
                             .first_row = first_row,
                             .last_square = squares,
                             .first_square = squares + n,
                             .numbers = squares + 2 * n};
}

/* Numbers of workspace for a chain of so many joints. */
int64_t neurlp_chain_numbers(neurlp_end_layout layout, int64_t joints);

/* Solves for the unknowns at the joints of one system: joints [count][n][R]. Joint i lies between `before`,
 * the end of the first piece, for i = 0, or record i-1 of `ends`, and record i; the last piece ends in a
 * joint, too, so that `ends` has count - 1 records. `normal`: ends hold sources of normal equations. epsilon:
 * that of the precision of the pieces. Returns NEURLP_SUCCESS, NEURLP_SINGULAR or NEURLP_NOT_FINITE. */
neurlp_status neurlp_chain_solve(neurlp_end_layout layout, const double *before, const double *ends,
                                 int64_t count, bool normal, double epsilon, double *workspace,
                                 double *joints);

#endif
