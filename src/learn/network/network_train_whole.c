/* Batches that a machine works off by itself, from data to the optimiser's step, in one piece of work
 * (learn/step.h). The machine leaves the step out if loss or gradient are not good; the host reads both once
 * the work is done, applies the same rules, and says what was wrong. */
#include "learn/network/network_train_memory.h"

neurlp_status neurlp_training_open_step(neurlp_training *t) {
  const neurlp_reducer *gradients = &t->spec->gradients, *scalars = &t->spec->scalars;
  if (!t->machine || !t->machine->records || t->kind) return NEURLP_SUCCESS;
  t->whole = gradients->alone && scalars->alone && scalars->shard_count == 1 && !t->spec->solving &&
             neurlp_graph_is_whole(t->graph);
  const neurlp_step_spec spec = {.graph = t->graph,
                                 .optimiser = t->optimiser,
                                 .machine = t->machine,
                                 .gradient = t->gradient,
                                 .whole = t->whole};
  return neurlp_step_create(&spec, &t->step);
}

/* The batch, which is one shard, and the step. */
static neurlp_status make_step(neurlp_training *t, const neurlp_batch *batch, double rate,
                               neurlp_descent_answer *answer) {
  const neurlp_reducer *scalars = &t->spec->scalars;
  const neurlp_descent_orders orders = {.clip = neurlp_training_norm_limit(t),
                                        .most_loss = neurlp_watch_most_loss(t->watch),
                                        .samples = batch->windows,
                                        .keep = batch->batch == 0};
  neurlp_status status = NEURLP_SUCCESS;
  t->at = *batch;
  const int64_t present = neurlp_batch_shard(t->spec, batch, scalars->first_shard, t->shard);
  NEURLP_TRY(neurlp_training_write(t, t->shard));
  NEURLP_TRY(neurlp_graph_begin(t->graph, present, 1 / (double)batch->windows));
  const neurlp_status made = neurlp_step_make(t->step, rate, &orders, answer);
  if (made < 0) return made;
  NEURLP_TRY(scalars->begin(scalars->user));
  NEURLP_TRY(neurlp_training_add_scalars(t, scalars->first_shard, present));
  NEURLP_TRY(scalars->finish(scalars->user, NEURLP_SUCCESS, t->sums));
  status = made;
done:
  return status;
}

/* What was wrong with a step that was not made; of a gradient that is not finite, in which entry. */
static neurlp_status say_why(neurlp_training *t, const neurlp_batch *batch, const neurlp_epoch *epoch,
                             neurlp_status made) {
  const void *gradient = NULL;
  neurlp_status status = neurlp_training_check_solved(t, batch, epoch);
  if (status != NEURLP_SUCCESS) return status;
  if (made == NEURLP_NOT_FINITE) NEURLP_TRY(neurlp_training_see_gradient(t, &gradient));
  status = neurlp_watch_check(t->watch, epoch->epoch + 1, batch->batch + 1, t->sums[SCALAR_LOSS], gradient);
  if (status == NEURLP_SUCCESS) status = made;
  if (status == NEURLP_SUCCESS)
    status = neurlp_fail(t->context, NEURLP_ERROR_INTERNAL,
                         "the device did not make step %lld of epoch %lld, whose loss and gradient are good",
                         (long long)batch->batch + 1, (long long)epoch->epoch + 1);
done:
  return status;
}

neurlp_status neurlp_training_run_whole(neurlp_training *t, const neurlp_batch *batch, neurlp_epoch *epoch) {
  const int64_t e = epoch->epoch + 1, step = batch->batch + 1;
  neurlp_descent_answer answer = {0};
  neurlp_status status = make_step(t, batch, epoch->rate, &answer);
  if (status < 0) {
    t->alone = true;
    return status;
  }
  neurlp_training_add_epoch(t, batch, epoch);
  epoch->gradient = answer.norm;
  if (!answer.moved) return say_why(t, batch, epoch, status);
  status = neurlp_watch_check(t->watch, e, step, t->sums[SCALAR_LOSS], NULL);
  if (status != NEURLP_SUCCESS || batch->batch != 0) return status;
  t->kept_there = true;
  t->kept_epoch = e;
  t->kept_step = step;
  return status;
}

neurlp_status neurlp_training_fetch_kept(neurlp_training *t) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!t->kept_there) return status;
  status = neurlp_step_fetch_kept(t->step, t->room);
  if (status < 0) {
    t->alone = true;
    return status;
  }
  neurlp_watch_keep(t->watch, t->kept_epoch, t->kept_step, t->room);
  t->kept_there = false;
  return status;
}
