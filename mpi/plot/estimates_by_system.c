/* Estimates of many systems or windows: a panel for each parameter, against the truth or over the systems. */
#include "plot/picture.h"

#include <math.h>
#include <stdio.h>

enum { ACROSS = 2, MOST_BARS = 300, MOST_DOTS = 4000 };
static const double gap = 16, above = 20;

typedef struct page {
  const neurlp_plot_source *source;
  const neurlp_estimate_column *columns;
  int32_t count, across;
  double left, size, height; /* of a panel: room for labels, width, height */
  int64_t every;
} page;

/* What a panel spans. Where the truth is known it is the truth's span and a quarter more: a single estimate
 * that went astray must not make the others a dot. */
static void find_axes(const page *p, const neurlp_estimate_column *column, neurlp_axis *x, neurlp_axis *y) {
  neurlp_extent extent = neurlp_extent_none();
  if (column->truth) {
    neurlp_extent_take(&extent, column->truth, column->rows, column->truth_stride, false);
    const double more =
        extent.low < extent.high ? 0.25 * (extent.high - extent.low) : 0.25 * fabs(extent.low);
    extent.low -= more;
    extent.high += more;
    *x = neurlp_axis_make(extent, 0.65 * p->size, false, false);
    x->title = "truth";
  } else {
    neurlp_extent_take(&extent, column->values, column->rows, column->stride, false);
    *x = neurlp_axis_make((neurlp_extent){0, (double)(column->rows - 1)}, 0.65 * p->size, false, true);
    x->title = column->row;
  }
  *y = neurlp_axis_make(extent, p->height, false, !column->truth);
  y->title = "estimate";
}

/* Rows that were kept for validation, or those that were not. Returns how many of them have no place. */
static int64_t draw_rows(const page *p, const neurlp_panel *panel, const neurlp_estimate_column *column,
                         bool validation) {
  const bool few = column->rows <= MOST_BARS, bars = column->errors && few;
  int64_t outside = 0;
  for (int64_t s = 0; s < column->rows; s++) {
    const double value = column->values[s * column->stride];
    const double place = column->truth ? column->truth[s * column->truth_stride] : (double)s;
    double x = 0, y = 0, low = 0, high = 0;
    if ((column->validation && column->validation[s] != 0) != validation) continue;
    if (!neurlp_panel_place(panel, place, value, &x, &y)) {
      outside++;
      continue;
    }
    if (s % p->every) continue;
    const double error = bars ? column->errors[s * column->stride] : 0;
    if (neurlp_panel_place(panel, place, value - error, &x, &low) &&
        neurlp_panel_place(panel, place, value + error, &x, &high))
      neurlp_canvas_segment(panel->canvas, x, low, x, high, NEURLP_SKY, 0.8);
    neurlp_canvas_disc(panel->canvas, x, y, few ? 1.6 : 0.7, validation ? NEURLP_ORANGE : NEURLP_BLUE);
  }
  return outside;
}

static void draw_estimates(const page *p, const neurlp_panel *panel, const neurlp_estimate_column *column) {
  char sentence[64];
  int64_t outside = draw_rows(p, panel, column, false);
  outside += draw_rows(p, panel, column, true); /* over the others: they are what counts */
  snprintf(sentence, sizeof sentence, "%lld of %lld outside or failed", (long long)outside,
           (long long)column->rows);
  if (outside > 0)
    neurlp_canvas_text(panel->canvas, panel->x1 - 5, panel->y0 + 8,
                       (neurlp_text_style){NEURLP_PLOT_TEXT - 1, 1, NEURLP_INK, false, false, 0}, sentence);
}

static void draw_panel(const page *p, const neurlp_canvas *canvas, int32_t i, double x0, double y0) {
  const neurlp_estimate_column *column = &p->columns[i];
  neurlp_panel panel = {.canvas = canvas, .x0 = x0, .y0 = y0, .x1 = x0 + p->size, .y1 = y0 + p->height};
  find_axes(p, column, &panel.x, &panel.y);
  neurlp_panel_draw(&panel, NULL);
  neurlp_canvas_text(canvas, (panel.x0 + panel.x1) / 2, panel.y1 + 8,
                     (neurlp_text_style){NEURLP_PLOT_TEXT, 0.5, NEURLP_INK, true, false, 0}, column->name);
  draw_estimates(p, &panel, column);
  if (column->truth)
    neurlp_canvas_segment(canvas, panel.x0, panel.y0, panel.x1, panel.y1, NEURLP_VERMILION, 0.9);
}

enum { ENTRIES = 4 };

static bool has_validation(const neurlp_estimate_column *column) {
  for (int64_t s = 0; column->validation && s < column->rows; s++)
    if (column->validation[s] != 0) return true;
  return false;
}

/* What dots and lines are; how many systems are shown. */
static int32_t describe(const page *p, neurlp_legend_entry entries[ENTRIES]) {
  const int64_t rows = p->columns[0].rows;
  const char *row = p->columns[0].row;
  entries[0] = (neurlp_legend_entry){.color = NEURLP_BLUE, .dot = true};
  entries[1] = (neurlp_legend_entry){.color = NEURLP_SKY, .line = true};
  entries[2] = (neurlp_legend_entry){.color = NEURLP_VERMILION, .line = true};
  if (p->every > 1)
    snprintf(entries[0].text, sizeof entries->text, "one %s in %lld of %lld", row, (long long)p->every,
             (long long)rows);
  else
    snprintf(entries[0].text, sizeof entries->text, "%lld %ss", (long long)rows, row);
  if (p->columns[0].errors && rows <= MOST_BARS)
    snprintf(entries[1].text, sizeof entries->text, "one standard error");
  if (p->columns[0].truth) snprintf(entries[2].text, sizeof entries->text, "estimate = truth");
  entries[3] = (neurlp_legend_entry){.color = NEURLP_ORANGE, .dot = true};
  if (has_validation(&p->columns[0])) snprintf(entries[3].text, sizeof entries->text, "kept for validation");
  return ENTRIES;
}

neurlp_status neurlp_draw_estimates_by_system(const neurlp_plot_source *source, int format, int32_t count,
                                              const neurlp_estimate_column *columns, neurlp_canvas **canvas) {
  page p = {.source = source, .columns = columns, .count = count, .across = count < ACROSS ? count : ACROSS};
  p.every = (columns[0].rows + MOST_DOTS - 1) / MOST_DOTS;
  p.size = p.height = 150;
  const double width = p.across == 1 ? 330 : NEURLP_PLOT_WIDTH;
  neurlp_legend_entry entries[ENTRIES];
  neurlp_axis x, y;
  double below = 0;
  for (int32_t i = 0; i < count; i++) {
    find_axes(&p, &columns[i], &x, &y);
    p.left = fmax(p.left, neurlp_axis_room_left(&y));
    below = fmax(below, neurlp_axis_room_below(&x));
  }
  p.size = (width - 10) / p.across - p.left - gap;
  p.height = columns[0].truth ? p.size : 0.6 * p.size;
  const int32_t shown = describe(&p, entries), down = (count + p.across - 1) / p.across;
  const double head = neurlp_head_height(width, entries, shown), row = p.height + below + above;
  const double height = head + down * row + 4;
  const neurlp_status status = neurlp_canvas_open(source->context, format, width, height, canvas);
  if (status < 0) return status;
  neurlp_head_draw(*canvas, source->title, entries, shown);
  for (int32_t i = 0; i < count; i++)
    draw_panel(&p, *canvas, i, 6 + p.left + i % p.across * (p.left + p.size + gap),
               height - head - above - p.height - i / p.across * row);
  return status;
}
