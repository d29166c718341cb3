#include "plot/canvas.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <plplot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both drivers count 72 pixels to the inch. A PNG has three pixels for each point: 216 to the inch. */
static const struct {
  const char *driver, *remedy;
  double scale;
} formats[NEURLP_FORMATS] = {{"pngcairo", "plplot-driver-cairo", 3}, {"svg", "libplplot17", 1}};

enum { MOST_SHOWN = 60, LABEL_BYTES = 1024, SHADES = 256 };
#define DOTS_WIDTH 1.1
static const double mm_per_point = 25.4 / 72;

struct neurlp_canvas {
  neurlp_context *context;
  int format;
  double width, height, scale;
  char *bytes; /* what PLplot writes: open_memstream's, so not of the context */
  size_t count;
};

static const int palette[NEURLP_COLORS][3] = {{255, 255, 255}, {25, 25, 25},  {95, 95, 95},  {226, 226, 226},
                                              {0, 114, 178},   {213, 94, 0},  {0, 158, 115}, {230, 159, 0},
                                              {170, 80, 140},  {86, 180, 233}};

neurlp_color neurlp_color_of(int64_t i) {
  return (neurlp_color)(NEURLP_BLUE + i % (NEURLP_COLORS - NEURLP_BLUE));
}

/* ---- PLplot ------------------------------------------------------------------------------------------ */

/* What PLplot complained of first. It knows one page only, so this is one text. */
static char complaint[256];

static void note_complaint(PLCHAR_VECTOR message) {
  if (!complaint[0])
    snprintf(complaint, sizeof complaint, "%s", message && *message ? message : "unknown error");
}

/* PLplot ends the program after this; what is on the page is lost either way. */
static int note_exit(PLCHAR_VECTOR message) {
  fprintf(stderr, "neurlp plot: PLplot gave up: %s\n", message ? message : "unknown error");
  return 1;
}

neurlp_status neurlp_canvas_check(neurlp_context *context) {
  enum { MOST = 64 };
  const char *menu[MOST] = {NULL}, *names[MOST] = {NULL};
  PLCHAR_VECTOR *menus = menu, *devices = names;
  int count = MOST;
  plgDevs(&menus, &devices, &count);
  for (int f = 0; f < NEURLP_FORMATS; f++) {
    bool found = false;
    for (int i = 0; i < count; i++) found = found || strcmp(devices[i], formats[f].driver) == 0;
    if (!found)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                         "PLplot has no driver '%s' here; install it (Debian: %s)", formats[f].driver,
                         formats[f].remedy);
  }
  return NEURLP_SUCCESS;
}

static void set_colors(void) {
  plscmap0n(NEURLP_COLORS);
  for (int i = 0; i < NEURLP_COLORS; i++) plscol0(i, palette[i][0], palette[i][1], palette[i][2]);
  /* lightness grows from end to end, so that the scale also reads in gray */
  static const double place[] = {0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1};
  static const double red[] = {.267, .278, .231, .173, .129, .153, .361, .667, .992};
  static const double green[] = {.005, .176, .318, .443, .565, .678, .784, .863, .906};
  static const double blue[] = {.329, .482, .545, .557, .553, .506, .388, .196, .145};
  plscmap1n(SHADES);
  plscmap1l(1, 9, place, red, green, blue, NULL);
}

neurlp_status neurlp_canvas_open(neurlp_context *context, int format, double width, double height,
                                 neurlp_canvas **canvas) {
  neurlp_status status = neurlp_allocate(context, 1, sizeof **canvas, canvas);
  if (status < 0) return status;
  neurlp_canvas *c = *canvas;
  *c = (neurlp_canvas){.context = context, .format = format, .width = width, .height = height};
  c->scale = formats[format].scale;
  /* PLplot asks at the terminal for another name where it cannot write; into memory it always can */
  FILE *memory = open_memstream(&c->bytes, &c->count);
  if (!memory) {
    neurlp_release(context, canvas);
    return neurlp_fail(context, NEURLP_ERROR_MEMORY, "no memory for a picture: %s", strerror(errno));
  }
  complaint[0] = '\0';
  plsexit(note_exit);
  plsabort(note_complaint);
  plsdev(formats[format].driver);
  plsfile(memory);
  plspage(0, 0, (PLINT)lround(width * c->scale), (PLINT)lround(height * c->scale), 0, 0);
  plscolbg(255, 255, 255);
  plinit();
  set_colors();
  pladv(0);
  const double mm = c->scale * mm_per_point;
  plsvpa(0, width * mm, 0, height * mm);
  plwind(0, width, 0, height);
  return NEURLP_SUCCESS;
}

