#include "train/network_record.h"

#include "comm.h"
#include "train/minimiser.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const neurlp_network_log_header =
    "seconds,cycle,epoch,train_loss,validation_loss,learning_rate,gradient_norm,failed\n";

/* ---- the history ------------------------------------------------------------------------------------- */

/* An epoch as a row of numbers. */
enum {
  CYCLE,
  EPOCH,
  TRAINING,
  VALIDATION,
  RATE,
  GRADIENT,
  FAILED,
  SECONDS,
  PARTS,
  NUMBERS = PARTS + NEURLP_NETWORK_LOSSES
};

static neurlp_status grow(neurlp_network_history *h, int64_t count) {
  int64_t room = h->room > 0 ? h->room : 256;
  neurlp_epoch *epochs = NULL;
  double *seconds = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (count <= h->room) return NEURLP_SUCCESS;
  while (room < count) room *= 2;
  NEURLP_TRY(neurlp_allocate(h->context, room, sizeof *epochs, &epochs));
  NEURLP_TRY(neurlp_allocate(h->context, room, sizeof *seconds, &seconds));
  if (h->count > 0) memcpy(epochs, h->epochs, (size_t)h->count * sizeof *epochs);
  if (h->count > 0) memcpy(seconds, h->seconds, (size_t)h->count * sizeof *seconds);
  neurlp_release(h->context, &h->epochs);
  neurlp_release(h->context, &h->seconds);
  h->epochs = epochs;
  h->seconds = seconds;
  h->room = room;
  epochs = NULL;
  seconds = NULL;
done:
  neurlp_release(h->context, &epochs);
  neurlp_release(h->context, &seconds);
  return status;
}

static void write_row(const neurlp_network_record *r, const neurlp_epoch *e, double seconds) {
  if (r->log->csv)
    fprintf(r->log->csv, "%.3f,%lld,%lld,%.17g,%.17g,%.9g,%.9g,%lld\n", seconds, (long long)e->cycle,
            (long long)e->epoch, e->training, e->validation, e->rate, e->gradient, (long long)e->failed);
}

static neurlp_status report(void *user, const neurlp_epoch *e) {
  neurlp_network_record *r = user;
  neurlp_network_history *h = r->history;
  const double seconds = r->seconds_before + MPI_Wtime() - r->log->begin;
  const neurlp_status status = grow(h, h->count + 1);
  if (status < 0) return status;
  h->epochs[h->count] = *e;
  h->seconds[h->count++] = seconds;
  write_row(r, e, seconds);
  char text[200], validation[48] = "";
  if (r->study->sampler.validation > 0)
    snprintf(validation, sizeof validation, ", validation %.6g", e->validation);
  snprintf(text, sizeof text, "cycle %lld, epoch %lld of %lld: loss %.6g%s, rate %.3g",
           (long long)e->cycle + 1, (long long)e->epoch + 1, (long long)r->study->training.options.epochs,
           e->training, validation, e->rate);
  neurlp_log_now_and_then(r->log, text);
  return NEURLP_SUCCESS;
}

/* ---- as an array ------------------------------------------------------------------------------------- */

static neurlp_status make_table(neurlp_network_record *r, int64_t rows) {
  if (r->table && rows <= r->table_rows) return NEURLP_SUCCESS;
  neurlp_release(r->context, &r->table);
  r->table_rows = rows;
  return neurlp_allocate(r->context, rows * NUMBERS, sizeof *r->table, &r->table);
}

static void fill_table(const neurlp_network_record *r) {
  const neurlp_network_history *h = r->history;
  for (int64_t i = 0; i < h->count; i++) {
    const neurlp_epoch *e = &h->epochs[i];
    const double row[PARTS] = {
        [CYCLE] = (double)e->cycle,   [EPOCH] = (double)e->epoch, [TRAINING] = e->training,
        [VALIDATION] = e->validation, [RATE] = e->rate,           [GRADIENT] = e->gradient,
        [FAILED] = (double)e->failed, [SECONDS] = h->seconds[i]};
    memcpy(r->table + i * NUMBERS, row, sizeof row);
    memcpy(r->table + i * NUMBERS + PARTS, e->parts, sizeof e->parts);
  }
}

static void read_table(neurlp_network_record *r, int64_t rows) {
  neurlp_network_history *h = r->history;
  for (int64_t i = 0; i < rows; i++) {
    const double *row = r->table + i * NUMBERS;
    neurlp_epoch *e = &h->epochs[i];
    *e = (neurlp_epoch){.cycle = (int64_t)row[CYCLE],
                        .epoch = (int64_t)row[EPOCH],
                        .training = row[TRAINING],
                        .validation = row[VALIDATION],
                        .rate = row[RATE],
                        .gradient = row[GRADIENT],
                        .failed = (int64_t)row[FAILED]};
    memcpy(e->parts, row + PARTS, sizeof e->parts);
    h->seconds[i] = row[SECONDS];
    write_row(r, e, h->seconds[i]);
  }
  h->count = rows;
}

/* ---- the keeper -------------------------------------------------------------------------------------- */

enum { MOST_ARRAYS = 96 };

