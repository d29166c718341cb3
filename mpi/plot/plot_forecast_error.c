/* Errors of forecasts, step by step, beside those of the last sample, held. */
#include "plot/picture.h"

static int32_t count_pictures(const neurlp_plot_source *source) {
  return source->forecast_mse.values != NULL;
}

static void draw_curve(const neurlp_panel *panel, const neurlp_table *table, const double *steps,
                       neurlp_color color) {
  if (table->values)
    neurlp_panel_line(panel, (neurlp_curve){steps, table->values, table->rows, 1, 1, color, 1.1, true});
}

static void draw_panel(const neurlp_plot_source *source, const neurlp_canvas *canvas, const double *steps,
                       double top) {
  const neurlp_table *errors = &source->forecast_mse, *held = &source->held_mse;
  neurlp_extent extent = neurlp_extent_none();
  neurlp_panel panel = {
      .canvas = canvas, .x1 = NEURLP_PLOT_WIDTH - 20, .y0 = 40, .y1 = neurlp_canvas_height(canvas) - top - 9};
  neurlp_extent_take(&extent, errors->values, errors->rows, 1, true);
  if (held->values) neurlp_extent_take(&extent, held->values, held->rows, 1, true);
  panel.x = neurlp_axis_make((neurlp_extent){1, (double)errors->rows}, 240, false, false);
  if (panel.x.step < 1) panel.x.step = 1, panel.x.decimals = 0;
  panel.x.title = "steps ahead";
  panel.y = neurlp_axis_make(extent, panel.y1 - panel.y0, true, false);
  panel.y.title = "mean square error";
  panel.x0 = 6 + neurlp_axis_room_left(&panel.y);
  neurlp_panel_draw(&panel, extent.low > extent.high ? "no positive values" : NULL);
  draw_curve(&panel, held, steps, NEURLP_VERMILION);
  draw_curve(&panel, errors, steps, NEURLP_BLUE);
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t number, int format,
                          neurlp_canvas **canvas) {
  (void)number;
  const neurlp_legend_entry entries[] = {
      {.text = "forecast", .color = NEURLP_BLUE, .line = true},
      {.text = "the last known sample, held", .color = NEURLP_VERMILION, .line = true}};
  const int32_t shown = source->held_mse.values ? 2 : 1;
  const double top = neurlp_head_height(NEURLP_PLOT_WIDTH, entries, shown);
  const int64_t count = source->forecast_mse.rows;
  double *steps = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(source->context, count, sizeof *steps, &steps));
  for (int64_t i = 0; i < count; i++) steps[i] = (double)(i + 1);
  NEURLP_TRY(neurlp_canvas_open(source->context, format, NEURLP_PLOT_WIDTH, 250, canvas));
  neurlp_head_draw(*canvas, source->title, entries, shown);
  draw_panel(source, *canvas, steps, top);
done:
  neurlp_release(source->context, &steps);
  return status;
}

const neurlp_picture neurlp_picture_forecast_error = {"forecast_error", false, count_pictures, draw};
