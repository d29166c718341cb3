/* Frames, grids, ticks, labels. */
#include "plot/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TICKS = 64 };
static const double tick_length = 3, gap = 3;

/* ---- places ------------------------------------------------------------------------------------------ */

static double share_of(const neurlp_axis *axis, double value) {
  return ((axis->log ? log10(value) : value) - axis->low) / (axis->high - axis->low);
}

bool neurlp_panel_place(const neurlp_panel *panel, double x, double y, double *px, double *py) {
  const double a = share_of(&panel->x, x), b = share_of(&panel->y, y);
  if (!(a >= -1e-9 && a <= 1 + 1e-9 && b >= -1e-9 && b <= 1 + 1e-9)) return false;
  *px = panel->x0 + a * (panel->x1 - panel->x0);
  *py = panel->y0 + b * (panel->y1 - panel->y0);
  return true;
}

/* Ticks as shares of the axis and as values (logarithms, on a logarithmic axis). */
static int32_t find_ticks(const neurlp_axis *axis, double shares[MOST_TICKS], double values[MOST_TICKS]) {
  const double span = axis->high - axis->low, first = ceil(axis->low / axis->step - 1e-6);
  int32_t count = 0;
  for (int32_t i = 0; i < MOST_TICKS; i++) {
    const double value = (first + i) * axis->step, share = (value - axis->low) / span;
    if (!(share <= 1 + 1e-6)) break;
    shares[count] = share < 0 ? 0 : share > 1 ? 1 : share;
    values[count++] = value;
  }
  return count;
}

/* ---- texts ------------------------------------------------------------------------------------------- */

static void print_label(const neurlp_axis *axis, double value, char text[32]) {
  char digits[32];
  const double shown = value / pow(10, axis->exponent);
  snprintf(digits, sizeof digits, "%.*f", axis->decimals, fabs(shown));
  const bool zero = strspn(digits, "0.") == strlen(digits);
  snprintf(text, 32, "%s%.24s", shown < 0 && !zero ? "\xe2\x88\x92" : "", zero ? "0" : digits);
}

static double widest_label(const neurlp_axis *axis) {
  double shares[MOST_TICKS], values[MOST_TICKS], widest = 0;
  const int32_t count = find_ticks(axis, shares, values);
  char text[32];
  if (axis->log) return 2.6 * NEURLP_PLOT_TEXT;
  for (int32_t i = 0; i < count; i++) {
    print_label(axis, values[i], text);
    widest = fmax(widest, neurlp_text_width(text, NEURLP_PLOT_TEXT));
  }
  return widest;
}

static bool has_unit(const neurlp_axis *axis) {
  return axis->unit && axis->unit[0] && strcmp(axis->unit, "1") != 0;
}

static void draw_title(const neurlp_panel *p, const neurlp_axis *axis, bool vertical) {
  char title[512];
  if (!axis->title || axis->bare) return;
  snprintf(title, sizeof title, "%.200s%s%.200s%s", axis->title, has_unit(axis) ? " (" : "",
           has_unit(axis) ? axis->unit : "", has_unit(axis) ? ")" : "");
  const double room = vertical ? p->y1 - p->y0 : p->x1 - p->x0;
  const neurlp_text_style style = {NEURLP_PLOT_TEXT, 0.5, NEURLP_INK, false, vertical, room};
  if (vertical)
    neurlp_canvas_text(p->canvas, p->x0 - neurlp_axis_room_left(axis) + 0.65 * NEURLP_PLOT_TEXT,
                       (p->y0 + p->y1) / 2, style, title);
  else
    neurlp_canvas_text(p->canvas, (p->x0 + p->x1) / 2,
                       p->y0 - neurlp_axis_room_below(axis) + 0.75 * NEURLP_PLOT_TEXT, style, title);
}

double neurlp_axis_room_left(const neurlp_axis *y) {
  if (y->bare) return 0;
  return tick_length + gap + widest_label(y) + (y->title ? 1.5 * NEURLP_PLOT_TEXT : 0);
}

double neurlp_axis_room_below(const neurlp_axis *x) {
  if (x->bare) return 0;
  return tick_length + gap + 1.1 * NEURLP_PLOT_TEXT + (x->title ? 1.6 * NEURLP_PLOT_TEXT : 0);
}

/* ---- the frame --------------------------------------------------------------------------------------- */

