#include "plot/plot_source.h"

#include "data/data_set_parts.h"
#include "file/array_file_parts.h"

#include <string.h>
#include <strings.h>

/* Solutions of more states are shown as images, sample by sample. */
enum { MOST_FILLED = 16 };

/* ---- a result ---------------------------------------------------------------------------------------- */

static neurlp_status read_estimates(neurlp_plot_source *s, hid_t file) {
  const struct {
    const char *path;
    neurlp_table *table;
  } tables[] = {{"equations/parameters", &s->parameters},
                {"equations/parameter_errors", &s->parameter_errors},
                {"equations/coefficients", &s->coefficients},
                {"equations/standard_errors", &s->coefficient_errors},
                {"truth/parameters", &s->truth},
                {"truth/coefficients", &s->true_coefficients},
                {"metrics/forecast_mse", &s->forecast_mse},
                {"metrics/forecast_persistence_mse", &s->held_mse},
                {"metrics/noise", &s->noise},
                {"metrics/train_loss", &s->train_loss},
                {"metrics/validation_loss", &s->validation_loss},
                {"metrics/learning_rate", &s->learning_rate}};
  const struct {
    const char *path;
    neurlp_names *names;
  } lists[] = {{"states", &s->states},
               {"equations/terms", &s->terms},
               {"equations/parameter_names", &s->parameter_names},
               {"truth/parameter_names", &s->truth_names}};
  neurlp_status status = NEURLP_SUCCESS;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    NEURLP_TRY(neurlp_plot_read_table(s, file, tables[i].path, tables[i].table));
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    NEURLP_TRY(neurlp_plot_read_names(s, file, lists[i].path, lists[i].names));
done:
  return status;
}

static neurlp_status disagree(const neurlp_plot_source *s, const char *what, int64_t found, int64_t needed) {
  return neurlp_fail(s->context, NEURLP_ERROR_DATA, "%s: '%s' is for %lld, but there are %lld of them",
                     s->request->path, what, (long long)found, (long long)needed);
}

/* That every row of numbers has a name for each, so that the pictures need not ask. */
static neurlp_status check_estimates(const neurlp_plot_source *s) {
  const int64_t D = s->states.count, L = s->terms.count, P = s->parameter_names.count;
  const struct {
    const char *path;
    const neurlp_table *table, *rows_like;
    int64_t columns;
  } rules[] = {{"equations/parameters", &s->parameters, NULL, P},
               {"equations/parameter_errors", &s->parameter_errors, &s->parameters, P},
               {"equations/coefficients", &s->coefficients, NULL, D * L},
               {"equations/standard_errors", &s->coefficient_errors, &s->coefficients, D * L},
               {"truth/parameters", &s->truth, NULL, s->truth_names.count},
               {"truth/coefficients", &s->true_coefficients, NULL, L},
               {"metrics/forecast_mse", &s->forecast_mse, NULL, 1},
               {"metrics/forecast_persistence_mse", &s->held_mse, &s->forecast_mse, 1},
               {"metrics/noise", &s->noise, NULL, D},
               {"metrics/train_loss", &s->train_loss, NULL, 1},
               {"metrics/validation_loss", &s->validation_loss, NULL, 1},
               {"metrics/learning_rate", &s->learning_rate, NULL, 1}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    const neurlp_table *table = rules[i].table;
    if (!table->values) continue;
    if (table->columns != rules[i].columns)
      return disagree(s, rules[i].path, table->columns, rules[i].columns);
    if (rules[i].rows_like && table->rows != rules[i].rows_like->rows)
      return disagree(s, rules[i].path, table->rows, rules[i].rows_like->rows);
  }
  if (s->true_coefficients.values && s->true_coefficients.rows != D)
    return disagree(s, "truth/coefficients", s->true_coefficients.rows, D);
  return NEURLP_SUCCESS;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* Number of systems: of the solution, else of windows, forecasts and what is before them, and the truth, else
 * of the statuses, which are of windows where there are some; and samples of a solution, 0 if there is none.
 */
static neurlp_status count_systems(neurlp_plot_source *s, hid_t file, int64_t *samples) {
  neurlp_numeric states, times, statuses;
  const char *name = s->request->path;
  neurlp_status status = NEURLP_SUCCESS;
  int64_t forecasts = 0, trained = 0;
  *samples = 0;
  NEURLP_TRY(neurlp_plot_count_forecasts(s, file, &forecasts));
  NEURLP_TRY(neurlp_plot_count_windows(s, file, &trained));
  if (forecasts > 0) forecasts += s->first_forecast;
  NEURLP_TRY(neurlp_numeric_check(s->context, file, name, "solution/states", false, &states));
  NEURLP_TRY(neurlp_numeric_check(s->context, file, name, "solution/time", states.present, &times));
  NEURLP_TRY(neurlp_numeric_check(s->context, file, name, "status", false, &statuses));
  s->systems = states.present     ? states.extents[0]
               : trained > 0      ? larger(larger(trained, forecasts), s->truth.rows)
               : forecasts > 0    ? forecasts
               : statuses.present ? statuses.extents[0]
                                  : 0;
  if (!states.present) goto done;
  if (states.rank != 3 || times.rank != 2 || times.extents[0] != states.extents[0] ||
      times.extents[1] != states.extents[1] || states.extents[2] != s->states.count)
    status =
        neurlp_fail(s->context, NEURLP_ERROR_DATA,
                    "%s: 'solution/states', 'solution/time' and 'states' do not belong together; they need "
                    "[system][sample][state], [system][sample] and [state]",
                    name);
  *samples = states.extents[1];
done:
  return status;
}

static neurlp_status read_solution(neurlp_plot_source *s, hid_t file, int64_t samples) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < s->chosen_count && samples > 0; i++) {
    neurlp_series *series = &s->solution[i];
    NEURLP_TRY(neurlp_allocate(s->context, samples, sizeof *series->times, &series->times));
    NEURLP_TRY(
        neurlp_allocate(s->context, samples * s->states.count, sizeof *series->states, &series->states));
    NEURLP_TRY(neurlp_plot_read_row(s, file, "solution/time", s->chosen[i], samples, series->times));
    NEURLP_TRY(neurlp_plot_read_row(s, file, "solution/states", s->chosen[i], samples * s->states.count,
                                    series->states));
    series->count = samples;
    neurlp_series_cut(s, series, s->states.count);
  }
