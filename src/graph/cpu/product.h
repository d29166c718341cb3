/* Matrix products, row-major, on the BLAS; cut into blocks of fixed size that threads share, so that the
 * result does not depend on their number. */
#ifndef NEURLP_GRAPH_CPU_PRODUCT_H
#define NEURLP_GRAPH_CPU_PRODUCT_H

#include "graph/cpu/real.h"

/* c [rows][columns] = op(a) op(b) + beta c, with op(a) [rows][inner] and op(b) [inner][columns]: a is
 * [rows][inner], or [inner][rows] if a_transposed; b is [inner][columns], or [columns][inner] if
 * b_transposed. beta is 0 or 1. All are dense. */
void NEURLP_REAL(neurlp_graph_product)(const neurlp_graph *graph, bool a_transposed, bool b_transposed,
                                       int64_t rows, int64_t columns, int64_t inner, const real *a,
                                       const real *b, real beta, real *c);

/* The same as one product, for callers that are threads already. */
void NEURLP_REAL(neurlp_graph_product_one)(bool a_transposed, bool b_transposed, int64_t rows,
                                           int64_t columns, int64_t inner, const real *a, const real *b,
                                           real beta, real *c);

#endif
