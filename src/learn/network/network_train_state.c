/* Everything of a training that goes on, as arrays for a keeper (core/state.h). What is not here follows from
 * the deck and the data: samplers are functions of the epoch, reducers and the graph have no memory. */
#include "learn/network/network_train_memory.h"

#include <stdio.h>
#include <string.h>

/* Numbers that are spread over several structures, gathered. */
enum { CYCLE, EPOCH, BATCH, ENDED, EPOCHS, DROPPED, STOPPED, FAILED, INTEGERS };
enum {
  EPOCH_TRAINING,
  EPOCH_GRADIENT,
  RESULT_TRAINING,
  RESULT_VALIDATION,
  BEST_LOSS,
  BEST_TRAINING,
  MINIMISER_FAILED,
  PARTS,
  SUMS = PARTS + NEURLP_NETWORK_LOSSES,
  NUMBERS = SUMS + NEURLP_TRAINING_SCALARS
};

enum { OWN_ARRAYS = 5, OBJECTS = 6, MOST_ARRAYS = OWN_ARRAYS + OBJECTS * NEURLP_STATE_MOST, NAME_BYTES = 64 };

typedef struct state {
  int64_t integers[INTEGERS];
  double numbers[NUMBERS];
  int32_t count;
  neurlp_state_array arrays[MOST_ARRAYS];
  char names[MOST_ARRAYS][NAME_BYTES];
} state;

/* ---- gathered numbers -------------------------------------------------------------------------------- */

static void gather(const neurlp_training *t, const neurlp_training_place *place, const neurlp_epoch *epoch,
                   state *s) {
  const neurlp_training_result *r = t->result;
  const int64_t integers[INTEGERS] = {
      [CYCLE] = place->cycle, [EPOCH] = place->epoch, [BATCH] = place->batch, [ENDED] = place->ended,
      [EPOCHS] = r->epochs,   [DROPPED] = r->dropped, [STOPPED] = r->stopped, [FAILED] = epoch->failed};
  const double numbers[PARTS] = {[EPOCH_TRAINING] = epoch->training, [EPOCH_GRADIENT] = epoch->gradient,
                                 [RESULT_TRAINING] = r->training,    [RESULT_VALIDATION] = r->validation,
                                 [BEST_LOSS] = t->best_loss,         [BEST_TRAINING] = t->best_training,
                                 [MINIMISER_FAILED] = t->failed};
  memcpy(s->integers, integers, sizeof integers);
  memcpy(s->numbers, numbers, sizeof numbers);
  memcpy(s->numbers + PARTS, epoch->parts, sizeof epoch->parts);
  memcpy(s->numbers + SUMS, t->sums, sizeof t->sums);
}

static void spread(neurlp_training *t, const state *s, neurlp_training_place *place, neurlp_epoch *epoch) {
  neurlp_training_result *r = t->result;
  *place = (neurlp_training_place){s->integers[CYCLE], s->integers[EPOCH], s->integers[BATCH],
                                   s->integers[ENDED] != 0};
  *epoch = (neurlp_epoch){.cycle = place->cycle,
                          .epoch = place->epoch,
                          .training = s->numbers[EPOCH_TRAINING],
                          .gradient = s->numbers[EPOCH_GRADIENT],
                          .failed = s->integers[FAILED]};
  memcpy(epoch->parts, s->numbers + PARTS, sizeof epoch->parts);
  memcpy(t->sums, s->numbers + SUMS, sizeof t->sums);
  *r = (neurlp_training_result){.epochs = s->integers[EPOCHS],
                                .training = s->numbers[RESULT_TRAINING],
                                .validation = s->numbers[RESULT_VALIDATION],
                                .dropped = s->integers[DROPPED],
                                .stopped = s->integers[STOPPED] != 0};
  t->best_loss = s->numbers[BEST_LOSS];
  t->best_training = s->numbers[BEST_TRAINING];
  t->failed = s->numbers[MINIMISER_FAILED];
}

/* ---- the list ---------------------------------------------------------------------------------------- */

/* Appends one array, as "object/name". */
static void add(state *s, const char *object, neurlp_state_array array) {
  char *name = s->names[s->count];
  snprintf(name, NAME_BYTES, "%s/%s", object, array.name);
  array.name = name;
  s->arrays[s->count++] = array;
}

static void add_all(state *s, const char *object, const neurlp_state_array *arrays, int32_t count) {
  for (int32_t i = 0; i < count; i++) add(s, object, arrays[i]);
}

