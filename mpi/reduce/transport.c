#include "reduce/transport.h"

#include "comm.h"

#include <stdio.h>
#include <string.h>

/* Open MPI and what comes of it have this header, and mpi.h says whether there is anything in it. */
#if defined(OPEN_MPI) && OPEN_MPI
#include <mpi-ext.h>
#endif

/* Numbers of the proof: more than MPI sends at once, so that it takes the way that long vectors go. */
enum { PROOF = 1 << 16 };

neurlp_gpu_aware neurlp_gpu_aware_of(const char *word) {
  if (strcmp(word, "on") == 0) return NEURLP_AWARE_ON;
  return strcmp(word, "auto") == 0 ? NEURLP_AWARE_AUTO : NEURLP_AWARE_OFF;
}

/* What speaks against handing MPI addresses of the vectors: the worst of all ranks counts. */
typedef enum obstacle { NOTHING, SAYS_NO, SAYS_NOTHING, IMITATED, OBSTACLES } obstacle;

static const char *const sentences[OBSTACLES] = {
    [SAYS_NO] = "this MPI says that it cannot (MPIX_Query_cuda_support)",
    [SAYS_NOTHING] = "this MPI cannot be asked whether it can (it has no MPIX_Query_cuda_support)",
    [IMITATED] = "the GPU is imitated, and MPI knows nothing of its memory"};

static obstacle find_obstacle(const neurlp_vectors *vectors) {
  if (vectors->place == NEURLP_VECTORS_IMITATED) return IMITATED;
#if defined(MPIX_CUDA_AWARE_SUPPORT)
  return MPIX_Query_cuda_support() ? NOTHING : SAYS_NO;
#else
  return SAYS_NOTHING;
#endif
}

/* Known contents: different for every rank and place. */
static double number_of(int rank, int64_t i) {
  return rank * (double)PROOF + (double)i + 0.5;
}

/* The vectors [2][PROOF] have what is sent, and NaN where something is to be received. */
static neurlp_status fill(const neurlp_vectors *v, int rank, void *vectors, double *staging) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < PROOF; i++) staging[i] = number_of(rank, i);
  memset(staging + PROOF, 0xff, PROOF * sizeof *staging);
  NEURLP_TRY(v->copy(v->user, 0, vectors, staging, 2 * PROOF * sizeof *staging));
  NEURLP_TRY(v->wait(v->user, 0));
done:
  return status;
}

static neurlp_status compare(const neurlp_vectors *v, int rank, const void *vectors, double *staging,
                             bool *same) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(v->copy(v->user, 0, staging, vectors, 2 * PROOF * sizeof *staging));
  NEURLP_TRY(v->wait(v->user, 0));
  *same = true;
  for (int64_t i = 0; i < PROOF; i++) *same = *same && staging[PROOF + i] == number_of(rank, i);
done:
  return status;
}

neurlp_status neurlp_transport_prove(MPI_Comm comm, neurlp_context *context, const neurlp_vectors *v,
                                     bool *works) {
  const size_t bytes = 2 * PROOF * sizeof(double);
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, size = 1;
  void *vectors = NULL, *staging = NULL;
  bool same = false;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int before = (rank + size - 1) % size, next = (rank + 1) % size;
  status = v->allocate(v->user, bytes, &vectors);
  if (status >= 0) status = v->allocate_staging(v->user, bytes, &staging);
  if (status >= 0) status = fill(v, rank, vectors, staging);
  NEURLP_TRY(neurlp_agree(comm, context, status));
  const int error = MPI_Sendrecv(vectors, PROOF, MPI_DOUBLE, next, 0, (double *)vectors + PROOF, PROOF,
                                 MPI_DOUBLE, before, 0, comm, MPI_STATUS_IGNORE);
  NEURLP_TRY(neurlp_agree(comm, context, compare(v, before, vectors, staging, &same)));
  int good = same && error == MPI_SUCCESS, all = 0;
  MPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, comm);
  *works = all;
done:
  v->release_staging(v->user, &staging);
  v->release(v->user, &vectors);
  return status;
}

neurlp_status neurlp_transport_choose(MPI_Comm comm, neurlp_context *context, const neurlp_vectors *vectors,
                                      neurlp_gpu_aware wish, neurlp_transport *transport, char *reason,
                                      size_t bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  bool works = false;
  *transport = vectors->place == NEURLP_VECTORS_HOST ? NEURLP_TRANSPORT_DIRECT : NEURLP_TRANSPORT_STAGED;
  if (bytes > 0) reason[0] = 0;
  if (*transport == NEURLP_TRANSPORT_DIRECT || wish == NEURLP_AWARE_OFF) return status;
  int mine = (int)find_obstacle(vectors), worst = NOTHING;
  MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, comm);
  if (worst == NOTHING) NEURLP_TRY(neurlp_transport_prove(comm, context, vectors, &works));
  if (works) {
    *transport = NEURLP_TRANSPORT_AWARE;
    return status;
  }
  const char *why =
      worst != NOTHING ? sentences[worst] : "what MPI sent from one GPU's memory came as something else";
  if (wish == NEURLP_AWARE_ON)
    status =
        neurlp_fail(context, NEURLP_ERROR_DECK,
                    "run.gpu_aware is on, but MPI cannot be given addresses of the GPU's memory: %s; take "
                    "auto or off",
                    why);
  else
    snprintf(reason, bytes, "MPI is not given addresses of the GPU's memory: %s", why);
done:
  return status;
}

neurlp_status neurlp_transport_open(MPI_Comm comm, neurlp_context *context, const char *word,
                                    neurlp_vectors *vectors, neurlp_transport *transport) {
  neurlp_status status = NEURLP_SUCCESS;
  char reason[256] = "";
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  NEURLP_TRY(neurlp_agree(comm, context, neurlp_vectors_of(context, vectors)));
  NEURLP_TRY(neurlp_transport_choose(comm, context, vectors, neurlp_gpu_aware_of(word), transport, reason,
                                     sizeof reason));
  if (rank == 0 && *reason) fprintf(stderr, "run.gpu_aware %s: %s\n", word, reason);
done:
  return status;
}
