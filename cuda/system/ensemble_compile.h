/* The kernel of an ensemble whose equations are compiled into it. */
#ifndef NEURLP_CUDA_ENSEMBLE_COMPILE_H
#define NEURLP_CUDA_ENSEMBLE_COMPILE_H

#include "system/dynamics.h"
#include "system/ensemble.h"

enum { NEURLP_COMPILED_BLOCK = 128 }; /* threads of a block, each with a trajectory */

/* The name of the kernel. Its one argument is a neurlp_ensemble_call, with statuses, whose pointers are the
 * device's; it needs as many threads as there are systems. */
#define NEURLP_COMPILED_NAME "trajectories"

/* Compiles it for sm_`architecture`. *code [*bytes], NULL after a failure, is the caller's, to be freed with
 * neurlp_release. Fails as neurlp_compile_cuda does, and with NEURLP_ERROR_ARGUMENT for equations that are
 * too long to be worth it: more than 64 states or 4096 instructions. */
NEURLP_MUST_USE neurlp_status neurlp_ensemble_compile_cuda(neurlp_context *context, int32_t architecture,
                                                           const neurlp_dynamics *dynamics,
                                                           const neurlp_ensemble_options *options,
                                                           char **code, size_t *bytes);

#endif
