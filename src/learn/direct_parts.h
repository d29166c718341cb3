/* The inside of the direct method.
 *
 *   direct.c        the sequence of stages
 *   direct_start.c  parameters and noise that learning starts from; several starting points
 *   start.c         library coefficients from the integral form
 *   direct_grow.c   windows that become longer
 *   drop.c          dropping terms
 *   direct_keep.c   what is kept between iterations, and going on from there
 *
 * Learning is a sequence of fits, each of them iterations. A stage prepares its next fit and, once that is
 * done, concludes from it what comes next. All that must be known between two iterations is in
 * neurlp_learning and in the fit: whoever has that goes on, bit for bit as if nothing had happened. What
 * comes next is the same on all ranks, also where each has systems of its own. */
#ifndef NEURLP_LEARN_DIRECT_PARTS_H
#define NEURLP_LEARN_DIRECT_PARTS_H

#include "learn/direct.h"

typedef enum neurlp_stage {
  NEURLP_STAGE_STARTS,   /* the first windows, from several starting points; round: which of them */
  NEURLP_STAGE_GROWTH,   /* the first windows, or longer ones */
  NEURLP_STAGE_DROPPING, /* insignificant terms have gone, the rest is fitted again; round: how often */
  NEURLP_STAGE_RETURN,   /* what was needed after all is back, and fitted again */
  NEURLP_STAGE_FINAL,    /* two fits: with the noise of the last one, and with that of the first of them */
  NEURLP_STAGE_DONE
} neurlp_stage;

/* Where learning is; the same on all ranks. */
typedef struct neurlp_direct_place {
  int64_t stage, round;
  int64_t fitting;          /* a fit has been prepared and is not concluded */
  int64_t iteration, going; /* of this fit: how many are done; whether there is another */
  int64_t longest;          /* samples in the longest segment: windows need not grow beyond it */
} neurlp_direct_place;

/* What learning knows of a group. */
typedef struct neurlp_direct_group {
  int64_t previous; /* windows to go back to, -1: none */
  bool settled;     /* it has gone back, and its windows do not grow for now */
  bool moved;       /* it has longer windows or fewer terms than when it last tried longer ones */
  bool stands;      /* while windows are cut: they do not grow, whatever the others' do, and its fit stands */
  double best;      /* mean objective of the best starting point so far */
  int32_t most;     /* terms that may be dropped at once */
  int32_t count;    /* terms that have been, in this round */
  bool by_share;    /* all of them because their share is too small */
  double objective; /* before this round */
} neurlp_direct_group;

typedef struct neurlp_learning {
  neurlp_fit *fit;
  const neurlp_direct_options *options;
  neurlp_direct_place place;
  neurlp_direct_group *group; /* [groups] */
  neurlp_status *verdict;     /* [groups] of the beginning of their last fits */
  /* what is gone back to: the best starting point so far; what there was before the terms in hand went */
  double *theta; /* [groups][P] */
  double *sigma; /* [groups][D] of all starting points */
  bool *free;    /* [groups][P] */
  double *state; /* [points][D][d+1]; NULL without a library */
  bool *needed;  /* [groups][P] terms that were dropped alone, and taken back */
  bool *dropped; /* [groups][P] in this round */
  /* workspace of dropping */
  double *covariance;              /* [P][P] */
  struct neurlp_candidate *list;   /* [P] */
  int32_t *list_dropped;           /* [P] */
  struct neurlp_direct_kept *kept; /* direct_keep.c; NULL: nobody keeps anything */
} neurlp_learning;

/* Strictness of fits on the way, which need not be as exact as the last one, and of the last. */
static const double NEURLP_ON_THE_WAY = 30, NEURLP_FINAL = 1;

/* Share of a group's windows that may fail at the start of a fit that has an alternative. */
static const double NEURLP_MOST_FAILED = 0.02;

/* ---- stages: prepare a fit, or move on to another stage; conclude a fit. Collective ------------------- */

NEURLP_MUST_USE neurlp_status neurlp_direct_prepare_start(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_conclude_start(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_prepare_growth(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_conclude_growth(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_prepare_drop(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_conclude_drop(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_prepare_return(neurlp_learning *l);
NEURLP_MUST_USE neurlp_status neurlp_direct_conclude_return(neurlp_learning *l);

/* Goes to a stage's round; no fit is in hand. */
void neurlp_direct_go_to(neurlp_learning *l, neurlp_stage stage, int64_t round);

/* The windows are ready: the fit begins. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_begin_fit(neurlp_learning *l);

/* ---- what they share --------------------------------------------------------------------------------- */

/* Starting values, noise, windows, and the first stage. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_set_out(neurlp_learning *l);

/* Library coefficients of every group from the integral form of the equations over whole segments. Collective
 * with shared parameters. */
NEURLP_MUST_USE neurlp_status neurlp_direct_integrals(neurlp_fit *fit);

/* No term is left to drop: growth goes on where that makes a difference, or else the last fit comes.
 * Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_grow_on(neurlp_learning *l);

/* Cuts windows of the groups' lengths and begins with them; groups that cannot go back to their previous
 * ones. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_cut(neurlp_learning *l);

/* Memory for dropping, if there is anything to drop; and freeing it. Local. */
NEURLP_MUST_USE neurlp_status neurlp_direct_create_drop(neurlp_learning *l);

/* Sends a line (printf-style) to the log of the options; a line about the fit. */
NEURLP_PRINTF(2, 3) void neurlp_direct_say(const neurlp_direct_options *options, const char *format, ...);
void neurlp_direct_report(const neurlp_learning *l, const char *what);

/* Keeps the trajectories as they are for going back to them, where there are terms. Local. */
void neurlp_direct_remember(neurlp_learning *l);

/* Sets the trajectories of one group from `state` [points][D][d+1]. */
void neurlp_direct_restore_group(neurlp_fit *fit, int64_t group, const double *state);

/* ---- direct_keep.c ----------------------------------------------------------------------------------- */

/* Arrays for what is kept, if the options name a keeper. Local. */
NEURLP_MUST_USE neurlp_status neurlp_direct_create_kept(neurlp_learning *l);
void neurlp_direct_release_kept(neurlp_learning *l);

/* Between iterations: has the keeper keep everything. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_keep(neurlp_learning *l);

/* Before anything else: goes on from what the keeper has, if it has anything. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_resume(neurlp_learning *l, bool *found);

#endif