done:
  return status;
}

static neurlp_status read_result(neurlp_plot_source *s, hid_t file) {
  neurlp_status status = NEURLP_SUCCESS;
  int64_t samples = 0;
  NEURLP_TRY(read_estimates(s, file));
  NEURLP_TRY(check_estimates(s));
  NEURLP_TRY(count_systems(s, file, &samples));
  NEURLP_TRY(neurlp_plot_choose(s));
  NEURLP_TRY(neurlp_attribute_text_read(s->context, file, "solution/time", "units", &s->time_units));
  NEURLP_TRY(read_solution(s, file, samples));
  if (samples == 0) NEURLP_TRY(neurlp_plot_read_windows(s, file));
  NEURLP_TRY(neurlp_plot_read_forecasts(s, file));
  if (s->chosen_count > 0 && s->states.count > 0) NEURLP_TRY(neurlp_plot_read_result_data(s, file));
  if (samples > 0 && s->states.count <= MOST_FILLED) NEURLP_TRY(neurlp_plot_fill_solution(s));
done:
  return status;
}

/* ---- any file ---------------------------------------------------------------------------------------- */

static bool is_csv(const char *path) {
  const size_t length = strlen(path);
  return length >= 4 && strcasecmp(path + length - 4, ".csv") == 0;
}

static bool is_numeric(hid_t file, const char *path) {
  if (!neurlp_hdf5_is(file, path, H5O_TYPE_DATASET)) return false;
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), type = H5Dget_type(dataset);
  const bool numeric = H5Tget_class(type) == H5T_FLOAT || H5Tget_class(type) == H5T_INTEGER;
  H5Tclose(type);
  H5Dclose(dataset);
  return numeric;
}

neurlp_status neurlp_plot_source_read(neurlp_context *context, const neurlp_plot_request *request,
                                      neurlp_plot_source *source) {
  neurlp_status status = NEURLP_SUCCESS;
  hid_t file = -1;
  *source = (neurlp_plot_source){.context = context,
                                 .request = request,
                                 .solution_name = "solution of the learned equations",
                                 .first_forecast = -1};
  const char *slash = strrchr(request->path, '/');
  NEURLP_TRY(neurlp_copy_text(context, slash ? slash + 1 : request->path, &source->title));
  if (is_csv(request->path)) return neurlp_plot_read_data_set(source);
  NEURLP_TRY(neurlp_data_open_alone(context, request->path, &file));
  if (neurlp_hdf5_is(file, "equations", H5O_TYPE_GROUP) || neurlp_hdf5_is(file, "metrics", H5O_TYPE_GROUP))
    status = read_result(source, file);
  else if (is_numeric(file, "states"))
    status = neurlp_plot_read_data_set(source);
  else
    status = neurlp_fail(context, NEURLP_ERROR_DATA,
                         "%s holds nothing to draw: it is neither a data set (with 'states') nor a result of "
                         "`neurlp run` (with 'equations' or 'metrics')",
                         request->path);
done:
  return neurlp_data_close_alone(context, request->path, &file, status);
}

static void release_series(neurlp_context *context, int32_t count, neurlp_series **series) {
  for (int32_t i = 0; *series && i < count; i++) {
    neurlp_release(context, &(*series)[i].times);
    neurlp_release(context, &(*series)[i].states);
  }
  neurlp_release(context, series);
}

static void release_names(neurlp_context *context, neurlp_names *names) {
  for (int64_t i = 0; i < names->count; i++) neurlp_release(context, &names->texts[i]);
  neurlp_release(context, &names->texts);
}

void neurlp_plot_source_release(neurlp_plot_source *s) {
  neurlp_context *context = s->context;
  if (!context) return;
  neurlp_series **all[] = {&s->data, &s->solution, &s->nothing, &s->target, &s->forecast};
  for (size_t j = 0; j < sizeof all / sizeof *all; j++) release_series(context, s->chosen_count, all[j]);
  for (int what = 0; what < NEURLP_EMITS; what++) {
    release_series(context, s->chosen_count, &s->emitted[what].series);
    release_names(context, &s->emitted[what].names);
  }
  neurlp_table *tables[] = {&s->parameters,    &s->parameter_errors,
                            &s->coefficients,  &s->coefficient_errors,
                            &s->truth,         &s->noise,
                            &s->train_loss,    &s->validation_loss,
                            &s->learning_rate, &s->true_coefficients,
                            &s->forecast_mse,  &s->held_mse,
                            &s->window_system, &s->window_first,
                            &s->window_status, &s->window_validation,
                            &s->window_truth,  &s->window_weights};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) neurlp_release(context, &tables[i]->values);
  neurlp_names *lists[] = {&s->states, &s->terms, &s->parameter_names, &s->truth_names};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) release_names(context, lists[i]);
  neurlp_release(context, &s->chosen);
  neurlp_release(context, &s->title);
  neurlp_release(context, &s->time_name);
  neurlp_release(context, &s->time_units);
  neurlp_release(context, &s->state_units);
}
