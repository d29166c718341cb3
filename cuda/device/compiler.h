/* Kernels compiled while the program runs, by NVRTC, which is loaded when it is first needed. What was
 * compiled is kept in files, in the folder that NEURLP_CACHE names, or $XDG_CACHE_HOME/neurlp, or
 * ~/.cache/neurlp; a file that cannot be read or written is as good as none. */
#ifndef NEURLP_CUDA_COMPILER_H
#define NEURLP_CUDA_COMPILER_H

#include "core/context.h"

/* Compiles `source`, which may include the embedded headers and "equations.h", for the architecture sm_XY
 * with XY = `architecture`. *code [*bytes] is the caller's, to be freed with neurlp_release. Returns
 * NEURLP_ERROR_DEVICE if there is no NVRTC or it refuses (the message has what it says), or
 * NEURLP_ERROR_MEMORY; *code is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_compile_cuda(neurlp_context *context, int32_t architecture,
                                                  const char *source, const char *equations, char **code,
                                                  size_t *bytes);

#endif
