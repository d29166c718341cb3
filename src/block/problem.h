/* The inside of a problem: its shape, its formulation, and the numbers that follow from them. */
#ifndef NEURLP_BLOCK_PROBLEM_H
#define NEURLP_BLOCK_PROBLEM_H

#include "core/context.h"

enum { NEURLP_MAX_ORDER = 6, NEURLP_MAX_DERIVATIVES = NEURLP_MAX_ORDER + 1 };

struct neurlp_problem {
  neurlp_context *context;
  neurlp_shape shape;
  neurlp_formulation formulation;
  int32_t derivatives; /* d + 1 */
  int32_t unknowns;    /* n = D (d+1), of one step */
  int32_t hard_steps;  /* K if initial values are hard, else 0 */
  int32_t soft_steps;  /* K if initial values are soft, else 0 */
  int32_t final;       /* JF, derivatives that are given at the last step, hard if `hard` */
  bool hard;
  bool one_factor;        /* coefficients and steps are shared, so all systems have one factor */
  bool keeps;             /* whether solvers keep the factors of all systems */
  double weight_equation; /* w_e, never 0 */
  /* Unknown j is scaled by the j-th power of `unit`, the power of two next to the nominal step: scaling and
   * unscaling are exact. */
  double unit;
  double scale[NEURLP_MAX_DERIVATIVES];
  double inverse_scale[NEURLP_MAX_DERIVATIVES];
  int32_t twin;    /* two-point smoothness rows that begin at a derivative: 1 hermite, 2 taylor */
  int32_t central; /* 1 if there are central rows; then no two-point row begins at derivative d */
  int32_t ahead;   /* columns of step t+2 that rows joining at step t reach: D with central rows, else 0 */
  int32_t slack;   /* 1 if every smoothness row has the slack, a global unknown */
  int32_t first;   /* 1 if the first step's unknowns are global, so that rows of the last step reach them */
  int32_t globals; /* unknowns that rows of all steps may share: the first step's, then the slack */
  int32_t smoothness_rows; /* of all dimensions, for one interval */
  /* Two-point smoothness row q of a dimension begins at derivative q / twin. It has here[q][p] z^p in column
   * p of step t and next[q][p] z^p in column p of step t+1; z = h / unit. w_s is not in it. */
  double here[2 * NEURLP_MAX_DERIVATIVES][NEURLP_MAX_DERIVATIVES];
  double next[2 * NEURLP_MAX_DERIVATIVES][NEURLP_MAX_DERIVATIVES];
};

/* The problem of a piece of so many steps of time: the first piece of a system has its initial values, a
 * later one global unknowns at its first step. Final values are put in where pieces are joined (tree.h). */
neurlp_problem neurlp_problem_of_piece(const neurlp_problem *whole, int32_t steps, bool first);

#endif