double neurlp_canvas_width(const neurlp_canvas *canvas) {
  return canvas->width;
}

double neurlp_canvas_height(const neurlp_canvas *canvas) {
  return canvas->height;
}

/* ---- drawing ----------------------------------------------------------------------------------------- */

void neurlp_canvas_line(const neurlp_canvas *canvas, int32_t count, const double *x, const double *y,
                        neurlp_color color, double width) {
  plcol0((PLINT)color);
  plwidth(width * canvas->scale);
  plline(count, x, y);
}

void neurlp_canvas_segment(const neurlp_canvas *canvas, double x0, double y0, double x1, double y1,
                           neurlp_color color, double width) {
  neurlp_canvas_line(canvas, 2, (const double[]){x0, x1}, (const double[]){y0, y1}, color, width);
}

void neurlp_canvas_disc(const neurlp_canvas *canvas, double x, double y, double radius, neurlp_color color) {
  enum { CORNERS = 12 };
  double xs[CORNERS], ys[CORNERS];
  (void)canvas;
  for (int i = 0; i < CORNERS; i++) {
    const double angle = 2 * acos(-1.0) * i / CORNERS;
    xs[i] = x + radius * cos(angle);
    ys[i] = y + radius * sin(angle);
  }
  plwidth(0); /* else the SVG driver draws the edge with the last line's width */
  plcol0((PLINT)color);
  plfill(CORNERS, xs, ys);
}

static void fill(double x0, double y0, double x1, double y1) {
  plwidth(0);
  plfill(4, (const double[]){x0, x1, x1, x0}, (const double[]){y0, y0, y1, y1});
}

void neurlp_canvas_fill(const neurlp_canvas *canvas, double x0, double y0, double x1, double y1,
                        neurlp_color color) {
  (void)canvas;
  plcol0((PLINT)color);
  fill(x0, y0, x1, y1);
}

void neurlp_canvas_shade(const neurlp_canvas *canvas, double x0, double y0, double x1, double y1,
                         double value) {
  (void)canvas;
  plcol1(value < 0 ? 0 : value > 1 ? 1 : value);
  fill(x0, y0, x1, y1);
}