static void add_own(neurlp_training *t, state *s) {
  const int64_t weights = (int64_t)t->spec->dimensions * t->spec->terms;
  const neurlp_state_array own[] = {
      {.name = "integers", .kind = NEURLP_STATE_INT64, .count = INTEGERS, .numbers = s->integers},
      {.name = "numbers", .kind = NEURLP_STATE_DOUBLE, .count = NUMBERS, .numbers = s->numbers},
      {.name = "parameters",
       .kind = neurlp_state_real(neurlp_graph_precision(t->graph)),
       .count = t->count,
       .numbers = neurlp_training_room(t)},
      {.name = "mask", .kind = NEURLP_STATE_DOUBLE, .count = weights, .numbers = t->mask}};
  add_all(s, "training", own, weights > 0 && t->mask ? 4 : 3);
}

/* What the windows are taken for, where that has been refined. */
static void add_estimates(const neurlp_windows *w, state *s) {
  if (!w->estimate) return;
  add(s, "windows",
      (neurlp_state_array){.name = "estimate",
                           .kind = NEURLP_STATE_DOUBLE,
                           .count = w->count * w->spec.window * w->spec.dimensions,
                           .numbers = w->estimate});
}

static void list_state(neurlp_training *t, state *s) {
  neurlp_state_array arrays[NEURLP_STATE_MOST];
  s->count = 0;
  add_own(t, s);
  add_estimates(t->spec->windows, s);
  add_all(s, "optimiser", arrays, neurlp_optimiser_state(t->optimiser, arrays));
  add_all(s, "schedule", arrays, neurlp_schedule_list_state(&t->schedule, arrays));
  add_all(s, "watch", arrays, neurlp_watch_state(t->watch, arrays));
  if (t->stopping) add_all(s, "stopping", arrays, neurlp_stopping_state(t->stopping, arrays));
  if (t->minimiser) add_all(s, "minimiser", arrays, t->kind->state(t->minimiser, arrays));
  if (t->spec->solving) add_all(s, "solving", arrays, neurlp_solving_state(&t->solving, arrays));
}

/* ---- to and from the keeper -------------------------------------------------------------------------- */

/* What a machine has of it comes to the host. */
static neurlp_status fetch(neurlp_training *t) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!t->machine) return status;
  NEURLP_TRY(neurlp_training_fetch_kept(t));
  NEURLP_TRY(neurlp_training_get_parameters(t, t->room));
  status = neurlp_optimiser_fetch_state(t->optimiser);
done:
  return status;
}

/* And goes there. */
static neurlp_status send(neurlp_training *t) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_training_put_room(t));
  NEURLP_TRY(neurlp_training_fix(t, t->mask));
  status = neurlp_optimiser_send_state(t->optimiser);
done:
  return status;
}

neurlp_status neurlp_training_keep(neurlp_training *t, neurlp_status mine, const neurlp_training_place *place,
                                   const neurlp_epoch *epoch) {
  const neurlp_keeper *keeper = &t->spec->keeper;
  neurlp_status status = mine;
  bool due = true;
  state s;
  if (t->spec->arrive) t->spec->arrive(t->spec->user, place);
  if (!keeper->keep) return mine;
  if (keeper->due)
    status = keeper->due(keeper->user, mine, &due);
  else if (t->machine)
    status = neurlp_training_agree(t, mine);
  if (status == NEURLP_SUCCESS || keeper->due) t->alone = false; /* all know */
  if (status != NEURLP_SUCCESS || !due) return status;
  gather(t, place, epoch, &s);
  status = fetch(t);
  if (t->machine) status = neurlp_training_agree(t, status);
  if (status != NEURLP_SUCCESS) return status;
  list_state(t, &s);
  return keeper->keep(keeper->user, s.count, s.arrays);
}

neurlp_status neurlp_training_restore(neurlp_training *t, neurlp_training_place *place, neurlp_epoch *epoch,
                                      bool *found) {
  const neurlp_keeper *keeper = &t->spec->keeper;
  neurlp_status status = NEURLP_SUCCESS;
  state s;
  *found = false;
  if (!keeper->restore) return status;
  gather(t, place, epoch, &s);
  list_state(t, &s);
  NEURLP_TRY(keeper->restore(keeper->user, s.count, s.arrays, found));
  if (!*found) goto done;
  spread(t, &s, place, epoch);
  status = neurlp_training_agree(t, send(t));
done:
  return status;
}
