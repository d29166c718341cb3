#include "node_memory.h"

#include "comm.h"

#include <string.h>

/* One rank of the node gives all of it, and more for the alignment; the others learn where it begins. That an
 * attempt may fail is MPI's to say, not to end the program for. */
static bool share(neurlp_node_memory *m) {
  const MPI_Aint room = m->rank == 0 ? (MPI_Aint)m->bytes + NEURLP_ALIGNMENT_BYTES : 0;
  MPI_Aint there = 0;
  int unit = 1, failed;
  void *own = NULL, *base = NULL;
  MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN);
  failed = MPI_Win_allocate_shared(room, 1, MPI_INFO_NULL, m->comm, &own, &m->window) != MPI_SUCCESS;
  if (failed) m->window = MPI_WIN_NULL;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, m->comm);
  if (!failed) failed = MPI_Win_shared_query(m->window, 0, &there, &unit, &base) != MPI_SUCCESS;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, m->comm);
  MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_ARE_FATAL);
  if (failed) {
    if (m->window != MPI_WIN_NULL) MPI_Win_free(&m->window);
    return false;
  }
  const uintptr_t past = (uintptr_t)base % NEURLP_ALIGNMENT_BYTES;
  m->memory = (unsigned char *)base + (past > 0 ? NEURLP_ALIGNMENT_BYTES - past : 0);
  MPI_Win_lock_all(MPI_MODE_NOCHECK, m->window);
  if (m->rank == 0) memset(m->memory, 0, (size_t)m->bytes);
  neurlp_node_memory_settle(m);
  return true;
}

neurlp_status neurlp_node_memory_open(MPI_Comm comm, neurlp_context *context, int64_t bytes,
                                      neurlp_node_memory *m) {
  int all = 0, lowest = 0;
  neurlp_status status = NEURLP_SUCCESS;
  *m = (neurlp_node_memory){.context = context, .window = MPI_WIN_NULL, .bytes = bytes};
  MPI_Comm_rank(comm, &all);
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, all, MPI_INFO_NULL, &m->comm);
  MPI_Comm_rank(m->comm, &m->rank);
  MPI_Comm_size(m->comm, &m->size);
  m->shared = m->size > 1 && bytes > 0 && share(m);
  if (!m->shared) {
    m->rank = 0;
    m->size = 1;
    status = neurlp_allocate(context, bytes, 1, &m->memory);
  }
  lowest = all;
  if (m->shared) MPI_Allreduce(MPI_IN_PLACE, &lowest, 1, MPI_INT, MPI_MIN, m->comm);
  m->first = lowest == 0;
  return neurlp_agree(comm, context, status);
}

void neurlp_node_memory_settle(const neurlp_node_memory *m) {
  if (!m->shared) return;
  MPI_Win_sync(m->window);
  MPI_Barrier(m->comm);
  MPI_Win_sync(m->window);
}

int64_t neurlp_node_memory_part(const neurlp_node_memory *m) {
  return m->shared ? (m->bytes + m->size - 1) / m->size : 0;
}

void neurlp_node_memory_release(neurlp_node_memory *m) {
  if (!m->context) return;
  if (m->window != MPI_WIN_NULL) {
    MPI_Win_unlock_all(m->window);
    MPI_Win_free(&m->window);
  } else {
    neurlp_release(m->context, &m->memory);
  }
  if (m->comm != MPI_COMM_NULL) MPI_Comm_free(&m->comm);
  m->context = NULL;
}
