/* Local polynomials through noisy, irregular, incomplete samples: where learning starts from.
 *
 * At each point a cubic is fitted to the nearest samples, with tricube weights; how many samples is chosen by
 * leave-one-out cross-validation (Cleveland, JASA 74, 1979; docs/math.md, section 6). */
#ifndef NEURLP_LEARN_SMOOTH_H
#define NEURLP_LEARN_SMOOTH_H

#include "core/context.h"

/* Smooths one dimension of one segment.
 *   samples [count] with stride, NaN where missing; times [count]
 *   points  [point_count] times at which values are wanted
 *   values  written: values[p * value_stride + j], the j-th derivative, 0 <= j < derivatives (at most 4)
 *   noise   variance of the samples about the curve, by cross-validated residuals
 *   workspace [neurlp_smooth_workspace(count)] doubles
 * Returns NEURLP_TOO_SHORT if fewer than two samples are there. */
NEURLP_MUST_USE neurlp_status neurlp_smooth(int64_t count, const double *times, const double *samples,
                                            int64_t sample_stride, int64_t point_count, const double *points,
                                            int32_t derivatives, double *values, int64_t value_stride,
                                            double *noise, double *workspace);
int64_t neurlp_smooth_workspace(int64_t count);

#endif
