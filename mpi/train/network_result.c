#include "train/network_result.h"

#include "comm.h"
#include "file/array_file.h"
#include "study/truth.h"
#include "train/network_fingerprint.h"
#include "train/network_pieces.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, TEXT_BYTES = 65536, NAME_BYTES = 256 };

typedef struct writer {
  neurlp_network_study *s;
  neurlp_array_file *file;
  int32_t compress;
  neurlp_network_pieces pieces;
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

/* This study's shared weights, on every rank. Collective; free them with neurlp_release. */
static neurlp_status take_weights(neurlp_network_study *s, double **weights) {
  neurlp_status status =
      neurlp_allocate(s->context, (int64_t)s->data.dimensions * s->terms, sizeof **weights, weights);
  if (status >= 0) status = neurlp_network_weights(s, *weights);
  return neurlp_agree(s->data.comm, s->context, status);
}

static neurlp_status write_equations(const writer *w) {
  neurlp_network_study *s = w->s;
  const int64_t D = s->data.dimensions, L = s->terms;
  neurlp_status status = NEURLP_SUCCESS;
  double *weights = NULL;
  if (L == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_array_write_texts(w->file, "equations/terms", "terms of the basis library", L,
                                      (const char *const *)s->data.model->library->texts));
  if (!weights_are_shared(s)) return NEURLP_SUCCESS;
  NEURLP_TRY(take_weights(s, &weights));
  NEURLP_TRY(write_text(w, weights));
  const neurlp_array coefficients = {.path = "equations/coefficients",
                                     .type = H5T_NATIVE_DOUBLE,
                                     .rank = 3,
                                     .extents = {1, D, L},
                                     .long_name = "coefficient of each term in each state's equation",
                                     .scales = {"group", "states", "terms"}};
  NEURLP_TRY(neurlp_array_write_rows(w->file, &coefficients, 0, s->data.rank == 0, weights));
  if (!s->errors) goto done;
  neurlp_array errors = coefficients;
  errors.path = "equations/standard_errors";
  errors.long_name =
      "standard errors of the coefficients, with the state estimate taken to be right; NaN: not estimated";
  status = neurlp_array_write_rows(w->file, &errors, 0, s->data.rank == 0, s->errors);
done:
  neurlp_release(s->context, &weights);
  return status;
}

/* How far the weights are from the truth; file NULL: it is written there already. */
static neurlp_status judge_equations(const writer *w, neurlp_array_file *file,
                                     neurlp_network_scores *scores) {
  neurlp_network_study *s = w->s;
  neurlp_status status = NEURLP_SUCCESS;
  double *weights = NULL;
  if (!weights_are_shared(s) || !weights_are_coefficients(s)) return NEURLP_SUCCESS;
  NEURLP_TRY(take_weights(s, &weights));
  status = neurlp_study_truth_write(&s->data, file, weights, &scores->coefficients, &scores->has_truth);
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

/* Sums over windows. */
enum { SQUARES, KNOWN, FAILED, SUMS };

/* Collective. Adds the windows of the piece in hand, of which those whose block failed have no error. Ranks
 * add theirs one after the other, in the order of the windows, so that the sum is the same for any number of
 * ranks and any pieces. */
static void add_errors(const neurlp_network_pieces *p, double sums[SUMS]) {
  const neurlp_windows *v = &p->study->windows;
  const int64_t T = v->spec.window, D = v->spec.dimensions;
  const neurlp_study *d = &p->study->data;
  if (d->rank > 0) MPI_Recv(sums, SUMS, MPI_DOUBLE, d->rank - 1, 0, d->comm, MPI_STATUS_IGNORE);
  for (int64_t i = 0; i < p->count; i++) {
    if (p->answers.statuses[i] != NEURLP_SUCCESS) {
      sums[FAILED]++;
      continue;
    }
    const double *known =
        v->spec.states + (v->system[p->first + i] * v->spec.samples + v->first[p->first + i]) * D;
    for (int64_t j = 0; j < T * D; j++) {
      const double error = (p->answers.solution[i * T * D + j] - known[j]) / v->spread[j % D];
      if (isnan(known[j])) continue;
      sums[SQUARES] += error * error;
      sums[KNOWN]++;
    }
  }
  if (d->rank + 1 < d->size) MPI_Send(sums, SUMS, MPI_DOUBLE, d->rank + 1, 0, d->comm);
  MPI_Bcast(sums, SUMS, MPI_DOUBLE, d->size - 1, d->comm);
}

/* Collective. All windows: until they are on disk, and judged. */
static neurlp_status write_windows(writer *w, neurlp_network_scores *scores) {
  neurlp_network_study *s = w->s;
  neurlp_network_pieces *p = &w->pieces;
  neurlp_network_judge judge = {0};
  double sums[SUMS] = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_network_judge_open(s, &scores->truth, &judge));
  for (int64_t start = 0; start < s->windows.count; start += p->taken) {
    NEURLP_TRY(neurlp_network_pieces_take(p, start));
    add_errors(p, sums);
    neurlp_network_judge_add(&judge, p->first, p->count, &p->answers);
  }
  scores->windows = s->windows.count;
  scores->failed = (int64_t)sums[FAILED];
  scores->error = sqrt(sums[SQUARES] / sums[KNOWN]);
  while (neurlp_network_judge_settle(&judge))
    for (int64_t start = 0; start < s->windows.count; start += p->taken) {
      NEURLP_TRY(neurlp_network_pieces_take(p, start));
      neurlp_network_judge_add(&judge, p->first, p->count, &p->answers);
    }
done:
  neurlp_network_judge_release(&judge);
  return status;
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static int64_t array_bytes(const neurlp_network_study *s, const neurlp_network_history *history) {
  return neurlp_network_pieces_bytes(s) +
         8 * (neurlp_graph_parameter_count(s->model.graph) + 6 * history->count);
}

/* What comes before windows. */
static neurlp_status write_frame(const writer *w, const neurlp_network_history *history,
                                 neurlp_network_scores *scores) {
  const neurlp_study *d = &w->s->data;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_array_file_provenance(w->file, "neurlp result", SCHEMA_VERSION, d->job->command_line,
                                          neurlp_deck_resolved(d->job->deck),
                                          neurlp_deck_integer(d->job->deck, "run.seed")));
  NEURLP_TRY(neurlp_array_write_texts(w->file, "states", "names of the states", d->dimensions,
                                      (const char *const *)d->names));
  NEURLP_TRY(write_equations(w));
  NEURLP_TRY(judge_equations(w, w->file, scores));
  NEURLP_TRY(write_history(w, history));
  status = write_model(w);
done:
  return status;
}

/* What is known at the end. */
static neurlp_status write_end(const writer *w, const neurlp_network_history *history,
                               const neurlp_network_scores *scores) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_network_truth_write(w->s, &scores->truth, w->file));
  if (history->message[0])
    NEURLP_TRY(neurlp_array_attribute_text(w->file, "/", "outcome_message", history->message));
  if (history->trouble)
    NEURLP_TRY(neurlp_array_attribute_text(w->file, "/", "checkpoint_trouble", history->trouble));
  NEURLP_TRY(neurlp_array_attribute_number(w->file, "/", "error", scores->error));
  status = neurlp_array_attribute_text(w->file, "/", "outcome", neurlp_status_sentence(history->outcome));
