#define _GNU_SOURCE /* RTLD_NEXT */
#include "inject.h"

#include <dlfcn.h>
#include <hdf5.h>
#include <mpi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
  atomic_llong calls[FAULT_CALL_COUNT];
  fault_call call;
  long long count;
  fault_action action;
  const char *file;
  atomic_bool happened;
} fault;

void fault_arm(fault_call call, int64_t count, fault_action action, const char *file) {
  for (int i = 0; i < FAULT_CALL_COUNT; i++) fault.calls[i] = 0;
  fault.call = call;
  fault.count = count;
  fault.action = action;
  fault.file = file;
  fault.happened = false;
}

int64_t fault_calls(fault_call call) {
  return fault.calls[call];
}

bool fault_happened(void) {
  return fault.happened;
}

__attribute__((constructor)) static void arm_from_environment(void) {
  static const char *const calls[] = {
#define FAULT_TEXT(name) #name,
      FAULT_CALLS(FAULT_TEXT)
#undef FAULT_TEXT
  };
  static const char *const actions[] = {"none", "fail", "kill", "cut", "vanish"};
  const char *text = getenv("NEURLP_FAULT"), *own = getenv("OMPI_COMM_WORLD_RANK");
  char call[64], action[16];
  int rank = 0;
  long long count = 0;
  if (!text) return;
  if (sscanf(text, "%63s %d %lld %15s", call, &rank, &count, action) != 4) abort();
  if (rank != (own ? atoi(own) : 0)) return;
  int which = 0, what = 0;
  while (which < FAULT_CALL_COUNT && strcmp(calls[which], call) != 0) which++;
  while (what < 5 && strcmp(actions[what], action) != 0) what++;
  if (which == FAULT_CALL_COUNT || what == 5) abort(); /* a test that misspells must not pass */
  fault_arm((fault_call)which, count, (fault_action)what, getenv("NEURLP_FAULT_FILE"));
}

/* Counts a call; true if it has to fail. */
static bool strike(fault_call call) {
  const long long number = atomic_fetch_add(&fault.calls[call], 1) + 1;
  if (call != fault.call || number != fault.count || fault.action == FAULT_NONE) return false;
  fault.happened = true;
  struct stat info;
  switch (fault.action) {
  case FAULT_KILL:
    kill(getpid(), SIGKILL);
    break;
  case FAULT_CUT:
    if (stat(fault.file, &info) != 0 || truncate(fault.file, info.st_size / 16) != 0) abort();
    break;
  case FAULT_VANISH:
    if (unlink(fault.file) != 0) abort();
    break;
  case FAULT_FAIL:
  case FAULT_NONE:
    break;
  }
  return fault.action == FAULT_FAIL;
}

/* What the linker calls instead of NAME is __wrap_NAME; __real_NAME is NAME itself. */
#define WRAP(name, type, parameters, arguments, failed)                                                      \
  type __real_##name parameters;                                                                             \
  type __wrap_##name parameters;                                                                             \
  type __wrap_##name parameters {                                                                            \
    return strike(FAULT_##name) ? (failed) : __real_##name arguments;                                        \
  }

WRAP(aligned_alloc, void *, (size_t alignment, size_t bytes), (alignment, bytes), NULL)
WRAP(malloc, void *, (size_t bytes), (bytes), NULL)
WRAP(calloc, void *, (size_t count, size_t bytes), (count, bytes), NULL)
WRAP(MPI_Allreduce, int, (const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm),
     (from, to, count, type, op, comm), MPI_ERR_OTHER)
WRAP(MPI_Bcast, int, (void *data, int count, MPI_Datatype type, int root, MPI_Comm comm),
     (data, count, type, root, comm), MPI_ERR_OTHER)
WRAP(H5Dread, herr_t, (hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer, void *values),
     (set, type, memory, space, transfer, values), -1)
WRAP(H5Dwrite, herr_t, (hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer, const void *values),
     (set, type, memory, space, transfer, values), -1)
WRAP(rename, int, (const char *from, const char *to), (from, to), -1)

void __real_neurlp_triangle_append(int64_t n, double *triangle, int64_t m, double *rows);
void __wrap_neurlp_triangle_append(int64_t n, double *triangle, int64_t m, double *rows);
void __wrap_neurlp_triangle_append(int64_t n, double *triangle, int64_t m, double *rows) {
  strike(FAULT_neurlp_triangle_append);
  __real_neurlp_triangle_append(n, triangle, m, rows);
}

/* Not wrapped but put in place of the C library's, as it is HDF5 that calls it: all that is read of a file
 * comes through here. Only calls on fault.file count. */
ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
  static ssize_t (*real)(int, void *, size_t, off_t);
  struct stat own, other;
  if (!real) {
    void *found = dlsym(RTLD_NEXT, "pread");
    memcpy(&real, &found, sizeof real);
  }
  if (fault.file && fstat(descriptor, &own) == 0 && stat(fault.file, &other) == 0 &&
      own.st_ino == other.st_ino && own.st_dev == other.st_dev)
    strike(FAULT_pread);
  return real(descriptor, bytes, count, offset);
}
