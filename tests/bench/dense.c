#include "bench/competitors.h"

#include <lapacke.h>

#include <stdlib.h>
#include <string.h>

/* Exported by OpenBLAS and MKL, absent elsewhere. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern void MKL_Set_Num_Threads(int threads) __attribute__((weak));

void bench_lapack_one_thread(void) {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
  if (MKL_Set_Num_Threads) MKL_Set_Num_Threads(1);
}

const char *bench_lapack_name(void) {
  if (openblas_get_config) return openblas_get_config();
  return MKL_Set_Num_Threads ? "MKL" : "unnamed LAPACK";
}

int32_t bench_dense_stride(const bench_dense *dense) {
  const bench_rows *rows = dense->rows;
  return rows->count > rows->free_unknowns ? rows->count : rows->free_unknowns;
}

static int solve(bench_dense *dense, double *work, int32_t work_numbers) {
  const bench_rows *rows = dense->rows;
  return (int)LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'N', rows->count, rows->free_unknowns,
                                 rows->batch->shape.columns, dense->matrix, rows->count, dense->x,
                                 bench_dense_stride(dense), work, work_numbers);
}

bool bench_dense_open(bench_dense *dense, const bench_rows *rows) {
  double best = 0;
  memset(dense, 0, sizeof *dense);
  dense->rows = rows;
  dense->matrix = calloc((size_t)rows->count * (size_t)rows->free_unknowns, sizeof(double));
  dense->x = calloc((size_t)bench_dense_stride(dense) * (size_t)rows->batch->shape.columns, sizeof(double));
  if (!bench_row_open(&dense->row, rows) || !dense->matrix || !dense->x || solve(dense, &best, -1) != 0)
    return false;
  dense->work_numbers = (int32_t)best;
  dense->work = calloc((size_t)dense->work_numbers, sizeof(double));
  return dense->work != NULL;
}

void bench_dense_close(bench_dense *dense) {
  bench_row_close(&dense->row);
  free(dense->matrix);
  free(dense->x);
  free(dense->work);
}

void bench_dense_assemble(bench_dense *dense, int64_t s) {
  const bench_rows *rows = dense->rows;
  const bench_row *row = &dense->row;
  const int32_t R = rows->batch->shape.columns, stride = bench_dense_stride(dense);
  memset(dense->matrix, 0, (size_t)rows->count * (size_t)rows->free_unknowns * sizeof(double));
  for (int32_t i = 0; i < rows->count; i++) {
    bench_row_write(rows, s, i, &dense->row);
    bench_row_move_known(rows, s, &dense->row);
    for (int32_t p = 0; p < row->entries; p++)
      dense->matrix[(int64_t)row->column[p] * rows->count + i] = row->value[p];
    for (int32_t r = 0; r < R; r++) dense->x[(int64_t)r * stride + i] = row->rhs[r];
  }
}

int bench_dense_forward(bench_dense *dense, int64_t s, const bench_outputs *outputs) {
  const bench_rows *rows = dense->rows;
  bench_dense_assemble(dense, s);
  const int info = solve(dense, dense->work, dense->work_numbers);
  bench_unscale_solution(rows, s, dense->x, bench_dense_stride(dense),
                         bench_output(rows->batch, outputs, BENCH_SOLUTION, s));
  return info;
}
