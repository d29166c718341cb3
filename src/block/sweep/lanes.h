/* Numbers of several systems side by side, one in each lane of a vector register. Arithmetic operators act on
 * every lane; so does everything here. Code written with `lanes` is code for one system: on a GPU, where each
 * thread has a system, there is one lane and the same code is scalar code. No lane ever sees another.
 *
 * Two kinds of number: `inner` ones take part in the elimination, `outer` ones are those of the caller's
 * arrays and of everything that is done with a factor. They differ in mixed precision only. NEURLP_PRECISION
 * is `double`, `single` or `mixed` (NEURLP_KERNEL_DOUBLE and so on are defined to tell which).
 *
 * In registers lanes are `lanes` (inner numbers) and `wide` (outer ones); in memory they are cells. On a CPU
 * that is the same. On a GPU the workspaces of GROUP neighbouring threads are interleaved, and a cell is as
 * far from the next one as GROUP numbers are long: threads that do the same thing read consecutive
 * addresses. Workspaces of GROUP lanes are allocated together; each thread begins at its own number. */
#ifndef NEURLP_BLOCK_LANES_H
#define NEURLP_BLOCK_LANES_H

#include <float.h>
#include <math.h>
#include <stdint.h>

#if defined(NEURLP_KERNEL_SINGLE)
typedef float inner, outer;
typedef int32_t inner_mask, outer_mask;
#define INNER_EPSILON  FLT_EPSILON
#define INNER_SMALLEST FLT_MIN
#define OUTER_EPSILON  FLT_EPSILON
#elif defined(NEURLP_KERNEL_MIXED)
typedef float inner;
typedef double outer;
typedef int32_t inner_mask;
typedef int64_t outer_mask;
#define INNER_EPSILON  FLT_EPSILON
#define INNER_SMALLEST FLT_MIN
#define OUTER_EPSILON  DBL_EPSILON
#else
typedef double inner, outer;
typedef int64_t inner_mask, outer_mask;
#define INNER_EPSILON  DBL_EPSILON
#define INNER_SMALLEST DBL_MIN
#define OUTER_EPSILON  DBL_EPSILON
#endif

#if defined(__CUDACC__)
#include "block/sweep/lanes_thread.h"
#else
#include "block/sweep/lanes_vector.h"
#endif

/* A loop over unknowns, rows or right-hand sides: i from `first` to before `end`. */
#define EACH(i, first, end) UNROLLED for (int32_t i = (first); i < (end); i++)

#endif
