/* Kernels of nonlinear blocks and fits whose equations are compiled into them. */
#ifndef NEURLP_CUDA_WINDOW_COMPILE_H
#define NEURLP_CUDA_WINDOW_COMPILE_H

#include "learn/model.h"

/* Which they are, and their names. They take the arguments of those that interpret. */
typedef enum window_compiled {
  WINDOW_FILL_POINT,
  WINDOW_CONTRACT,
  WINDOW_MARCH,
  WINDOW_COMPILED
} window_compiled;

#define WINDOW_COMPILED_NAMES                                                                                \
  { "compiled_fill_point", "compiled_contract", "compiled_march" }

/* What is compiled, but for the kernels: macros, and the text of "equations.h" (window_compiled.h). Both are
 * the caller's, to be freed with neurlp_release. */
NEURLP_MUST_USE neurlp_status neurlp_windows_source_cuda(neurlp_context *context, const neurlp_model *model,
                                                         char **defines, char **equations);

/* Compiles all of them for sm_`architecture`. *code [*bytes], NULL after a failure, is the caller's, to be
 * freed with neurlp_release. Fails as neurlp_compile_cuda does, and with NEURLP_ERROR_ARGUMENT for equations
 * that are too long to be worth it: more than 4096 instructions with their derivatives. */
NEURLP_MUST_USE neurlp_status neurlp_windows_compile_cuda(neurlp_context *context, int32_t architecture,
                                                          const neurlp_model *model, char **code,
                                                          size_t *bytes);

#endif
