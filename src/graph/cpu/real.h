/* Kernels of graphs are compiled twice: for double, and for float where NEURLP_GRAPH_SINGLE is defined. */
#ifndef NEURLP_GRAPH_CPU_REAL_H
#define NEURLP_GRAPH_CPU_REAL_H

#include "graph/cpu/kernels.h"
#include "graph/operation.h"

#ifdef NEURLP_GRAPH_SINGLE
typedef float real;
#define NEURLP_REAL(name) name##_single
#else
typedef double real;
#define NEURLP_REAL(name) name##_double
#endif

/* The graph's threads, for `#pragma omp parallel for num_threads(...)`. */
static inline int neurlp_graph_threads(const neurlp_graph *graph) {
  return (int)neurlp_context_threads(neurlp_graph_context(graph));
}

#endif
