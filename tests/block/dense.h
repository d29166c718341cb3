/* The oracle of the block's tests: one system's least-squares problem written out as a dense matrix, solved
 * in extended precision. It shares nothing with the sweep: rows come from docs/math.md, section 1, entry by
 * entry, in the unscaled unknowns, and gradients and tangents from the formulas for a general matrix. */
#ifndef TESTS_BLOCK_DENSE_H
#define TESTS_BLOCK_DENSE_H

#include "block/batch.h"

typedef long double extended;

/* Which input a row or a known unknown belongs to: number i of step t of the array. */
typedef struct dense_source {
  int32_t array; /* RHS for an equation's row, STEPS for a smoothness row, INITIAL_ or FINAL_VALUES; NO_ARRAY
                    for a periodic row, and for an unknown that is not known */
  int32_t t, i;
} dense_source;

enum { NO_ARRAY = -1 };

/* QR of the columns of unknowns that are not known: R in the upper triangle of a, Q as reflections I - v v^T,
 * each of the rows that are not zero in its column. */
typedef struct dense_factor {
  int32_t rows, columns;
  int32_t *order;      /* [rows] which row of the system stands there */
  extended *a;         /* [rows][columns] */
  extended *reflector; /* v of column c: first[c] to first[c+1] - 1, for rows `active` */
  int32_t *active;
  int64_t *first;
} dense_factor;

/* One system. Unknown (t, k, j) is column (t D + k) (d+1) + j; the slack is the last column. */
typedef struct dense_system {
  const test_batch *batch;
  int64_t s;
  int32_t length;
  int32_t rows, unknowns, columns; /* M, N, R */
  dense_factor factor;
  int32_t kept_count;
  int32_t *kept;               /* [kept_count] unknowns that are not known */
  extended *matrix;            /* [M][N] weighted rows */
  extended *rhs;               /* [M][R] */
  extended *derivative;        /* [M][N] of the matrix with respect to the row's own step, or steps */
  dense_source *source;        /* [M] i is e R, the step's dimension, or (k J + j) R */
  bool *central;               /* [M] central rows: the step after the source's has the same derivative */
  dense_source *known;         /* [N] the hard value */
  extended *solution;          /* [N][R] */
  extended *residual;          /* [M][R] r - A x */
  extended *multiplier;        /* [N][R] lambda; 0 for known unknowns */
  extended *image;             /* [M][R] A lambda */
  extended *tangent;           /* [N][R] along the batch's direction; 0 for the slack, which gives none */
  double forced, forced_rest;  /* |z| and |p - A z| of its part z that solves A z = p = dr - dA x */
  double turned, turned_image; /* |mu| and |A mu| of its part mu = (A^T A)^-1 dA^T (r - A x) */
  double turn, force;          /* norms of dA in scaled unknowns, and of dr */
  double map; /* Frobenius norm of the map from what is given to scaled unknowns; 0 if the batch is not
                 prepared */
  double largest, smallest; /* singular values of the matrix without known columns, scaled; if all are known,
                               the norm of the matrix */
} dense_system;

/* Writes rows, right-hand sides, derivatives and hard values of a system whose arrays are there. */
void dense_write_rows(dense_system *dense);

/* How many rows the system has. */
int32_t dense_count_rows(const test_batch *batch, int32_t length);

/* Assembles system s, solves it, and finds the multiplier for grad_output and the tangent. Borrows the batch.
 */
void dense_open(dense_system *dense, const test_batch *batch, int64_t s);
void dense_close(dense_system *dense);

/* z^j of an unknown's derivative j, 1 for the slack: unknowns times this are scaled. */
double dense_scale(const dense_system *dense, int32_t column);

/* 2-norm of all entries of a matrix [M][N] for scaled unknowns. */
double dense_matrix_norm(const dense_system *dense, const extended *x);

/* w_e; h_ref^kappa where it is 0. */
double dense_equation_weight(const test_batch *batch);

/* Calls visit for each number of each gradient, one array after another: its place in the array's gradient
 * and the system's contribution. A place is met once for every step that its number serves. */
typedef void (*dense_visitor)(void *to, int32_t array, int64_t place, int32_t derivative, extended part);
void dense_gradients(const dense_system *dense, dense_visitor visit, void *to);

#endif
