/* Training, epoch by epoch: losses, and the learning rate below them. */
#include "plot/picture.h"

#include <math.h>
#include <stdio.h>

static int32_t count_pictures(const neurlp_plot_source *source) {
  return source->train_loss.values || source->validation_loss.values;
}

/* A curve over the numbers 1, 2, ... that `epochs` holds. */
static void draw_curve(const neurlp_panel *panel, const neurlp_table *table, const double *epochs,
                       neurlp_color color) {
  const neurlp_curve curve = {.x = epochs,
                              .x_stride = 1,
                              .y = table->values,
                              .y_stride = 1,
                              .count = table->rows,
                              .color = color,
                              .size = 1.1,
                              .climbs = true};
  if (table->values) neurlp_panel_line(panel, curve);
}

static neurlp_extent extent_of(const neurlp_table *a, const neurlp_table *b) {
  neurlp_extent extent = neurlp_extent_none();
  if (a->values) neurlp_extent_take(&extent, a->values, a->rows, 1, true);
  if (b && b->values) neurlp_extent_take(&extent, b->values, b->rows, 1, true);
  return extent;
}

static void draw_panels(const neurlp_plot_source *source, const neurlp_canvas *canvas, const double *epochs,
                        int64_t count, double top) {
  const bool rates = source->learning_rate.values != NULL;
  const double low = rates ? 110 : 0, high = neurlp_canvas_height(canvas) - top - 9;
  neurlp_extent span = {1, (double)count};
  const neurlp_extent loss = extent_of(&source->train_loss, &source->validation_loss);
  neurlp_panel panel = {
      .canvas = canvas, .x0 = 54, .x1 = NEURLP_PLOT_WIDTH - 20, .y0 = rates ? low + 12 : 40, .y1 = high};
  panel.x = neurlp_axis_make(span, 240, false, false);
  if (panel.x.step < 1) panel.x.step = 1, panel.x.decimals = 0;
  panel.x.title = "epoch";
  panel.y = neurlp_axis_make(loss, panel.y1 - panel.y0, true, false);
  panel.y.title = "loss";
  neurlp_panel lower = panel;
  panel.x.bare = rates;
  neurlp_panel_draw(&panel, loss.low > loss.high ? "no positive values" : NULL);
  draw_curve(&panel, &source->train_loss, epochs, NEURLP_BLUE);
  draw_curve(&panel, &source->validation_loss, epochs, NEURLP_VERMILION);
  if (!rates) return;
  lower.y0 = 40;
  lower.y1 = low;
  lower.y = neurlp_axis_make(extent_of(&source->learning_rate, NULL), low - 40, true, false);
  lower.y.title = "learning rate";
  neurlp_panel_draw(&lower, NULL);
  draw_curve(&lower, &source->learning_rate, epochs, NEURLP_INK);
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t number, int format,
                          neurlp_canvas **canvas) {
  (void)number;
  const neurlp_table *tables[] = {&source->train_loss, &source->validation_loss, &source->learning_rate};
  const neurlp_legend_entry entries[] = {{"training", NEURLP_BLUE, false, source->train_loss.values != NULL},
                                         {"validation", NEURLP_VERMILION, false, true}};
  double *epochs = NULL;
  int64_t count = 0;
  neurlp_status status = NEURLP_SUCCESS;
  for (int i = 0; i < 3; i++)
    if (tables[i]->values && tables[i]->rows > count) count = tables[i]->rows;
  NEURLP_TRY(neurlp_allocate(source->context, count, sizeof *epochs, &epochs));
  for (int64_t i = 0; i < count; i++) epochs[i] = (double)(i + 1);
  const int32_t shown = source->validation_loss.values ? 2 : 1;
  const double top = neurlp_head_height(NEURLP_PLOT_WIDTH, entries, shown);
  NEURLP_TRY(neurlp_canvas_open(source->context, format, NEURLP_PLOT_WIDTH,
                                source->learning_rate.values ? 330 : 250, canvas));
  neurlp_head_draw(*canvas, source->title, entries, shown);
  draw_panels(source, *canvas, epochs, count, top);
done:
  neurlp_release(source->context, &epochs);
  return status;
}

const neurlp_picture neurlp_picture_loss = {"loss", false, count_pictures, draw};
