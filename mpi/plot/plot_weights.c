/* Weights of the library that a network reads off each window: over the true ones, with the diagonal, where
 * the truth is known; else over time, where systems have several windows; else one window after the other. */
#include "plot/picture.h"

#include <stdio.h>

enum { MOST_COLUMNS = 12 };

/* Not a term that is neither true nor, as one that was dropped, anywhere found. */
static bool is_shown(const neurlp_plot_source *source, int64_t column) {
  const neurlp_table *tables[] = {&source->window_weights, &source->window_truth};
  for (int i = 0; i < 2; i++)
    for (int64_t w = 0; tables[i]->values && w < tables[i]->rows; w++)
      if (tables[i]->values[w * tables[i]->columns + column] != 0) return true;
  return false;
}

static int32_t list_columns(const neurlp_plot_source *source, int32_t most, neurlp_estimate_column *columns) {
  const neurlp_table *found = &source->window_weights, *truth = &source->window_truth;
  int32_t count = 0;
  for (int64_t i = 0; found->values && i < found->columns && count < most; i++) {
    if (!is_shown(source, i)) continue;
    columns[count] = (neurlp_estimate_column){.row = "window",
                                              .values = found->values + i,
                                              .rows = found->rows,
                                              .stride = found->columns,
                                              .validation = source->window_validation.values};
    if (truth->values) {
      columns[count].truth = truth->values + i;
      columns[count].truth_stride = truth->columns;
    }
    snprintf(columns[count++].name, sizeof columns->name, "%.40s: %.40s",
             source->states.texts[i / source->terms.count], source->terms.texts[i % source->terms.count]);
  }
  return count;
}

static bool over_time(const neurlp_plot_source *source) {
  return !source->window_truth.values && source->window_system.rows > source->systems &&
         neurlp_count_emitted(source, NEURLP_EMITS_WEIGHTS) > 0;
}

static int32_t count_pictures(const neurlp_plot_source *source) {
  neurlp_estimate_column one;
  return list_columns(source, 1, &one);
}

static neurlp_status draw(const neurlp_plot_source *source, int32_t number, int format,
                          neurlp_canvas **canvas) {
  (void)number;
  neurlp_estimate_column columns[MOST_COLUMNS];
  if (over_time(source)) return neurlp_draw_emitted(source, NEURLP_EMITS_WEIGHTS, format, canvas);
  const int32_t count = list_columns(source, MOST_COLUMNS, columns);
  return neurlp_draw_estimates_by_system(source, format, count, columns, canvas);
}

const neurlp_picture neurlp_picture_weights = {"weights", false, count_pictures, draw};
