/* How trajectories are cut into segments, and segments dealt to ranks, without regard to how many ranks there
 * are.
 *
 * A segment is a run of samples of one system, at most as long as the longest window; segments never share
 * samples. With shared coefficients consecutive segments form bins (shards), a fixed number of them: sums run
 * inside a bin, then over bins in order. With coefficients for each system, a bin is a system. Ranks own
 * contiguous bins. Where each system is alone, a plan may be of some of them only, which are worked on before
 * others; systems and bins keep their global numbers. */
#ifndef NEURLP_LEARN_PLAN_H
#define NEURLP_LEARN_PLAN_H

#include "core/context.h"

typedef struct neurlp_plan_spec {
  int64_t systems;        /* S, all ranks together */
  int64_t samples;        /* T of every system, where lengths is NULL */
  const int64_t *lengths; /* [S] or NULL */
  int64_t window;         /* samples in a segment; 0: whole trajectories */
  bool per_system;        /* each system has its own parameters */
  int64_t first, count;   /* per_system: the plan is of systems [first, first + count); count 0: of all */
  int64_t shards;         /* the most bins with shared parameters */
} neurlp_plan_spec;

typedef struct neurlp_segment {
  int64_t system; /* global */
  int64_t first;  /* sample in that system */
  int64_t count;  /* samples */
  int64_t bin;    /* global */
} neurlp_segment;

/* The part of one rank. */
typedef struct neurlp_plan {
  int64_t bins, first_bin, bin_count; /* all ranks; this rank, first_bin among all systems' */
  int64_t segment_count;
  neurlp_segment *segments;         /* [segment_count], in the order (system, first) */
  int64_t first_system, end_system; /* systems this rank has samples of */
  int64_t first_sample, end_sample; /* of the first and of the last of them */
} neurlp_plan;

/* The plan for `rank` of `size`. Every rank's plan is the same function of its arguments: local, no
 * communication. */
NEURLP_MUST_USE neurlp_status neurlp_plan_create(neurlp_context *context, const neurlp_plan_spec *spec,
                                                 int rank, int size, neurlp_plan *plan);
void neurlp_plan_release(neurlp_context *context, neurlp_plan *plan);

/* Samples in the longest segment of all systems, whichever of them a plan is of. */
int64_t neurlp_plan_longest(const neurlp_plan_spec *spec);

/* Pieces of about `window` samples that a run of `count` samples is cut into, all of nearly equal length:
 * their number, and where piece i begins (piece i ends where i + 1 begins). window = 0: one piece. */
int64_t neurlp_cut_count(int64_t count, int64_t window);
int64_t neurlp_cut_begin(int64_t count, int64_t pieces, int64_t i);

#endif
