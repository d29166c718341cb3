/* Whether all who work together (ranks, say) know of the failure whose message a context holds. The library
 * knows no others: who does sets it after neurlp_fail, which clears it (mpi/comm.h). */
#ifndef NEURLP_CORE_SHARED_FAILURE_H
#define NEURLP_CORE_SHARED_FAILURE_H

#include "core/context.h"

void neurlp_context_set_shared(neurlp_context *context, bool shared);
bool neurlp_context_shared(const neurlp_context *context);

#endif
