/* Nonlinear least squares on short windows: parameters of the equations, and initial values of every window.
 *
 * A *group* shares one set of parameters: all systems together, or each system alone. Its trajectories are
 * cut into windows; each window is a nonlinear mechanistic block with free initial values z_w.
 * Levenberg-Marquardt on sum_w sum_i sum_k ( (data_ik - u_ik(theta, z_w)) / sigma_k )^2, with z_w eliminated
 * window by window by orthogonal triangularisation (docs/math.md, section 7). All groups of all ranks advance
 * in step; a group that has converged or failed drops out. */
#ifndef NEURLP_LEARN_FIT_H
#define NEURLP_LEARN_FIT_H

#include "learn/exchange.h"
#include "learn/model.h"
#include "learn/trajectory.h"

/* What can be said after each iteration: of this rank's groups. */
typedef struct neurlp_fit_progress {
  int32_t iteration;       /* of this fit */
  int64_t groups, active;  /* all; still iterating */
  int64_t windows, window; /* windows that take part; samples in those of the first group */
  int64_t free;            /* parameters that may move, of the first group */
  double objective;        /* weighted sum of squares of the groups that have not failed */
} neurlp_fit_progress;

/* What is left of a fit once initial values of windows are eliminated: min |f(x)|^2 over the free parameters.
 */
typedef struct neurlp_outer_problem {
  int32_t unknowns;            /* n; f has one more entry than there are columns, `residuals` */
  int32_t residuals;           /* m */
  int32_t iterations;          /* the most */
  const double *lower, *upper; /* [n] bounds; -inf, inf: none */
  /* Collective over the exchange. f [m] and its Jacobian [m][n] at x; *reached is false where windows cannot
   * be solved there; *settled says that the best step is below what the noise lets be seen. */
  neurlp_status (*evaluate)(void *user, const double *x, double *residual, double *jacobian, bool *reached,
                            bool *settled);
  void *user;
} neurlp_outer_problem;

/* Another library's solver of it. Moves x [n] as far as it comes; *converged. Collective. */
typedef struct neurlp_outer_solver {
  neurlp_status (*solve)(void *user, neurlp_context *context, const neurlp_outer_problem *problem, double *x,
                         bool *converged);
  void *user;
} neurlp_outer_solver;

typedef struct neurlp_fit_options {
  int32_t iterations;  /* limit of one fit */
  double tolerance;    /* relative change of the parameters that counts as none */
  double nominal_step; /* as in neurlp_formulation; the same on all ranks */
  double weight_top;
  bool equal_noise; /* one noise level for all states, else one for each */
  bool per_system;
  neurlp_outer_solver outer; /* solve NULL: Levenberg-Marquardt; else parameters have to be shared */
  void (*progress)(void *user,
                   const neurlp_fit_progress *progress); /* called after each iteration, or NULL */
  void *progress_user;
} neurlp_fit_options;

/* State of one group. */
typedef struct neurlp_group {
  neurlp_status status;
  bool active;   /* still iterating */
  bool standing; /* its last fit stands, and it takes no part in the one in hand: what other groups need does
                    not touch it. Set by the caller between fits */
  bool stale;    /* its triangle belongs to older parameters */
  bool converged;
  int64_t window;          /* samples in its windows now; 0: whole segments */
  int64_t windows, failed; /* windows that take part; windows whose block could not be solved */
  int64_t values;          /* numbers of data in them */
  double damping;
  double objective, trial; /* weighted sum of squares at the current and at the trial parameters */
  double predicted;        /* decrease of the objective that the step promises */
} neurlp_group;

typedef struct neurlp_window {
  int64_t segment, group, bin; /* local indices */
  int64_t first_sample;        /* packed local index */
  int64_t samples;
  int64_t first_point; /* packed local index */
  int32_t points;
  bool excluded; /* its block could not be solved at the start of this fit */
} neurlp_window;

typedef struct neurlp_fit {
  neurlp_context *context;
  const neurlp_model *model;
  const neurlp_trajectories *data;
  neurlp_exchange exchange;
  neurlp_fit_options options;
  int64_t groups;      /* local number: 1, or systems of this rank */
  neurlp_group *group; /* [groups] */
  double *theta;       /* [groups][P] */
  double *trial_theta; /* [groups][P] */
  double *step;        /* [groups][P] */
  bool *free;          /* [groups][P] which parameters may move; the others keep their value */
  double *sigma;       /* [groups][D] noise level of each state, for weights */
  double *squares;     /* [groups][D] sum of squared residuals of each state at the current parameters */
  double *counts;      /* [groups][D] numbers of data of each state */
  double *power;       /* [groups][P + D] mean square of df/dtheta_p, and of f_k, over the grid */
  double *state;       /* [points][D][d+1] current trajectory */
  double *trial_state; /* [points][D][d+1] */
  int64_t window_count;
  neurlp_window *window;
  double *initial;       /* [windows][D kappa] */
  double *trial_initial; /* [windows][D kappa] */
  struct neurlp_fit_work *work;
} neurlp_fit;

