/* Windows of trajectories: what networks are trained with. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_WINDOWS_H
#define NEURLP_LEARN_NETWORK_NETWORK_WINDOWS_H

#include "core/context.h"

typedef struct neurlp_window_spec {
  int64_t systems, samples; /* S, and samples of each trajectory */
  int32_t dimensions;       /* D */
  const int64_t *lengths;   /* [S], or NULL: all have `samples` */
  const double *states;     /* [S][samples][D], NaN where missing; borrowed for as long as the windows are, */
  double *filled; /* and so are these: neurlp_windows_fill has been there; NULL: windows have their own */
  int64_t window, stride; /* T samples each, from one beginning to the next */
  bool alike;             /* states are one quantity at several places: they have one center and spread */
  double held_back;       /* the last part of every trajectory that has no windows, 0 to below 1 */
} neurlp_window_spec;

typedef struct neurlp_windows {
  neurlp_context *context;
  neurlp_window_spec spec;
  double *filled;   /* [S][samples][D]: missing samples interpolated between their neighbours in time */
  bool own_filled;  /* not the spec's */
  double *estimate; /* [count][T][D]: what networks and libraries see of each window instead, as it is refined
                       (neurlp_windows_refine); NULL: `filled` */
  int64_t count;
  int64_t *system, *first; /* [count] */
  double *center,
      *spread; /* [D] mean and standard deviation of what the windows can see; spread 1 of what is constant */
} neurlp_windows;

/* Cuts trajectories into windows: from each one's beginning, as many as fit before what is held back; nothing
 * of one that is too short. Gaps of what training may see are filled from there alone. Fails with
 * NEURLP_ERROR_DATA (no window at all: the message says what is missing; a state that is never known in a
 * trajectory with windows) or NEURLP_ERROR_MEMORY; release the windows either way. */
NEURLP_MUST_USE neurlp_status neurlp_windows_create(neurlp_context *context, const neurlp_window_spec *spec,
                                                    neurlp_windows *windows);
void neurlp_windows_release(neurlp_windows *windows);

/* Fills gaps of trajectories first..first+count-1, from spec->states into spec->filled: for those who share
 * both, and this work. Fails with NEURLP_ERROR_DATA as neurlp_windows_create does. */
NEURLP_MUST_USE neurlp_status neurlp_windows_fill(neurlp_context *context, const neurlp_window_spec *spec,
                                                  int64_t first, int64_t count);

/* Samples of trajectory s that windows may see. */
int64_t neurlp_windows_seen(const neurlp_window_spec *spec, int64_t system);

/* Fills in missing samples of one state, x[t * stride]: between two that are known on the line through them,
 * before the first and after the last as these. False, and nothing done, if none is known. */
bool neurlp_fill_gaps(double *x, int64_t count, int64_t stride);

/* Makes room for estimates, which begin as the samples without gaps. NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_windows_refine(neurlp_windows *windows);

/* Writes window w: data [T][D] without gaps, or the estimate of them, target [T][D] with NaN in them. */
void neurlp_windows_get(const neurlp_windows *windows, int64_t w, double *data, double *target);

#endif
