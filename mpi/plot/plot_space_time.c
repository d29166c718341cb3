/* All states of one system over time, as an image: data, the solution below them, and the difference. Made of
 * rectangles, so that it is sharp in both formats; states and samples that are closer than the image can show
 * are averaged.
 */
#include "plot/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double image_height = 150, gap = 26, bar_width = 11;
enum { BAR_PARTS = 64 };

/* Cells of an image: times of their edges, and means. */
typedef struct cells {
  int64_t across, down;
  double *edges;  /* [across + 1] */
  double *values; /* [across][down], NaN where all is missing */
} cells;

static int32_t count_pictures(const neurlp_plot_source *source) {
  const bool any = neurlp_any_data(source) || neurlp_any_solution(source);
  return source->states.count > NEURLP_MOST_PANELS && any ? source->chosen_count : 0;
}

/* The mean of a block of samples and states. */
static double mean_of(const neurlp_plot_source *source, const neurlp_series *series, int64_t first,
                      int64_t end, int64_t first_state, int64_t end_state) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t t = first; t < end; t++)
    for (int64_t k = first_state; k < end_state; k++) {
      const double value = series->states[t * source->states.count + k];
      if (!isfinite(value)) continue;
      sum += value / (double)(end - first) / (double)(end_state - first_state);
      count++;
    }
  return count ? sum * (double)((end - first) * (end_state - first_state)) / (double)count : (double)NAN;
}

/* Edges lie between samples, half an interval before the first and after the last. */
static double edge_before(const neurlp_series *series, int64_t t) {
  const int64_t n = series->count;
  if (n == 1) return series->times[0] + (t == 0 ? -0.5 : 0.5);
  if (t == 0) return series->times[0] - (series->times[1] - series->times[0]) / 2;
  if (t == n) return series->times[n - 1] + (series->times[n - 1] - series->times[n - 2]) / 2;
  return (series->times[t - 1] + series->times[t]) / 2;
}

static neurlp_status make_cells(const neurlp_plot_source *source, const neurlp_series *series, int format,
                                cells *c) {
  const int64_t most_across = format == NEURLP_FORMAT_SVG ? 160 : 640,
                most_down = format == NEURLP_FORMAT_SVG ? 64 : 256;
  const int64_t D = source->states.count;
  neurlp_status status = NEURLP_SUCCESS;
  c->across = series->count < most_across ? series->count : most_across;
  c->down = D < most_down ? D : most_down;
  NEURLP_TRY(neurlp_allocate(source->context, c->across + 1, sizeof *c->edges, &c->edges));
  NEURLP_TRY(neurlp_allocate(source->context, c->across * c->down, sizeof *c->values, &c->values));
  for (int64_t i = 0; i < c->across; i++) {
    const int64_t first = i * series->count / c->across, end = (i + 1) * series->count / c->across;
    c->edges[i] = edge_before(series, first);
    for (int64_t j = 0; j < c->down; j++)
      c->values[i * c->down + j] =
          mean_of(source, series, first, end, j * D / c->down, (j + 1) * D / c->down);
  }
  if (c->across > 0) c->edges[c->across] = edge_before(series, series->count);
done:
  return status;
}

/* Edges are moved to whole pixels of a PNG. */
static double snap(double place) {
  return round(3 * place) / 3;
}

/* Each cell reaches under its neighbours to the right and above, which are drawn later: no seams between
 * them. */
static void draw_cells(const neurlp_panel *panel, const cells *c, neurlp_extent range) {
  const double step = (panel->y1 - panel->y0) / (double)c->down;
  for (int64_t j = 0; j < c->down; j++) {
    const double y0 = snap(panel->y0 + (double)j * step), y1 = snap(panel->y0 + (double)(j + 1) * step);
    const double under = fmin(y1 + step / 2, panel->y1);
    for (int64_t i = 0; i < c->across; i++) {
      double x0 = 0, x1 = 0, y = 0;
      if (!neurlp_panel_place(panel, c->edges[i], panel->y.low, &x0, &y) ||
          !neurlp_panel_place(panel, c->edges[i + 1], panel->y.low, &x1, &y))
        continue;
      const double value = c->values[i * c->down + j];
      const double last = i + 1 < c->across ? (x1 - x0) / 2 : 0;
      if (isnan(value))
        neurlp_canvas_fill(panel->canvas, snap(x0), y0, snap(x1), y1, NEURLP_WHITE);
      else
        neurlp_canvas_shade(panel->canvas, snap(x0), y0, snap(x1) + last, under,
                            range.high > range.low ? (value - range.low) / (range.high - range.low) : 0.5);
    }
  }
}

