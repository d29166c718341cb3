/* The table of kernels on the CPU, in both precisions. */
#ifndef NEURLP_GRAPH_CPU_KERNELS_H
#define NEURLP_GRAPH_CPU_KERNELS_H

#include "graph/operation.h"

#define NEURLP_KERNEL_DECLARATION(name)                                                                      \
  extern const neurlp_kernel neurlp_kernel_##name##_double, neurlp_kernel_##name##_single;
NEURLP_OPERATIONS(NEURLP_KERNEL_DECLARATION)
#undef NEURLP_KERNEL_DECLARATION

#endif
