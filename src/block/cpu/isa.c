/* Which instruction set runs. */
#include "block/cpu/kernels.h"

#include <stdlib.h>
#include <string.h>

/* The tables of an instruction set, by precision. */
#define DECLARE(isa)                                                                                         \
  const neurlp_kernels *neurlp_kernels_##isa##_double(void);                                                 \
  const neurlp_kernels *neurlp_kernels_##isa##_single(void);                                                 \
  const neurlp_kernels *neurlp_kernels_##isa##_mixed(void);
#define TABLES(isa)                                                                                          \
  {                                                                                                          \
#isa, {                                                                                                  \
      neurlp_kernels_##isa##_double, neurlp_kernels_##isa##_single, neurlp_kernels_##isa##_mixed             \
    }                                                                                                        \
  }

typedef struct isa_tables {
  const char *name;
  const neurlp_kernels *(*of[3])(void);
} isa_tables;

DECLARE(baseline)
#ifdef NEURLP_HAVE_X86_ISAS
DECLARE(avx2)
DECLARE(avx512)
#endif

/* Worst first. Returns how many this machine has. */
static int32_t list_isas(isa_tables list[3]) {
  int32_t count = 0;
  list[count++] = (isa_tables)TABLES(baseline);
#ifdef NEURLP_HAVE_X86_ISAS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    list[count++] = (isa_tables)TABLES(avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
      list[count++] = (isa_tables)TABLES(avx512);
  }
#endif
  return count;
}

const neurlp_kernels *neurlp_kernels_choose(neurlp_precision precision) {
  isa_tables list[3];
  const int32_t count = list_isas(list);
  const char *name = getenv("NEURLP_ISA");
  if (!name || !*name) return list[count - 1].of[precision]();
  for (int32_t i = 0; i < count; i++)
    if (strcmp(list[i].name, name) == 0) return list[i].of[precision]();
  return NULL;
}
