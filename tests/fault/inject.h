/* Makes the n-th call of some function do harm: fail, kill this process, or cut or remove a file.
 *
 * The product has no hooks for this. Test programs are linked from its objects with `ld --wrap` (see
 * CMakeLists.txt here), which sends calls of the functions below, from our code only, through inject.c; of
 * pread all calls count that read fault_arm's file. A program that is not armed by fault_arm is armed by its
 * environment:
 *   NEURLP_FAULT="CALL RANK COUNT ACTION", say "MPI_Allreduce 1 20 kill"; NEURLP_FAULT_FILE for cut, vanish
 */
#ifndef TESTS_FAULT_INJECT_H
#define TESTS_FAULT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_CALLS(X)                                                                                       \
  X(aligned_alloc)                                                                                           \
  X(malloc)                                                                                                  \
  X(calloc)                                                                                                  \
  X(MPI_Allreduce)                                                                                           \
  X(MPI_Bcast)                                                                                               \
  X(H5Dread)                                                                                                 \
  X(H5Dwrite)                                                                                                \
  X(pread)                                                                                                   \
  X(rename)                                                                                                  \
  X(neurlp_triangle_append)

typedef enum fault_call {
#define FAULT_NAME(name) FAULT_##name,
  FAULT_CALLS(FAULT_NAME)
#undef FAULT_NAME
      FAULT_CALL_COUNT
} fault_call;

typedef enum fault_action {
  FAULT_NONE,
  FAULT_FAIL, /* returns what says so; of allocations and HDF5 only */
  FAULT_KILL, /* SIGKILL */
  FAULT_CUT,  /* only the first sixteenth of the file is left */
  FAULT_VANISH
} fault_action;

/* From now on calls are counted anew, and call number `count` (1, 2, ...) of this process does `action`, on
 * `file` if need be. */
void fault_arm(fault_call call, int64_t count, fault_action action, const char *file);
/* Calls since then, and whether harm was done. */
int64_t fault_calls(fault_call call);
bool fault_happened(void);

#endif
