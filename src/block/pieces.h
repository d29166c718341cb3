/* How the time of few, long systems is cut into pieces (docs/math.md, section 2), for every backend. */
#ifndef NEURLP_BLOCK_PIECES_H
#define NEURLP_BLOCK_PIECES_H

#include "block/sweep/job.h"

/* The pieces of a batch: the first one of each system, heads, of lengths that differ, then all others, which
 * are equally long, system by system. */
typedef struct neurlp_cut {
  int32_t intervals;    /* of a piece that is not a head; 0: time is not cut */
  int32_t least_steps;  /* of a system that is cut */
  int64_t most;         /* such pieces of one system */
  int64_t part_numbers; /* numbers of a piece that are gradients of something constant in time; 0: none */
  neurlp_problem head, piece;
  neurlp_problem whole; /* as head, with final values: of a system that is too short to be cut */
} neurlp_cut;

/* Plans pieces of so many intervals for systems of at least so many steps, unless the shape says of how many
 * (then for all systems). The same plan cuts into no pieces what cannot be cut, or need not be. */
void neurlp_cut_plan(neurlp_cut *cut, const neurlp_problem *problem, int32_t intervals, int32_t least_steps);

/* Lists the pieces of a call, heads [S] first; returns how many there are beside them. The joint at a head's
 * end has its system's index more than that of its first other piece, which is thus known from it. */
int64_t neurlp_cut_list(const neurlp_cut *cut, const neurlp_shape *shape, const neurlp_inputs *inputs,
                        neurlp_piece *pieces);

/* Where the other pieces of system s begin in their list; for s = systems where they end. */
static inline int64_t neurlp_cut_first(const neurlp_piece *pieces, int64_t systems, int64_t s,
                                       int64_t count) {
  return s < systems ? pieces[s].joint - s : count;
}

/* Where gradients of an input that is constant in time stand among a piece's part_numbers. */
int64_t neurlp_cut_part(const neurlp_problem *problem, neurlp_array array);

#endif
