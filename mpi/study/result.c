#include "study/result.h"

#include "comm.h"
#include "file/array_file.h"
#include "study/truth.h"

#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, TEXT_BYTES = 16384 };

typedef struct writer {
  const neurlp_study *s;
  const neurlp_estimates *e;
  neurlp_array_file *file;
  int32_t compress;
} writer;

/* ---- lists of names ---------------------------------------------------------------------------------- */

static neurlp_status write_equations_text(const writer *w, const double *theta) {
  const neurlp_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  char **lines = NULL;
  NEURLP_TRY(neurlp_allocate(s->context, s->dimensions, sizeof *lines, &lines));
  for (int32_t k = 0; k < s->dimensions; k++) {
    NEURLP_TRY(neurlp_allocate(s->context, TEXT_BYTES, 1, &lines[k]));
    neurlp_model_print(s->model, k, theta, 6, lines[k], TEXT_BYTES);
  }
  NEURLP_TRY(neurlp_array_write_texts(
      w->file, "equations/text",
      s->plan_spec.per_system ? "equations with each system's parameters by name" : "equations found",
      s->dimensions, (const char *const *)lines));
done:
  for (int32_t k = 0; lines && k < s->dimensions; k++) neurlp_release(s->context, &lines[k]);
  neurlp_release(s->context, &lines);
  return status;
}

/* What the deck declares to be known of each equation; "0" where that is nothing. */
static neurlp_status write_known(const writer *w) {
  const neurlp_study *s = w->s;
  const neurlp_model *model = s->model;
  neurlp_status status = NEURLP_SUCCESS;
  char **lines = NULL;
  bool any = false;
  for (int32_t k = 0; k < s->dimensions; k++) any = any || model->declared[k];
  if (!any) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(s->context, s->dimensions, sizeof *lines, &lines));
  for (int32_t k = 0; k < s->dimensions; k++) {
    NEURLP_TRY(neurlp_allocate(s->context, TEXT_BYTES, 1, &lines[k]));
    if (neurlp_model_print_declared(model, k, lines[k], TEXT_BYTES) == 0) snprintf(lines[k], TEXT_BYTES, "0");
  }
  NEURLP_TRY(neurlp_array_write_texts(w->file, "equations/known", "terms that were known beforehand",
                                      s->dimensions, (const char *const *)lines));
done:
  for (int32_t k = 0; lines && k < s->dimensions; k++) neurlp_release(s->context, &lines[k]);
  neurlp_release(s->context, &lines);
  return status;
}

static neurlp_status write_names(const writer *w) {
  const neurlp_model *model = w->s->model;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_array_write_texts(w->file, "states", "names of the states", model->dimensions,
                                      (const char *const *)model->states));
  if (model->terms > 0)
    NEURLP_TRY(neurlp_array_write_texts(w->file, "equations/terms", "terms of the basis library",
                                        model->terms, (const char *const *)model->library->texts));
  if (model->named > 0)
    NEURLP_TRY(neurlp_array_write_texts(w->file, "equations/parameter_names", "names of the parameters",
                                        model->named,
                                        model->symbols.names + model->dimensions * model->order));
done:
  return status;
}

/* ---- estimates --------------------------------------------------------------------------------------- */

/* Rows of the estimates: `count` numbers each at `offset` of rows `stride` apart. */
static neurlp_status write_block(const writer *w, neurlp_array array, const double *values, int64_t stride,
                                 int64_t offset, int64_t count) {
  const neurlp_estimates *e = w->e;
  double *packed = NULL;
  neurlp_status status = neurlp_agree(
      w->s->comm, w->s->context, neurlp_allocate(w->s->context, e->rows * count, sizeof *packed, &packed));
  if (status < 0) return status;
  for (int64_t row = 0; row < e->rows; row++)
    memcpy(packed + row * count, values + row * stride + offset, (size_t)count * sizeof *packed);
  array.type = H5T_NATIVE_DOUBLE;
  array.extents[0] = e->total_rows;
  array.compress = w->compress;
  status = neurlp_array_write_rows(w->file, &array, e->first_row, e->rows, packed);
  neurlp_release(w->s->context, &packed);
  return status;
}

