/* What the solution leaves of the data: one number for each state, or a distribution over the systems. */
#include "plot/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_STATES = 40, MOST_CURVES = 6 };

static int32_t count_pictures(const neurlp_plot_source *source) {
  return source->noise.values != NULL;
}

static neurlp_status draw_states(const neurlp_plot_source *source, int format, neurlp_canvas **canvas) {
  neurlp_forest_row *rows = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  const int32_t count = (int32_t)(source->states.count < MOST_STATES ? source->states.count : MOST_STATES);
  NEURLP_TRY(neurlp_allocate(source->context, count, sizeof *rows, &rows));
  for (int32_t k = 0; k < count; k++) {
    rows[k] = (neurlp_forest_row){.value = source->noise.values[k], .error = (double)NAN};
    snprintf(rows[k].name, sizeof rows->name, "%.90s", source->states.texts[k]);
    neurlp_print_estimate(rows[k].value, (double)NAN, rows[k].text);
  }
  status = neurlp_forest_draw(source, format, count, rows,
                              "standard deviation of the data about the solution", true, canvas);
done:
  neurlp_release(source->context, &rows);
  return status;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* The positive values of a column in rising order: values[count], and the share of systems with at most that.
 */
static int64_t sort_column(const neurlp_table *table, int64_t k, double *values, double *shares) {
  int64_t count = 0;
  for (int64_t s = 0; s < table->rows; s++) {
    const double value = table->values[s * table->columns + k];
    if (isfinite(value) && value > 0) values[count++] = value;
  }
  qsort(values, (size_t)count, sizeof *values, compare);
  for (int64_t i = 0; i < count; i++) shares[i] = (double)(i + 1) / (double)count;
  return count;
}

static neurlp_status draw_systems(const neurlp_plot_source *source, int format, neurlp_canvas **canvas) {
  const neurlp_table *noise = &source->noise;
  const int32_t curves = (int32_t)(noise->columns < MOST_CURVES ? noise->columns : MOST_CURVES);
  neurlp_legend_entry entries[MOST_CURVES];
  double *values = NULL, *shares = NULL;
  neurlp_extent extent = neurlp_extent_none();
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(source->context, noise->rows, sizeof *values, &values));
  NEURLP_TRY(neurlp_allocate(source->context, noise->rows, sizeof *shares, &shares));
  for (int32_t k = 0; k < curves; k++) {
    entries[k] = (neurlp_legend_entry){.color = neurlp_color_of(k), .line = true};
    snprintf(entries[k].text, sizeof entries->text, "%.40s", source->states.texts[k]);
    neurlp_extent_take(&extent, noise->values + k, noise->rows, noise->columns, true);
  }
  const double head = neurlp_head_height(NEURLP_PLOT_WIDTH, entries, curves), height = 200 + head;
  NEURLP_TRY(neurlp_canvas_open(source->context, format, NEURLP_PLOT_WIDTH, height, canvas));
  neurlp_head_draw(*canvas, source->title, entries, curves);
  neurlp_panel panel = {
      .canvas = *canvas, .x0 = 0, .y0 = 40, .x1 = NEURLP_PLOT_WIDTH - 20, .y1 = height - head - 4};
  panel.x = neurlp_axis_make(extent, NEURLP_PLOT_WIDTH, true, false);
  panel.x.title = "standard deviation of the data about the solution";
  panel.y = neurlp_axis_make((neurlp_extent){0, 1}, panel.y1 - panel.y0, false, false);
  panel.y.title = "share of systems";
  panel.x0 = 6 + neurlp_axis_room_left(&panel.y);
  neurlp_panel_draw(&panel, extent.low > extent.high ? "no positive values" : NULL);
  for (int32_t k = 0; k < curves; k++) {
    const int64_t count = sort_column(noise, k, values, shares);
    neurlp_panel_line(&panel, (neurlp_curve){values, shares, count, 1, 1, neurlp_color_of(k), 1.2, false});
  }
done:
  neurlp_release(source->context, &values);
  neurlp_release(source->context, &shares);
  return status;
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t number, int format,
                          neurlp_canvas **canvas) {
  (void)number;
  return source->noise.rows == 1 ? draw_states(source, format, canvas) : draw_systems(source, format, canvas);
}

const neurlp_picture neurlp_picture_noise = {"noise", false, count_pictures, draw};
