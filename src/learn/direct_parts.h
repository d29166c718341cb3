/* What the parts of the direct method share: direct.c (growth), start.c (integral form), drop.c (dropping
 * terms). */
#ifndef NEURLP_LEARN_DIRECT_PARTS_H
#define NEURLP_LEARN_DIRECT_PARTS_H

#include "learn/direct.h"

/* Strictness of fits on the way, which need not be as exact as the last one, and of the last. */
static const double NEURLP_ON_THE_WAY = 30, NEURLP_FINAL = 1;

/* Share of a group's windows that may fail at the start of a fit that has an alternative. */
static const double NEURLP_MOST_FAILED = 0.02;

/* Library coefficients of every group from the integral form of the equations over whole segments.
 * Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_start(neurlp_fit *fit);

/* Drops library terms that are not significant, a few at a time, and fits the rest again. Collective. */
NEURLP_MUST_USE neurlp_status neurlp_direct_drop(neurlp_fit *fit, const neurlp_direct_options *options);

/* Sends a line (printf-style) to the log of the options. */
NEURLP_PRINTF(2, 3) void neurlp_direct_say(const neurlp_direct_options *options, const char *format, ...);

/* Sets the trajectories of one group from `state` [points][D][d+1]. */
void neurlp_direct_restore_group(neurlp_fit *fit, int64_t group, const double *state);

#endif
