/* Loses memory of a context on purpose: the leak check of the sanitizers' build has to say so, whatever it
 * does not look at. CTest reads its words. */
#include "comm.h"
#include "core/context.h"

#include <stdio.h>

enum { BLOCKS = 10 }; // a register or the stack may still point to the last one

static __attribute__((noinline)) void lose(neurlp_context *context) {
  double *lost = NULL;
  for (int i = 0; i < BLOCKS; i++)
    if (neurlp_allocate(context, 1000, sizeof *lost, &lost) != NEURLP_SUCCESS) printf("FAIL no memory\n");
  printf("lost %d blocks at %p\n", BLOCKS, (void *)lost);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 2;
  lose(context);
  neurlp_context_destroy(&context);
  MPI_Finalize();
  return 0;
}
