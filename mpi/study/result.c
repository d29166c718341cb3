#include "study/result.h"

#include "comm.h"
#include "file/array_file_parts.h"
#include "study/clean.h"
#include "study/truth.h"

#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, TEXT_BYTES = 16384, MOST_CORRELATED = 32, ROWS_AT_ONCE = 1 << 16 };

typedef struct writer {
  const neurlp_study *s;
  const neurlp_estimates *e;
  neurlp_array_file *file;
  int32_t compress;
} writer;

/* ---- lists of names ---------------------------------------------------------------------------------- */

typedef void print_equation(const neurlp_model *model, int32_t k, const double *theta, char *text);

/* A text for each state's equation. */
static neurlp_status write_lines(const writer *w, const char *path, const char *long_name,
                                 print_equation *print, const double *theta) {
  const neurlp_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  char **lines = NULL;
  NEURLP_TRY(neurlp_allocate(s->context, s->dimensions, sizeof *lines, &lines));
  for (int32_t k = 0; k < s->dimensions; k++) {
    NEURLP_TRY(neurlp_allocate(s->context, TEXT_BYTES, 1, &lines[k]));
    print(s->model, k, theta, lines[k]);
  }
  NEURLP_TRY(neurlp_array_write_texts(w->file, path, long_name, s->dimensions, (const char *const *)lines));
done:
  for (int32_t k = 0; lines && k < s->dimensions; k++) neurlp_release(s->context, &lines[k]);
  neurlp_release(s->context, &lines);
  return status;
}

static void print_found(const neurlp_model *model, int32_t k, const double *theta, char *text) {
  neurlp_model_print(model, k, theta, 6, text, TEXT_BYTES);
}

/* What the deck declares to be known; "0" where that is nothing. */
static void print_known(const neurlp_model *model, int32_t k, const double *theta, char *text) {
  (void)theta;
  if (neurlp_model_print_declared(model, k, text, TEXT_BYTES) == 0) snprintf(text, TEXT_BYTES, "0");
}

static neurlp_status write_equations_text(const writer *w, const double *theta) {
  return write_lines(w, "equations/text",
                     theta ? "equations found" : "equations with each system's parameters by name",
                     print_found, theta);
}

static neurlp_status write_known(const writer *w) {
  bool any = false;
  for (int32_t k = 0; k < w->s->dimensions; k++) any = any || w->s->model->declared[k];
  if (!any) return NEURLP_SUCCESS;
  return write_lines(w, "equations/known", "terms that were known beforehand", print_known, NULL);
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
  if (named > 0 && named <= MOST_CORRELATED)
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

static int64_t array_bytes(const neurlp_study *s) {
  const int64_t P = s->model->parameters, D = s->dimensions, named = s->model->named;
  const int64_t row = 2 * P + named + 2 * D + (named <= MOST_CORRELATED ? named * named : 0) + 1;
  const int64_t rows = s->plan_spec.per_system ? s->systems : 1;
  const bool solution = neurlp_deck_flag(s->job->deck, "output.solution");
  const int64_t system = 3 * D * s->model->order + 3 + s->true_parameter_count + 1;
  const int64_t samples = solution ? s->systems * s->samples_each * (D + 1) : 0;
  return 8 * (rows * row + s->systems * system + samples);
}

/* Collective. Of data that were generated, where all of them have the same equations, within the library. */
static neurlp_status write_truth(const writer *w, const double *theta) {
  const neurlp_study *s = w->s;
  neurlp_coefficient_errors errors;
  bool known = false;
  if (w->e->total_rows != 1 || !s->generated || s->model->order != s->generated->order) return NEURLP_SUCCESS;
  return neurlp_study_truth_write(s, w->file, theta, &errors, &known);
}

/* The one row of estimates, which rank 0 has. */
static neurlp_status spread_theta(const writer *w, double *theta) {
  const neurlp_study *s = w->s;
  const int64_t P = s->model->parameters;
  if (s->rank == 0 && w->e->rows > 0) memcpy(theta, w->e->theta, (size_t)P * sizeof *theta);
  return MPI_Bcast(theta, (int)P, MPI_DOUBLE, 0, s->comm) == MPI_SUCCESS ? NEURLP_SUCCESS
                                                                         : NEURLP_ERROR_INTERNAL;
}

/* What the file has but estimates: where it comes from, names, equations. Those of one row of estimates have
 * their values; else those of each system's have names. */
static neurlp_status write_frame(const writer *w) {
  const neurlp_study *s = w->s;
  const neurlp_deck *deck = s->job->deck;
  neurlp_status status = NEURLP_SUCCESS;
  double *theta = NULL;
  NEURLP_TRY(neurlp_array_file_provenance(w->file, "neurlp result", SCHEMA_VERSION, s->job->command_line,
                                          neurlp_deck_resolved(deck), neurlp_deck_integer(deck, "run.seed")));
  NEURLP_TRY(write_names(w));
  NEURLP_TRY(write_known(w));
  if (w->e->total_rows != 1) return write_equations_text(w, NULL);
  NEURLP_TRY(neurlp_agree(s->comm, s->context,
                          neurlp_allocate(s->context, s->model->parameters, sizeof *theta, &theta)));
  NEURLP_TRY(spread_theta(w, theta));
  NEURLP_TRY(write_equations_text(w, theta));
  NEURLP_TRY(write_truth(w, theta));
done:
  neurlp_release(s->context, &theta);
  return status;
}

static neurlp_status write_rows(const writer *w) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(write_estimates(w));
  NEURLP_TRY(write_systems(w));
  NEURLP_TRY(write_ends(w));
  NEURLP_TRY(neurlp_study_clean_write(w->s, w->e, w->file, w->compress));
  if (neurlp_deck_flag(w->s->job->deck, "output.solution")) NEURLP_TRY(write_solution(w));
done:
  return status;
}

