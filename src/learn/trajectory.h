/* One rank's trajectories: samples, the grid that the equations are solved on, and the current states there.
 *
 * The grid is not the data: every sample time is a grid point, and each sampling interval is divided into
 * equal steps. Everything is packed in the order of the plan's segments; a segment's samples and grid points
 * are contiguous. */
#ifndef NEURLP_LEARN_TRAJECTORY_H
#define NEURLP_LEARN_TRAJECTORY_H

#include "learn/plan.h"

typedef struct neurlp_trajectory_spec {
  const neurlp_plan *plan; /* borrowed */
  const double *times;     /* [N] of the plan's samples, borrowed */
  const double *samples;   /* [N][D], NaN where missing, borrowed */
  int32_t dimensions;      /* D */
  int32_t inputs;          /* U */
  const double *input;     /* [N][U], none missing, borrowed */
  int32_t order;           /* d */
  double step;             /* largest step, in units of time; 0: no limit */
  int64_t substeps;        /* steps in a sampling interval, at least */
  bool proportional;       /* noise is counted in units of the state's magnitude at its time */
} neurlp_trajectory_spec;

typedef struct neurlp_trajectories {
  neurlp_context *context;
  const neurlp_plan *plan;
  const double *samples; /* [N][D] */
  int32_t dimensions, order;
  int64_t sample_count, point_count;
  int64_t *segment_sample; /* [segments + 1] first sample of each segment */
  int64_t *sample_point;   /* [N] grid point of each sample */
  double *times;           /* [points] */
  double *steps;           /* [points] to the next point; unused at the end of a segment */
  double *start; /* [points][D][d+1] smoothed samples and their derivatives: where learning starts from */
  int32_t inputs;
  double *input;  /* [points][U] between samples by polynomials (neurlp_interpolate) */
  double *scale;  /* [segments][D] largest absolute value of the smoothed samples, 1 where that is 0 */
  double *noise;  /* [segments][D] variance of the samples about the smooth curve, after weighting */
  double *weight; /* [N][D] 1 / magnitude of the smooth curve, what residuals are multiplied by where noise is
                     proportional to it; else NULL, all 1 */
  neurlp_status *status; /* [segments] NEURLP_TOO_SHORT where there are too few samples */
} neurlp_trajectories;

/* Builds the grid and smooths the samples. Fails with NEURLP_ERROR_ARGUMENT where the grid would have more
 * than 2^31 points in a segment, or NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_trajectories_create(neurlp_context *context,
                                                         const neurlp_trajectory_spec *spec,
                                                         neurlp_trajectories **trajectories);
/* values [points][U] of inputs at times [points], which lie between the first and the last of `count` samples
 * [count][U] at sample_times [count]: by the polynomial through the d + 2 samples around (or all, if there
 * are fewer), whose error is of order h^(d+2), as that which the block of order d leaves in a step. At a
 * sample its own value. d <= NEURLP_MOST_INTERPOLATED. */
enum { NEURLP_MOST_INTERPOLATED = 6 };
void neurlp_interpolate(int64_t count, const double *sample_times, const double *samples, int32_t inputs,
                        int32_t order, int64_t points, const double *times, double *values);

/* Inputs from grid point `point` on; NULL if there are none. */
static inline const double *neurlp_trajectory_input(const neurlp_trajectories *trajectories, int64_t point) {
  return trajectories->inputs > 0 ? trajectories->input + point * trajectories->inputs : NULL;
}

void neurlp_trajectories_destroy(neurlp_trajectories **trajectories);

#endif