static neurlp_status write_estimates(const writer *w) {
  const neurlp_estimates *e = w->e;
  const neurlp_model *model = w->s->model;
  const int64_t P = model->parameters, D = model->dimensions, L = model->terms, named = model->named;
  const char *system = w->s->plan_spec.per_system ? "system" : "group";
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_array coefficients = {.path = "equations/coefficients",
                                     .rank = 3,
                                     .extents = {0, D, L},
                                     .long_name = "coefficient of each term in each state's equation",
                                     .scales = {system, "states", "terms"}};
  neurlp_array standard = coefficients;
  standard.path = "equations/standard_errors";
  standard.long_name = "standard errors of the coefficients; NaN: not estimated";
  const neurlp_array parameters = {.path = "equations/parameters",
                                   .rank = 2,
                                   .extents = {0, named},
                                   .long_name = "estimates of the parameters",
                                   .scales = {system, "parameter_names"}};
  neurlp_array parameter_errors = parameters;
  parameter_errors.path = "equations/parameter_errors";
  parameter_errors.long_name = "standard errors of the parameters; NaN: not estimated";
  const neurlp_array correlation = {.path = "equations/correlation",
                                    .rank = 3,
                                    .extents = {0, named, named},
                                    .long_name = "correlation of the parameters' errors",
                                    .scales = {system, "parameter_names", "parameter_names"}};
  const neurlp_array noise = {.path = "metrics/noise",
                              .rank = 2,
                              .extents = {0, D},
                              .long_name = "standard deviation of the data about the solution",
                              .scales = {system, "states"}};
  neurlp_array squares = noise;
  squares.path = "metrics/sum_of_squares";
  squares.long_name = "sum of squared differences between data and solution";
  if (L > 0) NEURLP_TRY(write_block(w, coefficients, e->theta, P, named, D * L));
  if (L > 0) NEURLP_TRY(write_block(w, standard, e->errors, P, named, D * L));
  if (named > 0) NEURLP_TRY(write_block(w, parameters, e->theta, P, 0, named));
  if (named > 0) NEURLP_TRY(write_block(w, parameter_errors, e->errors, P, 0, named));
  if (named > 0 && named <= 32)
    NEURLP_TRY(write_block(w, correlation, e->correlation, named * named, 0, named * named));
  NEURLP_TRY(write_block(w, noise, e->noise, D, 0, D));
  NEURLP_TRY(write_block(w, squares, e->squares, D, 0, D));
  const neurlp_array at_bound = {.path = "equations/at_bound",
                                 .type = H5T_NATIVE_INT32,
                                 .rank = 2,
                                 .extents = {e->total_rows, named},
                                 .long_name = "1: the estimate is a bound of its parameter",
                                 .scales = {system, "parameter_names"},
                                 .compress = w->compress};
  if (named > 0) NEURLP_TRY(neurlp_array_write_rows(w->file, &at_bound, e->first_row, e->rows, e->at_bound));
  const neurlp_array window = {.path = "metrics/window",
                               .type = H5T_NATIVE_INT32,
                               .rank = 1,
                               .extents = {e->total_rows},
                               .units = "samples",
                               .long_name = "samples in the longest windows that were fitted",
                               .scales = {system}};
  NEURLP_TRY(neurlp_array_write_rows(w->file, &window, e->first_row, e->rows, e->window));
done:
  return status;
}

