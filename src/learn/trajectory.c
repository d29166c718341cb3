#include "learn/trajectory.h"

#include "learn/smooth.h"

#include <math.h>
#include <omp.h>

/* Steps that the interval between two samples is divided into. The tolerance keeps an interval of 0.01 with a
 * step of 0.01 in one piece, whatever its rounding. */
static double interval_steps(const neurlp_trajectory_spec *spec, double interval) {
  const double by_step = spec->step > 0 ? ceil(interval / spec->step * (1 - 1e-9)) : 1;
  return by_step > (double)spec->substeps ? by_step : (double)spec->substeps;
}

static neurlp_status count_points(neurlp_trajectories *t, const neurlp_trajectory_spec *spec) {
  const neurlp_plan *plan = t->plan;
  int64_t sample = 0, point = 0;
  for (int64_t g = 0; g < plan->segment_count; g++) {
    t->segment_sample[g] = sample;
    const int64_t first_point = point;
    for (int64_t i = 0; i < plan->segments[g].count; i++, sample++) {
      const double steps = i == 0 ? 1 : interval_steps(spec, spec->times[sample] - spec->times[sample - 1]);
      if (steps + (double)(point - first_point) >= 2147483647.0)
        return neurlp_fail(
            t->context, NEURLP_ERROR_ARGUMENT,
            "system %lld: the interval of %g before sample %lld needs %.3g steps of %g, and a window "
            "may have 2147483646; raise block.step",
            (long long)plan->segments[g].system, spec->times[sample] - spec->times[sample - 1],
            (long long)(plan->segments[g].first + i), steps, spec->step);
      point += (int64_t)steps;
      t->sample_point[sample] = point - 1;
    }
  }
  t->segment_sample[plan->segment_count] = sample;
  t->point_count = point;
  return NEURLP_SUCCESS;
}

/* Times of the grid points of one segment. A sample's own time is taken over exactly. */
static void place_points(neurlp_trajectories *t, const neurlp_trajectory_spec *spec, int64_t g) {
  const int64_t begin = t->segment_sample[g], end = t->segment_sample[g + 1];
  for (int64_t i = begin; i < end; i++) {
    const int64_t here = t->sample_point[i];
    t->times[here] = spec->times[i];
    if (i == begin) continue;
    const int64_t before = t->sample_point[i - 1];
    const double interval = spec->times[i] - spec->times[i - 1];
    const double step = interval / (double)(here - before);
    for (int64_t p = before; p < here; p++) {
      t->steps[p] = step;
      if (p > before) t->times[p] = spec->times[i - 1] + (double)(p - before) * step;
    }
  }
}

/* Magnitudes below this share of the curve's RMS count as that much: a zero is not known without any error.
 */
static const double LEAST_MAGNITUDE = 0.03;

/* Weights of the samples of state k in segment g, and the variance about the smooth curve in their units. */
static void weigh_segment(neurlp_trajectories *t, int64_t g, int64_t k) {
  const int64_t begin = t->segment_sample[g], end = t->segment_sample[g + 1], D = t->dimensions;
  const int64_t width = t->order + 1;
  double power = 0, squares = 0, count = 0;
  for (int64_t i = begin; i < end; i++) {
    const double curve = t->start[(t->sample_point[i] * D + k) * width];
    power += curve * curve / (double)(end - begin);
  }
  const double least = power > 0 ? LEAST_MAGNITUDE * sqrt(power) : 1;
  for (int64_t i = begin; i < end; i++) {
    const double curve = t->start[(t->sample_point[i] * D + k) * width];
    const double left = (t->samples[i * D + k] - curve) / fmax(fabs(curve), least);
    t->weight[i * D + k] = 1 / fmax(fabs(curve), least);
    if (!isfinite(left)) continue;
    squares += left * left;
    count += 1;
  }
  t->noise[g * D + k] = squares / fmax(count, 1);
}

static void smooth_segment(neurlp_trajectories *t, const neurlp_trajectory_spec *spec, int64_t g,
                           double *workspace) {
  const int64_t begin = t->segment_sample[g], end = t->segment_sample[g + 1], D = t->dimensions;
  const int64_t first = t->sample_point[begin], points = t->sample_point[end - 1] - first + 1;
  const int32_t derivatives = t->order + 1;
  for (int64_t k = 0; k < D; k++) {
    double *values = t->start + (first * D + k) * derivatives;
    const neurlp_status status = neurlp_smooth(
        end - begin, spec->times + begin, spec->samples + begin * D + k, D, points, t->times + first,
        derivatives < 4 ? derivatives : 4, values, D * derivatives, &t->noise[g * D + k], workspace);
    if (status != NEURLP_SUCCESS) t->status[g] = status;
    double largest = 0;
    for (int64_t p = 0; p < points; p++) largest = fmax(largest, fabs(values[p * D * derivatives]));
    t->scale[g * D + k] = largest > 0 ? largest : 1;
    if (t->weight) weigh_segment(t, g, k);
  }
}

