/* How far one system of a nonlinear block moves along its update, for the CPU and for a GPU. In the common
 * subset of C17 and C++20. */
#ifndef NEURLP_BLOCK_NONLINEAR_DAMPING_H
#define NEURLP_BLOCK_NONLINEAR_DAMPING_H

#include "core/anywhere.h"
#include "neurlp.h"

#include <math.h>

/* An update this many times the size of the trajectory leads nowhere. */
#define NEURLP_NONLINEAR_RUNAWAY 1e12

/* The larger of two sizes; NaN if either is. */
NEURLP_ANYWHERE double neurlp_nonlinear_larger(double a, double b) {
  return b > a || b != b ? b : a;
}

/* How one system's iteration goes on. */
typedef struct nonlinear_progress {
  double damping; /* fraction of the update that is taken */
  double last_update;
  bool active;
} nonlinear_progress;

/* Where an iteration begins. */
NEURLP_ANYWHERE nonlinear_progress neurlp_nonlinear_begin(void) {
  nonlinear_progress p;
  p.damping = 1;
  p.last_update = INFINITY;
  p.active = true;
  return p;
}

/* Chooses the fraction of the update that is taken. An update that does not shrink means that the
 * linearisation was trusted too far: the next one is taken by halves. Where the linearisation holds, a step
 * of a fraction a leaves 1 - a of the update; a decrease by half of that or more doubles a again. */
NEURLP_ANYWHERE void neurlp_nonlinear_damp(nonlinear_progress *p, double update, bool last) {
  if (update > p->last_update)
    p->damping = p->damping > 0.125 ? p->damping / 2 : 0.125;
  else if (update < (1 - 0.5 * p->damping) * p->last_update)
    p->damping = p->damping < 0.5 ? 2 * p->damping : 1;
  p->last_update = update;
  if (last) p->damping = 1;
}

/* Decides on an update of this size: NEURLP_NOT_FINITE and no move, NEURLP_NOT_CONVERGED and a move by the
 * damping, or NEURLP_SUCCESS and a move in full, the last one. */
NEURLP_ANYWHERE neurlp_status neurlp_nonlinear_decide(nonlinear_progress *p, double update,
                                                      double tolerance) {
  if (!(update <= NEURLP_NONLINEAR_RUNAWAY)) {
    p->active = false;
    return NEURLP_NOT_FINITE;
  }
  p->active = update > tolerance;
  neurlp_nonlinear_damp(p, update, !p->active);
  return p->active ? NEURLP_NOT_CONVERGED : NEURLP_SUCCESS;
}

/* A number of the trajectory after the move. */
NEURLP_ANYWHERE double neurlp_nonlinear_moved(const nonlinear_progress *p, double old, double updated) {
  return p->damping == 1 ? updated : old + p->damping * (updated - old);
}

#endif
