/* For tests of what allocates nothing: the peak of bytes does not tell of a block that stays below it. */
#ifndef NEURLP_CORE_ALLOCATIONS_H
#define NEURLP_CORE_ALLOCATIONS_H

#include "neurlp.h"

/* How many allocations the context has made so far, alive or not: a call that leaves this number as it was
 * has allocated nothing through it. */
int64_t neurlp_context_allocations(const neurlp_context *context);

#endif