/* ---- texts ------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at `text`; 0 if it is none. */
static int character_bytes(const unsigned char *text) {
  const int bytes = text[0] < 0x80                      ? 1
                    : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                    : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
                    : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                                                        : 0;
  for (int i = 1; i < bytes; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  return bytes;
}

/* Widths of the usual sans-serif fonts, in units of their size: from above. */
static double character_width(unsigned char first) {
  return first >= 0x80                  ? 0.9
         : strchr(" .,:;'!|ijl", first) ? 0.34
         : strchr("()[]frt-/\\", first) ? 0.43
         : strchr("mwMW", first)        ? 1
                                        : 0.65;
}

double neurlp_text_width(const char *text, double size) {
  double width = 0;
  int shown = 0;
  for (const char *c = text; *c && shown < MOST_SHOWN; c++) {
    if (((unsigned char)*c & 0xc0) == 0x80) continue;
    width += character_width((unsigned char)*c);
    shown++;
  }
  return size * (width + (shown == MOST_SHOWN ? DOTS_WIDTH : 0));
}

/* What PLplot is to show: '#' begins its commands, and it refuses what is not UTF-8. Ends in dots where there
 * is no room for all of it, in units of the size. */
static void escape(const char *text, double room, char label[LABEL_BYTES]) {
  size_t length = 0;
  int shown = 0;
  double width = 0;
  const bool fits = neurlp_text_width(text, 1) <= room;
  for (const unsigned char *c = (const unsigned char *)text; *c && length + 8 < LABEL_BYTES; shown++) {
    width += character_width(*c);
    if (shown == MOST_SHOWN || (!fits && width + DOTS_WIDTH > room)) {
      memcpy(label + length, "...", 3);
      length += 3;
      break;
    }
    const int bytes = character_bytes(c);
    if (bytes == 0 || *c < 0x20 || *c == 0x7f) {
      label[length++] = '?';
    } else {
      if (*c == '#') label[length++] = '#';
      memcpy(label + length, c, (size_t)bytes);
      length += (size_t)bytes;
    }
    c += bytes == 0 ? 1 : bytes;
  }
  label[length] = '\0';
}

static void write_label(const neurlp_canvas *canvas, double x, double y, neurlp_text_style style,
                        const char *label) {
  /* PLplot makes fonts of 3.75 points for each millimetre of a character */
  plschr(style.size * canvas->scale / 3.75, 1);
  plsfont(PL_FCI_SANS, PL_FCI_UPRIGHT, style.bold ? PL_FCI_BOLD : PL_FCI_MEDIUM);
  plcol0((PLINT)style.color);
  plptex(x, y, style.upward ? 0 : 1, style.upward ? 1 : 0, style.justify, label);
}

void neurlp_canvas_text(const neurlp_canvas *canvas, double x, double y, neurlp_text_style style,
                        const char *text) {
  char label[LABEL_BYTES];
  escape(text, style.room > 0 ? style.room / style.size : HUGE_VAL, label);
  if (label[0]) write_label(canvas, x, y, style, label);
}

void neurlp_canvas_power(const neurlp_canvas *canvas, double x, double y, neurlp_text_style style,
                         const char *before, int32_t exponent) {
  char label[64];
  snprintf(label, sizeof label, "%s10#u%s%d", before, exponent < 0 ? "\xe2\x88\x92" : "",
           exponent < 0 ? -exponent : exponent);
  write_label(canvas, x, y, style, label);
}

/* ---- the file ---------------------------------------------------------------------------------------- */

/* All bytes, on the disk; false: errno says why not. */
static bool write_bytes(const char *path, const char *bytes, size_t count) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0) return false;
  bool good = true;
  for (size_t done = 0; done < count && good;) {
    const ssize_t written = write(file, bytes + done, count - done);
    good = written > 0 || (written < 0 && errno == EINTR);
    if (written > 0) done += (size_t)written;
  }
  good = good && fsync(file) == 0;
  const int reason = errno;
  good = close(file) == 0 && good;
  if (!good && reason) errno = reason;
  return good;
}

static neurlp_status write_file(const neurlp_canvas *c, const char *path) {
  char *temporary = NULL;
  const size_t bytes = strlen(path) + sizeof ".partial";
  neurlp_status status = neurlp_allocate(c->context, (int64_t)bytes, 1, &temporary);
  if (status < 0) return status;
  snprintf(temporary, bytes, "%s.partial", path);
  if (!write_bytes(temporary, c->bytes, c->count) || rename(temporary, path) != 0) {
    status = neurlp_fail(c->context, NEURLP_ERROR_IO, "%s could not be written: %s", path, strerror(errno));
    unlink(temporary);
  }
  neurlp_release(c->context, &temporary);
  return status;
}

neurlp_status neurlp_canvas_save(neurlp_canvas **canvas, const char *path) {
  neurlp_canvas *c = *canvas;
  neurlp_status status = NEURLP_SUCCESS;
  plend1(); /* closes the stream, after which its bytes are there */
  if (complaint[0])
    status = neurlp_fail(c->context, NEURLP_ERROR_INTERNAL, "PLplot could not draw %s: %s", path, complaint);
  else if (c->count == 0)
    status = neurlp_fail(c->context, NEURLP_ERROR_INTERNAL, "PLplot wrote nothing for %s", path);
  else
    status = write_file(c, path);
  free(c->bytes);
  neurlp_release(c->context, canvas);
  return status;
}

void neurlp_canvas_discard(neurlp_canvas **canvas) {
  if (!*canvas) return;
  plend1();
  free((*canvas)->bytes);
  neurlp_context *context = (*canvas)->context;
  neurlp_release(context, canvas);
}

void neurlp_canvas_finish(void) {
  plend();
}
