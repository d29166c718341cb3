/* The backend cpu:check around any backend. */
#ifndef NEURLP_BLOCK_CPU_CHECK_H
#define NEURLP_BLOCK_CPU_CHECK_H

#include "block/backend.h"

/* Makes a state of neurlp_backend_cpu_check() that calls `inner`, which must outlive it, instead of cpu.
 * Fails as create of `inner`, and with NEURLP_ERROR_MEMORY; *state is NULL then. */
NEURLP_MUST_USE neurlp_status neurlp_cpu_check_wrap(neurlp_context *context, const neurlp_problem *problem,
                                                    const neurlp_backend *inner, void **state);

#endif
