#include "train/network_forecast_write.h"

#include "comm.h"
#include "file/array_file_parts.h"
#include "learn/network/network_forecast.h"
#include "train/network_pieces.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const group = "forecast";

/* Sums over trajectories and states, for each step ahead. */
enum { SQUARES, PERSISTENCE, SIZE, KNOWN, SUMS };

typedef struct work {
  neurlp_network_study *s;
  const neurlp_network_forecast_plan *plan;
  neurlp_array_file *file;
  int32_t compress;
  int64_t D, seen;
  int64_t complete, failed; /* trajectories on disk; those of them that could not be forecast to their end */
  int64_t piece;            /* trajectories of a piece, all ranks together, whole shards of them */
  /* in hand, counted from the first that is forecast */
  int64_t first, count;
  int64_t rows;            /* the most of them */
  double *past;            /* [rows][K][D] */
  double *states, *data;   /* [rows][N][D] forecast, and what was to be forecast, NaN where unknown */
  double *time;            /* [rows][N] */
  neurlp_status *statuses; /* [rows] */
  double *vector, *sums;   /* [SUMS][N] of a shard, of all */
  neurlp_reduce *reduce;
  neurlp_reducer reducer;
} work;

/* Numbers of a trajectory that are in hand; its status beside them. */
static int64_t numbers_of_trajectory(const neurlp_network_study *s) {
  return s->wiring.seen * s->data.dimensions + s->forecast.steps * (2 * s->data.dimensions + 1) + 1;
}

static int64_t piece_of(const neurlp_network_study *s) {
  return neurlp_network_piece(s, s->forecast.systems, 8 * numbers_of_trajectory(s));
}

/* The most trajectories that this rank has in hand, in whole shards: no piece has more than the first. */
static int64_t most_rows(const neurlp_network_study *s) {
  const int64_t shard = neurlp_graph_samples(s->model.graph);
  int64_t taken = 0, first = 0, rows = 0;
  neurlp_network_share(s, s->forecast.systems, piece_of(s), 0, &taken, &first, &rows);
  return rows > 0 ? (rows + shard - 1) / shard * shard : shard;
}

/* ---- the roll-out ------------------------------------------------------------------------------------ */

static neurlp_status allocate(work *w) {
  neurlp_context *context = w->s->context;
  const int64_t N = w->plan->steps;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(context, w->rows * w->seen * w->D, sizeof *w->past, &w->past));
  NEURLP_TRY(neurlp_allocate(context, w->rows * N * w->D, sizeof *w->states, &w->states));
  NEURLP_TRY(neurlp_allocate(context, w->rows * N * w->D, sizeof *w->data, &w->data));
  NEURLP_TRY(neurlp_allocate(context, w->rows * N, sizeof *w->time, &w->time));
  NEURLP_TRY(neurlp_allocate(context, w->rows, sizeof *w->statuses, &w->statuses));
  NEURLP_TRY(neurlp_allocate(context, SUMS * N, sizeof *w->vector, &w->vector));
  status = neurlp_allocate(context, SUMS * N, sizeof *w->sums, &w->sums);
done:
  return status;
}

/* Collective. Shards of trajectories are divided over the ranks, and never cut: a trajectory has the same
 * place among the same others everywhere, so that its numbers are the same. */
static neurlp_status open_work(neurlp_network_study *s, neurlp_array_file *file, int32_t compress, work *w) {
  const int64_t shard = neurlp_graph_samples(s->model.graph);
  const neurlp_vectors host = neurlp_vectors_host(s->context);
  const neurlp_reduce_spec spec = {.shards = (s->forecast.systems + shard - 1) / shard,
                                   .count = SUMS * s->forecast.steps,
                                   .transport = NEURLP_TRANSPORT_DIRECT};
  neurlp_status status = NEURLP_SUCCESS;
  *w = (work){.s = s,
              .plan = &s->forecast,
              .file = file,
              .compress = compress,
              .D = s->data.dimensions,
              .seen = s->wiring.seen,
              .piece = piece_of(s),
              .rows = most_rows(s)};
  NEURLP_TRY(neurlp_reduce_create(s->data.comm, s->context, &host, &spec, &w->reduce));
  w->reducer = neurlp_reduce_table(w->reduce);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, allocate(w)));
  status = neurlp_network_progress(s, file, group, w->plan->systems, "forecasts", &w->complete, &w->failed);
