/* Memory of a node: what one rank writes all read, what each is said to hold adds up to all of it, and where
 * it cannot be shared, for one rank's sake, each has its own. */
#include "comm.h"
#include "node_memory.h"
#include "support/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

/* AddressSanitizer would stop the program where too much memory is asked for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}

static int rank, size;
static bool refuses; /* this rank's next object */

/* Calls of node_memory.c go here (ld --wrap). */
int __real_shm_open(const char *name, int flags, mode_t mode);
int __wrap_shm_open(const char *name, int flags, mode_t mode);
int __wrap_shm_open(const char *name, int flags, mode_t mode) {
  return refuses ? -1 : __real_shm_open(name, flags, mode);
}

/* Each rank writes its part of 1000 numbers, or all of them where it is alone, and reads all. */
static void check_numbers(neurlp_context *context, bool shared) {
  enum { NUMBERS = 1000 };
  neurlp_node_memory m;
  int64_t first = 0, count = 0, wrong = 0, zeros = 0;
  check_equal("memory", neurlp_node_memory_open(MPI_COMM_WORLD, context, NUMBERS * sizeof(double), &m),
              NEURLP_SUCCESS);
  check_equal("is shared", m.shared, shared);
  check_equal("by so many", m.size, shared ? size : 1);
  check_equal("the first node", m.first, shared || rank == 0);
  check_equal("is aligned", (long long)((uintptr_t)m.memory % NEURLP_ALIGNMENT_BYTES), 0);
  double *numbers = (double *)(void *)m.memory;
  for (int i = 0; i < NUMBERS; i++) zeros += numbers[i] == 0;
  check_equal("begins with zeros", zeros, NUMBERS);
  neurlp_node_memory_settle(&m);
  neurlp_partition(NUMBERS, m.rank, m.size, &first, &count);
  for (int64_t i = first; i < first + count; i++) numbers[i] = 7 + (double)i;
  neurlp_node_memory_settle(&m);
  for (int i = 0; i < NUMBERS; i++) wrong += numbers[i] != 7 + i;
  check_equal("numbers that others do not see", wrong, 0);
  int64_t parts = neurlp_node_memory_part(&m);
  MPI_Allreduce(MPI_IN_PLACE, &parts, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  check_below("bytes of all ranks' parts", fabs((double)parts - (shared ? NUMBERS * 8.0 : 0)), size);
  const size_t held = neurlp_context_memory(context).current_bytes;
  neurlp_node_memory_release(&m);
  neurlp_node_memory_release(&m);
  const size_t left = neurlp_context_memory(context).current_bytes;
  check_equal("bytes of the context", held - left >= NUMBERS * sizeof(double), !shared);
}

/* No machine has so much; and all ranks say so. */
static void check_too_much(neurlp_context *context) {
  neurlp_node_memory m;
  check_equal("2^60 bytes", neurlp_node_memory_open(MPI_COMM_WORLD, context, (int64_t)1 << 60, &m),
              NEURLP_ERROR_MEMORY);
  neurlp_node_memory_release(&m);
}

int main(int count, char **arguments) {
  neurlp_context *context = NULL;
  MPI_Init(&count, &arguments);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (neurlp_context_create(1, &context) < 0) MPI_Abort(MPI_COMM_WORLD, 1);
  check_numbers(context, size > 1);
  for (int bad = 0; bad < size; bad++) {
    refuses = rank == bad;
    check_numbers(context, false);
    refuses = false;
  }
  check_numbers(context, size > 1);
  check_too_much(context);
  check_equal("blocks left", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  const int verdict = check_verdict();
  MPI_Finalize();
  return verdict;
}
