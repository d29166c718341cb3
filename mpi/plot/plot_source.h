/* What a file holds that can be drawn: read by one rank alone, and believed only after it was checked. */
#ifndef NEURLP_MPI_PLOT_SOURCE_H
#define NEURLP_MPI_PLOT_SOURCE_H

#include "core/context.h"

#include <hdf5.h>

/* What the command line asks for. Texts are borrowed. */
typedef struct neurlp_plot_request {
  const char *path, *folder;
  const char *data;    /* the data of a result; NULL: those that its deck names */
  const char *systems; /* "0,3,7"; NULL: the first three */
  double from, to;     /* times; infinite: all */
} neurlp_plot_request;

/* Samples of one system, in the order of time. */
typedef struct neurlp_series {
  int64_t count;
  double *times;  /* [count] */
  double *states; /* [count][D], NaN where missing */
} neurlp_series;

/* An array [rows][columns]; values NULL: the file has none. */
typedef struct neurlp_table {
  int64_t rows, columns;
  double *values;
} neurlp_table;

typedef struct neurlp_names {
  int64_t count;
  char **texts; /* [count] */
} neurlp_names;

/* What networks emit that can be seen over time, and those of its numbers that vary. */
typedef enum neurlp_emits {
  NEURLP_EMITS_COEFFICIENTS,
  NEURLP_EMITS_STEPS,
  NEURLP_EMITS_WEIGHTS,
  NEURLP_EMITS
} neurlp_emits;

typedef struct neurlp_emitted {
  neurlp_names names;    /* count 0: nothing */
  neurlp_series *series; /* [chosen_count], of `names` in the place of states */
} neurlp_emitted;

typedef struct neurlp_plot_source {
  neurlp_context *context;
  const neurlp_plot_request *request;
  char *title;
  char note[1024]; /* what is missing from the pictures, and why; "": nothing */
  int64_t systems; /* S */
  neurlp_names states;
  char *time_name, *time_units, *state_units;
  int32_t chosen_count;
  int64_t *chosen;                     /* [chosen_count] systems */
  neurlp_series *data, *solution;      /* [chosen_count]; count 0: none */
  neurlp_series *nothing;              /* [chosen_count], all of them 0 */
  const char *solution_name;           /* what the solution is, in words */
  int64_t first_forecast;              /* the first system that was forecast; -1: none was */
  neurlp_series *target, *forecast;    /* [chosen_count]: what was to be forecast, and what was */
  neurlp_table forecast_mse, held_mse; /* [steps][1] of the forecasts, of the last sample, held */
  neurlp_names parameter_names, terms, truth_names;
  neurlp_table parameters, parameter_errors;                                  /* [1 or S][parameter] */
  neurlp_table coefficients, coefficient_errors;                              /* [1 or S][D * terms] */
  neurlp_table truth;                                                         /* [S][truth_names] */
  neurlp_table true_coefficients;                                             /* [D][terms] */
  neurlp_table noise;                                                         /* [1 or S][D] */
  neurlp_table train_loss, validation_loss, learning_rate;                    /* [epochs][1] */
  neurlp_table window_system, window_first, window_validation, window_status; /* [W][1] of a training */
  neurlp_table window_weights,
      window_truth; /* [W][D * terms], in the data's unit of time if both are there */
  neurlp_emitted emitted[NEURLP_EMITS];
} neurlp_plot_source;

/* Local. Reads it all but for the systems that were not chosen. NEURLP_ERROR_DATA: the file, or
 * NEURLP_ERROR_ARGUMENT: the choice. Release it either way. */
NEURLP_MUST_USE neurlp_status neurlp_plot_source_read(neurlp_context *context,
                                                      const neurlp_plot_request *request,
                                                      neurlp_plot_source *source);
void neurlp_plot_source_release(neurlp_plot_source *source);

/* ---- plot_choice.c ----------------------------------------------------------------------------------- */

/* Fills source->chosen, and makes room for their series, once source->systems is known. */
NEURLP_MUST_USE neurlp_status neurlp_plot_choose(neurlp_plot_source *source);

/* ---- plot_file.c: arrays and lists of a file that is open on this rank alone -------------------------- */

/* A numeric data set as a table: its first dimension are the rows. Nothing if it is not there. */
NEURLP_MUST_USE neurlp_status neurlp_plot_read_table(const neurlp_plot_source *source, hid_t file,
                                                     const char *path, neurlp_table *table);
NEURLP_MUST_USE neurlp_status neurlp_plot_read_names(const neurlp_plot_source *source, hid_t file,
                                                     const char *path, neurlp_names *names);
/* Row `row` of an array [rows]..., of `count` numbers. */
NEURLP_MUST_USE neurlp_status neurlp_plot_read_row(const neurlp_plot_source *source, hid_t file,
                                                   const char *path, int64_t row, int64_t count,
                                                   double *values);

/* ---- plot_data.c: trajectories of data ---------------------------------------------------------------- */

/* A data set by itself: everything that there is to draw of it. */
NEURLP_MUST_USE neurlp_status neurlp_plot_read_data_set(neurlp_plot_source *source);
/* The data that a result was made from, if they are found; source->note says it where they are not. */
NEURLP_MUST_USE neurlp_status neurlp_plot_read_result_data(neurlp_plot_source *source, hid_t file);

/* ---- plot_forecast_data.c ------------------------------------------------------------------------------ */

/* How many forecasts a result has, and where they begin: source->first_forecast; 0 if it has none. */
NEURLP_MUST_USE neurlp_status neurlp_plot_count_forecasts(neurlp_plot_source *source, hid_t file,
                                                          int64_t *count);
/* Those of the chosen systems that there are. */
NEURLP_MUST_USE neurlp_status neurlp_plot_read_forecasts(neurlp_plot_source *source, hid_t file);

/* ---- plot_windows_data.c ------------------------------------------------------------------------------- */

/* The windows of a training, and one more than the highest of their systems; 0 if the file has none. */
NEURLP_MUST_USE neurlp_status neurlp_plot_count_windows(neurlp_plot_source *source, hid_t file,
                                                        int64_t *systems);
/* Solutions of the chosen systems' windows, and what networks emit: of all, and over time of the chosen. */
NEURLP_MUST_USE neurlp_status neurlp_plot_read_windows(neurlp_plot_source *source, hid_t file);

/* ---- plot_dense.c: points between the samples of solutions that have few ------------------------------ */
NEURLP_MUST_USE neurlp_status neurlp_plot_fill_solution(neurlp_plot_source *source);

/* Leaves what lies within request->from and request->to, of a series of `width` numbers a sample. */
void neurlp_series_cut(const neurlp_plot_source *source, neurlp_series *series, int64_t width);

#endif