done:
  return status;
}

static void close_work(work *w) {
  neurlp_context *context = w->s->context;
  neurlp_reduce_destroy(&w->reduce);
  neurlp_release(context, &w->past);
  neurlp_release(context, &w->states);
  neurlp_release(context, &w->data);
  neurlp_release(context, &w->time);
  neurlp_release(context, &w->statuses);
  neurlp_release(context, &w->vector);
  neurlp_release(context, &w->sums);
}

/* What is known of trajectory i: the past that goes in, and the future as far as there are data. */
static void take_trajectory(work *w, int64_t i) {
  const int64_t N = w->plan->steps, D = w->D, samples = w->s->data.samples_each;
  const int64_t system = w->plan->first_system + w->first + i, first = w->plan->first[w->first + i];
  double *past = w->past + i * w->seen * D, *data = w->data + i * N * D, *time = w->time + i * N;
  for (int64_t j = 0; j < N * D; j++) data[j] = NAN;
  for (int64_t j = 0; j < N; j++)
    time[j] = first < 0 ? NAN : w->s->starts[system] + w->s->step * (double)(first + j);
  if (first < 0) {
    for (int64_t j = 0; j < w->seen * D; j++) past[j] = NAN;
    return;
  }
  neurlp_forecast_past(&w->s->windows, system, first, w->seen, past);
  const int64_t known = samples - first < N ? samples - first : N; /* NaN past a trajectory's end */
  memcpy(data, w->s->states + (system * samples + first) * D, (size_t)(known * D) * sizeof *data);
}

static neurlp_status roll_out(work *w) {
  const neurlp_forecast_spec spec = {
      .model = &w->s->model,
      .window = w->s->windows.spec.window,
      .seen = w->seen,
      .dimensions = (int32_t)w->D,
      .steps = w->plan->steps,
      .of_states = !strcmp(neurlp_deck_text(w->s->data.job->deck, "forecast.of"), "states")};
  return neurlp_network_forecast(w->s->context, &spec, w->count, w->past, w->states, w->statuses);
}

/* ---- how good it is ---------------------------------------------------------------------------------- */

/* Sums of one trajectory; a forecast that failed is infinitely wrong, where something was to be forecast. */
static void add_trajectory(const work *w, int64_t i, double *sums) {
  const int64_t N = w->plan->steps, D = w->D;
  const double *last = w->past + (i * w->seen + w->seen - 1) * D;
  for (int64_t t = 0; t < N; t++)
    for (int64_t k = 0; k < D; k++) {
      const double known = w->data[(i * N + t) * D + k], found = w->states[(i * N + t) * D + k];
      if (isnan(known)) continue;
      sums[SQUARES * N + t] += isnan(found) ? INFINITY : (found - known) * (found - known);
      sums[PERSISTENCE * N + t] += isnan(last[k]) ? INFINITY : (last[k] - known) * (last[k] - known);
      sums[SIZE * N + t] += known * known;
      sums[KNOWN * N + t]++;
    }
}

/* Brings `count` trajectories from `first` on in hand, of those that are on disk. Local. */
static neurlp_status read_back(work *w, int64_t first, int64_t count) {
  static const int64_t stride[] = {1, 1, 1};
  const int64_t start[] = {first, 0, 0}, counts[] = {count, w->plan->steps, w->D};
  if (first == w->first && count == w->count) return NEURLP_SUCCESS;
  w->first = first;
  w->count = count;
  for (int64_t i = 0; i < count; i++) take_trajectory(w, i);
  if (neurlp_hdf5_read_block(neurlp_array_file_id(w->file), "forecast/states", H5T_NATIVE_DOUBLE, 3, start,
                             stride, counts, w->states) >= 0)
    return NEURLP_SUCCESS;
  return neurlp_fail(w->s->context, NEURLP_ERROR_IO, "%s: 'forecast/states' cannot be read back: %s",
                     neurlp_array_file_partial(w->file), neurlp_hdf5_reason());
}

