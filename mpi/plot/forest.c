/* Rows of one value with its error each. */
#include "plot/picture.h"

#include <math.h>

#include <stdio.h>
#include <string.h>

static const double row_height = 16;

void neurlp_print_estimate(double value, double error, char text[64]) {
  char digits[48];
  const int decimals = isfinite(error) && error > 0 ? 1 - (int)floor(log10(error)) : -1;
  if (!isfinite(error))
    snprintf(digits, sizeof digits, "%.5g", value);
  else if (decimals < 0 || decimals > 12 || fabs(value) > 1e12)
    snprintf(digits, sizeof digits, "%.6g(%.2g)", value, error);
  else
    snprintf(digits, sizeof digits, "%.*f(%.0f)", decimals, value, error * pow(10, decimals));
  /* a minus is as wide as a plus; a hyphen is not */
  size_t length = 0;
  for (const char *c = digits; *c && length + 4 < 64; c++) {
    const char one[2] = {*c, '\0'}, *shown = *c == '-' ? "\xe2\x88\x92" : one;
    memcpy(text + length, shown, strlen(shown));
    length += strlen(shown);
  }
  text[length] = '\0';
}

static void draw_row(const neurlp_panel *panel, const neurlp_forest_row *row, double place) {
  const neurlp_canvas *canvas = panel->canvas;
  const neurlp_text_style name = {NEURLP_PLOT_TEXT, 1, NEURLP_INK, false, false, 0};
  const neurlp_text_style text = {NEURLP_PLOT_TEXT, 0, NEURLP_INK, false, false, 0};
  double x = 0, y = 0, low = 0, high = 0;
  neurlp_canvas_text(canvas, panel->x0 - 6, panel->y1 - place * row_height, name, row->name);
  neurlp_canvas_text(canvas, panel->x1 + 6, panel->y1 - place * row_height, text, row->text);
  const double middle =
      panel->y.low + (panel->y.high - panel->y.low) * (1 - place * row_height / (panel->y1 - panel->y0));
  if (!neurlp_panel_place(panel, row->value, middle, &x, &y)) return;
  if (neurlp_panel_place(panel, row->value - row->error, middle, &low, &y) &&
      neurlp_panel_place(panel, row->value + row->error, middle, &high, &y)) {
    neurlp_canvas_segment(canvas, low, y, high, y, NEURLP_BLUE, 1.2);
    neurlp_canvas_segment(canvas, low, y - 3, low, y + 3, NEURLP_BLUE, 1.2);
    neurlp_canvas_segment(canvas, high, y - 3, high, y + 3, NEURLP_BLUE, 1.2);
  }
  neurlp_canvas_disc(canvas, x, y, 2.4, NEURLP_BLUE);
}

/* What the axis has to span: bars too; and zero in the middle, where there are bars. */
static neurlp_extent find_extent(int32_t count, const neurlp_forest_row *rows, bool log) {
  neurlp_extent extent = neurlp_extent_none();
  for (int32_t i = 0; i < count; i++) {
    const double error = isfinite(rows[i].error) ? rows[i].error : 0, reach = fabs(rows[i].value) + error;
    const double both[] = {log ? rows[i].value : -1.1 * reach, log ? rows[i].value : 1.1 * reach};
    neurlp_extent_take(&extent, both, 2, 1, log);
  }
  return extent;
}

neurlp_status neurlp_forest_draw(const neurlp_plot_source *source, int format, int32_t count,
                                 const neurlp_forest_row *rows, const char *axis_title, bool log,
                                 neurlp_canvas **canvas) {
  double left = 30, right = 20;
  for (int32_t i = 0; i < count; i++) {
    left = fmax(left, neurlp_text_width(rows[i].name, NEURLP_PLOT_TEXT) + 12);
    right = fmax(right, neurlp_text_width(rows[i].text, NEURLP_PLOT_TEXT) + 14);
  }
  const double width = fmax(NEURLP_PLOT_WIDTH, left + right + 200), head = neurlp_head_height(width, NULL, 0);
  const neurlp_extent extent = find_extent(count, rows, log);
  neurlp_panel panel = {
      .x0 = left, .x1 = width - right, .y = {.low = 1, .high = 2, .step = 10, .bare = true}};
  panel.x = neurlp_axis_make(extent, 0.6 * (panel.x1 - panel.x0), log, false);
  panel.x.title = axis_title;
  panel.y0 = neurlp_axis_room_below(&panel.x) + 6;
  panel.y1 = panel.y0 + row_height * count + 4;
  neurlp_status status = neurlp_canvas_open(source->context, format, width, panel.y1 + head + 4, canvas);
  if (status < 0) return status;
  panel.canvas = *canvas;
  neurlp_head_draw(*canvas, source->title, NULL, 0);
  neurlp_panel_draw(&panel, extent.low > extent.high ? "no values" : NULL);
  double x = 0, y0 = 0, y1 = 0;
  if (!log && neurlp_panel_place(&panel, 0, 1, &x, &y0) && neurlp_panel_place(&panel, 0, 2, &x, &y1))
    neurlp_canvas_segment(*canvas, x, y0, x, y1, NEURLP_GRAY, 0.8);
  for (int32_t i = 0; i < count; i++) draw_row(&panel, &rows[i], i + 0.625);
  return status;
}
