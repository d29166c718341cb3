/* L-BFGS: quasi-Newton steps from the last few changes of parameters and gradient, with a line search for the
 * strong Wolfe conditions. For losses that are evaluated on all data at once. Source: Liu and Nocedal,
 * Math. Programming 45 (1989) 503; docs/math.md, Training.
 *
 * Memory: 2 m + 4 vectors in the parameters' precision, allocated when it is made. Cost of an iteration
 * beside its evaluations: 4 m + 8 passes over a vector. Sums are in a fixed order: any number of threads
 * gives the same numbers. */
#ifndef NEURLP_TRAIN_LBFGS_H
#define NEURLP_TRAIN_LBFGS_H

#include "train/minimiser.h"

extern const neurlp_minimiser neurlp_minimiser_lbfgs;

#endif