/* Collective. Each rank adds up shards that are side by side, whichever pieces they were in: the sum is that
 * of a tree over all shards. */
static neurlp_status sum_up(work *w) {
  const int64_t N = w->plan->steps, shard = neurlp_graph_samples(w->s->model.graph);
  const int64_t shards = w->reducer.shard_count, held = w->rows / shard;
  neurlp_status status = w->reducer.begin(w->reducer.user);
  for (int64_t j = 0; status >= 0 && j < shards; j++) {
    const int64_t at = (w->reducer.first_shard + j) * shard;
    if (j % held == 0) {
      const int64_t wanted = (shards - j < held ? shards - j : held) * shard, left = w->plan->systems - at;
      status = read_back(w, at, wanted < left ? wanted : left);
    }
    memset(w->vector, 0, (size_t)(SUMS * N) * sizeof *w->vector);
    for (int64_t i = at - w->first; status >= 0 && i < at - w->first + shard && i < w->count; i++)
      add_trajectory(w, i, w->vector);
    if (status >= 0) status = w->reducer.add(w->reducer.user, w->reducer.first_shard + j, w->vector);
  }
  return w->reducer.finish(w->reducer.user, status, w->sums);
}

/* Sum of the first steps. */
static double sum_to(const double *sums, int64_t steps) {
  double sum = 0;
  for (int64_t t = 0; t < steps; t++) sum += sums[t];
  return sum;
}

static void score(const work *w, neurlp_forecast_scores *scores) {
  const int64_t N = w->plan->steps;
  *scores = (neurlp_forecast_scores){
      .systems = w->plan->systems, .failed = w->failed, .steps = N, .horizon_count = w->plan->horizon_count};
  for (int32_t h = 0; h < scores->horizon_count; h++) {
    const int64_t to = scores->horizons[h] = w->plan->horizons[h];
    const double known = sum_to(w->sums + KNOWN * N, to);
    scores->errors[h] = sum_to(w->sums + SQUARES * N, to) / known;
    scores->persistence[h] = sum_to(w->sums + PERSISTENCE * N, to) / known;
    scores->squares[h] = sum_to(w->sums + SIZE * N, to) / known;
  }
  scores->size = sqrt(sum_to(w->sums + SIZE * N, N) / sum_to(w->sums + KNOWN * N, N));
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static neurlp_status write_trajectories(const work *w) {
  const int64_t N = w->plan->steps, D = w->D, S = w->plan->systems;
  const struct {
    neurlp_array array;
    const void *numbers;
  } all[] = {
      {{.path = "forecast/first",
        .type = H5T_NATIVE_INT64,
        .rank = 1,
        .units = "samples",
        .long_name = "sample with which each forecast begins; -1: the trajectory is too short"},
       w->plan->first + w->first},
      {{.path = "forecast/time",
        .type = H5T_NATIVE_DOUBLE,
        .rank = 2,
        .extents = {0, N},
        .units = w->s->data.time_units,
        .long_name = "time of each step",
        .scales = {NULL, "step"}},
       w->time},
      {{.path = "forecast/states",
        .type = H5T_NATIVE_DOUBLE,
        .rank = 3,
        .extents = {0, N, D},
        .long_name = "what the model forecasts",
        .scales = {NULL, "step", "states"}},
       w->states},
      {{.path = "forecast/data",
        .type = H5T_NATIVE_DOUBLE,
        .rank = 3,
        .extents = {0, N, D},
        .long_name = "the data there, NaN where there are none",
        .scales = {NULL, "step", "states"}},
       w->data},
      {{.path = "forecast/status",
        .type = H5T_NATIVE_INT32,
        .rank = 1,
        .long_name = "0: success; of each trajectory's blocks"},
       w->statuses},
  };
  neurlp_status status = NEURLP_SUCCESS;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    neurlp_array array = all[i].array;
    array.extents[0] = S;
    array.scales[0] = "system";
    array.compress = w->compress;
    array.covered = true;
    NEURLP_TRY(neurlp_array_write_rows(w->file, &array, w->first, w->count, all[i].numbers));
  }
  if (w->complete == 0)
    status = neurlp_array_attribute_integer(w->file, group, "first_system", w->plan->first_system);
done:
  return status;
}