neurlp_status neurlp_result_write(const neurlp_study *s, const neurlp_estimates *e, const char *path,
                                  const char *trouble, int64_t *written_bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  writer w = {.s = s, .e = e, .compress = (int32_t)neurlp_deck_integer(s->job->deck, "output.compress")};
  *written_bytes = array_bytes(s);
  NEURLP_TRY(
      neurlp_array_file_create(s->comm, s->context, path, w.compress > 0 ? 0 : *written_bytes, &w.file));
  NEURLP_TRY(write_frame(&w));
  NEURLP_TRY(write_rows(&w));
  if (trouble) NEURLP_TRY(neurlp_array_attribute_text(w.file, "/", "checkpoint_trouble", trouble));
  NEURLP_TRY(neurlp_array_file_commit(&w.file));
done:
  status = neurlp_array_file_discard(&w.file, status);
  return status;
}

/* ---- piece by piece ---------------------------------------------------------------------------------- */

/* One line: the deck, but for what changes no number; the program; the data. Rank 0's view. */
static neurlp_status identify(const neurlp_study *s, const char *fingerprint, char **identity) {
  static const char *const left_out[] = {"title",       "checkpoint",  "run.threads",  "run.gpu_aware",
                                         "output.file", "output.data", "output.piece", NULL};
  const unsigned long long deck = neurlp_array_file_sum_deck(neurlp_deck_resolved(s->job->deck), left_out);
  const char *backend = neurlp_context_backend(s->context);
  const int bytes = 1 + snprintf(NULL, 0, "result: deck %016llx, backend %s, %s, %s, %s", deck, backend,
                                 neurlp_version(), neurlp_build_info(), fingerprint);
  const neurlp_status status =
      neurlp_agree(s->comm, s->context, neurlp_allocate(s->context, bytes, 1, identity));
  if (status < 0) return status;
  snprintf(*identity, (size_t)bytes, "result: deck %016llx, backend %s, %s, %s, %s", deck, backend,
           neurlp_version(), neurlp_build_info(), fingerprint);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_result_open(const neurlp_study *s, const char *path, const char *fingerprint,
                                 neurlp_result *r) {
  const bool compressed = neurlp_deck_integer(s->job->deck, "output.compress") > 0;
  neurlp_status status = NEURLP_SUCCESS;
  char *identity = NULL;
  bool resumed = false;
  *r = (neurlp_result){.study = s};
  NEURLP_TRY(identify(s, fingerprint, &identity));
  NEURLP_TRY(neurlp_array_file_stream(s->comm, s->context, path, identity, compressed ? 0 : array_bytes(s),
                                      &r->file, &resumed));
  neurlp_array_file_progress(r->file, "/", &r->complete, &r->failed);
  if (r->complete < 0 || r->complete > s->systems)
    status = neurlp_fail(s->context, NEURLP_ERROR_DATA,
                         "%s: %lld systems are said to be complete, of %lld; remove the file to begin anew",
                         neurlp_array_file_partial(r->file), (long long)r->complete, (long long)s->systems);
  else if (r->complete > 0 && s->rank == 0)
    printf("  goes on after %lld of %lld systems, from %s\n", (long long)r->complete, (long long)s->systems,
           neurlp_array_file_partial(r->file));
done:
  neurlp_release(s->context, &identity);
  return status;
}

/* Systems of this rank's estimates that failed, over all ranks. Collective. */
static int64_t count_failed(const neurlp_study *s, const neurlp_estimates *e) {
  int64_t failed = 0;
  for (int64_t i = 0; i < e->system_count; i++)
    failed += e->status[i] != NEURLP_SUCCESS && e->status[i] != NEURLP_NOT_CONVERGED;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT64_T, MPI_SUM, s->comm);
  return failed;
}