static void draw_bar(const neurlp_panel *image, const neurlp_axis *values) {
  const double height = image->y1 - image->y0, x0 = image->x1 + 8 + neurlp_axis_room_left(values);
  for (int i = 0; i < BAR_PARTS; i++) {
    const double y0 = image->y0 + height * i / BAR_PARTS;
    neurlp_canvas_shade(image->canvas, x0, y0, x0 + bar_width, fmin(y0 + 1.5 * height / BAR_PARTS, image->y1),
                        (i + 0.5) / BAR_PARTS);
  }
  neurlp_panel frame = {
      .canvas = image->canvas, .x0 = x0, .x1 = x0 + bar_width, .y0 = image->y0, .y1 = image->y1};
  frame.x = (neurlp_axis){.low = 0.25, .high = 0.75, .step = 10, .bare = true};
  frame.y = *values;
  neurlp_panel_frame(&frame);
}

/* One image and what stands around it. */
static void draw_image(neurlp_panel panel, const char *name, const cells *c, neurlp_extent range,
                       const neurlp_axis *values) {
  draw_cells(&panel, c, range);
  neurlp_panel_frame(&panel);
  neurlp_canvas_text(panel.canvas, panel.x0, panel.y1 + 8,
                     (neurlp_text_style){NEURLP_PLOT_TEXT, 0, NEURLP_INK, true, false, 0}, name);
  draw_bar(&panel, values);
}

static void print_heading(const neurlp_plot_source *source, int32_t i, char heading[128]) {
  if (source->systems > 1)
    snprintf(heading, 128, "%.50s, system %lld", source->title, (long long)source->chosen[i]);
  else
    snprintf(heading, 128, "%.120s", source->title);
}

/* ---- the images of one picture: data, solution, and how they differ ----------------------------------- */

enum { DATA, SOLUTION, DIFFERENCE, IMAGES };

typedef struct picture {
  neurlp_series series[IMAGES]; /* count 0: no such image */
  char names[IMAGES][80];
  cells cells[IMAGES];
  neurlp_extent range[IMAGES]; /* data and solution have one in common */
  neurlp_axis values[IMAGES];
} picture;

/* Solution less data, where both have the same samples. */
static neurlp_status subtract(const neurlp_plot_source *source, picture *p) {
  const neurlp_series *data = &p->series[DATA], *solution = &p->series[SOLUTION];
  neurlp_series *difference = &p->series[DIFFERENCE];
  const int64_t count = data->count, D = source->states.count;
  if (count == 0 || count != solution->count) return NEURLP_SUCCESS;
  for (int64_t t = 0; t < count; t++)
    if (data->times[t] != solution->times[t]) return NEURLP_SUCCESS;
  const neurlp_status status =
      neurlp_allocate(source->context, count * D, sizeof *difference->states, &difference->states);
  if (status < 0) return status;
  difference->times = data->times;
  difference->count = count;
  for (int64_t i = 0; i < count * D; i++) difference->states[i] = solution->states[i] - data->states[i];
  return NEURLP_SUCCESS;
}

