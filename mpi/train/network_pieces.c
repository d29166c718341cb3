#include "train/network_pieces.h"

#include "checkpoint/stop.h"
#include "comm.h"
#include "file/array_file_parts.h"

#include <stdio.h>
#include <string.h>

enum { ROOM_BYTES = 192 << 20 };

static const char *const group = "windows";

/* ---- how many at a time ------------------------------------------------------------------------------ */

int64_t neurlp_network_piece(const neurlp_network_study *s, int64_t rows, int64_t row_bytes) {
  const neurlp_deck *deck = s->data.job->deck;
  const int64_t shard = neurlp_graph_samples(s->model.graph);
  const int64_t asked = neurlp_deck_integer(deck, "output.piece"), shards = (rows + shard - 1) / shard;
  if (neurlp_deck_integer(deck, "output.compress") > 0) return rows;
  int64_t fits = ROOM_BYTES / (row_bytes * shard);
  if (fits < 1) fits = 1;
  fits *= s->data.size;
  if (asked > 0 && (asked - 1) / shard + 1 < fits) fits = (asked - 1) / shard + 1;
  return fits < shards ? fits * shard : rows;
}

void neurlp_network_share(const neurlp_network_study *s, int64_t rows, int64_t piece, int64_t start,
                          int64_t *taken, int64_t *first, int64_t *count) {
  const int64_t shard = neurlp_graph_samples(s->model.graph), left = rows - start;
  *taken = piece < left ? piece : left;
  neurlp_partition((*taken + shard - 1) / shard, s->data.rank, s->data.size, first, count);
  *first *= shard;
  *count *= shard;
  if (*first > *taken) *first = *taken;
  if (*count > *taken - *first) *count = *taken - *first;
  *first += start;
}

/* ---- what is made of a window ------------------------------------------------------------------------ */

/* What is made of every window, and written in this order. */
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

/* Time steps that coefficients are for. */
static int64_t coefficient_steps(const neurlp_network_study *s) {
  return s->wiring.coefficients.steady ? 1 : s->windows.spec.window;
}

/* Array i as this study has it. */
static neurlp_array window_array(const neurlp_network_pieces *p, int i) {
  const neurlp_network_study *s = p->study;
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
  array.compress = p->compress;
  array.covered = true;
  if (i == COEFFICIENTS && s->wiring.coefficients.steady) array.scales[1] = NULL;
  if (i == TIME || i == STEPS) array.units = s->data.time_units;
  return array;
}

static bool has_weights(const neurlp_network_study *s) {
  return s->terms > 0 && s->wiring.weights.kind == NEURLP_SOURCE_NETWORK;
}

/* Numbers that are made of a window, and their times; its status beside them. */
static int64_t numbers_of_window(const neurlp_network_study *s) {
  const int64_t T = s->windows.spec.window, D = s->windows.spec.dimensions;
  int64_t numbers = 2 * T * D + T + 1;
  if (has_weights(s)) numbers += D * s->terms;
  if (s->wiring.coefficients.kind == NEURLP_SOURCE_NETWORK)
    numbers += coefficient_steps(s) * D * (s->order + 1);
  if (s->wiring.steps.kind == NEURLP_SOURCE_NETWORK) numbers += T - 1;
  return numbers;
}

int64_t neurlp_network_piece_of_windows(const neurlp_network_study *s) {
  return neurlp_network_piece(s, s->windows.count, 8 * numbers_of_window(s));
}

int64_t neurlp_network_pieces_bytes(const neurlp_network_study *s) {
  const bool written = neurlp_deck_flag(s->data.job->deck, "output.solution");
  return written ? s->windows.count * 8 * (numbers_of_window(s) + 3) : 0;
}