neurlp_status neurlp_result_add(neurlp_result *r, const neurlp_estimates *e) {
  const neurlp_study *s = r->study;
  const writer w = {.s = s,
                    .e = e,
                    .file = r->file,
                    .compress = (int32_t)neurlp_deck_integer(s->job->deck, "output.compress")};
  neurlp_status status = NEURLP_SUCCESS;
  if (r->complete == 0) NEURLP_TRY(write_frame(&w));
  NEURLP_TRY(write_rows(&w));
  r->complete += s->plan_spec.count;
  r->failed += count_failed(s, e);
  status = neurlp_array_file_advance(r->file, "/", r->complete, r->failed);
done:
  return status;
}

/* ---- read back --------------------------------------------------------------------------------------- */

/* Collective. A block of an array, as doubles. */
static neurlp_status read_block(const neurlp_result *r, const char *path, int rank, const int64_t *start,
                                const int64_t *count, double *values) {
  static const int64_t stride[] = {1, 1, 1};
  const neurlp_study *s = r->study;
  neurlp_status status = NEURLP_SUCCESS;
  if (neurlp_hdf5_read_block(neurlp_array_file_id(r->file), path, H5T_NATIVE_DOUBLE, rank, start, stride,
                             count, values) < 0)
    status = neurlp_fail(s->context, NEURLP_ERROR_IO, "%s: '%s' cannot be read back: %s",
                         neurlp_array_file_partial(r->file), path, neurlp_hdf5_reason());
  return neurlp_agree(s->comm, s->context, status);
}

neurlp_status neurlp_result_column(const neurlp_result *r, bool truth, int32_t p, int64_t first,
                                   int64_t count, double *values) {
  const neurlp_model *model = r->study->model;
  const int64_t i = p - model->named;
  if (truth || p < model->named)
    return read_block(r, truth ? "truth/parameters" : "equations/parameters", 2, (int64_t[]){first, p},
                      (int64_t[]){count, 1}, values);
  return read_block(r, "equations/coefficients", 3, (int64_t[]){first, i / model->terms, i % model->terms},
                    (int64_t[]){count, 1, 1}, values);
}

/* Collective. Counts of this rank's rows, some at a time; every rank reads as often. */
static neurlp_status count_rows(const neurlp_result *r, double *values, int64_t counts[3]) {
  const neurlp_study *s = r->study;
  const int64_t named = s->model->named, most = (s->systems + s->size - 1) / s->size;
  int64_t first = 0, owned = 0;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_partition(s->systems, s->rank, s->size, &first, &owned);
  for (int64_t at = 0; at < most; at += ROWS_AT_ONCE) {
    const int64_t left = owned > at ? owned - at : 0, rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    const int64_t start[2] = {rows > 0 ? first + at : 0, 0};
    NEURLP_TRY(read_block(r, "status", 1, start, (int64_t[]){rows}, values));
    for (int64_t i = 0; i < rows; i++) {
      counts[0] += values[i] != NEURLP_SUCCESS && values[i] != NEURLP_NOT_CONVERGED;
      counts[1] += values[i] == NEURLP_NOT_CONVERGED;
    }
    if (named == 0) continue;
    NEURLP_TRY(read_block(r, "equations/at_bound", 2, start, (int64_t[]){rows, named}, values));
    for (int64_t i = 0; i < rows; i++) {
      bool any = false;
      for (int64_t p = 0; p < named; p++) any = any || values[i * named + p] != 0;
      counts[2] += any;
    }
  }
done:
  return status;
}

neurlp_status neurlp_result_count(const neurlp_result *r, neurlp_estimates *e) {
  const neurlp_study *s = r->study;
  const int64_t wide = s->model->named > 1 ? s->model->named : 1;
  int64_t counts[3] = {0, 0, 0};
  double *values = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  *e = (neurlp_estimates){.total_rows = s->systems};
  NEURLP_TRY(neurlp_agree(s->comm, s->context,
                          neurlp_allocate(s->context, ROWS_AT_ONCE * wide, sizeof *values, &values)));
  NEURLP_TRY(count_rows(r, values, counts));
  MPI_Allreduce(MPI_IN_PLACE, counts, 3, MPI_INT64_T, MPI_SUM, s->comm);
  e->failed = counts[0];
  e->not_converged = counts[1];
  e->bounded = counts[2];
done:
  neurlp_release(s->context, &values);
  return status;
}

/* ---- the end ----------------------------------------------------------------------------------------- */

neurlp_status neurlp_result_commit(neurlp_result *r, const char *trouble, int64_t *written_bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  *written_bytes = array_bytes(r->study);
  if (trouble) NEURLP_TRY(neurlp_array_attribute_text(r->file, "/", "checkpoint_trouble", trouble));
  status = neurlp_array_file_commit(&r->file);
done:
  return status;
}

neurlp_status neurlp_result_discard(neurlp_result *r, neurlp_status status) {
  return neurlp_array_file_discard(&r->file, status);
}