static neurlp_status make_images(const neurlp_plot_source *source, int32_t i, int format, picture *p) {
  neurlp_status status = NEURLP_SUCCESS;
  p->series[DATA] = source->data[i];
  p->series[SOLUTION] = source->solution[i];
  NEURLP_TRY(subtract(source, p));
  snprintf(p->names[DATA], sizeof p->names[DATA], "data");
  snprintf(p->names[SOLUTION], sizeof p->names[SOLUTION], "%s", source->solution_name);
  snprintf(p->names[DIFFERENCE], sizeof p->names[DIFFERENCE], "%s less data", source->solution_name);
  for (int j = 0; j < IMAGES; j++) {
    p->range[j] = neurlp_extent_none();
    NEURLP_TRY(make_cells(source, &p->series[j], format, &p->cells[j]));
    neurlp_extent_take(&p->range[j], p->cells[j].values, p->cells[j].across * p->cells[j].down, 1, false);
  }
  neurlp_extent_take(&p->range[DATA], &p->range[SOLUTION].low, 1, 1, false);
  neurlp_extent_take(&p->range[DATA], &p->range[SOLUTION].high, 1, 1, false);
  p->range[SOLUTION] = p->range[DATA];
  for (int j = 0; j < IMAGES; j++) {
    p->values[j] = neurlp_axis_make(p->range[j], image_height, false, false);
    if (p->range[j].low < p->range[j].high)
      p->values[j].low = p->range[j].low, p->values[j].high = p->range[j].high;
    if (source->state_units && source->state_units[0] && strcmp(source->state_units, "1") != 0)
      p->values[j].title = source->state_units;
  }
done:
  return status;
}

static void release_images(const neurlp_plot_source *source, picture *p) {
  neurlp_release(source->context, &p->series[DIFFERENCE].states);
  for (int j = 0; j < IMAGES; j++) {
    neurlp_release(source->context, &p->cells[j].edges);
    neurlp_release(source->context, &p->cells[j].values);
  }
}

/* Where all images are across the page, and their axes of states and time. */
static neurlp_panel lay_out(const neurlp_plot_source *source, const picture *p) {
  neurlp_extent span = neurlp_extent_none();
  double right = 0;
  for (int j = 0; j < IMAGES; j++) {
    if (p->series[j].count == 0) continue;
    neurlp_extent_take(&span, p->cells[j].edges, p->cells[j].across + 1, 1, false);
    right = fmax(right, neurlp_axis_room_left(&p->values[j]));
  }
  neurlp_panel panel = {.x0 = 6, .x1 = NEURLP_PLOT_WIDTH - right - bar_width - 20};
  panel.y =
      neurlp_axis_make((neurlp_extent){0.5, (double)source->states.count + 0.5}, image_height, false, false);
  if (panel.y.step < 1) panel.y.step = 1;
  panel.y.low = 0.5;
  panel.y.high = (double)source->states.count + 0.5;
  panel.y.title = "state";
  panel.x0 += neurlp_axis_room_left(&panel.y);
  panel.x = neurlp_axis_make(span, 0.6 * (panel.x1 - panel.x0), false, false);
  panel.x.title = neurlp_time_title(source);
  panel.x.unit = source->time_units;
  return panel;
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t i, int format, neurlp_canvas **canvas) {
  picture p = {0};
  char heading[128];
  int images = 0, drawn = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(make_images(source, i, format, &p));
  for (int j = 0; j < IMAGES; j++) images += p.series[j].count > 0;
  neurlp_panel panel = lay_out(source, &p);
  const double head = neurlp_head_height(NEURLP_PLOT_WIDTH, NULL, 0),
               height = head + images * (image_height + gap) + neurlp_axis_room_below(&panel.x);
  print_heading(source, i, heading);
  NEURLP_TRY(neurlp_canvas_open(source->context, format, NEURLP_PLOT_WIDTH, height, canvas));
  panel.canvas = *canvas;
  neurlp_head_draw(*canvas, heading, NULL, 0);
  for (int j = 0; j < IMAGES; j++) {
    if (p.series[j].count == 0) continue;
    panel.y1 = height - head - 16 - drawn * (image_height + gap);
    panel.y0 = panel.y1 - image_height;
    panel.x.bare = ++drawn < images;
    draw_image(panel, p.names[j], &p.cells[j], p.range[j], &p.values[j]);
  }
done:
  release_images(source, &p);
  return status;
}

const neurlp_picture neurlp_picture_space_time = {"space_time", true, count_pictures, draw};