/* Weights of `count` samples in the polynomial through them, at `time`. */
static void lagrange(int64_t count, const double *sample_times, double time, double *weights) {
  for (int64_t i = 0; i < count; i++) {
    weights[i] = 1;
    for (int64_t j = 0; j < count; j++)
      if (j != i) weights[i] *= (time - sample_times[j]) / (sample_times[i] - sample_times[j]);
  }
}

void neurlp_interpolate(int64_t count, const double *sample_times, const double *samples, int32_t inputs,
                        int32_t order, int64_t points, const double *times, double *values) {
  const int64_t U = inputs, width = order + 2 < count ? order + 2 : count;
  double weights[NEURLP_MOST_INTERPOLATED + 2];
  int64_t before = 0; /* the last sample that is not later than the point */
  for (int64_t p = 0; p < points; p++) {
    while (before + 1 < count && sample_times[before + 1] <= times[p]) before++;
    const int64_t middle = before - width / 2 + 1;
    const int64_t first = middle < 0 ? 0 : middle > count - width ? count - width : middle;
    lagrange(width, sample_times + first, times[p], weights);
    for (int64_t i = 0; i < U; i++) {
      double *value = values + p * U + i;
      *value = 0;
      for (int64_t j = 0; j < width; j++) *value += weights[j] * samples[(first + j) * U + i];
    }
  }
}

static void interpolate_segment(neurlp_trajectories *t, const neurlp_trajectory_spec *spec, int64_t g) {
  const int64_t begin = t->segment_sample[g], end = t->segment_sample[g + 1], U = t->inputs;
  const int64_t first = t->sample_point[begin];
  if (U == 0) return;
  neurlp_interpolate(end - begin, spec->times + begin, spec->input + begin * U, t->inputs, t->order,
                     t->sample_point[end - 1] - first + 1, t->times + first, t->input + first * U);
}

static int64_t longest_segment(const neurlp_plan *plan) {
  int64_t longest = 0;
  for (int64_t g = 0; g < plan->segment_count; g++)
    if (plan->segments[g].count > longest) longest = plan->segments[g].count;
  return longest;
}

neurlp_status neurlp_trajectories_create(neurlp_context *context, const neurlp_trajectory_spec *spec,
                                         neurlp_trajectories **out) {
  *out = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_trajectories *t = NULL;
  double *workspace = NULL;
  const int64_t segments = spec->plan->segment_count, D = spec->dimensions;
  const int64_t each = neurlp_smooth_workspace(longest_segment(spec->plan));
  const int32_t threads = neurlp_context_threads(context);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *t, &t));
  t->context = context;
  t->plan = spec->plan;
  t->samples = spec->samples;
  t->dimensions = spec->dimensions;
  t->order = spec->order;
  t->inputs = spec->inputs;
  for (int64_t g = 0; g < segments; g++) t->sample_count += spec->plan->segments[g].count;
  NEURLP_TRY(neurlp_allocate(context, segments + 1, sizeof(int64_t), &t->segment_sample));
  NEURLP_TRY(neurlp_allocate(context, t->sample_count, sizeof(int64_t), &t->sample_point));
  NEURLP_TRY(count_points(t, spec));
  NEURLP_TRY(neurlp_allocate(context, t->point_count, sizeof(double), &t->times));
  NEURLP_TRY(neurlp_allocate(context, t->point_count, sizeof(double), &t->steps));
  NEURLP_TRY(neurlp_allocate(context, t->point_count * D * (spec->order + 1), sizeof(double), &t->start));
  NEURLP_TRY(neurlp_allocate(context, t->point_count * spec->inputs, sizeof(double), &t->input));
  NEURLP_TRY(neurlp_allocate(context, segments * D, sizeof(double), &t->scale));
  NEURLP_TRY(neurlp_allocate(context, segments * D, sizeof(double), &t->noise));
  NEURLP_TRY(neurlp_allocate(context, segments, sizeof *t->status, &t->status));
  if (spec->proportional)
    NEURLP_TRY(neurlp_allocate(context, t->sample_count * D, sizeof(double), &t->weight));
  NEURLP_TRY(neurlp_allocate(context, threads * each, sizeof(double), &workspace));
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
  for (int64_t g = 0; g < segments; g++) {
    place_points(t, spec, g);
    interpolate_segment(t, spec, g);
    smooth_segment(t, spec, g, workspace + omp_get_thread_num() * each);
  }
  *out = t;
  t = NULL;
done:
  neurlp_release(context, &workspace);
  neurlp_trajectories_destroy(&t);
  return status;
}

void neurlp_trajectories_destroy(neurlp_trajectories **trajectories) {
  if (!trajectories || !*trajectories) return;
  neurlp_trajectories *t = *trajectories;
  neurlp_context *context = t->context;
  neurlp_release(context, &t->segment_sample);
  neurlp_release(context, &t->sample_point);
  neurlp_release(context, &t->times);
  neurlp_release(context, &t->steps);
  neurlp_release(context, &t->start);
  neurlp_release(context, &t->input);
  neurlp_release(context, &t->scale);
  neurlp_release(context, &t->noise);
  neurlp_release(context, &t->weight);
  neurlp_release(context, &t->status);
  neurlp_release(context, trajectories);
}