/* Collective. Makes the piece that begins with trajectory `start`, until it is on disk. */
static neurlp_status make_piece(work *w, int64_t start) {
  neurlp_study *d = &w->s->data;
  int64_t taken = 0, failed = 0;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_network_share(w->s, w->plan->systems, w->piece, start, &taken, &w->first, &w->count);
  for (int64_t i = 0; i < w->count; i++) take_trajectory(w, i);
  NEURLP_TRY(neurlp_network_look(w->s, w->file, start, w->plan->systems, "forecasts"));
  NEURLP_TRY(neurlp_agree(d->comm, w->s->context, roll_out(w)));
  NEURLP_TRY(write_trajectories(w));
  for (int64_t i = 0; i < w->count; i++) failed += w->statuses[i] != NEURLP_SUCCESS;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT64_T, MPI_SUM, d->comm);
  w->complete = start + taken;
  w->failed += failed;
  status = neurlp_array_file_advance(w->file, group, w->complete, w->failed);
done:
  return status;
}

/* Numbers that all ranks have, as a list. */
static neurlp_status write_list(const work *w, neurlp_array_file *file, const char *path,
                                const char *long_name, const char *scale, hid_t type, int64_t count,
                                const void *numbers) {
  const neurlp_array array = {
      .path = path, .type = type, .rank = 1, .extents = {count}, .long_name = long_name, .scales = {scale}};
  return neurlp_array_write_rows(file, &array, 0, w->s->data.rank == 0 ? count : 0, numbers);
}

/* Square errors over the squares of the data there. */
static neurlp_status write_normalised(const work *w, neurlp_array_file *file,
                                      const neurlp_forecast_scores *c) {
  double errors[NEURLP_FORECAST_HORIZONS], persistence[NEURLP_FORECAST_HORIZONS];
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t h = 0; h < c->horizon_count; h++) {
    errors[h] = c->errors[h] / c->squares[h];
    persistence[h] = c->persistence[h] / c->squares[h];
  }
  NEURLP_TRY(write_list(w, file, "metrics/forecast_horizon_normalised",
                        "sum of square errors over that of the data's squares, up to each horizon", "horizon",
                        H5T_NATIVE_DOUBLE, c->horizon_count, errors));
  status = write_list(w, file, "metrics/forecast_horizon_persistence_normalised",
                      "the same, of a forecast that is the last known sample", "horizon", H5T_NATIVE_DOUBLE,
                      c->horizon_count, persistence);
done:
  return status;
}

