/* A panel: a frame on a canvas with two axes, their ticks and titles, and what is drawn inside by its values.
 */
#ifndef NEURLP_MPI_PANEL_H
#define NEURLP_MPI_PANEL_H

#include "plot/canvas.h"

/* Sizes in points that all pictures share. */
#define NEURLP_PLOT_WIDTH 504.0
#define NEURLP_PLOT_TEXT  9.0
#define NEURLP_PLOT_TITLE 10.5

/* Smallest and largest of the finite values seen; empty while low > high. */
typedef struct neurlp_extent {
  double low, high;
} neurlp_extent;

neurlp_extent neurlp_extent_none(void);
/* Takes in `count` values, `stride` apart; what is not finite is left out, and, for a logarithmic axis, what
 * is not positive. */
void neurlp_extent_take(neurlp_extent *extent, const double *values, int64_t count, int64_t stride, bool log);

/* An axis: what it spans, and where its ticks are. */
typedef struct neurlp_axis {
  double low, high;  /* logarithms to base 10 if `log` */
  double step;       /* between ticks */
  int32_t decimals;  /* of their labels */
  int32_t exponent;  /* labels are in units of 10^exponent */
  bool log, bare;    /* bare: no labels and no title */
  const char *title; /* borrowed; NULL: none */
  const char *unit;  /* borrowed; NULL, "" or "1": none */
} neurlp_axis;

/* An axis of `length` points around what the extent holds: with a margin if `loose`; whole decades if `log`.
 * An empty extent gives 0 to 1, a single value a span around it. */
neurlp_axis neurlp_axis_make(neurlp_extent extent, double length, bool log, bool loose);

typedef struct neurlp_panel {
  const neurlp_canvas *canvas;
  double x0, y0, x1, y1; /* the frame */
  neurlp_axis x, y;
} neurlp_panel;

/* Room in points that labels and titles need left of a frame and below it. */
double neurlp_axis_room_left(const neurlp_axis *y);
double neurlp_axis_room_below(const neurlp_axis *x);

/* Grid, frame, ticks, labels, titles. `sentence`, unless NULL, is written into the middle: "no values". */
void neurlp_panel_draw(const neurlp_panel *panel, const char *sentence);
/* The same without a grid, over what is there already. */
void neurlp_panel_frame(const neurlp_panel *panel);

/* True, and the place on the page, if both values are finite and lie within the axes. */
bool neurlp_panel_place(const neurlp_panel *panel, double x, double y, double *px, double *py);

/* Values `stride` apart: a line that breaks where one is missing, with a dot for a value alone. Where points
 * are closer than can be seen, those are left out that change nothing. */
typedef struct neurlp_curve {
  const double *x, *y;
  int64_t count, x_stride, y_stride;
  neurlp_color color;
  double size; /* width of the line, or radius of the dots */
  bool climbs; /* x increases: at most four points are drawn for each quarter of a point of it */
} neurlp_curve;
void neurlp_panel_line(const neurlp_panel *panel, neurlp_curve curve);
/* Every `every`-th value as a dot. */
void neurlp_panel_dots(const neurlp_panel *panel, neurlp_curve curve, int64_t every);

/* What the colours mean: one thing in them. */
typedef struct neurlp_legend_entry {
  char text[48]; /* "": not there */
  neurlp_color color;
  bool dot, line;
} neurlp_legend_entry;

/* The head of a picture: its title, and what the colours mean in as many lines as it takes. Height in points,
 * of a page of this width; drawing it at the top of the page. */
double neurlp_head_height(double width, const neurlp_legend_entry *entries, int32_t count);
void neurlp_head_draw(const neurlp_canvas *canvas, const char *title, const neurlp_legend_entry *entries,
                      int32_t count);

#endif
