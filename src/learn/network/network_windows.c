#include "learn/network/network_windows.h"

#include <float.h>
#include <math.h>
#include <string.h>

static int64_t length_of(const neurlp_window_spec *spec, int64_t system) {
  return spec->lengths ? spec->lengths[system] : spec->samples;
}

int64_t neurlp_windows_seen(const neurlp_window_spec *spec, int64_t system) {
  const int64_t length = length_of(spec, system);
  return length - (int64_t)floor(spec->held_back * (double)length);
}

/* Windows of trajectory s. */
static int64_t windows_of(const neurlp_window_spec *spec, int64_t system) {
  const int64_t room = neurlp_windows_seen(spec, system) - spec->window;
  return room < 0 ? 0 : room / spec->stride + 1;
}

bool neurlp_fill_gaps(double *x, int64_t count, int64_t stride) {
  int64_t known = -1;
  for (int64_t t = 0; t < count; t++) {
    if (isnan(x[t * stride])) continue;
    for (int64_t gap = known + 1; gap < t; gap++) {
      const double part = known < 0 ? 1 : (double)(gap - known) / (double)(t - known);
      x[gap * stride] = (1 - part) * (known < 0 ? 0 : x[known * stride]) + part * x[t * stride];
    }
    known = t;
  }
  for (int64_t t = known + 1; known >= 0 && t < count; t++) x[t * stride] = x[known * stride];
  return known >= 0;
}

/* First what training may see, so that nothing that is held back gets into it; then the rest. */
neurlp_status neurlp_windows_fill(neurlp_context *context, const neurlp_window_spec *z, int64_t first,
                                  int64_t count) {
  const int64_t each = z->samples * z->dimensions;
  memcpy(z->filled + first * each, z->states + first * each, (size_t)(count * each) * sizeof *z->filled);
  for (int64_t s = first; s < first + count; s++)
    for (int32_t k = 0; k < z->dimensions; k++) {
      double *x = z->filled + s * each + k;
      if (!neurlp_fill_gaps(x, neurlp_windows_seen(z, s), z->dimensions) && windows_of(z, s) > 0)
        return neurlp_fail(
            context, NEURLP_ERROR_DATA,
            "state %d of trajectory %lld is missing at all %lld samples that training may see; "
            "leave the trajectory out",
            k, (long long)s, (long long)neurlp_windows_seen(z, s));
      (void)neurlp_fill_gaps(x, length_of(z, s),
                             z->dimensions); /* a trajectory without windows may have nothing */
    }
  return NEURLP_SUCCESS;
}

/* Sum of (x - from)^power of state k over the known samples that may be seen, and how many there are. */
static double sum_of(const neurlp_window_spec *z, int32_t k, double from, int power, int64_t *count) {
  double sum = 0;
  *count = 0;
  for (int64_t s = 0; s < z->systems; s++)
    for (int64_t t = 0; t < neurlp_windows_seen(z, s); t++) {
      const double x = z->states[(s * z->samples + t) * z->dimensions + k];
      if (isnan(x)) continue;
      sum += power == 1 ? x - from : (x - from) * (x - from);
      ++*count;
    }
  return sum;
}

/* Any known sample of state k, so that sums are of what differs from it: those of a constant are 0. */
static double some_sample(const neurlp_window_spec *z, int32_t k) {
  for (int64_t s = 0; s < z->systems; s++)
    for (int64_t t = 0; t < neurlp_windows_seen(z, s); t++) {
      const double x = z->states[(s * z->samples + t) * z->dimensions + k];
      if (!isnan(x)) return x;
    }
  return 0;
}

/* Mean and standard deviation of each state. */
static void measure(neurlp_windows *w) {
  const neurlp_window_spec *z = &w->spec;
  for (int32_t k = 0; k < z->dimensions; k++) {
    const double from = some_sample(z, k);
    int64_t count = 0;
    const double sum = sum_of(z, k, from, 1, &count), all = count > 0 ? (double)count : 1;
    w->center[k] = from + sum / all;
    w->spread[k] = sqrt(sum_of(z, k, w->center[k], 2, &count) / all);
  }
}

/* Numbers whose squares overflow would make everything infinite, not only their own window. */
static neurlp_status check_size(const neurlp_windows *w) {
  const neurlp_window_spec *z = &w->spec;
  for (int32_t k = 0; k < z->dimensions; k++)
    for (int64_t s = 0; s < z->systems && !isfinite(w->spread[k]); s++)
      for (int64_t t = 0; t < neurlp_windows_seen(z, s); t++) {
        const double x = z->states[(s * z->samples + t) * z->dimensions + k];
        if (isnan(x) || fabs(x) < 1e150) continue;
        return neurlp_fail(
            w->context, NEURLP_ERROR_DATA,
            "state %d of trajectory %lld is %g at sample %lld, whose square is no number; leave the "
            "sample out, or give the data in other units",
            k, (long long)s, x, (long long)t);
      }
  return NEURLP_SUCCESS;
}

