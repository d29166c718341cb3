/* The arrays of slabs of a long system: how large they are, and which pieces they hold. */
#ifndef NEURLP_MPI_LONG_SLAB_H
#define NEURLP_MPI_LONG_SLAB_H

#include "block/arrays.h"
#include "block/stretch.h"
#include "time/long_system.h"

/* Room for slabs of so many pieces. */
typedef struct neurlp_long_room {
  neurlp_context *context;
  const neurlp_problem *problem;
  neurlp_timeline line;
  bool gradients;
  int64_t pieces;                      /* the most of a slab */
  void *inputs[NEURLP_ARRAY_INPUTS];   /* by neurlp_array; NULL where the problem has none */
  void *gradient[NEURLP_ARRAY_INPUTS]; /* NULL without */
  void *grad_output;                   /* NULL without */
  void *solution;
  void *parts;   /* [pieces][part_numbers]; NULL without */
  int64_t bytes; /* of all of them */
} neurlp_long_room;

/* Whether an input is constant in time. */
bool neurlp_long_constant(const neurlp_problem *problem, neurlp_array array);

/* Allocates room for as many pieces as take `bytes` at most, at least one, and no more than own_pieces (or
 * one). Fails with NEURLP_ERROR_MEMORY; release it either way. */
NEURLP_MUST_USE neurlp_status neurlp_long_room_create(neurlp_context *context, const neurlp_problem *problem,
                                                      const neurlp_timeline *line, bool gradients,
                                                      int64_t own_pieces, int64_t bytes,
                                                      neurlp_long_room *room);
void neurlp_long_room_release(neurlp_long_room *room);

/* The slab of pieces [first, end); for first = end one without steps. With what is to be written, as well. */
neurlp_long_slab neurlp_long_slab_of(const neurlp_long_room *room, int64_t first, int64_t end);

/* All inputs in memory, as neurlp_stretch takes them. */
neurlp_inputs neurlp_long_inputs(const neurlp_long_room *room);

/* The gradients; of what is constant in time addresses that are not NULL. */
neurlp_gradients neurlp_long_gradients(const neurlp_long_room *room);

/* NaN in the solution, if wanted, and in all gradients. */
void neurlp_long_undefine(const neurlp_long_room *room, bool solution);

#endif
