/* Triangles as one thread works on them, on the CPU and on a GPU: element i of a triangle or of rows is at
 * i * stride, so that neighbouring threads have theirs side by side. In the common subset of C17 and C++20.
 * See triangle.h. */
#ifndef NEURLP_CORE_TRIANGLE_LANE_H
#define NEURLP_CORE_TRIANGLE_LANE_H

#include "core/anywhere.h"

#include <math.h>
#include <stdint.h>

/* Numbers in a triangle of size n, and where row i begins: element (i, j), j >= i, is at row(i) + j - i. */
NEURLP_ANYWHERE int64_t neurlp_triangle_count(int64_t n) {
  return n * (n + 1) / 2;
}
NEURLP_ANYWHERE int64_t neurlp_triangle_row(int64_t n, int64_t i) {
  return i * n - i * (i - 1) / 2;
}

/* Columns that one pass over the rows updates: on the CPU its dot products stay in registers and the
 * first-level cache; a GPU's thread has them one by one. */
#ifdef __CUDACC__
enum { NEURLP_TRIANGLE_COLUMNS = 1 };
#else
enum { NEURLP_TRIANGLE_COLUMNS = 32 };
#endif

/* Applies the reflection I + tau v v^T, v = (head, rows[:, j]), to columns first..end-1 of the diagonal's row
 * and of m rows [m][n]. */
NEURLP_ANYWHERE void neurlp_reflect_columns(int64_t n, double *__restrict__ diagonal, int64_t m,
                                            double *__restrict__ rows, int64_t j, double head, double tau,
                                            int64_t first, int64_t end, int64_t stride) {
  double dot[NEURLP_TRIANGLE_COLUMNS];
  const int64_t width = end - first;
  for (int64_t c = 0; c < width; c++) dot[c] = head * diagonal[(first - j + c) * stride];
  for (int64_t i = 0; i < m; i++) {
    const double *row = rows + (i * n + first) * stride;
    const double v = rows[(i * n + j) * stride];
    for (int64_t c = 0; c < width; c++) dot[c] += v * row[c * stride];
  }
  for (int64_t c = 0; c < width; c++) {
    dot[c] *= tau;
    diagonal[(first - j + c) * stride] += dot[c] * head;
  }
  for (int64_t i = 0; i < m; i++) {
    double *row = rows + (i * n + first) * stride;
    const double v = rows[(i * n + j) * stride];
    for (int64_t c = 0; c < width; c++) row[c * stride] += dot[c] * v;
  }
}

/* Appends m rows [m][n] (destroyed), zero before column `from`, to the triangle: one Householder reflection
 * for each column. */
NEURLP_ANYWHERE void neurlp_triangle_append_lane(int64_t n, double *triangle, int64_t m, double *rows,
                                                 int64_t from, int64_t stride) {
  for (int64_t j = from; j < n; j++) {
    double *diagonal = triangle + neurlp_triangle_row(n, j) * stride;
    double below = 0;
    for (int64_t i = 0; i < m; i++) below += rows[(i * n + j) * stride] * rows[(i * n + j) * stride];
    if (below == 0) continue;
    const double alpha = diagonal[0];
    const double norm = sqrt(alpha * alpha + below);
    const double beta = alpha > 0 ? -norm : norm;
    const double head = alpha - beta;
    const double tau = 1 / (beta * head); /* -2 / |v|^2 */
    diagonal[0] = beta;
    for (int64_t first = j + 1; first < n; first += NEURLP_TRIANGLE_COLUMNS)
      neurlp_reflect_columns(n, diagonal, m, rows, j, head, tau, first,
                             first + NEURLP_TRIANGLE_COLUMNS < n ? first + NEURLP_TRIANGLE_COLUMNS : n,
                             stride);
  }
}

/* Relative size of a diagonal below which the data do not determine an initial value. */
#define NEURLP_UNDETERMINED 1e-12

/* Solves R x = right [count], in place, with the first `count` rows and columns of a triangle of size n; an
 * unknown that the rows do not determine gets 0. */
NEURLP_ANYWHERE void neurlp_triangle_solve(int64_t n, const double *triangle, int64_t count, double *x) {
  for (int64_t i = count - 1; i >= 0; i--) {
    const double *row = triangle + neurlp_triangle_row(n, i) - i;
    double sum = x[i], norm = 0;
    for (int64_t j = i + 1; j < count; j++) sum -= row[j] * x[j];
    for (int64_t j = 0; j <= i; j++) norm = fmax(norm, fabs(triangle[neurlp_triangle_row(n, j) + i - j]));
    x[i] = fabs(row[i]) > NEURLP_UNDETERMINED * norm && norm > 0 ? sum / row[i] : 0;
  }
}

#endif