NEURLP_MUST_USE neurlp_status neurlp_fit_create(neurlp_context *context, const neurlp_model *model,
                                                const neurlp_trajectories *data,
                                                const neurlp_exchange *exchange,
                                                const neurlp_fit_options *options, neurlp_fit **fit);
void neurlp_fit_destroy(neurlp_fit **fit);

/* Cuts the segments of every group into windows of group->window samples. Initial values and trajectories are
 * taken from fit->state. Local. */
NEURLP_MUST_USE neurlp_status neurlp_fit_cut(neurlp_fit *fit);

/* Numbers of a fit that has been started, beside its public arrays: what goes on from there needs them. Both
 * belong to samples rather than windows, so that their counts do not depend on how long windows are.
 *   initial  [samples][D kappa], at the sample with which a window begins: its initial values
 *   excluded [samples], at that sample
 * `keep` brings fit->state up to date too. `resume` cuts the windows as they were, whereupon fit->group,
 * theta, free, sigma and state hold what they held then. Local. */
NEURLP_MUST_USE neurlp_status neurlp_fit_keep(neurlp_fit *fit, double *initial, uint8_t *excluded);
NEURLP_MUST_USE neurlp_status neurlp_fit_resume(neurlp_fit *fit, const double *initial,
                                                const uint8_t *excluded);

/* Sets fit->state to the smoothed samples. */
void neurlp_fit_restart(neurlp_fit *fit);

/* Begins with windows of group->window samples: cuts, moves trajectories and initial values to fit the data
 * at the current parameters as far as that goes, solves, and marks windows that cannot be solved as excluded:
 * a group that loses more than `most` of its windows gets NEURLP_NOT_CONVERGED in `verdict` [groups], one
 * with no more data than unknowns NEURLP_TOO_SHORT. Standing groups keep initial values, windows that are
 * excluded, and verdict. Collective with shared parameters, where it must be followed by an agreement
 * (neurlp_fit_agree). */
NEURLP_MUST_USE neurlp_status neurlp_fit_begin(neurlp_fit *fit, double most, neurlp_status *verdict);

/* Levenberg-Marquardt, iteration by iteration, so that what is reached can be kept in between:
 *   start    solves all windows of good groups, which become active
 *   iterate  one step of all active groups. Those that have converged or given up are active no longer;
 *            `strictness` 1 for a final fit, larger for one on the way (multiplies the tolerances).
 *            Parameters within bounds stay within
 *   finish   sums of squares of every state, and trajectories, at the parameters found
 * *going: a group of some rank is still active. All three are collective, and fail on all ranks or none. */
NEURLP_MUST_USE neurlp_status neurlp_fit_start(neurlp_fit *fit, bool *going);
NEURLP_MUST_USE neurlp_status neurlp_fit_iterate(neurlp_fit *fit, int32_t iteration, double strictness,
                                                 bool *going);
NEURLP_MUST_USE neurlp_status neurlp_fit_finish(neurlp_fit *fit);

/* Where options.outer has a solver, it takes the place of all iterations. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_fit_minimise(neurlp_fit *fit, double strictness);

/* Sets parameters of group g to zero and holds them there; the others move to where the last linearisation
 * has their best values without these. `dropped` [count] parameter numbers. Local. */
void neurlp_fit_hold_at_zero(neurlp_fit *fit, int64_t g, int32_t count, const int32_t *dropped);

/* Sets sigma from the residuals, of groups that do not stand. */
void neurlp_fit_update_noise(neurlp_fit *fit);

/* Linearises all good groups once more at their final parameters, for the covariances. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_fit_linearise(neurlp_fit *fit);

/* Covariance of the parameters of group g at the last linearisation, [P][P], scaled by the residual variance;
 * rows and columns of parameters that are not free are zero, the variance of one that the data do not
 * determine is infinite. Local. */
void neurlp_fit_covariance(neurlp_fit *fit, int64_t g, double *covariance);

/* Standard errors of the initial values of window w, [D kappa], given the covariance of its group's
 * parameters. */
void neurlp_fit_initial_errors(neurlp_fit *fit, int64_t w, const double *covariance, double *errors);

#endif
