/* Lines and dots within a panel. */
#include "plot/panel.h"

#include <math.h>

enum { MOST_POINTS = 512 };

/* Points that wait to be drawn: PLplot wants whole lines. */
typedef struct pen {
  const neurlp_panel *panel;
  neurlp_curve curve;
  int32_t count;
  double x[MOST_POINTS], y[MOST_POINTS];
} pen;

static void lift(pen *p) {
  if (p->count > 1)
    neurlp_canvas_line(p->panel->canvas, p->count, p->x, p->y, p->curve.color, p->curve.size);
  else if (p->count == 1)
    neurlp_canvas_disc(p->panel->canvas, p->x[0], p->y[0], p->curve.size, p->curve.color);
  p->count = 0;
}

static void move(pen *p, double x, double y) {
  if (p->count == MOST_POINTS) { /* the next stretch begins where this one ends */
    const double last_x = p->x[MOST_POINTS - 1], last_y = p->y[MOST_POINTS - 1];
    lift(p);
    p->x[0] = last_x;
    p->y[0] = last_y;
    p->count = 1;
  }
  p->x[p->count] = x;
  p->y[p->count++] = y;
}

/* Points within one narrow column: first, lowest, highest and last are all that can be seen of them. */
typedef struct column {
  int64_t number, count, low_at, high_at;
  double first[2], low[2], high[2], last[2];
} column;

static void draw_column(pen *p, column *c) {
  if (c->count > 0) move(p, c->first[0], c->first[1]);
  if (c->count > 2) {
    const double *one = c->low_at < c->high_at ? c->low : c->high, *two = one == c->low ? c->high : c->low;
    move(p, one[0], one[1]);
    move(p, two[0], two[1]);
  }
  if (c->count > 1) move(p, c->last[0], c->last[1]);
  c->count = 0;
}

static void put(double place[2], double x, double y) {
  place[0] = x;
  place[1] = y;
}

static void add_to_column(pen *p, column *c, double x, double y) {
  const int64_t number = (int64_t)floor(4 * x);
  if (c->count > 0 && c->number != number) draw_column(p, c);
  if (c->count == 0) {
    c->number = number;
    c->low_at = c->high_at = 0;
    put(c->first, x, y);
    put(c->low, x, y);
    put(c->high, x, y);
  }
  if (y < c->low[1]) {
    put(c->low, x, y);
    c->low_at = c->count;
  }
  if (y > c->high[1]) {
    put(c->high, x, y);
    c->high_at = c->count;
  }
  put(c->last, x, y);
  c->count++;
}

void neurlp_panel_line(const neurlp_panel *panel, neurlp_curve curve) {
  pen p = {.panel = panel, .curve = curve};
  column c = {0};
  double x = 0, y = 0, held[2] = {0, 0};
  bool holds = false; /* a point that was left out, because the last drawn one is as good as at its place */
  for (int64_t i = 0; i < curve.count; i++) {
    if (!neurlp_panel_place(panel, curve.x[i * curve.x_stride], curve.y[i * curve.y_stride], &x, &y)) {
      draw_column(&p, &c);
      if (holds) move(&p, held[0], held[1]);
      holds = false;
      lift(&p);
    } else if (curve.climbs) {
      add_to_column(&p, &c, x, y);
    } else {
      holds = p.count > 0 && hypot(x - p.x[p.count - 1], y - p.y[p.count - 1]) < 0.2;
      if (holds)
        put(held, x, y);
      else
        move(&p, x, y);
    }
  }
  draw_column(&p, &c);
  if (holds) move(&p, held[0], held[1]);
  lift(&p);
}

void neurlp_panel_dots(const neurlp_panel *panel, neurlp_curve curve, int64_t every) {
  double x = 0, y = 0;
  for (int64_t i = 0; i < curve.count; i += every)
    if (neurlp_panel_place(panel, curve.x[i * curve.x_stride], curve.y[i * curve.y_stride], &x, &y))
      neurlp_canvas_disc(panel->canvas, x, y, curve.size, curve.color);
}
