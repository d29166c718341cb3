#include "train/network_result.h"

#include "comm.h"
#include "file/array_file.h"
#include "learn/network/network_evaluate.h"
#include "study/truth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, TEXT_BYTES = 65536, NAME_BYTES = 256 };

typedef struct writer {
  neurlp_network_study *s;
  neurlp_array_file *file;
  int32_t compress;
  int64_t first, count; /* this rank's windows */
  double *times;        /* [count][T] of their samples */
  neurlp_network_answers answers;
} writer;

neurlp_status neurlp_network_weights(neurlp_network_study *s, double *weights) {
  return neurlp_graph_read(s->model.graph, s->model.weights, weights);
}

static bool weights_are_shared(const neurlp_network_study *s) {
  return s->terms > 0 && s->wiring.weights.kind == NEURLP_SOURCE_PARAMETER;
}

/* ---- equations --------------------------------------------------------------------------------------- */

static neurlp_status write_text(const writer *w, const double *theta) {
  const neurlp_study *d = &w->s->data;
  neurlp_status status = NEURLP_SUCCESS;
  char **lines = NULL;
  status = neurlp_allocate(d->context, d->dimensions, sizeof *lines, &lines);
  for (int32_t k = 0; status >= 0 && k < d->dimensions; k++) {
    status = neurlp_allocate(d->context, TEXT_BYTES, 1, &lines[k]);
    if (status >= 0) neurlp_model_print(d->model, k, theta, 6, lines[k], TEXT_BYTES);
  }
  NEURLP_TRY(neurlp_agree(d->comm, d->context, status));
  status = neurlp_array_write_texts(w->file, "equations/text", "equations found", d->dimensions,
                                    (const char *const *)lines);
done:
  for (int32_t k = 0; lines && k < d->dimensions; k++) neurlp_release(d->context, &lines[k]);
  neurlp_release(d->context, &lines);
  return status;
}

/* Whether the block is u^(kappa) = library, of the data's kappa: then weights are coefficients. */
static bool weights_are_coefficients(const neurlp_network_study *s) {
  const neurlp_source_spec *c = &s->wiring.coefficients;
  if (c->kind != NEURLP_SOURCE_CONSTANT || !s->data.generated) return false;
  for (int32_t j = 0; j < c->number_count; j++)
    if (c->numbers[j] != (j == s->data.generated->order)) return false;
  return true;
}

static neurlp_status write_equations(const writer *w, neurlp_network_scores *scores) {
  neurlp_network_study *s = w->s;
  const int64_t D = s->data.dimensions, L = s->terms;
  neurlp_status status = NEURLP_SUCCESS;
  double *weights = NULL;
  if (L == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_array_write_texts(w->file, "equations/terms", "terms of the basis library", L,
                                      (const char *const *)s->data.model->library->texts));
  if (!weights_are_shared(s)) return NEURLP_SUCCESS;
  status = neurlp_allocate(s->context, D * L, sizeof *weights, &weights);
  if (status >= 0) status = neurlp_network_weights(s, weights);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, status));
  NEURLP_TRY(write_text(w, weights));
  const neurlp_array coefficients = {.path = "equations/coefficients",
                                     .type = H5T_NATIVE_DOUBLE,
                                     .rank = 3,
                                     .extents = {1, D, L},
                                     .long_name = "coefficient of each term in each state's equation",
                                     .scales = {"group", "states", "terms"}};
  NEURLP_TRY(neurlp_array_write_rows(w->file, &coefficients, 0, s->data.rank == 0, weights));
  if (s->errors) {
    neurlp_array errors = coefficients;
    errors.path = "equations/standard_errors";
    errors.long_name =
        "standard errors of the coefficients, with the state estimate taken to be right; NaN: not estimated";
    NEURLP_TRY(neurlp_array_write_rows(w->file, &errors, 0, s->data.rank == 0, s->errors));
  }
  if (weights_are_coefficients(s))
    status = neurlp_study_truth_write(&s->data, w->file, weights, &scores->coefficients, &scores->has_truth);
done:
  neurlp_release(s->context, &weights);
  return status;
}

/* ---- every parameter --------------------------------------------------------------------------------- */

