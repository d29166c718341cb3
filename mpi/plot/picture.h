/* The kinds of pictures. Each says how many of it a file gives, and draws one. */
#ifndef NEURLP_MPI_PICTURE_H
#define NEURLP_MPI_PICTURE_H

#include "plot/panel.h"
#include "plot/plot_source.h"

/* Data sets with more states than this are drawn as images of space and time. */
enum { NEURLP_MOST_PANELS = 16 };

typedef struct neurlp_picture {
  const char *name;
  bool each_system; /* one picture for each chosen system, with its number in the name */
  int32_t (*count)(const neurlp_plot_source *source);
  /* Opens a canvas and draws picture i on it. */
  neurlp_status (*draw)(const neurlp_plot_source *source, int32_t i, int format, neurlp_canvas **canvas);
} neurlp_picture;

extern const neurlp_picture neurlp_picture_trajectories;        /* states over time: data and solution */
extern const neurlp_picture neurlp_picture_phase;               /* states over states */
extern const neurlp_picture neurlp_picture_space_time;          /* all states over time, as an image */
extern const neurlp_picture neurlp_picture_forecast;            /* forecasts, as trajectories */
extern const neurlp_picture neurlp_picture_forecast_space_time; /* forecasts, as images */
extern const neurlp_picture neurlp_picture_forecast_error;      /* step by step, beside persistence */
extern const neurlp_picture neurlp_picture_loss;                /* training, epoch by epoch */
extern const neurlp_picture neurlp_picture_noise;               /* what the solution leaves of the data */
extern const neurlp_picture neurlp_picture_parameters; /* estimates with their errors, against the truth */
extern const neurlp_picture neurlp_picture_weights;    /* read off windows: against the truth or over time */
extern const neurlp_picture neurlp_picture_coefficients, neurlp_picture_steps; /* of networks, over time */

/* ---- what several of them share ---------------------------------------------------------------------- */

/* Systems in colours: what they are, in entries [NEURLP_MOST_ENTRIES]; returns their number. `every`: which
 * samples of data are shown. */
enum { NEURLP_MOST_ENTRIES = 10 };
int32_t neurlp_describe_systems(const neurlp_plot_source *source, int64_t every,
                                neurlp_legend_entry entries[NEURLP_MOST_ENTRIES]);
bool neurlp_any_data(const neurlp_plot_source *source);
bool neurlp_any_solution(const neurlp_plot_source *source);
/* So that at most a number of dots can be told apart in one panel: every which one is drawn. */
int64_t neurlp_every_sample(const neurlp_plot_source *source);
/* Colours of the data and the solution of chosen system i. */
neurlp_color neurlp_data_color(const neurlp_plot_source *source, int32_t i);
neurlp_color neurlp_solution_color(const neurlp_plot_source *source, int32_t i);

/* Column k of a series over its time (x < 0) or over column x, as a curve. */
neurlp_curve neurlp_series_curve(const neurlp_plot_source *source, const neurlp_series *series, int64_t x,
                                 int64_t k);
/* Data and solution of all chosen systems, one over the other: column k over time (x < 0) or over column x.
 */
void neurlp_draw_systems(const neurlp_plot_source *source, const neurlp_panel *panel, int64_t x, int64_t k);
/* What all of them span; k < 0: of time. */
neurlp_extent neurlp_systems_extent(const neurlp_plot_source *source, int64_t k);

/* "time", or what the data call it. */
const char *neurlp_time_title(const neurlp_plot_source *source);

/* "-12.3(4)": a value with its standard error in units of the last digit, as `neurlp run` prints it; NaN:
 * none. */
void neurlp_print_estimate(double value, double error, char text[64]);

/* Numbers that networks emit, as trajectories of systems: for as many pictures as `count` says. */
int32_t neurlp_count_emitted(const neurlp_plot_source *source, neurlp_emits what);
neurlp_status neurlp_draw_emitted(const neurlp_plot_source *source, neurlp_emits what, int format,
                                  neurlp_canvas **canvas);

/* Rows of one value with its error each: names on the left, values as text on the right. */
typedef struct neurlp_forest_row {
  char name[96], text[64];
  double value, error; /* NaN: none */
} neurlp_forest_row;
neurlp_status neurlp_forest_draw(const neurlp_plot_source *source, int format, int32_t count,
                                 const neurlp_forest_row *rows, const char *axis_title, bool log,
                                 neurlp_canvas **canvas);

/* Estimates of one parameter, or of one coefficient. */
typedef struct neurlp_estimate_column {
  char name[96];
  const char *row;                       /* what a row is: "system", "window" */
  const double *values, *errors, *truth; /* `stride` apart; NULL: none */
  const double *validation;              /* [rows] not 0: kept for validation; NULL: none is */
  int64_t rows, stride, truth_stride;
} neurlp_estimate_column;
neurlp_status neurlp_draw_estimates_by_system(const neurlp_plot_source *source, int format, int32_t count,
                                              const neurlp_estimate_column *columns, neurlp_canvas **canvas);

#endif