/* One mean and standard deviation of all states together: every state is seen at the same samples. */
static void pool(neurlp_windows *w) {
  const int32_t D = w->spec.dimensions;
  double mean = 0, square = 0;
  for (int32_t k = 0; k < D; k++) mean += w->center[k] / D;
  for (int32_t k = 0; k < D; k++) {
    const double away = w->center[k] - mean;
    square += (w->spread[k] * w->spread[k] + away * away) / D;
  }
  for (int32_t k = 0; k < D; k++) {
    w->center[k] = mean;
    w->spread[k] = sqrt(square);
  }
}

/* What is constant, or differs by roundings only, is not divided by its deviation. */
static void settle(neurlp_windows *w) {
  for (int32_t k = 0; k < w->spec.dimensions; k++)
    if (w->spread[k] <= 4 * DBL_EPSILON * fabs(w->center[k])) w->spread[k] = 1;
}

static neurlp_status list_windows(neurlp_windows *w) {
  const neurlp_window_spec *z = &w->spec;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t longest = 0, i = 0;
  for (int64_t s = 0; s < z->systems; s++) {
    w->count += windows_of(z, s);
    if (longest < neurlp_windows_seen(z, s)) longest = neurlp_windows_seen(z, s);
  }
  if (w->count == 0)
    return neurlp_fail(w->context, NEURLP_ERROR_DATA,
                       "no window of %lld samples fits: the longest trajectory has %lld to train with; lower "
                       "block.window or train.test, or give longer trajectories",
                       (long long)z->window, (long long)longest);
  NEURLP_TRY(neurlp_allocate(w->context, w->count, sizeof *w->system, &w->system));
  NEURLP_TRY(neurlp_allocate(w->context, w->count, sizeof *w->first, &w->first));
  for (int64_t s = 0; s < z->systems; s++)
    for (int64_t j = 0; j < windows_of(z, s); j++, i++) {
      w->system[i] = s;
      w->first[i] = j * z->stride;
    }
done:
  return status;
}

neurlp_status neurlp_windows_create(neurlp_context *context, const neurlp_window_spec *spec,
                                    neurlp_windows *windows) {
  neurlp_status status = NEURLP_SUCCESS;
  *windows = (neurlp_windows){.context = context, .spec = *spec};
  NEURLP_TRY(neurlp_allocate(context, spec->dimensions, sizeof(double), &windows->center));
  NEURLP_TRY(neurlp_allocate(context, spec->dimensions, sizeof(double), &windows->spread));
  NEURLP_TRY(list_windows(windows));
  windows->own_filled = !spec->filled;
  if (windows->own_filled) {
    NEURLP_TRY(neurlp_allocate(context, spec->systems * spec->samples * spec->dimensions, sizeof(double),
                               &windows->spec.filled));
    NEURLP_TRY(neurlp_windows_fill(context, &windows->spec, 0, spec->systems));
  }
  windows->filled = windows->spec.filled;
  measure(windows);
  if (spec->alike) pool(windows);
  settle(windows);
  status = check_size(windows);
done:
  return status;
}

void neurlp_windows_release(neurlp_windows *windows) {
  if (!windows->context) return;
  if (windows->own_filled) neurlp_release(windows->context, &windows->spec.filled);
  neurlp_release(windows->context, &windows->estimate);
  neurlp_release(windows->context, &windows->center);
  neurlp_release(windows->context, &windows->spread);
  neurlp_release(windows->context, &windows->system);
  neurlp_release(windows->context, &windows->first);
}

/* Where window w begins in arrays [S][samples][D]. */
static int64_t place_of(const neurlp_windows *windows, int64_t w) {
  return (windows->system[w] * windows->spec.samples + windows->first[w]) * windows->spec.dimensions;
}

neurlp_status neurlp_windows_refine(neurlp_windows *w) {
  const int64_t each = w->spec.window * w->spec.dimensions;
  const neurlp_status status = neurlp_allocate(w->context, w->count * each, sizeof(double), &w->estimate);
  if (status < 0) return status;
  for (int64_t i = 0; i < w->count; i++)
    memcpy(w->estimate + i * each, w->filled + place_of(w, i), (size_t)each * sizeof(double));
  return NEURLP_SUCCESS;
}

void neurlp_windows_get(const neurlp_windows *windows, int64_t w, double *data, double *target) {
  const neurlp_window_spec *z = &windows->spec;
  const int64_t from = place_of(windows, w), each = z->window * z->dimensions;
  const size_t bytes = (size_t)each * sizeof *data;
  memcpy(data, windows->estimate ? windows->estimate + w * each : windows->filled + from, bytes);
  memcpy(target, z->states + from, bytes);
}
