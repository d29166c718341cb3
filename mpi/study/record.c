#include "study/record.h"

#include "comm.h"

#include <stdio.h>
#include <string.h>

/* ---- the log's rows ---------------------------------------------------------------------------------- */

/* An iteration as a row of numbers. */
enum { SECONDS, ITERATION, WINDOW, WINDOWS, GROUPS, ACTIVE, FREE, OBJECTIVE, NUMBERS };

static neurlp_status grow(neurlp_record *r, int64_t count) {
  int64_t room = r->room > 0 ? r->room : 256;
  double *rows = NULL;
  if (count <= r->room) return NEURLP_SUCCESS;
  while (room < count) room *= 2;
  const neurlp_status status = neurlp_allocate(r->study->context, room * NUMBERS, sizeof *rows, &rows);
  if (status < 0) return status;
  if (r->count > 0) memcpy(rows, r->rows, (size_t)(r->count * NUMBERS) * sizeof *rows);
  neurlp_release(r->study->context, &r->rows);
  r->rows = rows;
  r->room = room;
  return NEURLP_SUCCESS;
}

static void progress(void *user, const neurlp_fit_progress *p) {
  neurlp_record *r = user;
  const double seconds = r->seconds_before + MPI_Wtime() - r->log->begin;
  neurlp_log_iteration(r->log, p, seconds);
  r->failed = r->failed || (r->log->speaks && grow(r, r->count + 1) < 0);
  if (!r->log->speaks || r->failed) return;
  const double row[NUMBERS] = {[SECONDS] = seconds,          [ITERATION] = (double)p->iteration,
                               [WINDOW] = (double)p->window, [WINDOWS] = (double)p->windows,
                               [GROUPS] = (double)p->groups, [ACTIVE] = (double)p->active,
                               [FREE] = (double)p->free,     [OBJECTIVE] = p->objective};
  memcpy(r->rows + r->count++ * NUMBERS, row, sizeof row);
}

/* Into the log for machines, from the rows that a checkpoint had. */
static void repeat_rows(const neurlp_record *r) {
  for (int64_t i = 0; i < r->count; i++) {
    const double *row = r->rows + i * NUMBERS;
    const neurlp_fit_progress p = {.iteration = (int32_t)row[ITERATION],
                                   .window = (int64_t)row[WINDOW],
                                   .windows = (int64_t)row[WINDOWS],
                                   .groups = (int64_t)row[GROUPS],
                                   .active = (int64_t)row[ACTIVE],
                                   .free = (int64_t)row[FREE],
                                   .objective = row[OBJECTIVE]};
    neurlp_log_row(r->log, &p, row[SECONDS]);
  }
}

/* ---- the keeper -------------------------------------------------------------------------------------- */

/* The fit's arrays, and the log's behind them: rank 0 has all of it, so it is an array of parts. */
static int32_t join(neurlp_record *r, int32_t count, const neurlp_state_array *arrays,
                    neurlp_state_array *all) {
  memcpy(all, arrays, (size_t)count * sizeof *all);
  all[count] = (neurlp_state_array){.name = "log",
                                    .kind = NEURLP_STATE_DOUBLE,
                                    .count = r->count * NUMBERS,
                                    .numbers = r->rows,
                                    .part = true};
  return count + 1;
}

static void arrive(void *user, const char *words, bool last) {
  neurlp_record *r = user;
  char all[200];
  snprintf(all, sizeof all, "%s%s", r->piece, words);
  neurlp_checkpoint_progress(r->checkpoint, all);
  if (last) neurlp_checkpoint_at_end(r->checkpoint);
}

static neurlp_status is_due(void *user, neurlp_status mine, bool *due) {
  neurlp_record *r = user;
  return r->keeper.due(r->keeper.user, mine, due);
}

static neurlp_status keep(void *user, int32_t count, const neurlp_state_array *arrays) {
  neurlp_record *r = user;
  neurlp_state_array all[NEURLP_STATE_MOST + 1];
  return r->keeper.keep(r->keeper.user, join(r, count, arrays, all), all);
}

static neurlp_status restore(void *user, int32_t count, const neurlp_state_array *arrays, bool *found) {
  neurlp_record *r = user;
  neurlp_state_array all[NEURLP_STATE_MOST + 1];
  if (!neurlp_checkpoint_found(r->checkpoint)) /* rows of earlier pieces stay */
    return r->keeper.restore(r->keeper.user, count, arrays, found);
  const int64_t numbers = r->log->speaks ? neurlp_checkpoint_count(r->checkpoint, "log") : 0,
                rows = numbers > 0 ? numbers / NUMBERS : 0;
  neurlp_status status = neurlp_agree(r->study->comm, r->study->context, grow(r, rows));
  if (status < 0) return status;
  r->count = rows;
  status = r->keeper.restore(r->keeper.user, join(r, count, arrays, all), all, found);
  if (status < 0 || !*found) return status;
  r->seconds_before = neurlp_checkpoint_found_seconds(r->checkpoint);
  repeat_rows(r);
  return NEURLP_SUCCESS;
}

/* ---- all together ------------------------------------------------------------------------------------ */

void neurlp_record_begin(neurlp_record *r, neurlp_study *study, neurlp_checkpoint *checkpoint,
                         neurlp_log *log) {
  *r = (neurlp_record){
      .study = study, .checkpoint = checkpoint, .log = log, .keeper = neurlp_checkpoint_keeper(checkpoint)};
  study->options.fit.progress = progress; /* of fits to come, and of the one that is there */
  study->options.fit.progress_user = r;
  if (study->fit) study->fit->options.progress = progress;
  if (study->fit) study->fit->options.progress_user = r;
  study->options.log = neurlp_log_line;
  study->options.log_user = log;
  study->options.arrive = arrive;
  study->options.arrive_user = r;
  study->options.keeper = (neurlp_keeper){.user = r, .keep = keep, .restore = restore, .due = is_due};
}

void neurlp_record_release(neurlp_record *r) {
  if (r->study) neurlp_release(r->study->context, &r->rows);
}
