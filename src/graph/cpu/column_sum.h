/* Sums down the columns of a matrix, in double precision, in the order of the rows. */
#ifndef NEURLP_GRAPH_CPU_COLUMN_SUM_H
#define NEURLP_GRAPH_CPU_COLUMN_SUM_H

#include "graph/cpu/real.h"

/* Columns whose sums are formed at the same time. */
enum { NEURLP_SUM_COLUMNS = 64 };

/* sums[i] += sum over rows of y[row][i], with y [rows][columns]. */
static inline void neurlp_column_sum(const neurlp_graph *graph, int64_t rows, int64_t columns, const real *y,
                                     real *sums) {
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t first = 0; first < columns; first += NEURLP_SUM_COLUMNS) {
    const int64_t rest = columns - first, count = rest < NEURLP_SUM_COLUMNS ? rest : NEURLP_SUM_COLUMNS;
    double sum[NEURLP_SUM_COLUMNS] = {0};
    for (int64_t row = 0; row < rows; row++)
      for (int64_t i = 0; i < count; i++) sum[i] += (double)y[row * columns + first + i];
    for (int64_t i = 0; i < count; i++) sums[first + i] += (real)sum[i];
  }
}

#endif