static neurlp_status write_metrics(const work *w, neurlp_array_file *file, const neurlp_forecast_scores *c) {
  const int64_t N = w->plan->steps;
  double *known = w->sums + KNOWN * N;
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = SQUARES; i < KNOWN; i++)
    for (int64_t t = 0; t < N; t++) w->sums[i * N + t] /= known[t]; /* NaN where nothing is known */
  NEURLP_TRY(write_list(w, file, "metrics/forecast_mse",
                        "square error at each step ahead, mean over trajectories and states", "step",
                        H5T_NATIVE_DOUBLE, N, w->sums + SQUARES * N));
  NEURLP_TRY(write_list(w, file, "metrics/forecast_persistence_mse",
                        "the same, of a forecast that is the last known sample", "step", H5T_NATIVE_DOUBLE, N,
                        w->sums + PERSISTENCE * N));
  NEURLP_TRY(write_list(w, file, "metrics/forecast_horizons", "horizons", "horizon", H5T_NATIVE_INT64,
                        c->horizon_count, c->horizons));
  NEURLP_TRY(write_list(w, file, "metrics/forecast_horizon_mse",
                        "square error, mean over trajectories, states and all steps up to each horizon",
                        "horizon", H5T_NATIVE_DOUBLE, c->horizon_count, c->errors));
  NEURLP_TRY(write_list(w, file, "metrics/forecast_horizon_persistence_mse",
                        "the same, of a forecast that is the last known sample", "horizon", H5T_NATIVE_DOUBLE,
                        c->horizon_count, c->persistence));
  NEURLP_TRY(write_normalised(w, file, c));
  status = neurlp_array_attribute_number(file, "metrics/forecast_mse", "size", c->size);
done:
  return status;
}

int64_t neurlp_network_forecast_bytes(const neurlp_network_study *s) {
  const neurlp_network_forecast_plan *f = &s->forecast;
  const int64_t each = f->steps * (2 * s->data.dimensions + 1) + 2;
  return f->systems > 0 ? 8 * (f->systems * each + 2 * f->steps + 5 * f->horizon_count) : 0;
}

bool neurlp_network_forecast_in_pieces(const neurlp_network_study *s) {
  return s->forecast.systems > 0 && piece_of(s) < s->forecast.systems;
}

int64_t neurlp_network_forecast_room(const neurlp_network_study *s) {
  const neurlp_network_forecast_plan *f = &s->forecast;
  const int64_t D = s->data.dimensions, samples = neurlp_graph_samples(s->model.graph);
  const int64_t rows = f->systems > 0 ? most_rows(s) : 0;
  if (rows == 0) return 0;
  const int64_t shards = (f->systems + samples - 1) / samples;
  int64_t depth = 1; /* of the tree of sums, which has two vectors of each level */
  while ((int64_t)1 << depth < shards) depth++;
  return 8 * (rows * (numbers_of_trajectory(s) + f->steps * D) + 3 * samples * s->windows.spec.window * D +
              SUMS * f->steps * (2 * depth + 6));
}

neurlp_status neurlp_network_forecast_write(neurlp_network_study *s, neurlp_array_file *file,
                                            int32_t compress, neurlp_forecast_scores *scores) {
  neurlp_status status = NEURLP_SUCCESS;
  work w = {.s = s};
  *scores = (neurlp_forecast_scores){0};
  if (s->forecast.systems == 0) return NEURLP_SUCCESS;
  NEURLP_TRY(open_work(s, file, compress, &w));
  while (w.complete < s->forecast.systems) NEURLP_TRY(make_piece(&w, w.complete));
  NEURLP_TRY(sum_up(&w));
  score(&w, scores);
  status = write_metrics(&w, file, scores);
done:
  close_work(&w);
  return status;
}

/* ---- what is said ------------------------------------------------------------------------------------ */

void neurlp_network_forecast_report(const neurlp_forecast_scores *c) {
  if (c->systems == 0) return;
  printf("\n  forecast of %lld step%s, %lld trajector%s; root mean square of the data there %.6g\n",
         (long long)c->steps, c->steps == 1 ? "" : "s", (long long)c->systems, c->systems == 1 ? "y" : "ies",
         c->size);
  printf("  %-24s mean square error   of the last sample, held   over the data's squares\n", "steps");
  for (int32_t h = 0; h < c->horizon_count; h++)
    printf("  %-24lld %-17.6g   %-24.6g   %.3e, %.3e\n", (long long)c->horizons[h], c->errors[h],
           c->persistence[h], c->errors[h] / c->squares[h], c->persistence[h] / c->squares[h]);
  if (c->failed > 0)
    printf("  %lld of %lld forecasts could not be made to their end\n", (long long)c->failed,
           (long long)c->systems);
}