static neurlp_status write_parameter(const writer *w, const neurlp_parameter_info *info) {
  neurlp_network_study *s = w->s;
  char path[NAME_BYTES];
  double *numbers = NULL;
  neurlp_array array = {.path = path,
                        .type = H5T_NATIVE_DOUBLE,
                        .rank = info->shape.rank > 0 ? info->shape.rank : 1,
                        .extents = {1},
                        .long_name = "a trained parameter",
                        .compress = w->compress};
  snprintf(path, sizeof path, "model/%s", info->name);
  for (int32_t i = 0; i < info->shape.rank; i++) array.extents[i] = info->shape.extents[i];
  neurlp_status status = neurlp_allocate(s->context, info->count, sizeof *numbers, &numbers);
  if (status >= 0) status = neurlp_graph_read(s->model.graph, info->value, numbers);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, status));
  status = neurlp_array_write_rows(w->file, &array, 0, s->data.rank == 0 ? array.extents[0] : 0, numbers);
done:
  neurlp_release(s->context, &numbers);
  return status;
}

/* What the training took from its data: whoever applies the model to others needs it (network_load.h). */
static neurlp_status write_scales(const writer *w) {
  const neurlp_network_study *s = w->s;
  const int64_t D = s->data.dimensions, L = s->terms;
  neurlp_status status = NEURLP_SUCCESS;
  const struct {
    neurlp_array array;
    const double *numbers;
  } all[] = {
      {{.path = "model/center", .rank = 1, .extents = {D}, .long_name = "what is taken off the data"},
       s->windows.center},
      {{.path = "model/spread", .rank = 1, .extents = {D}, .long_name = "what data are divided by then"},
       s->windows.spread},
      {{.path = "model/weight_scale",
        .rank = 2,
        .extents = {D, L},
        .long_name = "typical sizes of the library's weights"},
       s->weight_scale},
      {{.path = "model/mask", .rank = 2, .extents = {D, L}, .long_name = "1, or 0: a term that was dropped"},
       s->mask}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (!all[i].numbers) continue;
    neurlp_array array = all[i].array;
    array.type = H5T_NATIVE_DOUBLE;
    array.scales[0] = "states";
    if (array.rank == 2) array.scales[1] = "terms";
    NEURLP_TRY(neurlp_array_write_rows(w->file, &array, 0, s->data.rank == 0 ? D : 0, all[i].numbers));
  }
done:
  return status;
}

static neurlp_status write_model(const writer *w) {
  neurlp_status status = write_scales(w);
  if (status < 0) return status;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(w->s->model.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(w->s->model.graph, i);
    NEURLP_TRY(write_parameter(w, &info));
  }
done:
  return status;
}

/* ---- history ----------------------------------------------------------------------------------------- */

typedef double neurlp_epoch_number(const neurlp_epoch *epoch);
static double cycle_of(const neurlp_epoch *e) {
  return (double)e->cycle;
}
static double training_of(const neurlp_epoch *e) {
  return e->training;
}
static double validation_of(const neurlp_epoch *e) {
  return e->validation;
}
static double rate_of(const neurlp_epoch *e) {
  return e->rate;
}
static double gradient_of(const neurlp_epoch *e) {
  return e->gradient;
}
static double failed_of(const neurlp_epoch *e) {
  return (double)e->failed;
}

static neurlp_status write_history(const writer *w, const neurlp_network_history *history) {
  static const struct {
    const char *path, *long_name;
    neurlp_epoch_number *number;
  } curves[] = {
      {"metrics/cycle", "cycle of each epoch, counted from 0", cycle_of},
      {"metrics/train_loss", "loss of the training windows, epoch by epoch, through all cycles", training_of},
      {"metrics/validation_loss", "loss of the validation windows; NaN: there are none", validation_of},
      {"metrics/learning_rate", "learning rate", rate_of},
      {"metrics/gradient_norm", "norm of the last gradient of each epoch, before it was cut", gradient_of},
      {"metrics/failed", "windows whose block could not be solved", failed_of}};
  neurlp_network_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  double *numbers = NULL;
  if (history->count == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context,
                          neurlp_allocate(s->context, history->count, sizeof *numbers, &numbers)));
  for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
    const neurlp_array array = {.path = curves[i].path,
                                .type = H5T_NATIVE_DOUBLE,
                                .rank = 1,
                                .extents = {history->count},
                                .long_name = curves[i].long_name,
                                .scales = {"epoch"}};
    for (int64_t e = 0; e < history->count; e++) numbers[e] = curves[i].number(&history->epochs[e]);
    NEURLP_TRY(neurlp_array_write_rows(w->file, &array, 0, s->data.rank == 0 ? history->count : 0, numbers));
  }
