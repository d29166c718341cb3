/* A page to draw on, through PLplot, and how it becomes a file. Lengths are points (1/72 inch) from the lower
 * left corner; a page of 504 points is as wide as the text of a paper. PLplot has one page at a time, so
 * there is one canvas at a time, on one rank. */
#ifndef NEURLP_MPI_CANVAS_H
#define NEURLP_MPI_CANVAS_H

#include "core/context.h"

typedef struct neurlp_canvas neurlp_canvas;

/* Colours that people with any kind of colour vision tell apart (Okabe and Ito), after those of the page
 * itself. */
typedef enum neurlp_color {
  NEURLP_WHITE,
  NEURLP_INK,
  NEURLP_GRAY,
  NEURLP_GRID,
  NEURLP_BLUE,
  NEURLP_VERMILION,
  NEURLP_GREEN,
  NEURLP_ORANGE,
  NEURLP_PURPLE,
  NEURLP_SKY,
  NEURLP_COLORS
} neurlp_color;

/* The i-th colour of a series of things, again from the first after the sixth. */
neurlp_color neurlp_color_of(int64_t i);

enum { NEURLP_FORMAT_PNG, NEURLP_FORMAT_SVG, NEURLP_FORMATS };

/* Whether PLplot can draw here: NEURLP_ERROR_ARGUMENT names the driver that is not installed. */
NEURLP_MUST_USE neurlp_status neurlp_canvas_check(neurlp_context *context);

/* A white page, kept in memory until it is saved. */
NEURLP_MUST_USE neurlp_status neurlp_canvas_open(neurlp_context *context, int format, double width,
                                                 double height, neurlp_canvas **canvas);
double neurlp_canvas_width(const neurlp_canvas *canvas);
double neurlp_canvas_height(const neurlp_canvas *canvas);

/* Lines of `width` points, polygons, discs, rectangles. Coordinates must be finite and on the page. */
void neurlp_canvas_line(const neurlp_canvas *canvas, int32_t count, const double *x, const double *y,
                        neurlp_color color, double width);
void neurlp_canvas_segment(const neurlp_canvas *canvas, double x0, double y0, double x1, double y1,
                           neurlp_color color, double width);
void neurlp_canvas_disc(const neurlp_canvas *canvas, double x, double y, double radius, neurlp_color color);
void neurlp_canvas_fill(const neurlp_canvas *canvas, double x0, double y0, double x1, double y1,
                        neurlp_color color);
/* The same in the colour of `value` between 0 and 1 on a scale from dark blue to yellow. */
void neurlp_canvas_shade(const neurlp_canvas *canvas, double x0, double y0, double x1, double y1,
                         double value);

typedef struct neurlp_text_style {
  double size;    /* points */
  double justify; /* 0: begins at the place, 0.5: centred, 1: ends there */
  neurlp_color color;
  bool bold, upward; /* upward: turned by 90 degrees */
  double room;       /* the text is cut to this width; 0: 60 characters are all that is shown */
} neurlp_text_style;

/* UTF-8, shown as it is; what is too long ends in dots. Its middle is at height y. */
void neurlp_canvas_text(const neurlp_canvas *canvas, double x, double y, neurlp_text_style style,
                        const char *text);
/* "10" with an exponent. */
void neurlp_canvas_power(const neurlp_canvas *canvas, double x, double y, neurlp_text_style style,
                         const char *before, int32_t exponent);
/* Width of a text in points: an estimate from above, for margins. */
double neurlp_text_width(const char *text, double size);

/* Writes the page to `path`, whole or not at all, and destroys the canvas. NEURLP_ERROR_IO says why it was
 * not possible; NEURLP_ERROR_INTERNAL what PLplot complained of. */
NEURLP_MUST_USE neurlp_status neurlp_canvas_save(neurlp_canvas **canvas, const char *path);

/* Destroys the canvas without writing anything. Safe on NULL. */
void neurlp_canvas_discard(neurlp_canvas **canvas);

/* Ends PLplot. */
void neurlp_canvas_finish(void);

#endif
