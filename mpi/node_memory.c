#include "node_memory.h"

#include "comm.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* POSIX shared memory, and not a window of MPI: Open MPI 4.1 leaves the other ranks waiting where there is no
 * room for one. */

enum { NAME_BYTES = 64 };

/* The object, made by rank 0 of the node, which reserves all of its bytes: who writes to what turns out not
 * to be there is killed. -1: it cannot be had. */
static int make_object(int64_t bytes, char name[NAME_BYTES]) {
  snprintf(name, NAME_BYTES, "/neurlp-%ld-%.0f", (long)getpid(), 1e6 * MPI_Wtime());
  const int object = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (object < 0) {
    name[0] = '\0';
    return -1;
  }
  if (posix_fallocate(object, 0, (off_t)bytes) == 0) return object;
  (void)close(object);
  return -1;
}

static int find_object(int64_t bytes, const char *name) {
  struct stat is;
  const int object = shm_open(name, O_RDWR, 0);
  if (object < 0) return -1;
  if (fstat(object, &is) == 0 && is.st_size == (off_t)bytes) return object;
  (void)close(object);
  return -1;
}

/* Where all ranks of the node have it, it needs no name any longer: it goes with the last of them, however
 * that ends. */
static bool share(neurlp_node_memory *m) {
  char name[NAME_BYTES] = "";
  void *memory = MAP_FAILED;
  int object = m->rank == 0 ? make_object(m->bytes, name) : -1;
  MPI_Bcast(name, NAME_BYTES, MPI_CHAR, 0, m->comm);
  if (m->rank > 0 && name[0]) object = find_object(m->bytes, name);
  if (object >= 0) memory = mmap(NULL, (size_t)m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
  if (object >= 0) (void)close(object);
  int failed = memory == MAP_FAILED;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, m->comm);
  if (m->rank == 0 && name[0]) (void)shm_unlink(name);
  if (!failed) m->memory = memory;
  if (failed && memory != MAP_FAILED) (void)munmap(memory, (size_t)m->bytes);
  return !failed;
}

neurlp_status neurlp_node_memory_open(MPI_Comm comm, neurlp_context *context, int64_t bytes,
                                      neurlp_node_memory *m) {
  int lowest = 0;
  neurlp_status status = NEURLP_SUCCESS;
  *m = (neurlp_node_memory){.context = context, .bytes = bytes};
  MPI_Comm_rank(comm, &lowest);
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, lowest, MPI_INFO_NULL, &m->comm);
  MPI_Comm_rank(m->comm, &m->rank);
  MPI_Comm_size(m->comm, &m->size);
  m->shared = m->size > 1 && bytes > 0 && share(m);
  if (m->shared) {
    MPI_Allreduce(MPI_IN_PLACE, &lowest, 1, MPI_INT, MPI_MIN, m->comm);
  } else {
    m->rank = 0;
    m->size = 1;
    status = neurlp_allocate(context, bytes, 1, &m->memory);
  }
  m->first = lowest == 0;
  return neurlp_agree(comm, context, status);
}

void neurlp_node_memory_settle(const neurlp_node_memory *m) {
  if (!m->shared) return;
  atomic_thread_fence(memory_order_seq_cst);
  MPI_Barrier(m->comm);
  atomic_thread_fence(memory_order_seq_cst);
}

int64_t neurlp_node_memory_part(const neurlp_node_memory *m) {
  return m->shared ? (m->bytes + m->size - 1) / m->size : 0;
}

void neurlp_node_memory_release(neurlp_node_memory *m) {
  if (!m->context) return;
  if (m->shared)
    (void)munmap(m->memory, (size_t)m->bytes);
  else
    neurlp_release(m->context, &m->memory);
  MPI_Comm_free(&m->comm);
  m->context = NULL;
}
