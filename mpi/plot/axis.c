/* Axes: what they span, their ticks. */
#include "plot/panel.h"

#include <math.h>
#include <stdio.h>

neurlp_extent neurlp_extent_none(void) {
  return (neurlp_extent){HUGE_VAL, -HUGE_VAL};
}

void neurlp_extent_take(neurlp_extent *extent, const double *values, int64_t count, int64_t stride,
                        bool log) {
  for (int64_t i = 0; i < count; i++) {
    const double value = values[i * stride];
    if (!isfinite(value) || (log && value <= 0)) continue;
    extent->low = fmin(extent->low, value);
    extent->high = fmax(extent->high, value);
  }
}

/* The nicest step of about `aim` steps over the span: 1, 2 or 5 times a power of ten. */
static double nice_step(double span, double aim) {
  const double power = pow(10, floor(log10(span / aim))), part = span / aim / power;
  return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/* Digits after the point so that labels of neighbouring ticks differ; a common power of ten for numbers that
 * would be long otherwise. */
static void choose_labels(neurlp_axis *axis) {
  const double largest = fmax(fabs(axis->low), fabs(axis->high));
  const bool large = largest >= 1e5 && axis->step >= 1e3, small = largest < 1e-2;
  axis->exponent = large || small ? (int32_t)floor(log10(largest) + 1e-9) : 0;
  const double decimals = ceil(axis->exponent - log10(axis->step) - 1e-9);
  axis->decimals = decimals < 0 ? 0 : decimals > 15 ? 15 : (int32_t)decimals;
}

/* An axis that all but reaches a tick is led on to it. */
static void reach_ticks(neurlp_axis *axis) {
  const double near = 0.03 * (axis->high - axis->low);
  const double low = floor(axis->low / axis->step) * axis->step,
               high = ceil(axis->high / axis->step) * axis->step;
  if (axis->low - low < near) axis->low = low;
  if (high - axis->high < near) axis->high = high;
}

static neurlp_axis make_logarithmic(neurlp_extent extent, double length) {
  double low = floor(log10(extent.low) + 1e-9), high = ceil(log10(extent.high) - 1e-9);
  if (low >= high) {
    low -= 1;
    high = low + 2;
  }
  neurlp_axis axis = {.low = low, .high = high, .log = true};
  axis.step = ceil((high - low) / fmax(length / 22, 1));
  return axis;
}

neurlp_axis neurlp_axis_make(neurlp_extent extent, double length, bool log, bool loose) {
  const double most = 8e307; /* so that the span can be counted */
  const bool empty = extent.low > extent.high;
  if (empty) extent = log ? (neurlp_extent){0.1, 1} : (neurlp_extent){0, 1};
  if (log) return make_logarithmic(extent, length);
  neurlp_axis axis = {.low = fmax(extent.low, -most), .high = fmin(extent.high, most)};
  const double size = fmax(fabs(axis.low), fabs(axis.high));
  const bool single = axis.high - axis.low <= 1e-11 * size || axis.high - axis.low < 1e-290;
  double margin = single            ? (size > 1e-280 ? 0.1 * size : 1)
                  : loose && !empty ? 0.05 * (axis.high - axis.low)
                                    : 0;
  axis.low -= margin;
  axis.high += margin;
  axis.step = nice_step(axis.high - axis.low, fmax(length / 22, 2));
  if (!loose && !single) reach_ticks(&axis);
  choose_labels(&axis);
  return axis;
}
