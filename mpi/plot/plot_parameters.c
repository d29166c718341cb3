/* Estimates with their standard errors. One row of them: a list, in percent of the truth or of themselves. A
 * row for each system: a panel for each parameter, against the truth or over the systems. */
#include "plot/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ROWS = 40, MOST_COLUMNS = 12 };

/* ---- which ------------------------------------------------------------------------------------------- */

/* The true parameter of this name: its column; -1 if there is none. */
static int64_t find_truth(const neurlp_plot_source *source, const char *name) {
  for (int64_t i = 0; source->truth.values && i < source->truth_names.count; i++)
    if (strcmp(source->truth_names.texts[i], name) == 0) return i;
  return -1;
}

/* Whether a term is in the equations of some row, or should be: one that was dropped has the coefficient 0
 * everywhere. */
static bool is_shown(const neurlp_plot_source *source, int64_t column) {
  const neurlp_table *table = &source->coefficients;
  if (source->true_coefficients.values && source->true_coefficients.values[column] != 0) return true;
  for (int64_t row = 0; row < table->rows; row++)
    if (table->values[row * table->columns + column] != 0) return true;
  return false;
}

static neurlp_estimate_column column_of(const neurlp_table *values, const neurlp_table *errors, int64_t i) {
  return (neurlp_estimate_column){.row = "system",
                                  .values = values->values + i,
                                  .errors = errors->values ? errors->values + i : NULL,
                                  .rows = values->rows,
                                  .stride = values->columns};
}

/* Parameters, then terms of the library that were kept; no more than `most`. */
static int32_t list_columns(const neurlp_plot_source *source, int32_t most, neurlp_estimate_column *columns) {
  int32_t count = 0;
  for (int64_t i = 0; source->parameters.values && i < source->parameters.columns && count < most; i++) {
    const char *name = source->parameter_names.texts[i];
    const int64_t truth = find_truth(source, name);
    columns[count] = column_of(&source->parameters, &source->parameter_errors, i);
    snprintf(columns[count].name, sizeof columns->name, "%.90s", name);
    if (truth >= 0 && (columns[count].rows == 1 || columns[count].rows == source->truth.rows)) {
      columns[count].truth = source->truth.values + truth;
      columns[count].truth_stride = source->truth.columns;
    }
    count++;
  }
  for (int64_t i = 0; source->coefficients.values && i < source->coefficients.columns && count < most; i++) {
    if (!is_shown(source, i)) continue;
    columns[count] = column_of(&source->coefficients, &source->coefficient_errors, i);
    if (source->true_coefficients.values && columns[count].rows == 1)
      columns[count].truth = source->true_coefficients.values + i;
    snprintf(columns[count].name, sizeof columns->name, "%.40s': %.40s",
             source->states.texts[i / source->terms.count], source->terms.texts[i % source->terms.count]);
    count++;
  }
  return count;
}

static int32_t count_pictures(const neurlp_plot_source *source) {
  neurlp_estimate_column one;
  return list_columns(source, 1, &one);
}

/* ---- one row ----------------------------------------------------------------------------------------- */

/* The truth that all systems share, which those of coefficients always do (stride 0): NaN if they do not. */
static double common_truth(const neurlp_plot_source *source, const neurlp_estimate_column *column) {
  if (!column->truth) return (double)NAN;
  for (int64_t s = 1; column->truth_stride > 0 && s < source->truth.rows; s++)
    if (column->truth[s * column->truth_stride] != column->truth[0]) return (double)NAN;
  return column->truth[0];
}

static void fill_row(const neurlp_estimate_column *column, double truth, neurlp_forest_row *row) {
  const double value = column->values[0], error = column->errors ? column->errors[0] : (double)NAN;
  const double scale = fabs(isfinite(truth) && truth != 0 ? truth : value); /* a false term is all error */
  memcpy(row->name, column->name, sizeof row->name);
  row->value = 100 * (isfinite(truth) ? value - truth : 0 * value) / scale;
  row->error = 100 * error / scale;
  neurlp_print_estimate(value, error, row->text);
  if (!isfinite(truth)) return;
  char estimate[64], true_text[64];
  memcpy(estimate, row->text, sizeof estimate);
  neurlp_print_estimate(truth, (double)NAN, true_text);
  snprintf(row->text, sizeof row->text, "%.40s, true %.16s", estimate, true_text);
}

static neurlp_status draw_list(const neurlp_plot_source *source, int format, int32_t count,
                               const neurlp_estimate_column *columns, neurlp_canvas **canvas) {
  neurlp_forest_row rows[MOST_ROWS];
  bool all = true;
  for (int32_t i = 0; i < count; i++) all = all && isfinite(common_truth(source, &columns[i]));
  for (int32_t i = 0; i < count; i++)
    fill_row(&columns[i], all ? common_truth(source, &columns[i]) : (double)NAN, &rows[i]);
  return neurlp_forest_draw(source, format, count, rows,
                            all ? "estimate less truth, % of the truth; bars: standard errors"
                                : "standard error, % of the estimate",
                            false, canvas);
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t number, int format,
                          neurlp_canvas **canvas) {
  (void)number;
  neurlp_estimate_column columns[MOST_ROWS];
  const bool one = (source->parameters.values ? source->parameters.rows : source->coefficients.rows) == 1;
  const int32_t count = list_columns(source, one ? MOST_ROWS : MOST_COLUMNS, columns);
  return one ? draw_list(source, format, count, columns, canvas)
             : neurlp_draw_estimates_by_system(source, format, count, columns, canvas);
}

const neurlp_picture neurlp_picture_parameters = {"parameters", false, count_pictures, draw};