/* Where every system begins and ends in time, and its fitted state at the end. */
static neurlp_status write_ends(const writer *w) {
  const neurlp_estimates *e = w->e;
  const neurlp_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_array final = {.path = "solution/final_values",
                              .type = H5T_NATIVE_DOUBLE,
                              .rank = 3,
                              .extents = {s->systems, s->dimensions, s->model->order},
                              .long_name = "fitted states (and first derivatives) at the last sample",
                              .scales = {"system", "states", "derivative"},
                              .compress = w->compress};
  neurlp_array time = {.path = "solution/first_time",
                       .type = H5T_NATIVE_DOUBLE,
                       .rank = 1,
                       .extents = {s->systems},
                       .units = s->time_units,
                       .long_name = "time of the first sample",
                       .scales = {"system"},
                       .compress = w->compress};
  NEURLP_TRY(neurlp_array_write_rows(w->file, &time, e->first_system, e->system_count, e->first_time));
  time.path = "solution/last_time";
  time.long_name = "time of the last sample";
  NEURLP_TRY(neurlp_array_write_rows(w->file, &time, e->first_ending, e->ending_count, e->last_time));
  NEURLP_TRY(neurlp_array_write_rows(w->file, &final, e->first_ending, e->ending_count, e->final));
done:
  return status;
}

/* ---- systems ----------------------------------------------------------------------------------------- */

static neurlp_status write_systems(const writer *w) {
  const neurlp_estimates *e = w->e;
  const neurlp_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_array statuses = {.path = "status",
                                 .type = H5T_NATIVE_INT32,
                                 .rank = 1,
                                 .extents = {s->systems},
                                 .long_name = "0: success; others: attribute meanings",
                                 .scales = {"system"},
                                 .compress = w->compress};
  NEURLP_TRY(neurlp_array_write_rows(w->file, &statuses, e->first_system, e->system_count, e->status));
  char meanings[1024] = "";
  size_t length = 0;
#define MEANING(name, value, sentence)                                                                       \
  if (value >= 0 && length < sizeof meanings)                                                                \
    length += (size_t)snprintf(meanings + length, sizeof meanings - length, "%s%d: %s", length ? "; " : "",  \
                               value, sentence);
  NEURLP_STATUS_LIST(MEANING)
#undef MEANING
  NEURLP_TRY(neurlp_array_attribute_text(w->file, "status", "meanings", meanings));
  neurlp_array initial = {.path = "solution/initial_values",
                          .type = H5T_NATIVE_DOUBLE,
                          .rank = 3,
                          .extents = {s->systems, s->dimensions, s->model->order},
                          .long_name = "fitted states (and first derivatives) at the first sample",
                          .scales = {"system", "states", "derivative"},
                          .compress = w->compress};
  NEURLP_TRY(neurlp_array_write_rows(w->file, &initial, e->first_system, e->system_count, e->initial));
  initial.path = "solution/initial_errors";
  initial.long_name = "standard errors of the initial values";
  NEURLP_TRY(neurlp_array_write_rows(w->file, &initial, e->first_system, e->system_count, e->initial_errors));
  if (s->true_parameter_count > 0) {
    const neurlp_array truth = {.path = "truth/parameters",
                                .type = H5T_NATIVE_DOUBLE,
                                .rank = 2,
                                .extents = {s->systems, s->true_parameter_count},
                                .long_name = "true parameters of generated data",
                                .scales = {"system", "parameter_names"},
                                .compress = w->compress};
    NEURLP_TRY(neurlp_array_write_texts(w->file, "truth/parameter_names", "names of the true parameters",
                                        s->true_parameter_count,
                                        (const char *const *)s->true_parameter_names));
    const int64_t skipped = e->first_system - s->plan.first_system;
    NEURLP_TRY(neurlp_array_write_rows(w->file, &truth, e->first_system, e->system_count,
                                       s->true_parameters +
                                           (e->system_count ? skipped * s->true_parameter_count : 0)));
  }
done:
  return status;
}

