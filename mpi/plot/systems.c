/* Chosen systems: their colours, and their data and solutions in a panel. */
#include "plot/picture.h"

#include <stdio.h>

enum { MOST_DOTS = 1500, FEW_DOTS = 300, BIG_DOTS = 100, MANY = 4000 };

static int64_t longest(const neurlp_plot_source *source, const neurlp_series *series) {
  int64_t most = 0;
  for (int32_t i = 0; i < source->chosen_count; i++)
    if (series[i].count > most) most = series[i].count;
  return most;
}

bool neurlp_any_data(const neurlp_plot_source *source) {
  return longest(source, source->data) > 0;
}

bool neurlp_any_solution(const neurlp_plot_source *source) {
  return longest(source, source->solution) > 0;
}

int64_t neurlp_every_sample(const neurlp_plot_source *source) {
  const int64_t most = longest(source, source->data);
  return neurlp_any_solution(source) && most > MOST_DOTS ? (most + MOST_DOTS - 1) / MOST_DOTS : 1;
}

neurlp_color neurlp_data_color(const neurlp_plot_source *source, int32_t i) {
  return source->chosen_count == 1 && neurlp_any_solution(source) ? NEURLP_GRAY : neurlp_color_of(i);
}

neurlp_color neurlp_solution_color(const neurlp_plot_source *source, int32_t i) {
  return source->chosen_count == 1 ? NEURLP_BLUE : neurlp_color_of(i);
}

int32_t neurlp_describe_systems(const neurlp_plot_source *source, int64_t every,
                                neurlp_legend_entry entries[NEURLP_MOST_ENTRIES]) {
  const bool alone = source->chosen_count == 1, data = neurlp_any_data(source),
             solution = neurlp_any_solution(source);
  int32_t count = 0;
  if (data) {
    neurlp_legend_entry *e = &entries[count++];
    *e = (neurlp_legend_entry){
        .color = alone ? neurlp_data_color(source, 0) : NEURLP_INK, .dot = true, .line = !solution};
    if (every > 1)
      snprintf(e->text, sizeof e->text, "data, one sample in %lld", (long long)every);
    else
      snprintf(e->text, sizeof e->text, "data");
  }
  if (solution) {
    entries[count] =
        (neurlp_legend_entry){.color = alone ? neurlp_solution_color(source, 0) : NEURLP_INK, .line = true};
    snprintf(entries[count++].text, sizeof entries->text, "%s", source->solution_name);
  }
  for (int32_t i = 0; i < source->chosen_count && source->systems > 1; i++) {
    entries[count] = (neurlp_legend_entry){.color = alone ? NEURLP_WHITE : neurlp_color_of(i), .line = true};
    snprintf(entries[count++].text, sizeof entries->text, "system %lld", (long long)source->chosen[i]);
  }
  return count;
}

neurlp_curve neurlp_series_curve(const neurlp_plot_source *source, const neurlp_series *series, int64_t x,
                                 int64_t k) {
  const int64_t width = source->states.count;
  return (neurlp_curve){.x = x < 0 ? series->times : series->states + x,
                        .x_stride = x < 0 ? 1 : width,
                        .y = series->states + k,
                        .y_stride = width,
                        .count = series->count,
                        .climbs = x < 0};
}

void neurlp_draw_systems(const neurlp_plot_source *source, const neurlp_panel *panel, int64_t x, int64_t k) {
  const bool solution = neurlp_any_solution(source);
  const int64_t every = neurlp_every_sample(source);
  for (int32_t i = 0; i < source->chosen_count; i++) {
    neurlp_curve curve = neurlp_series_curve(source, &source->data[i], x, k);
    curve.color = neurlp_data_color(source, i);
    curve.size = 0.9;
    if (!solution) neurlp_panel_line(panel, curve);
    curve.size = curve.count > FEW_DOTS ? 0.7 : curve.count > BIG_DOTS ? 1.0 : 1.5;
    if (solution || curve.count <= FEW_DOTS) neurlp_panel_dots(panel, curve, every);
  }
  for (int32_t i = 0; i < source->chosen_count; i++) {
    neurlp_curve curve = neurlp_series_curve(source, &source->solution[i], x, k);
    curve.color = neurlp_solution_color(source, i);
    curve.size = curve.count > MANY ? 0.45 : x < 0 ? 1.1 : 0.8;
    neurlp_panel_line(panel, curve);
  }
}

neurlp_extent neurlp_systems_extent(const neurlp_plot_source *source, int64_t k) {
  neurlp_extent extent = neurlp_extent_none();
  for (int32_t i = 0; i < source->chosen_count; i++) {
    const neurlp_series *both[] = {&source->data[i], &source->solution[i]};
    for (int32_t j = 0; j < 2; j++)
      if (both[j]->count > 0 && k < 0)
        neurlp_extent_take(&extent, both[j]->times, both[j]->count, 1, false);
      else if (both[j]->count > 0)
        neurlp_extent_take(&extent, both[j]->states + k, both[j]->count, source->states.count, false);
  }
  return extent;
}

const char *neurlp_time_title(const neurlp_plot_source *source) {
  return source->time_name ? source->time_name : "time";
}
