/* Functions that are compiled for the CPU and for a GPU: code that no two places may disagree about. Headers
 * with such functions keep to what C17 and C++20 have in common. */
#ifndef NEURLP_CORE_ANYWHERE_H
#define NEURLP_CORE_ANYWHERE_H

#if defined(__CUDACC__)
#define NEURLP_ANYWHERE static __forceinline__ __host__ __device__
#else
#define NEURLP_ANYWHERE static inline
#endif

#endif