static neurlp_status write_solution(const writer *w) {
  const neurlp_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  const neurlp_array time = {.path = "solution/time",
                             .type = H5T_NATIVE_DOUBLE,
                             .rank = 2,
                             .extents = {s->systems, s->samples_each},
                             .units = s->time_units,
                             .long_name = "times of the samples",
                             .scales = {"system", "sample"},
                             .compress = w->compress};
  const neurlp_array states = {.path = "solution/states",
                               .type = H5T_NATIVE_DOUBLE,
                               .rank = 3,
                               .extents = {s->systems, s->samples_each, s->dimensions},
                               .long_name =
                                   "solution of the learned equations, window by window, at the sample times",
                               .scales = {"system", "sample", "states"},
                               .compress = w->compress};
  NEURLP_TRY(
      neurlp_array_write_samples(w->file, &time, &s->samples.range, s->samples.offsets, s->samples.times));
  NEURLP_TRY(
      neurlp_array_write_samples(w->file, &states, &s->samples.range, s->samples.offsets, w->e->fitted));
done:
  return status;
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static int64_t array_bytes(const neurlp_study *s, const neurlp_estimates *e, bool solution) {
  const int64_t P = s->model->parameters, D = s->dimensions, named = s->model->named;
  const int64_t row = 2 * P + named + 2 * D + (e->correlation ? named * named : 0) + 1;
  const int64_t system = 3 * D * s->model->order + 2 + s->true_parameter_count + 1;
  const int64_t samples = solution ? s->systems * s->samples_each * (D + 1) : 0;
  return 8 * (e->total_rows * row + s->systems * system + samples);
}

/* Collective. Of data that were generated, where all of them have the same equations, within the library. */
static neurlp_status write_truth(const writer *w, const double *theta) {
  const neurlp_study *s = w->s;
  neurlp_coefficient_errors errors;
  bool known = false;
  if (w->e->total_rows != 1 || !s->generated || s->model->order != s->generated->order) return NEURLP_SUCCESS;
  return neurlp_study_truth_write(s, w->file, theta, &errors, &known);
}

/* Equations as text: with the values of rank 0's row, or with names where each system has its own. */
static neurlp_status spread_theta(const writer *w, double *theta) {
  const neurlp_study *s = w->s;
  const int64_t P = s->model->parameters;
  if (s->rank == 0 && w->e->rows > 0) memcpy(theta, w->e->theta, (size_t)P * sizeof *theta);
  return MPI_Bcast(theta, (int)P, MPI_DOUBLE, 0, s->comm) == MPI_SUCCESS ? NEURLP_SUCCESS
                                                                         : NEURLP_ERROR_INTERNAL;
}

neurlp_status neurlp_result_write(const neurlp_study *s, const neurlp_estimates *e, const char *path,
                                  const char *trouble, int64_t *written_bytes) {
  const neurlp_deck *deck = s->job->deck;
  const bool solution = neurlp_deck_flag(deck, "output.solution");
  neurlp_status status = NEURLP_SUCCESS;
  double *theta = NULL;
  writer w = {.s = s, .e = e, .compress = (int32_t)neurlp_deck_integer(deck, "output.compress")};
  *written_bytes = array_bytes(s, e, solution);
  NEURLP_TRY(neurlp_agree(s->comm, s->context,
                          neurlp_allocate(s->context, s->model->parameters, sizeof *theta, &theta)));
  NEURLP_TRY(spread_theta(&w, theta));
  NEURLP_TRY(
      neurlp_array_file_create(s->comm, s->context, path, w.compress > 0 ? 0 : *written_bytes, &w.file));
  NEURLP_TRY(neurlp_array_file_provenance(w.file, "neurlp result", SCHEMA_VERSION, s->job->command_line,
                                          neurlp_deck_resolved(deck), neurlp_deck_integer(deck, "run.seed")));
  NEURLP_TRY(write_names(&w));
  NEURLP_TRY(write_equations_text(&w, theta));
  NEURLP_TRY(write_known(&w));
  NEURLP_TRY(write_estimates(&w));
  NEURLP_TRY(write_truth(&w, theta));
  NEURLP_TRY(write_systems(&w));
  NEURLP_TRY(write_ends(&w));
  if (solution) NEURLP_TRY(write_solution(&w));
  if (trouble) NEURLP_TRY(neurlp_array_attribute_text(w.file, "/", "checkpoint_trouble", trouble));
  NEURLP_TRY(neurlp_array_file_commit(&w.file));
done:
  neurlp_array_file_discard(&w.file);
  neurlp_release(s->context, &theta);
  return status;
}
