/* What the block is compared with: the same systems solved with LAPACK, one system at a time in each thread,
 * in double precision. (Normal equations in single precision have no digits left.) */
#ifndef TESTS_BENCH_COMPETITORS_H
#define TESTS_BENCH_COMPETITORS_H

#include "bench/rows.h"

/* LAPACK itself must not start threads of its own: the systems are already spread over them. Works for
 * OpenBLAS and MKL; others read the environment. */
void bench_lapack_one_thread(void);

/* Which LAPACK this is, as far as it says. */
const char *bench_lapack_name(void);

/* Normal equations A^T A x = A^T r, in LAPACK's lower band storage, and dpbsv. The band is as narrow as the
 * ordering by (t, k, j) allows: an unknown meets its own step, and its own dimension in the next. */
typedef struct bench_banded {
  const bench_rows *rows;
  bench_row row;
  int32_t below;    /* diagonals below the main one */
  double *band;     /* [free][below + 1] */
  double *x;        /* [R][free]: A^T r, then the solution, then g, then lambda */
  double *solution; /* [T n][R], scaled, for the gradients */
  double *lambda;   /* [T n][R] */
  double *products; /* [2][R]: a row times lambda, and its residual */
} bench_banded;

bool bench_banded_open(bench_banded *banded, const bench_rows *rows);
void bench_banded_close(bench_banded *banded);

/* Solves system s into outputs->solution. Returns LAPACK's info, 0 if all went well. */
int bench_banded_forward(bench_banded *banded, int64_t s, const bench_outputs *outputs);

/* The same, and the gradients of all inputs for grad_output, with the factor that dpbsv left. (A program that
 * needs the whole batch's solution first would have to keep all factors, or to factorise again.) */
int bench_banded_both(bench_banded *banded, int64_t s, const bench_outputs *outputs);

/* The dense matrix and dgels (Householder QR). */
typedef struct bench_dense {
  const bench_rows *rows;
  bench_row row;
  int32_t work_numbers;
  double *matrix; /* [free][rows]: column-major */
  double *x;      /* [R][rows or free]: right-hand sides, then solution */
  double *work;
} bench_dense;

bool bench_dense_open(bench_dense *dense, const bench_rows *rows);
void bench_dense_close(bench_dense *dense);

/* Leading dimension of x. */
int32_t bench_dense_stride(const bench_dense *dense);

/* Writes matrix and right-hand sides of system s. */
void bench_dense_assemble(bench_dense *dense, int64_t s);

/* Solves system s into outputs->solution. Returns LAPACK's info. */
int bench_dense_forward(bench_dense *dense, int64_t s, const bench_outputs *outputs);

/* The memory floor: reads every input of a call once and writes every output of it once, by copying one into
 * the other as far as both go, and reading or filling the rest. Calls on batches with a shared left-hand side
 * are those of a prepared solver: they neither read coefficients and steps nor write their gradients. Returns
 * a sum of what was read, so that no reading can be left out. */
double bench_floor_forward(const bench_batch *batch, const bench_outputs *outputs);
double bench_floor_adjoint(const bench_batch *batch, const bench_outputs *outputs);
double bench_floor_tangent(const bench_batch *batch, const bench_outputs *outputs);

#endif
