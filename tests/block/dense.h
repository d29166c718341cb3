/* The oracle of the block's tests: one system's least-squares problem written out as a dense matrix, solved
 * in extended precision. It shares nothing with the sweep: rows come from docs/math.md, section 1, entry by
 * entry, in the unscaled unknowns, and gradients from the formulas for a general matrix. */
#ifndef TESTS_BLOCK_DENSE_H
#define TESTS_BLOCK_DENSE_H

#include "neurlp.h"

typedef long double extended;

/* One system. Unknown (t, k, j) is column (t D + k) (d+1) + j; the slack is the last column. */
typedef struct dense_system {
  int32_t rows, unknowns, columns; /* M, N, R */
  extended *matrix;                /* [M][N] weighted rows */
  extended *rhs;                   /* [M][R] */
  extended *derivative;            /* [M][N] of the matrix with respect to the row's own step, or steps */
  int32_t *kind;            /* [M] index of the equation t E + e, or of the step size, or of the value */
  int32_t *second;          /* [M] index of the second step size of a central row, else -1 */
  int32_t *family;          /* [M] 0 equation, 1 soft initial value, 2 smoothness, 3 periodic */
  int32_t *known;           /* [N] 1 + index of the hard initial value, or 0 */
  extended *solution;       /* [N][R] */
  extended *multiplier;     /* [N][R] lambda; 0 for known unknowns */
  extended *image;          /* [M][R] A lambda */
  extended *residual;       /* [M][R] r - A x */
  double largest, smallest; /* singular values of the matrix without known columns, scaled */
} dense_system;

/* Assembles system s and solves it; grad_output (of the whole batch, or NULL) gives multiplier and image. */
void dense_open(dense_system *dense, const neurlp_shape *shape, const neurlp_formulation *formulation,
                const neurlp_inputs *inputs, int64_t s, const double *grad_output);
void dense_close(dense_system *dense);

/* Gradients of system s, each in the shape of one system's input (entries past the length stay as they are).
 * grad_output as above. */
void dense_gradients(const dense_system *dense, const neurlp_shape *shape,
                     const neurlp_formulation *formulation, int32_t length, const double *grad_output,
                     extended *coefficients, extended *rhs, extended *initial_values, extended *steps);

#endif
