/* How one step of an optimiser changes one parameter: code for the CPU and for a GPU's thread (docs/math.md,
 * Training). Who includes it defines before
 *
 *   REAL           double or float: parameters, gradients and moments
 *   SQUARE_ROOT    of a REAL
 *
 * so there is no guard. The numbers that a step has in common for all parameters of a group were computed in
 * double precision on the host (update.h); they are rounded to REAL once. */
#include "core/anywhere.h"
#include "train/update.h"

#include <math.h>

typedef struct update_numbers {
  REAL rate, decay, shrink, momentum, undamped;
  REAL keep_first, gain_first, keep_second, gain_second, step, root, epsilon;
  bool first, nesterov;
} update_numbers;

NEURLP_ANYWHERE update_numbers update_round(const neurlp_update *u) {
  update_numbers n;
  n.rate = (REAL)u->rate;
  n.decay = (REAL)u->decay;
  n.shrink = (REAL)u->shrink;
  n.momentum = (REAL)u->momentum;
  n.undamped = (REAL)u->undamped;
  n.keep_first = (REAL)u->keep_first;
  n.gain_first = (REAL)u->gain_first;
  n.keep_second = (REAL)u->keep_second;
  n.gain_second = (REAL)u->gain_second;
  n.step = (REAL)u->step;
  n.root = (REAL)u->root;
  n.epsilon = (REAL)u->epsilon;
  n.first = u->first;
  n.nesterov = u->nesterov;
  return n;
}

/* The parameter after a step of gradient descent without momentum. (T1) */
NEURLP_ANYWHERE REAL update_descent(const update_numbers *n, REAL parameter, REAL gradient) {
  return parameter - n->rate * (gradient + n->decay * parameter);
}

/* The same with momentum, whose velocity is changed. (T2) */
NEURLP_ANYWHERE REAL update_momentum(const update_numbers *n, REAL parameter, REAL gradient, REAL *velocity) {
  const REAL slope = gradient + n->decay * parameter;
  const REAL moved = n->first ? slope : n->momentum * *velocity + n->undamped * slope;
  *velocity = moved;
  return parameter - n->rate * (n->nesterov ? slope + n->momentum * moved : moved);
}

/* The parameter after a step of Adam or AdamW, which changes both moments. For Adam `shrink` is 1, for AdamW
 * `decay` is 0. (T3) */
NEURLP_ANYWHERE REAL update_adam(const update_numbers *n, REAL parameter, REAL gradient, REAL *first,
                                 REAL *second) {
  const REAL slope = gradient + n->decay * parameter;
  const REAL m = n->keep_first * *first + n->gain_first * slope;
  const REAL v = n->keep_second * *second + n->gain_second * slope * slope;
  *first = m;
  *second = v;
  return n->shrink * parameter - n->step * (m / (SQUARE_ROOT(v) / n->root + n->epsilon));
}