int64_t neurlp_network_pieces_room(const neurlp_network_study *s) {
  int64_t taken = 0, first = 0, rows = 0;
  neurlp_network_share(s, s->windows.count, neurlp_network_piece_of_windows(s), 0, &taken, &first, &rows);
  return 8 * rows * numbers_of_window(s);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

/* Local. For `rows` windows. */
static neurlp_status allocate(neurlp_network_pieces *p, int64_t rows) {
  neurlp_network_study *s = p->study;
  neurlp_context *context = s->context;
  neurlp_network_answers *a = &p->answers;
  const int64_t T = s->windows.spec.window, D = s->windows.spec.dimensions;
  neurlp_status status = NEURLP_SUCCESS;
  if (rows < 1) rows = 1;
  NEURLP_TRY(neurlp_allocate(context, rows * T, sizeof *p->times, &p->times));
  NEURLP_TRY(neurlp_allocate(context, rows * T * D, sizeof *a->solution, &a->solution));
  NEURLP_TRY(neurlp_allocate(context, rows * T * D, sizeof *a->states, &a->states));
  if (has_weights(s))
    NEURLP_TRY(neurlp_allocate(context, rows * D * s->terms, sizeof *a->weights, &a->weights));
  if (s->wiring.coefficients.kind == NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(neurlp_allocate(context, rows * coefficient_steps(s) * D * (s->order + 1),
                               sizeof *a->coefficients, &a->coefficients));
  if (s->wiring.steps.kind == NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(neurlp_allocate(context, rows * (T - 1), sizeof *a->steps, &a->steps));
  NEURLP_TRY(neurlp_allocate(context, rows, sizeof *a->statuses, &a->statuses));
done:
  return status;
}

neurlp_status neurlp_network_pieces_open(neurlp_network_study *s, neurlp_array_file *file,
                                         neurlp_network_pieces *p) {
  const bool written = neurlp_deck_flag(s->data.job->deck, "output.solution");
  int64_t taken = 0, first = 0, rows = 0;
  neurlp_status status = NEURLP_SUCCESS;
  *p = (neurlp_network_pieces){.study = s,
                               .file = written ? file : NULL,
                               .compress = (int32_t)neurlp_deck_integer(s->data.job->deck, "output.compress"),
                               .piece = neurlp_network_piece_of_windows(s)};
  neurlp_network_share(s, s->windows.count, p->piece, 0, &taken, &first, &rows); /* no piece has more */
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, allocate(p, rows)));
  if (p->file)
    status = neurlp_network_progress(s, file, group, s->windows.count, "windows", &p->complete, &p->failed);
done:
  return status;
}

void neurlp_network_pieces_release(neurlp_network_pieces *p) {
  if (!p->study) return;
  neurlp_context *context = p->study->context;
  neurlp_release(context, &p->times);
  neurlp_release(context, &p->answers.solution);
  neurlp_release(context, &p->answers.states);
  neurlp_release(context, &p->answers.weights);
  neurlp_release(context, &p->answers.coefficients);
  neurlp_release(context, &p->answers.steps);
  neurlp_release(context, &p->answers.statuses);
}

/* ---- written, and read back -------------------------------------------------------------------------- */

/* The data's time at each sample, whatever the block's own steps are. */
static void find_times(neurlp_network_pieces *p) {
  const neurlp_network_study *s = p->study;
  const int64_t T = s->windows.spec.window;
  for (int64_t i = 0; i < p->count; i++) {
    const double start = s->starts[s->windows.system[p->first + i]];
    for (int64_t t = 0; t < T; t++)
      p->times[i * T + t] = start + s->step * (double)(s->windows.first[p->first + i] + t);
  }
}

/* Collective. The piece in hand, until it is on disk. */
static neurlp_status write_piece(neurlp_network_pieces *p) {
  const neurlp_network_study *s = p->study;
  const neurlp_windows *v = &s->windows;
  const neurlp_network_answers *a = &p->answers;
  const void *const numbers[WINDOW_ARRAYS] = {[SYSTEM] = v->system + p->first,
                                              [FIRST] = v->first + p->first,
                                              [TIME] = p->times,
                                              [VALIDATION] = s->validation + p->first,
                                              [SOLUTION] = a->solution,
                                              [STATES] = a->states,
                                              [WEIGHTS] = a->weights,
                                              [COEFFICIENTS] = a->coefficients,
                                              [STEPS] = a->steps,
                                              [STATUS] = a->statuses};
  int64_t failed = 0;
  neurlp_status status = NEURLP_SUCCESS;
  find_times(p);
  for (int i = 0; i < WINDOW_ARRAYS; i++) {
    if (!numbers[i]) continue;
    const neurlp_array array = window_array(p, i);
    NEURLP_TRY(neurlp_array_write_rows(p->file, &array, p->first, p->count, numbers[i]));
  }
  for (int64_t i = 0; i < p->count; i++) failed += a->statuses[i] != NEURLP_SUCCESS;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT64_T, MPI_SUM, s->data.comm);
  p->complete = p->start + p->taken;
  p->failed += failed;
  status = neurlp_array_file_advance(p->file, group, p->complete, p->failed);
done:
  return status;
}