/* The training's arrays, and the history's behind them. */
static int32_t join(neurlp_network_record *r, int32_t count, const neurlp_state_array *arrays, int64_t rows,
                    neurlp_state_array *all) {
  const int32_t taken = count < MOST_ARRAYS ? count : MOST_ARRAYS - 1;
  memcpy(all, arrays, (size_t)taken * sizeof *all);
  all[taken] = (neurlp_state_array){
      .name = "history/epochs", .kind = NEURLP_STATE_DOUBLE, .count = rows * NUMBERS, .numbers = r->table};
  return taken + 1;
}

/* "3 of 20 epochs and 7 of 12 steps, cycle 1 of 2" */
static void say_progress(const neurlp_network_record *r) {
  const neurlp_training_options *o = &r->study->training.options;
  const neurlp_training_place *at = &r->place;
  char text[200], steps[80] = "", cycles[80] = "";
  if (at->batch > 0)
    snprintf(steps, sizeof steps, " and %lld of %lld steps", (long long)at->batch,
             (long long)r->study->sampler.batches);
  if (o->cycles > 1)
    snprintf(cycles, sizeof cycles, ", cycle %lld of %lld", (long long)at->cycle + 1, (long long)o->cycles);
  snprintf(text, sizeof text, "%lld of %lld epochs%s%s%s", (long long)at->epoch, (long long)o->epochs, steps,
           cycles, at->ended ? ", which ends early" : "");
  neurlp_checkpoint_progress(r->checkpoint, text);
}

static void arrive(void *user, const neurlp_training_place *place) {
  neurlp_network_record *r = user;
  r->place = *place;
  if (place->ended || place->epoch == r->study->training.options.epochs)
    neurlp_checkpoint_at_end(r->checkpoint);
}

static neurlp_status is_due(void *user, neurlp_status mine, bool *due) {
  neurlp_network_record *r = user;
  return r->keeper.due(r->keeper.user, mine, due);
}

static neurlp_status keep(void *user, int32_t count, const neurlp_state_array *arrays) {
  neurlp_network_record *r = user;
  neurlp_state_array all[MOST_ARRAYS];
  const neurlp_status status = neurlp_agree(r->study->data.comm, r->context, make_table(r, r->history->room));
  if (status < 0) return status;
  fill_table(r);
  say_progress(r);
  return r->keeper.keep(r->keeper.user, join(r, count, arrays, r->history->count, all), all);
}

static neurlp_status restore(void *user, int32_t count, const neurlp_state_array *arrays, bool *found) {
  neurlp_network_record *r = user;
  neurlp_state_array all[MOST_ARRAYS];
  const int64_t numbers = neurlp_checkpoint_count(r->checkpoint, "history/epochs"),
                rows = numbers > 0 ? numbers / NUMBERS : 0;
  neurlp_status status = grow(r->history, rows);
  if (status >= 0) status = make_table(r, rows);
  NEURLP_TRY(neurlp_agree(r->study->data.comm, r->context, status));
  NEURLP_TRY(r->keeper.restore(r->keeper.user, join(r, count, arrays, rows, all), all, found));
  if (!*found) goto done;
  r->seconds_before = neurlp_checkpoint_found_seconds(r->checkpoint);
  read_table(r, rows);
done:
  return status;
}

/* ---- all together ------------------------------------------------------------------------------------ */

void neurlp_network_record_begin(neurlp_network_record *r, neurlp_network_study *study,
                                 neurlp_checkpoint *checkpoint, neurlp_network_history *history,
                                 neurlp_log *log) {
  *r = (neurlp_network_record){.context = study->context,
                               .study = study,
                               .checkpoint = checkpoint,
                               .history = history,
                               .log = log,
                               .keeper = neurlp_checkpoint_keeper(checkpoint)};
  if (study->training.options.epochs > 0 && neurlp_network_result_in_pieces(study))
    neurlp_checkpoint_long_end(checkpoint);
  study->training.report = report;
  study->training.arrive = arrive;
  study->training.user = r;
  study->training.keeper = (neurlp_keeper){.user = r, .keep = keep, .restore = restore, .due = is_due};
}

int64_t neurlp_network_record_bytes(const neurlp_network_study *s) {
  const neurlp_training_options *o = &s->training.options;
  const int64_t count = neurlp_graph_parameter_count(s->model.graph), rows = o->epochs * o->cycles;
  const bool lbfgs = strcmp(o->optimiser.name, "lbfgs") == 0,
             single = neurlp_graph_precision(s->model.graph) == NEURLP_SINGLE;
  const int64_t vectors = lbfgs ? neurlp_minimiser_defaults(count).memory : 1; /* of the largest array */
  int64_t largest = vectors * count * (single ? 4 : 8);
  if (largest < rows * NUMBERS * 8) largest = rows * NUMBERS * 8;
  const int64_t share = (largest + s->data.size - 1) / s->data.size;
  /* Rooms are doubled as they fill up. */
  return 2 * rows * ((int64_t)sizeof(neurlp_epoch) + 8 + NUMBERS * 8) + neurlp_checkpoint_bytes(share);
}

void neurlp_network_record_release(neurlp_network_record *r) {
  if (r->context) neurlp_release(r->context, &r->table);
}
