/* Where samples are few, the solution between them: the learned equations, integrated from each sample of the
 * solution to the next. A line through samples alone would show corners that no solution has. */
#include "plot/plot_source.h"
#include "study/learned.h"
#include "system/integrate.h"

#include <math.h>
#include <string.h>

enum { FEW_SAMPLES = 300, POINTS = 600 };

/* From sample t to before the next: `parts` points, the first of which is the sample itself. Returns how many
 * are good. */
static int64_t fill_interval(neurlp_dynamics *dynamics, const neurlp_series *from, int64_t width, int64_t t,
                             int64_t parts, double *times, double *states) {
  const double *sample = from->states + t * width;
  neurlp_integrate_options options = neurlp_integrate_options_default();
  options.maximum_steps =
      10000; /* from one sample to the next; equations that need more are no fitted ones */
  times[0] = from->times[t];
  memcpy(states, sample, (size_t)width * sizeof *states);
  for (int64_t k = 0; k < width; k++)
    if (!isfinite(sample[k])) return 1;
  if (t + 1 == from->count) return 1;
  for (int64_t i = 1; i < parts; i++) {
    times[i] = times[0] + (from->times[t + 1] - times[0]) * (double)i / (double)parts;
    if (!(times[i] > times[i - 1])) return 1;
  }
  const neurlp_status status = neurlp_integrate(dynamics, &options, NULL, sample, parts, times, states, NULL);
  if (status == NEURLP_SUCCESS) return parts;
  memcpy(states, sample, (size_t)width * sizeof *states);
  return 1;
}

static neurlp_status fill_series(const neurlp_plot_source *source, neurlp_dynamics *dynamics,
                                 neurlp_series *series) {
  const int64_t width = source->states.count, parts = (POINTS + series->count - 1) / series->count;
  neurlp_series full = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(source->context, series->count * parts, sizeof *full.times, &full.times));
  NEURLP_TRY(
      neurlp_allocate(source->context, series->count * parts * width, sizeof *full.states, &full.states));
  for (int64_t t = 0; t < series->count; t++)
    full.count += fill_interval(dynamics, series, width, t, parts, full.times + full.count,
                                full.states + full.count * width);
  const neurlp_series old = *series;
  *series = full;
  full = old;
done:
  neurlp_release(source->context, &full.times);
  neurlp_release(source->context, &full.states);
  return status;
}

static neurlp_status fill_system(neurlp_plot_source *source, int32_t i) {
  neurlp_series *series = &source->solution[i];
  const bool own = source->parameters.rows > 1 || source->coefficients.rows > 1;
  neurlp_learned learned = {0};
  neurlp_dynamics *dynamics = NULL;
  neurlp_status status = neurlp_learned_read(source->context, source->request->path, NEURLP_LEARNED_WHOLE,
                                             own ? source->chosen[i] : 0, &learned);
  const bool known =
      status == NEURLP_SUCCESS && learned.order == 1 && learned.dimensions == source->states.count;
  if (known)
    status = neurlp_dynamics_parse(source->context, learned.dimensions, 1, (const char *const *)learned.names,
                                   0, NULL, (const char *const *)learned.equations, &dynamics, NULL, NULL);
  if (dynamics) status = fill_series(source, dynamics, series);
  neurlp_dynamics_destroy(&dynamics);
  neurlp_learned_release(source->context, &learned);
  return status == NEURLP_ERROR_MEMORY ? status : NEURLP_SUCCESS; /* else samples are what there is to show */
}

neurlp_status neurlp_plot_fill_solution(neurlp_plot_source *source) {
  for (int32_t i = 0; i < source->chosen_count; i++) {
    if (source->solution[i].count < 2 || source->solution[i].count > FEW_SAMPLES) continue;
    const neurlp_status status = fill_system(source, i);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}
