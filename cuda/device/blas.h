/* cuBLAS, loaded when it is first needed: programs that never multiply start without it. */
#ifndef NEURLP_CUDA_BLAS_H
#define NEURLP_CUDA_BLAS_H

#include <cublas_v2.h>
#include <stdbool.h>

typedef struct cuda_blas {
  cublasStatus_t (*create)(cublasHandle_t *);
  cublasStatus_t (*destroy)(cublasHandle_t);
  cublasStatus_t (*set_stream)(cublasHandle_t, cudaStream_t);
  cublasStatus_t (*set_workspace)(cublasHandle_t, void *, size_t);
  const char *(*status_text)(cublasStatus_t);
  cublasStatus_t (*multiply_double)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int64_t, int64_t,
                                    int64_t, const double *, const double *, int64_t, const double *, int64_t,
                                    const double *, double *, int64_t);
  cublasStatus_t (*multiply_single)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int64_t, int64_t,
                                    int64_t, const float *, const float *, int64_t, const float *, int64_t,
                                    const float *, float *, int64_t);
} cuda_blas;

/* NULL where the library cannot be loaded; *reason, static until the next call, says why. */
const cuda_blas *neurlp_blas_load_cuda(const char **reason);

#endif
