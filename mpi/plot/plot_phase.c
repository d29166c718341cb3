/* Phase portraits: states over states. All pairs of up to three states, else each state with its neighbour.
 */
#include "plot/picture.h"

#include <math.h>

enum { ACROSS = 3, MOST_PAIRS = 6 };
static const double gap = 12, above = 14;

static int32_t count_pairs(const neurlp_plot_source *source) {
  const int64_t D = source->states.count;
  return D == 2 ? 1 : D == 3 ? 3 : D / 2 > MOST_PAIRS ? MOST_PAIRS : (int32_t)(D / 2);
}

static void find_pair(const neurlp_plot_source *source, int32_t i, int64_t *x, int64_t *y) {
  static const int pairs[3][2] = {{0, 1}, {0, 2}, {1, 2}};
  const bool all = source->states.count <= 3;
  *x = all ? pairs[i][0] : 2 * i;
  *y = all ? pairs[i][1] : 2 * i + 1;
}

static int32_t count_pictures(const neurlp_plot_source *source) {
  const int64_t D = source->states.count;
  return D >= 2 && D <= NEURLP_MOST_PANELS && (neurlp_any_data(source) || neurlp_any_solution(source));
}

static neurlp_axis axis_of(const neurlp_plot_source *source, int64_t k, double length) {
  neurlp_axis axis = neurlp_axis_make(neurlp_systems_extent(source, k), length, false, true);
  axis.title = source->states.texts[k];
  axis.unit = source->state_units;
  return axis;
}

/* Room for labels left of and below every panel: that of the one that needs most. */
static void find_rooms(const neurlp_plot_source *source, int32_t pairs, double size, double *left,
                       double *below) {
  *left = *below = 0;
  for (int32_t i = 0; i < pairs; i++) {
    int64_t k, l;
    find_pair(source, i, &k, &l);
    const neurlp_axis x = axis_of(source, k, 0.75 * size), y = axis_of(source, l, size);
    *left = fmax(*left, neurlp_axis_room_left(&y));
    *below = fmax(*below, neurlp_axis_room_below(&x));
  }
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t number, int format,
                          neurlp_canvas **canvas) {
  (void)number;
  neurlp_legend_entry entries[NEURLP_MOST_ENTRIES];
  const int32_t count = neurlp_describe_systems(source, neurlp_every_sample(source), entries);
  const int32_t pairs = count_pairs(source), across = pairs < ACROSS ? pairs : ACROSS;
  const int32_t down = (pairs + ACROSS - 1) / ACROSS;
  double left = 0, below = 0, width = across == 1 ? 360 : NEURLP_PLOT_WIDTH;
  find_rooms(source, pairs, 110, &left, &below);
  const double size = (width - 12) / across - left - gap, head = neurlp_head_height(width, entries, count);
  const double height = head + down * (size + below + above) + 4;
  const neurlp_status status = neurlp_canvas_open(source->context, format, width, height, canvas);
  if (status < 0) return status;
  neurlp_head_draw(*canvas, source->title, entries, count);
  for (int32_t i = 0; i < pairs; i++) {
    int64_t k, l;
    find_pair(source, i, &k, &l);
    const double x0 = 6 + left + i % ACROSS * (left + size + gap);
    const double y1 = height - head - above / 2 - i / ACROSS * (size + below + above);
    const neurlp_panel panel = {
        *canvas, x0, y1 - size, x0 + size, y1, axis_of(source, k, 0.75 * size), axis_of(source, l, size)};
    const neurlp_extent x = neurlp_systems_extent(source, k), y = neurlp_systems_extent(source, l);
    neurlp_panel_draw(&panel, x.low > x.high || y.low > y.high ? "no values" : NULL);
    neurlp_draw_systems(source, &panel, k, l);
  }
  return NEURLP_SUCCESS;
}

const neurlp_picture neurlp_picture_phase = {"phase", false, count_pictures, draw};
