#include "cuda/device/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* A function of the library; POSIX has data and function pointers alike, C has not. */
static bool find(void *library, const char *name, void *pointer_to_function) {
  void *symbol = dlsym(library, name);
  memcpy(pointer_to_function, &symbol, sizeof symbol);
  return symbol != NULL;
}

const cuda_blas *neurlp_blas_load_cuda(const char **reason) {
  static cuda_blas blas;
  static bool loaded;
  char name[32];
  if (loaded) return &blas;
  snprintf(name, sizeof name, "libcublas.so.%d", CUBLAS_VER_MAJOR);
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  loaded = library && find(library, "cublasCreate_v2", &blas.create) &&
           find(library, "cublasDestroy_v2", &blas.destroy) &&
           find(library, "cublasSetStream_v2", &blas.set_stream) &&
           find(library, "cublasSetWorkspace_v2", &blas.set_workspace) &&
           find(library, "cublasGetStatusString", &blas.status_text) &&
           find(library, "cublasDgemm_v2_64", &blas.multiply_double) &&
           find(library, "cublasSgemm_v2_64", &blas.multiply_single);
  if (!loaded) *reason = dlerror();
  return loaded ? &blas : NULL;
}
