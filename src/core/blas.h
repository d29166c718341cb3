/* The products of BLAS, in Fortran's manner: C = alpha op(A) op(B) + beta C, by columns. */
#ifndef NEURLP_CORE_BLAS_H
#define NEURLP_CORE_BLAS_H

void dgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc);
void sgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k,
            const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
            const float *beta, float *c, const int *ldc);

#endif
