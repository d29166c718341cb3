/* Gauss-Newton over windows, for weights W of a library that all windows share: the blocks' equations are
 * linearised about what each window is taken for, z,
 *
 *   sum_j a_j u_k^(j) - sum_v J_kv u_v = sum_l W+[k][l] phi_l(z) - sum_v J_kv z_v,
 *   J_kv = sum_l W[k][l] dphi_l/dz_v,
 *
 * one linear block of D dimensions for each window, whose solution is linear in the new weights W+ and in the
 * window's initial values. Both are found by one least-squares problem against the data, the initial values
 * eliminated window by window; then the solution takes the place of z. Where that ends, the nonlinear
 * equations hold, and W is the least-squares estimate of their weights: du/dW has the change of z in it,
 * which Picard's iteration lacks. Source: docs/math.md, section 10; Albersmeyer, Diehl, SIAM J. Optim. 20
 * (2010). */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_NEWTON_H
#define NEURLP_LEARN_NETWORK_NETWORK_NEWTON_H

#include "learn/exchange.h"
#include "learn/model.h"
#include "learn/network/network_windows.h"

/* Everything is borrowed. */
typedef struct neurlp_newton_spec {
  const neurlp_model *library;              /* of order 1, with terms and nothing that is known */
  int32_t order;                            /* d of the block */
  int32_t leading;                          /* kappa >= 1, the last a_j that is not 0 */
  const double *coefficients;               /* a [d+1] */
  double step;                              /* h > 0, the windows' */
  double weight_top;                        /* of the block; 0: the default */
  int64_t training;                         /* how many windows count, >= 1, */
  const int64_t *chosen;                    /* [training] these; NULL: the first ones */
  neurlp_exchange exchange;                 /* its bins are shards of the windows that count */
  int64_t shards, first_shard, shard_count; /* all, and this rank's */
  double overlap;                           /* rows for each sample of the data, >= 1, for standard errors */
} neurlp_newton_spec;

typedef struct neurlp_newton neurlp_newton;

/* Makes one for windows that have estimates (neurlp_windows_refine), which are borrowed, and changed by
 * neurlp_newton_move. Memory: some 4e6 numbers for solutions, or those of eight windows where these are more,
 * and D L (D L + 3) / 2 for each shard. Fails with NEURLP_ERROR_ARGUMENT or NEURLP_ERROR_MEMORY; *newton is
 * then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_newton_create(const neurlp_newton_spec *spec, neurlp_windows *windows,
                                                   neurlp_newton **newton);
void neurlp_newton_destroy(neurlp_newton **newton);

/* Collective, begins with agreement on `mine`. The weights that are best for the blocks linearised about the
 * windows' estimates, with residuals of each state in units of their RMS so far (of the state's spread, where
 * estimates are still the data).
 *   mask    [D][L] 0: dropped
 *   weights [D][L], in: W, out: W+; unchanged if no window could be solved
 *   errors  [D][L], written: standard errors; 0 where masked, infinite where not determined; NULL: not wanted
 * All ranks get the same bits, for any number of them. Windows whose block cannot be solved count nothing; if
 * none can, nothing is determined.
 * Cost for each window: a block of D dimensions with D L + D kappa + 1 columns, and a triangularisation of
 * T D rows of as many. */
NEURLP_MUST_USE neurlp_status neurlp_newton_solve(neurlp_newton *newton, neurlp_status mine,
                                                  const double *mask, double *weights, double *errors);

/* Local. For all windows, whether they count or not: the solution for W+, the block linearised with W, takes
 * the place of the estimate, from the initial values that fit the data best. A window without a finite one,
 * or that has less data than initial values, begins again with its data. before, after [D][L] W, W+; the
 * same: equations are only solved. */
NEURLP_MUST_USE neurlp_status neurlp_newton_move(neurlp_newton *newton, const double *before,
                                                 const double *after);

#endif