done:
  neurlp_release(s->context, &numbers);
  return status;
}

/* ---- windows ----------------------------------------------------------------------------------------- */

static neurlp_status take(const writer *w, int64_t each, double **answer) {
  return neurlp_allocate(w->s->context, (w->count > 0 ? w->count : 1) * each, sizeof **answer, answer);
}

/* Time steps that coefficients are for. */
static int64_t coefficient_steps(const neurlp_network_study *s) {
  return s->wiring.coefficients.steady ? 1 : s->windows.spec.window;
}

/* The data's time at each sample, whatever the block's own steps are. */
static void find_times(const writer *w) {
  const neurlp_network_study *s = w->s;
  const neurlp_windows *v = &s->windows;
  const int64_t T = v->spec.window;
  for (int64_t i = 0; i < w->count; i++)
    for (int64_t t = 0; t < T; t++)
      w->times[i * T + t] =
          s->starts[v->system[w->first + i]] + s->step * (double)(v->first[w->first + i] + t);
}

/* What this rank's windows give. */
static neurlp_status evaluate(writer *w) {
  neurlp_network_study *s = w->s;
  const neurlp_window_spec *z = &s->windows.spec;
  neurlp_network_answers *a = &w->answers;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(take(w, z->window, &w->times));
  find_times(w);
  NEURLP_TRY(take(w, z->window * z->dimensions, &a->solution));
  NEURLP_TRY(take(w, z->window * z->dimensions, &a->states));
  if (s->terms > 0 && s->wiring.weights.kind == NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(take(w, (int64_t)z->dimensions * s->terms, &a->weights));
  if (s->wiring.coefficients.kind == NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(take(w, coefficient_steps(s) * z->dimensions * (s->order + 1), &a->coefficients));
  if (s->wiring.steps.kind == NEURLP_SOURCE_NETWORK) NEURLP_TRY(take(w, z->window - 1, &a->steps));
  NEURLP_TRY(neurlp_allocate(s->context, w->count > 0 ? w->count : 1, sizeof *a->statuses, &a->statuses));
  status = neurlp_network_evaluate(&s->model, &s->windows, w->first, w->count, a);
done:
  return status;
}

static void release_answers(writer *w) {
  neurlp_context *context = w->s->context;
  neurlp_release(context, &w->times);
  neurlp_release(context, &w->answers.solution);
  neurlp_release(context, &w->answers.states);
  neurlp_release(context, &w->answers.weights);
  neurlp_release(context, &w->answers.coefficients);
  neurlp_release(context, &w->answers.steps);
  neurlp_release(context, &w->answers.statuses);
}

/* What is written of every window, in this order. */
enum {
  SYSTEM,
  FIRST,
  TIME,
  VALIDATION,
  SOLUTION,
  STATES,
  WEIGHTS,
  COEFFICIENTS,
  STEPS,
  STATUS,
  WINDOW_ARRAYS
};

/* All but types and extents; the first dimension are the windows. */
static const neurlp_array window_arrays[WINDOW_ARRAYS] = {
    [SYSTEM] = {.path = "windows/system", .rank = 1, .long_name = "trajectory of each window"},
    [FIRST] = {.path = "windows/first",
               .rank = 1,
               .units = "samples",
               .long_name = "sample with which each window begins"},
    [TIME] = {.path = "windows/time",
              .rank = 2,
              .long_name = "time of each sample",
              .scales = {"window", "step"}},
    [VALIDATION] = {.path = "windows/validation", .rank = 1, .long_name = "1: kept for validation"},
    [SOLUTION] = {.path = "windows/solution",
                  .rank = 3,
                  .long_name = "solution of the block",
                  .scales = {"window", "step", "states"}},
    [STATES] = {.path = "windows/states",
                .rank = 3,
                .long_name = "state estimate",
                .scales = {"window", "step", "states"}},
    [WEIGHTS] = {.path = "windows/weights",
                 .rank = 3,
                 .long_name = "weights of the library, read off each window",
                 .scales = {"window", "states", "terms"}},
    [COEFFICIENTS] = {.path = "windows/coefficients",
                      .rank = 4,
                      .long_name =
                          "coefficients of u, u', ...; they are not identifiable from a trajectory alone",
                      .scales = {"window", "step", "states", "derivative"}},
    [STEPS] = {.path = "windows/steps",
               .rank = 2,
               .long_name = "step sizes",
               .scales = {"window", "interval"}},
    [STATUS] = {.path = "status", .rank = 1, .long_name = "0: success; of each window's block"}};

/* Array i as this study has it. */
static neurlp_array window_array(const writer *w, int i) {
  const neurlp_network_study *s = w->s;
  const int64_t T = s->windows.spec.window, D = s->windows.spec.dimensions;
  const int64_t extents[WINDOW_ARRAYS][4] = {[TIME] = {0, T},
                                             [SOLUTION] = {0, T, D},
                                             [STATES] = {0, T, D},
                                             [WEIGHTS] = {0, D, s->terms},
                                             [COEFFICIENTS] = {0, coefficient_steps(s), D, s->order + 1},
                                             [STEPS] = {0, T - 1}};
  neurlp_array array = window_arrays[i];
  array.type = i == SYSTEM || i == FIRST        ? H5T_NATIVE_INT64
               : i == VALIDATION || i == STATUS ? H5T_NATIVE_INT32
                                                : H5T_NATIVE_DOUBLE;
  memcpy(array.extents, extents[i], sizeof extents[i]);
  array.extents[0] = s->windows.count;
  array.scales[0] = "window";
  array.compress = w->compress;
  if (i == COEFFICIENTS && s->wiring.coefficients.steady) array.scales[1] = NULL;
  if (i == TIME || i == STEPS) array.units = s->data.time_units;
  return array;
}

static neurlp_status write_windows(const writer *w) {
  const neurlp_windows *v = &w->s->windows;
  const neurlp_network_answers *a = &w->answers;
  const void *const numbers[WINDOW_ARRAYS] = {[SYSTEM] = v->system + w->first,
                                              [FIRST] = v->first + w->first,
                                              [TIME] = w->times,
                                              [VALIDATION] = w->s->validation + w->first,
                                              [SOLUTION] = a->solution,
                                              [STATES] = a->states,
                                              [WEIGHTS] = a->weights,
                                              [COEFFICIENTS] = a->coefficients,
                                              [STEPS] = a->steps,
                                              [STATUS] = a->statuses};
  neurlp_status status = NEURLP_SUCCESS;
  for (int i = 0; i < WINDOW_ARRAYS; i++) {
    if (!numbers[i]) continue;
    const neurlp_array array = window_array(w, i);
    NEURLP_TRY(neurlp_array_write_rows(w->file, &array, w->first, w->count, numbers[i]));
  }
done:
  return status;
}

/* Collective. Windows whose block failed have no error. Ranks add theirs one after the other, in the order of
 * the windows, so that the sum is the same for any number of ranks. */
static void score(const writer *w, neurlp_network_scores *scores) {
  const neurlp_windows *v = &w->s->windows;
  const int64_t T = v->spec.window, D = v->spec.dimensions;
  const neurlp_study *d = &w->s->data;
  double sums[3] = {0}; /* squares, known samples, failed windows */
  if (d->rank > 0) MPI_Recv(sums, 3, MPI_DOUBLE, d->rank - 1, 0, d->comm, MPI_STATUS_IGNORE);
  for (int64_t i = 0; i < w->count; i++) {
    if (w->answers.statuses[i] != NEURLP_SUCCESS) {
      sums[2]++;
      continue;
    }
    const double *known =
        v->spec.states + (v->system[w->first + i] * v->spec.samples + v->first[w->first + i]) * D;
    for (int64_t j = 0; j < T * D; j++) {
      const double error = (w->answers.solution[i * T * D + j] - known[j]) / v->spread[j % D];
      if (isnan(known[j])) continue;
      sums[0] += error * error;
      sums[1]++;
    }
  }
  if (d->rank + 1 < d->size) MPI_Send(sums, 3, MPI_DOUBLE, d->rank + 1, 0, d->comm);
  MPI_Bcast(sums, 3, MPI_DOUBLE, d->size - 1, d->comm);
  *scores = (neurlp_network_scores){
      .windows = v->count, .failed = (int64_t)sums[2], .error = sqrt(sums[0] / sums[1])};
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static int64_t array_bytes(const neurlp_network_study *s, const neurlp_network_history *history) {
  const neurlp_window_spec *z = &s->windows.spec;
  const int64_t each = 3 * z->window * z->dimensions * (s->order + 2) + z->window;
  return 8 * (s->windows.count * each + neurlp_graph_parameter_count(s->model.graph) + 6 * history->count);
}

static neurlp_status write_all(writer *w, const neurlp_network_history *history,
                               neurlp_network_scores *scores) {
  const neurlp_study *d = &w->s->data;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_array_file_provenance(w->file, "neurlp result", SCHEMA_VERSION, d->job->command_line,
                                          neurlp_deck_resolved(d->job->deck),
                                          neurlp_deck_integer(d->job->deck, "run.seed")));
  NEURLP_TRY(neurlp_array_write_texts(w->file, "states", "names of the states", d->dimensions,
                                      (const char *const *)d->names));
  NEURLP_TRY(write_equations(w, scores));
  NEURLP_TRY(write_history(w, history));
  NEURLP_TRY(write_model(w));
  if (neurlp_deck_flag(d->job->deck, "output.solution")) NEURLP_TRY(write_windows(w));
  NEURLP_TRY(neurlp_network_forecast_write(w->s, w->file, w->compress, &scores->forecast));
  NEURLP_TRY(neurlp_array_attribute_text(w->file, "/", "outcome", neurlp_status_sentence(history->outcome)));
  if (history->message[0])
    NEURLP_TRY(neurlp_array_attribute_text(w->file, "/", "outcome_message", history->message));
  if (history->trouble)
    NEURLP_TRY(neurlp_array_attribute_text(w->file, "/", "checkpoint_trouble", history->trouble));
done:
  return status;
}

void neurlp_network_result_part(const neurlp_network_study *s, int64_t *first, int64_t *count) {
  const int64_t samples = neurlp_graph_samples(s->model.graph), windows = s->windows.count;
  neurlp_partition((windows + samples - 1) / samples, s->data.rank, s->data.size, first, count);
  *first *= samples;
  *count *= samples;
  if (*first > windows) *first = windows;
  if (*count > windows - *first) *count = windows - *first;
}

neurlp_status neurlp_network_result_write(neurlp_network_study *s, const neurlp_network_history *history,
                                          const char *path, neurlp_network_scores *scores,
                                          int64_t *written_bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  writer w = {.s = s, .compress = (int32_t)neurlp_deck_integer(s->data.job->deck, "output.compress")};
  neurlp_network_result_part(s, &w.first, &w.count);
  *written_bytes = array_bytes(s, history) + neurlp_network_forecast_bytes(s);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, evaluate(&w)));
  score(&w, scores);
  NEURLP_TRY(neurlp_network_truth_judge(s, w.first, w.count, &w.answers, &scores->truth));
  NEURLP_TRY(
      neurlp_array_file_create(s->data.comm, s->context, path, w.compress > 0 ? 0 : *written_bytes, &w.file));
  NEURLP_TRY(write_all(&w, history, scores));
  NEURLP_TRY(neurlp_network_truth_write(s, &scores->truth, w.file));
  NEURLP_TRY(neurlp_array_attribute_number(w.file, "/", "error", scores->error));
  status = neurlp_array_file_commit(&w.file);
done:
  status = neurlp_array_file_discard(&w.file, status);
  release_answers(&w);
  return status;
}
