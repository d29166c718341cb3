/* States over time: one panel for each state. */
#include "plot/picture.h"

#include <math.h>

static int32_t count_pictures(const neurlp_plot_source *source) {
  return source->states.count <= NEURLP_MOST_PANELS &&
         (neurlp_any_data(source) || neurlp_any_solution(source));
}

typedef struct layout {
  double left, right, bottom, top, panel_height, gap;
} layout;

static neurlp_axis state_axis(const neurlp_plot_source *source, int64_t k, double height) {
  neurlp_axis axis = neurlp_axis_make(neurlp_systems_extent(source, k), height, false, true);
  axis.title = source->states.texts[k];
  axis.unit = source->state_units;
  return axis;
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t i, int format, neurlp_canvas **canvas) {
  (void)i;
  const int64_t D = source->states.count;
  neurlp_legend_entry entries[NEURLP_MOST_ENTRIES];
  const int32_t count = neurlp_describe_systems(source, neurlp_every_sample(source), entries);
  layout l = {.left = 0,
              .right = NEURLP_PLOT_WIDTH - 18,
              .panel_height = fmin(fmax(300.0 / (double)D, 56), 170),
              .gap = 9};
  l.top = neurlp_head_height(NEURLP_PLOT_WIDTH, entries, count);
  neurlp_axis time = {0};
  for (int64_t k = 0; k < D; k++) {
    const neurlp_axis y = state_axis(source, k, l.panel_height);
    l.left = fmax(l.left, neurlp_axis_room_left(&y) + 6);
    if (y.exponent) l.gap = 18;
  }
  time = neurlp_axis_make(neurlp_systems_extent(source, -1), 0.6 * (l.right - l.left), false, false);
  time.title = neurlp_time_title(source);
  time.unit = source->time_units;
  l.bottom = neurlp_axis_room_below(&time) + 6;
  const double height = l.top + l.bottom + (double)D * (l.panel_height + l.gap);
  const neurlp_status status = neurlp_canvas_open(source->context, format, NEURLP_PLOT_WIDTH, height, canvas);
  if (status < 0) return status;
  neurlp_head_draw(*canvas, source->title, entries, count);
  for (int64_t k = 0; k < D; k++) {
    const double y0 = l.bottom + (double)(D - 1 - k) * (l.panel_height + l.gap);
    neurlp_panel panel = {
        *canvas, l.left, y0, l.right, y0 + l.panel_height, time, state_axis(source, k, l.panel_height)};
    panel.x.bare = k < D - 1;
    const neurlp_extent extent = neurlp_systems_extent(source, k);
    neurlp_panel_draw(&panel, extent.low > extent.high ? "no values" : NULL);
    neurlp_draw_systems(source, &panel, -1, k);
  }
  return NEURLP_SUCCESS;
}

const neurlp_picture neurlp_picture_trajectories = {"trajectories", false, count_pictures, draw};
