/* Titles and legends. */
#include "plot/panel.h"

static const double left = 10, line_height = 14, swatch = 18, between = 10;

static double entry_width(const neurlp_legend_entry *entry) {
  return entry->text[0] ? swatch + neurlp_text_width(entry->text, NEURLP_PLOT_TEXT) + between : 0;
}

/* Where entry i goes: its line, and *x, where it begins. */
static int32_t place_entry(double width, const neurlp_legend_entry *entries, int32_t i, double *x) {
  int32_t line = 0;
  *x = left;
  for (int32_t before = 0; before < i; before++) {
    *x += entry_width(&entries[before]);
    if (*x + entry_width(&entries[before + 1]) > width && *x > left) {
      *x = left;
      line++;
    }
  }
  return line;
}

double neurlp_head_height(double width, const neurlp_legend_entry *entries, int32_t count) {
  double x = 0;
  const int32_t lines = count > 0 ? place_entry(width, entries, count - 1, &x) + 1 : 0;
  return 24 + line_height * lines;
}

void neurlp_head_draw(const neurlp_canvas *canvas, const char *title, const neurlp_legend_entry *entries,
                      int32_t count) {
  const double top = neurlp_canvas_height(canvas);
  neurlp_text_style heading = {NEURLP_PLOT_TITLE, 0, NEURLP_INK, true, false, 0};
  const neurlp_text_style style = {NEURLP_PLOT_TEXT, 0, NEURLP_INK, false, false, 0};
  const double widest = 1.1 * neurlp_text_width(title, heading.size),
               room = neurlp_canvas_width(canvas) - 2 * left;
  if (widest > room) heading.size *= room / widest;
  neurlp_canvas_text(canvas, left, top - 13, heading, title);
  for (int32_t i = 0; i < count; i++) {
    double x = 0;
    const double y = top - 27 - line_height * place_entry(neurlp_canvas_width(canvas), entries, i, &x);
    if (!entries[i].text[0]) continue;
    if (entries[i].line) neurlp_canvas_segment(canvas, x, y, x + 14, y, entries[i].color, 1.3);
    if (entries[i].dot) neurlp_canvas_disc(canvas, x + 7, y, 1.8, entries[i].color);
    neurlp_canvas_text(canvas, x + swatch, y, style, entries[i].text);
  }
}
