/* The direct method: coefficients of a basis library, or parameters of known equations, without a network.
 *
 *   start      library coefficients from the integral form, by linear least squares; or the best of several
 *              starting points
 *   growth     fits on short windows, then on longer ones, as far as the data allow
 *   dropping   terms that are not significant go, a few at a time, and the rest is fitted again; windows that
 *              stayed short for them grow on
 *   end        a last fit with weights from the noise found, and standard errors
 *
 * docs/math.md, sections 6 to 8. */
#ifndef NEURLP_LEARN_DIRECT_H
#define NEURLP_LEARN_DIRECT_H

#include "core/state.h"
#include "learn/fit.h"

typedef struct neurlp_direct_options {
  neurlp_fit_options fit;
  int64_t first_window; /* samples in the windows of the first fit */
  int64_t longest;     /* samples in the longest segment of any system, where the fit is of some of them only:
                          what is found must not depend on which. 0: of the fit's own */
  double threshold;    /* least |estimate| / standard error of a library term that stays */
  double contribution; /* least share of a term in its equation: RMS of the term over RMS of the derivative */
  bool drop_always;    /* drop terms on windows of every length, not only once these have grown */
  int32_t starts;      /* starting points for named parameters; 1: only the given ones */
  uint64_t seed;
  void (*log)(void *user, const char *line); /* progress in words, or NULL */
  void *log_user;
  /* Called between iterations, of which a large fit may need minutes for each. What it keeps is a few numbers
   * for each group, and the trajectories: two times in the discovery of terms. */
  neurlp_keeper keeper;
  /* Called before the keeper: where learning is, in words, the same on all ranks; `last`: next to nothing is
   * left to do. Or NULL. */
  void (*arrive)(void *user, const char *words, bool last);
  void *arrive_user;
} neurlp_direct_options;

/* Learns. `fit` is fresh from neurlp_fit_create; on return it holds parameters, noise, windows and
 * trajectories, each group's status, and is linearised for covariances. A group that fails gets its status
 * and the others go on. Ends early with NEURLP_STOPPED if the keeper says so. Learning that goes on from what
 * was kept, with the same arguments, gives the same numbers, bit for bit, as if it had not been stopped;
 * with reproducible sums, on any number of ranks. Collective over the exchange. */
NEURLP_MUST_USE neurlp_status neurlp_direct_learn(neurlp_fit *fit, const neurlp_direct_options *options);

#endif
