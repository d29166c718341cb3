#include "train/accelerator.h"

#include <string.h>

neurlp_status neurlp_accelerator_of(neurlp_context *context, const neurlp_accelerator **accelerator) {
  *accelerator = NULL;
#ifdef NEURLP_HAVE_CUDA
  if (strncmp(neurlp_context_backend(context), "cuda", 4) == 0)
    return neurlp_accelerator_cuda(context, accelerator);
#else
  (void)context;
#endif
  return NEURLP_SUCCESS;
}