static void draw_label(const neurlp_panel *p, const neurlp_axis *axis, bool vertical, double place,
                       double value) {
  const double x = vertical ? p->x0 - tick_length - gap : place;
  const double y = vertical ? place : p->y0 - tick_length - gap - 0.45 * NEURLP_PLOT_TEXT;
  const neurlp_text_style style = {NEURLP_PLOT_TEXT, vertical ? 1 : 0.5, NEURLP_INK, false, false, 0};
  char text[32];
  if (axis->log) {
    neurlp_canvas_power(p->canvas, x, y, style, "", (int32_t)lround(value));
    return;
  }
  print_label(axis, value, text);
  neurlp_canvas_text(p->canvas, x, y, style, text);
}

/* Between the ticks of a logarithmic axis: 2 to 9 times each. */
static void draw_minor_ticks(const neurlp_panel *p, const neurlp_axis *axis, bool vertical) {
  const double span = axis->high - axis->low, length = tick_length / 2;
  if (!axis->log || axis->step > 1) return;
  for (double decade = axis->low; decade < axis->high - 0.5; decade++)
    for (int digit = 2; digit < 10; digit++) {
      const double share = (decade + log10(digit) - axis->low) / span;
      const double x = p->x0 + share * (p->x1 - p->x0), y = p->y0 + share * (p->y1 - p->y0);
      if (vertical)
        neurlp_canvas_segment(p->canvas, p->x0 - length, y, p->x0, y, NEURLP_INK, 0.4);
      else
        neurlp_canvas_segment(p->canvas, x, p->y0 - length, x, p->y0, NEURLP_INK, 0.4);
    }
}

static void draw_axis(const neurlp_panel *p, const neurlp_axis *axis, bool vertical) {
  double shares[MOST_TICKS], values[MOST_TICKS];
  const int32_t count = find_ticks(axis, shares, values);
  draw_minor_ticks(p, axis, vertical);
  for (int32_t i = 0; i < count; i++) {
    if (vertical) {
      const double y = p->y0 + shares[i] * (p->y1 - p->y0);
      neurlp_canvas_segment(p->canvas, p->x0 - tick_length, y, p->x0, y, NEURLP_INK, 0.6);
      if (!axis->bare) draw_label(p, axis, true, y, values[i]);
    } else {
      const double x = p->x0 + shares[i] * (p->x1 - p->x0);
      neurlp_canvas_segment(p->canvas, x, p->y0 - tick_length, x, p->y0, NEURLP_INK, 0.6);
      if (!axis->bare) draw_label(p, axis, false, x, values[i]);
    }
  }
  if (axis->exponent && !axis->bare) {
    const neurlp_text_style style = {NEURLP_PLOT_TEXT, vertical ? 0 : 1, NEURLP_INK, false, false, 0};
    if (vertical)
      neurlp_canvas_power(p->canvas, p->x0, p->y1 + 0.7 * NEURLP_PLOT_TEXT, style, "\xc3\x97",
                          axis->exponent);
    else
      neurlp_canvas_power(p->canvas, p->x1, p->y0 - neurlp_axis_room_below(axis) + 0.75 * NEURLP_PLOT_TEXT,
                          style, "\xc3\x97", axis->exponent);
  }
  draw_title(p, axis, vertical);
}

static void draw_grid(const neurlp_panel *p) {
  double shares[MOST_TICKS], values[MOST_TICKS];
  int32_t count = find_ticks(&p->x, shares, values);
  for (int32_t i = 0; i < count; i++) {
    const double x = p->x0 + shares[i] * (p->x1 - p->x0);
    neurlp_canvas_segment(p->canvas, x, p->y0, x, p->y1, NEURLP_GRID, 0.5);
  }
  count = find_ticks(&p->y, shares, values);
  for (int32_t i = 0; i < count; i++) {
    const double y = p->y0 + shares[i] * (p->y1 - p->y0);
    neurlp_canvas_segment(p->canvas, p->x0, y, p->x1, y, NEURLP_GRID, 0.5);
  }
}

void neurlp_panel_frame(const neurlp_panel *p) {
  neurlp_canvas_line(p->canvas, 5, (const double[]){p->x0, p->x1, p->x1, p->x0, p->x0},
                     (const double[]){p->y0, p->y0, p->y1, p->y1, p->y0}, NEURLP_INK, 0.6);
  draw_axis(p, &p->x, false);
  draw_axis(p, &p->y, true);
}

void neurlp_panel_draw(const neurlp_panel *p, const char *sentence) {
  const neurlp_text_style style = {NEURLP_PLOT_TEXT, 0.5, NEURLP_GRAY, false, false, 0};
  draw_grid(p);
  neurlp_panel_frame(p);
  if (sentence) neurlp_canvas_text(p->canvas, (p->x0 + p->x1) / 2, (p->y0 + p->y1) / 2, style, sentence);
}
