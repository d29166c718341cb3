/* Which instruction set runs. */
#include "block/kernels.h"

#include <stdlib.h>
#include <string.h>

const neurlp_kernels *neurlp_kernels_baseline(void);
#ifdef NEURLP_HAVE_X86_ISAS
const neurlp_kernels *neurlp_kernels_avx2(void);
const neurlp_kernels *neurlp_kernels_avx512(void);
#endif

/* Worst first. Returns how many this machine has. */
static int32_t list_kernels(const neurlp_kernels *list[3]) {
  int32_t count = 0;
  list[count++] = neurlp_kernels_baseline();
#ifdef NEURLP_HAVE_X86_ISAS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    list[count++] = neurlp_kernels_avx2();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
      list[count++] = neurlp_kernels_avx512();
  }
#endif
  return count;
}

const neurlp_kernels *neurlp_kernels_choose(void) {
  const neurlp_kernels *list[3];
  const int32_t count = list_kernels(list);
  const char *name = getenv("NEURLP_ISA");
  if (!name || !*name) return list[count - 1];
  for (int32_t i = 0; i < count; i++)
    if (strcmp(list[i]->name, name) == 0) return list[i];
  return NULL;
}
