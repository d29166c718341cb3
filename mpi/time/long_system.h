/* One linear system whose time is divided over ranks (docs/math.md, section 2; docs/scaling.md). Each rank
 * has consecutive pieces of it, reads their inputs a slab at a time, twice, and writes their solution and
 * gradients a slab at a time: in memory are one slab and, of each piece, what it leaves at its joints. */
#ifndef NEURLP_MPI_LONG_SYSTEM_H
#define NEURLP_MPI_LONG_SYSTEM_H

#include "core/context.h"
#include "reduce/reduce.h"

#include <mpi.h>

/* Consecutive steps of the system in memory, arrays as of neurlp_inputs for one system. */
typedef struct neurlp_long_slab {
  int64_t first_step; /* of the system */
  int32_t length;     /* steps; 0: nothing; arrays must not be looked at then */
  /* The first of the steps that are this slab's to write: 1, as the one before is the previous slab's, or 0
   * at the beginning of the system. All intervals are its own. */
  int32_t first_own;
  void *coefficients, *rhs, *initial_values, *steps, *grad_output; /* to be read */
  /* [D][JF][R], to be read by every rank, whatever its slab has; NULL: not now, or there are none. */
  void *final_values;
  const void *solution;       /* to be written, as gradients */
  neurlp_gradients gradients; /* of what is constant in time nothing is written slab by slab */
} neurlp_long_slab;

/* What is written of a slab, the same on all ranks. */
typedef struct neurlp_long_writing {
  bool solution, gradients;
  bool again; /* it has been written before */
} neurlp_long_writing;

/* Where numbers come from and go to. Both are called by all ranks the same number of times, each with a slab
 * of its own, so that they may be collective, and return the same status on all of them. */
typedef struct neurlp_long_io {
  void *user;
  /* Reads inputs into the slab's arrays; grad_output and final values if they are not NULL, initial values at
   * step 0 only. */
  neurlp_status (*read)(void *user, const neurlp_long_slab *slab);
  /* Writes what `what` says, of gradients those that are not NULL; initial values' at step 0 only. */
  neurlp_status (*write)(void *user, const neurlp_long_slab *slab, const neurlp_long_writing *what);
} neurlp_long_io;

typedef struct neurlp_long_options {
  bool gradients;     /* grad_output is read, and gradients are written */
  int64_t slab_bytes; /* most bytes of a slab's arrays, or one piece; 0: 192 MB */
} neurlp_long_options;

typedef struct neurlp_long_result {
  neurlp_status status;       /* of the system */
  neurlp_traffic solve;       /* messages and bytes that this rank has sent to join pieces, */
  neurlp_traffic adjoint;     /* and for gradients; statuses, by MPI_Allreduce, are not counted */
  int64_t pieces, own_pieces; /* of the system, of this rank */
  int64_t memory_bytes;       /* of slab and joints on this rank; workspace comes on top */
  /* Gradients of inputs that are constant in time, in the problem's precision, on every rank; NULL else. The
   * caller releases them from the context. */
  void *grad_coefficients, *grad_rhs, *grad_steps;
  void *grad_final_values; /* [D][JF][R] likewise; NULL where there are none */
} neurlp_long_result;

/* Local. Whether the time of such a problem can be divided, with the context's backend;
 * NEURLP_ERROR_ARGUMENT, and a sentence why, if it cannot. */
NEURLP_MUST_USE neurlp_status neurlp_long_check(neurlp_context *context, const neurlp_problem *problem);

/* Collective. Solves a problem of one system, which shares nothing (sharing may be NEURLP_CONSTANT), and
 * takes gradients if wanted. A system that fails has NaN in all that is written, and its status in the
 * result; the returned status is NEURLP_SUCCESS then. It is the same on all ranks: a failure of io,
 * NEURLP_ERROR_MEMORY, or NEURLP_ERROR_ARGUMENT where time cannot be divided. The numbers do not depend on
 * ranks, threads and slabs, and are those of neurlp_solver_solve and neurlp_solver_adjoint with the backend
 * cpu, bit for bit. */
NEURLP_MUST_USE neurlp_status neurlp_long_solve(MPI_Comm comm, neurlp_context *context,
                                                const neurlp_problem *problem, const neurlp_long_io *io,
                                                const neurlp_long_options *options,
                                                neurlp_long_result *result);

/* Frees what a result holds. */
void neurlp_long_release(neurlp_context *context, neurlp_long_result *result);

#endif