done:
  return status;
}

/* Collective. The file, new or as a run was killed that came to the same model; *begun: something is complete
 * in it. */
static neurlp_status open_file(writer *w, const char *path, int64_t bytes, bool *begun) {
  neurlp_network_study *s = w->s;
  char *identity = NULL;
  bool resumed = false;
  int64_t windows = 0, forecasts = 0, failed = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_network_identity(s, &identity));
  NEURLP_TRY(neurlp_array_file_stream(s->data.comm, s->context, path, identity, w->compress > 0 ? 0 : bytes,
                                      &w->file, &resumed));
  neurlp_array_file_progress(w->file, "windows", &windows, &failed);
  neurlp_array_file_progress(w->file, "forecast", &forecasts, &failed);
  *begun = windows > 0 || forecasts > 0;
done:
  neurlp_release(s->context, &identity);
  return status;
}

bool neurlp_network_result_in_pieces(const neurlp_network_study *s) {
  return neurlp_network_piece_of_windows(s) < s->windows.count || neurlp_network_forecast_in_pieces(s);
}

neurlp_status neurlp_network_result_write(neurlp_network_study *s, const neurlp_network_history *history,
                                          const char *path, neurlp_network_scores *scores,
                                          int64_t *written_bytes) {
  static const neurlp_network_answers none = {0};
  neurlp_status status = NEURLP_SUCCESS;
  bool begun = false;
  writer w = {.s = s, .compress = (int32_t)neurlp_deck_integer(s->data.job->deck, "output.compress")};
  *written_bytes = array_bytes(s, history) + neurlp_network_forecast_bytes(s);
  /* What is of no window is read off the graph. */
  NEURLP_TRY(
      neurlp_agree(s->data.comm, s->context, neurlp_network_evaluate(&s->model, &s->windows, 0, 0, &none)));
  NEURLP_TRY(open_file(&w, path, *written_bytes, &begun));
  NEURLP_TRY(neurlp_network_pieces_open(s, w.file, &w.pieces));
  NEURLP_TRY(begun ? judge_equations(&w, NULL, scores) : write_frame(&w, history, scores));
  NEURLP_TRY(write_windows(&w, scores));
  neurlp_network_pieces_release(&w.pieces);
  NEURLP_TRY(neurlp_network_forecast_write(s, w.file, w.compress, &scores->forecast));
  NEURLP_TRY(write_end(&w, history, scores));
  status = neurlp_array_file_commit(&w.file);
done:
  neurlp_network_pieces_release(&w.pieces);
  return neurlp_array_file_discard(&w.file, status);
}
