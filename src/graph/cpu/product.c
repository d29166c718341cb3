#include "graph/cpu/product.h"

#include "core/blas.h"

enum { ROWS = 64 };

/* Row-major c = op(a) op(b) is column-major c^T = op(b)^T op(a)^T. */
static void multiply(bool a_transposed, bool b_transposed, int rows, int columns, int inner, const real *a,
                     int lda, const real *b, int ldb, real beta, real *c) {
  const real one = 1;
  const char *op_a = a_transposed ? "T" : "N", *op_b = b_transposed ? "T" : "N";
#ifdef NEURLP_GRAPH_SINGLE
  sgemm_(op_b, op_a, &columns, &rows, &inner, &one, b, &ldb, a, &lda, &beta, c, &columns);
#else
  dgemm_(op_b, op_a, &columns, &rows, &inner, &one, b, &ldb, a, &lda, &beta, c, &columns);
#endif
}

void NEURLP_REAL(neurlp_graph_product)(const neurlp_graph *graph, bool a_transposed, bool b_transposed,
                                       int64_t rows, int64_t columns, int64_t inner, const real *a,
                                       const real *b, real beta, real *c) {
  const int lda = (int)(a_transposed ? rows : inner), ldb = (int)(b_transposed ? inner : columns);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t first = 0; first < rows; first += ROWS) {
    const int64_t count = rows - first < ROWS ? rows - first : ROWS;
    multiply(a_transposed, b_transposed, (int)count, (int)columns, (int)inner,
             a + first * (a_transposed ? 1 : inner), lda, b, ldb, beta, c + first * columns);
  }
}

void NEURLP_REAL(neurlp_graph_product_one)(bool a_transposed, bool b_transposed, int64_t rows,
                                           int64_t columns, int64_t inner, const real *a, const real *b,
                                           real beta, real *c) {
  multiply(a_transposed, b_transposed, (int)rows, (int)columns, (int)inner, a,
           (int)(a_transposed ? rows : inner), b, (int)(b_transposed ? inner : columns), beta, c);
}
