/* The forecasts of a result, beside what was to be forecast. */
#include "data/data_set_parts.h"
#include "file/array_file_parts.h"
#include "plot/plot_source.h"

#define MOST_SYSTEMS 9e15 /* that a double counts */

neurlp_status neurlp_plot_count_forecasts(neurlp_plot_source *s, hid_t file, int64_t *count) {
  neurlp_numeric states, data, times;
  const char *name = s->request->path;
  neurlp_status status = NEURLP_SUCCESS;
  *count = 0;
  s->first_forecast = -1;
  NEURLP_TRY(neurlp_numeric_check(s->context, file, name, "forecast/states", false, &states));
  if (!states.present) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(s->context, file, name, "forecast/data", true, &data));
  NEURLP_TRY(neurlp_numeric_check(s->context, file, name, "forecast/time", true, &times));
  bool alike = states.rank == 3 && data.rank == 3 && times.rank == 2 && states.extents[2] == s->states.count;
  for (int32_t i = 0; alike && i < 3; i++)
    alike = states.extents[i] == data.extents[i] && (i == 2 || states.extents[i] == times.extents[i]);
  if (!alike)
    return neurlp_fail(s->context, NEURLP_ERROR_DATA,
                       "%s: 'forecast/states', 'forecast/data', 'forecast/time' and 'states' do not belong "
                       "together; they need [system][step][state] twice, [system][step] and [state]",
                       name);
  *count = states.extents[0];
  double first = 0;
  NEURLP_TRY(neurlp_attribute_number_read(s->context, file, name, "forecast", "first_system", &first));
  if (!(first >= 0 && first <= MOST_SYSTEMS))
    return neurlp_fail(s->context, NEURLP_ERROR_DATA, "%s: 'forecast' begins with system %g; 0 to %g can be",
                       name, first, MOST_SYSTEMS);
  s->first_forecast = (int64_t)first;
done:
  return status;
}

/* One array of forecast `row`, with the times of its steps. */
static neurlp_status read_series(const neurlp_plot_source *s, hid_t file, const char *path, int64_t row,
                                 int64_t steps, neurlp_series *series) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, steps, sizeof *series->times, &series->times));
  NEURLP_TRY(neurlp_allocate(s->context, steps * s->states.count, sizeof *series->states, &series->states));
  NEURLP_TRY(neurlp_plot_read_row(s, file, "forecast/time", row, steps, series->times));
  NEURLP_TRY(neurlp_plot_read_row(s, file, path, row, steps * s->states.count, series->states));
  series->count = steps;
  neurlp_series_cut(s, series, s->states.count); /* the times of a forecast that could not begin are NaN */
done:
  return status;
}

neurlp_status neurlp_plot_read_forecasts(neurlp_plot_source *s, hid_t file) {
  neurlp_numeric states;
  neurlp_status status = NEURLP_SUCCESS;
  if (s->first_forecast < 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_numeric_check(s->context, file, s->request->path, "forecast/states", true, &states));
  for (int32_t i = 0; i < s->chosen_count; i++) {
    const int64_t row = s->chosen[i] - s->first_forecast;
    if (row < 0 || row >= states.extents[0]) continue;
    NEURLP_TRY(read_series(s, file, "forecast/states", row, states.extents[1], &s->forecast[i]));
    NEURLP_TRY(read_series(s, file, "forecast/data", row, states.extents[1], &s->target[i]));
  }
done:
  return status;
}