/* Local. This rank's part of an array of the piece in hand. */
static neurlp_status read_array(const neurlp_network_pieces *p, int i, hid_t type, void *numbers) {
  static const int64_t stride[] = {1, 1, 1, 1};
  const neurlp_array array = window_array(p, i);
  int64_t start[4] = {p->first}, count[4] = {p->count};
  if (!numbers) return NEURLP_SUCCESS;
  for (int32_t k = 1; k < array.rank; k++) count[k] = array.extents[k];
  if (neurlp_hdf5_read_block(neurlp_array_file_id(p->file), array.path, type, array.rank, start, stride,
                             count, numbers) >= 0)
    return NEURLP_SUCCESS;
  return neurlp_fail(p->study->context, NEURLP_ERROR_IO, "%s: '%s' cannot be read back: %s",
                     neurlp_array_file_partial(p->file), array.path, neurlp_hdf5_reason());
}

/* Local. */
static neurlp_status read_piece(neurlp_network_pieces *p) {
  neurlp_network_answers *a = &p->answers;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(read_array(p, SOLUTION, H5T_NATIVE_DOUBLE, a->solution));
  NEURLP_TRY(read_array(p, WEIGHTS, H5T_NATIVE_DOUBLE, a->weights));
  status = read_array(p, STATUS, H5T_NATIVE_INT32, a->statuses);
done:
  return status;
}

/* ---- piece by piece ---------------------------------------------------------------------------------- */

neurlp_status neurlp_network_progress(const neurlp_network_study *s, const neurlp_array_file *file,
                                      const char *path, int64_t rows, const char *what, int64_t *complete,
                                      int64_t *failed) {
  neurlp_array_file_progress(file, path, complete, failed);
  if (*complete < 0 || *complete > rows)
    return neurlp_fail(s->context, NEURLP_ERROR_DATA,
                       "%s: %lld %s are said to be complete, of %lld; remove the file to begin anew",
                       neurlp_array_file_partial(file), (long long)*complete, what, (long long)rows);
  if (*complete > 0 && s->data.rank == 0)
    printf("  goes on after %lld of %lld %s, from %s\n", (long long)*complete, (long long)rows, what,
           neurlp_array_file_partial(file));
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_network_look(const neurlp_network_study *s, const neurlp_array_file *file,
                                  int64_t complete, int64_t rows, const char *what) {
  char words[96];
  if (complete == 0) {
    neurlp_stop_begin();
    return NEURLP_SUCCESS;
  }
  snprintf(words, sizeof words, "%lld of %lld %s", (long long)complete, (long long)rows, what);
  return neurlp_stop_between(s->data.comm, s->context, words, neurlp_array_file_partial(file));
}

neurlp_status neurlp_network_pieces_take(neurlp_network_pieces *p, int64_t start) {
  neurlp_network_study *s = p->study;
  const bool is_there = p->file && start < p->complete;
  neurlp_status status = NEURLP_SUCCESS;
  if (p->taken > 0 && p->start == start) return NEURLP_SUCCESS;
  p->start = start;
  neurlp_network_share(s, is_there ? p->complete : s->windows.count, p->piece, start, &p->taken, &p->first,
                       &p->count);
  if (is_there) return neurlp_agree(s->data.comm, s->context, read_piece(p));
  if (p->file) NEURLP_TRY(neurlp_network_look(s, p->file, start, s->windows.count, "windows"));
  status = neurlp_network_evaluate(&s->model, &s->windows, p->first, p->count, &p->answers);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, status));
  if (p->file) status = write_piece(p);
done:
  return status;
}
