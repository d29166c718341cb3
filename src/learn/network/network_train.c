#include "learn/network/network_train.h"

#include "learn/network/network_train_memory.h"
#include "train/initialise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- first values ------------------------------------------------------------------------------------ */

static const char *initialiser_of(const neurlp_parameter_info *info) {
  switch (info->kind) {
  case NEURLP_PARAMETER_WEIGHT:
    return "kaiming_uniform";
  case NEURLP_PARAMETER_BIAS:
    return "bias_uniform";
  case NEURLP_PARAMETER_GAIN:
    return "ones";
  default:
    return "zeros";
  }
}

neurlp_status neurlp_training_initialise(neurlp_network_model *model, uint64_t seed) {
  neurlp_context *context = neurlp_graph_context(model->graph);
  neurlp_status status = NEURLP_SUCCESS;
  double *numbers = NULL;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(model->graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(model->graph, i);
    neurlp_initialiser initialiser;
    NEURLP_TRY(neurlp_initialiser_find(context, initialiser_of(&info), &initialiser));
    NEURLP_TRY(neurlp_allocate(context, info.count, sizeof *numbers, &numbers));
    NEURLP_TRY(neurlp_initialise(context, &initialiser, seed, i, info.fan_in > 0 ? info.fan_in : 1, 1,
                                 NEURLP_DOUBLE, info.count, numbers));
    NEURLP_TRY(neurlp_graph_write(model->graph, info.value, numbers));
    neurlp_release(context, &numbers);
  }
done:
  neurlp_release(context, &numbers);
  return status;
}

/* ---- one pass over windows --------------------------------------------------------------------------- */

neurlp_status neurlp_training_write(neurlp_training *t, const int64_t *windows) {
  const neurlp_window_spec *z = &t->spec->windows->spec;
  const int64_t each = z->window * z->dimensions, places = neurlp_graph_samples(t->graph);
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < places; i++) {
    const int64_t window = windows[i] >= 0 ? windows[i] : windows[0] >= 0 ? windows[0] : 0;
    neurlp_windows_get(t->spec->windows, window, t->data + i * each, t->target + i * each);
  }
  NEURLP_TRY(neurlp_graph_write(t->graph, t->spec->model->data, t->data));
  status = neurlp_graph_write(t->graph, t->spec->model->target, t->target);
done:
  return status;
}

/* Loss, its parts, failed windows and windows. */
neurlp_status neurlp_training_add_scalars(neurlp_training *t, int64_t shard, int64_t present) {
  const neurlp_network_model *m = t->spec->model;
  double numbers[NEURLP_TRAINING_SCALARS] = {0};
  neurlp_status status = NEURLP_SUCCESS;
  for (int32_t i = 0; i < NEURLP_NETWORK_LOSSES && m->losses[i] >= 0; i++)
    NEURLP_TRY(neurlp_graph_read(t->graph, m->losses[i], &numbers[i]));
  NEURLP_TRY(neurlp_graph_read(t->graph, neurlp_graph_loss_value(t->graph), &numbers[SCALAR_LOSS]));
  for (int64_t s = 0; s < present; s++)
    numbers[SCALAR_FAILED] += neurlp_graph_statuses(t->graph)[s] != NEURLP_SUCCESS;
  numbers[SCALAR_WINDOWS] = (double)present;
  status = t->spec->scalars.add(t->spec->scalars.user, shard, numbers);
done:
  return status;
}

/* One of this rank's shards, forward and, if a gradient is wanted, backward, which a GPU does in one piece
 * where nothing is looked at in between; `gathers`: it counts for the weights that are solved for next. */
static neurlp_status run_shard(neurlp_training *t, int64_t shard, const int64_t *windows, int64_t present,
                               double weight, bool want_gradient, bool gathers) {
  const neurlp_reducer *gradients = &t->spec->gradients;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_training_write(t, windows));
  NEURLP_TRY(neurlp_graph_begin(t->graph, present, weight));
  const bool both = want_gradient && !gathers;
  NEURLP_TRY(both ? neurlp_graph_forward_backward(t->graph) : neurlp_graph_forward(t->graph));
  NEURLP_TRY(neurlp_training_add_scalars(t, shard, present));
  if (gathers) NEURLP_TRY(neurlp_solving_append(&t->solving, shard, present, t->target));
  if (!want_gradient) goto done;
  if (!both) NEURLP_TRY(neurlp_graph_backward(t->graph));
  status = gradients->add(gradients->user, shard, neurlp_graph_gradients(t->graph));
done:
  return status;
}

neurlp_status neurlp_training_agree(neurlp_training *t, neurlp_status mine) {
  const neurlp_reducer *scalars = &t->spec->scalars;
  const double nothing[NEURLP_TRAINING_SCALARS] = {0};
  double sums[NEURLP_TRAINING_SCALARS];
  neurlp_status status = mine < 0 ? mine : scalars->begin(scalars->user);
  for (int64_t i = 0; status >= 0 && i < scalars->shard_count; i++)
    status = scalars->add(scalars->user, scalars->first_shard + i, nothing);
  status = scalars->finish(scalars->user, status < 0 ? status : NEURLP_SUCCESS, sums);
  t->alone = false;
  return status < 0 ? status : mine;
}

/* Collective. A batch: all of this rank's shards, then the sums over all ranks: t->sums, and t->gradient if
 * wanted. */
static neurlp_status run_batch(neurlp_training *t, const neurlp_batch *batch, bool want_gradient,
                               bool gathers) {
  const neurlp_reducer *gradients = &t->spec->gradients, *scalars = &t->spec->scalars;
  const double weight = 1 / (double)batch->windows;
  if (want_gradient) t->at = *batch;
  neurlp_status status = scalars->begin(scalars->user);
  if (status >= 0 && want_gradient) status = gradients->begin(gradients->user);
  for (int64_t i = 0; status >= 0 && i < scalars->shard_count; i++) {
    const int64_t shard = scalars->first_shard + i;
    const int64_t present = neurlp_batch_shard(t->spec, batch, shard, t->shard);
    status = run_shard(t, shard, t->shard, present, weight, want_gradient, gathers);
  }
  status = scalars->finish(scalars->user, status, t->sums);
  if (status >= 0 && want_gradient) status = gradients->finish(gradients->user, status, t->gradient);
  return status;
}

/* ---- batches ----------------------------------------------------------------------------------------- */

neurlp_batch neurlp_batch_training(const neurlp_sampler *sampler, int64_t epoch, int64_t batch) {
  const int64_t before = batch * sampler->options.batch, left = sampler->training - before;
  return (neurlp_batch){.epoch = epoch,
                        .batch = batch,
                        .windows = left < sampler->options.batch ? left : sampler->options.batch};
}

neurlp_batch neurlp_batch_validation(const neurlp_sampler *sampler, int64_t batch) {
  const int64_t before = batch * sampler->options.batch, left = sampler->validation - before;
  return (neurlp_batch){.validation = true,
                        .batch = batch,
                        .windows = left < sampler->options.batch ? left : sampler->options.batch};
}

int64_t neurlp_batch_shard(const neurlp_training_spec *spec, const neurlp_batch *batch, int64_t shard,
                           int64_t *windows) {
  const neurlp_sampler *sampler = spec->sampler;
  int64_t present = 0;
  for (int64_t i = 0; i < sampler->shard; i++) {
    const int64_t place = shard * sampler->shard + i, all = batch->batch * sampler->options.batch + place;
    int64_t sample = -1;
    if (!batch->validation)
      sample = neurlp_sampler_training(sampler, batch->epoch, batch->batch, place);
    else if (all < sampler->validation)
      sample = neurlp_sampler_validation(sampler, all);
    windows[i] = sample >= 0 && spec->order ? spec->order[sample] : sample;
    present += sample >= 0;
  }
  return present;
}

/* Collective. The mean loss of the windows of either kind, without a step; NaN if there are none. */
static neurlp_status mean_loss(neurlp_training *t, bool validation, double *loss) {
  const neurlp_sampler *sampler = t->spec->sampler;
  const int64_t windows = validation ? sampler->validation : sampler->training;
  const int64_t batches = (windows + sampler->options.batch - 1) / sampler->options.batch;
  neurlp_status status = NEURLP_SUCCESS;
  double sum = 0;
  *loss = NAN;
  for (int64_t b = 0; b < batches; b++) {
    const neurlp_batch batch =
        validation ? neurlp_batch_validation(sampler, b) : neurlp_batch_training(sampler, 0, b);
    NEURLP_TRY(run_batch(t, &batch, false, false));
    sum += t->sums[SCALAR_LOSS] * (double)batch.windows;
  }
  if (batches > 0) *loss = sum / (double)windows;
done:
  return status;
}

/* Collective. */
static neurlp_status validate(neurlp_training *t, double *loss) {
  return mean_loss(t, true, loss);
}

void neurlp_training_add_epoch(const neurlp_training *t, const neurlp_batch *batch, neurlp_epoch *epoch) {
  const double part = (double)batch->windows / (double)t->spec->sampler->training, *sums = t->sums;
  epoch->training += part * sums[SCALAR_LOSS];
  for (int32_t i = 0; i < NEURLP_NETWORK_LOSSES; i++) epoch->parts[i] += part * sums[i];
  epoch->failed += (int64_t)sums[SCALAR_FAILED];
}

/* Collective. Mean losses of the training windows, in epoch, which has to be 0 before; `gathers` as above. */
static neurlp_status pass_over_training(neurlp_training *t, bool gathers, neurlp_epoch *epoch) {
  const neurlp_sampler *sampler = t->spec->sampler;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t b = 0; b < sampler->batches; b++) {
    const neurlp_batch batch = neurlp_batch_training(sampler, 0, b);
    NEURLP_TRY(run_batch(t, &batch, false, gathers));
    neurlp_training_add_epoch(t, &batch, epoch);
  }
done:
  return status;
}

/* Collective. Weights that the sums so far give. The host is the same on all ranks and fails on all; a GPU
 * may fail on one of them while it writes them. */
static neurlp_status solve_weights(neurlp_training *t, const double *mask, bool errors) {
  const neurlp_status status = neurlp_solving_solve(&t->solving, NEURLP_SUCCESS, mask, errors);
  return t->machine ? neurlp_training_agree(t, status) : status;
}

neurlp_status neurlp_training_solve(neurlp_training *t, const double *mask, neurlp_epoch *epoch) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_epoch before = {0};
  if (!t->spec->solving) return NEURLP_SUCCESS;
  if (t->newton) return epoch ? pass_over_training(t, false, epoch) : NEURLP_SUCCESS;
  neurlp_solving_fade(&t->solving, 0);
  NEURLP_TRY(pass_over_training(t, true, &before));
  NEURLP_TRY(solve_weights(t, mask, epoch != NULL));
  if (epoch) status = pass_over_training(t, false, epoch);
done:
  return status;
}

/* ---- epochs of steps --------------------------------------------------------------------------------- */

/* Where no window could be solved there is no loss, which is not a good one. */
neurlp_status neurlp_training_check_solved(const neurlp_training *t, const neurlp_batch *batch,
                                           const neurlp_epoch *epoch) {
  if (t->sums[SCALAR_FAILED] < (double)batch->windows) return NEURLP_SUCCESS;
  return neurlp_fail(t->context, NEURLP_NOT_FINITE,
                     "epoch %lld, step %lld: the block of none of %lld windows could be solved; lower the "
                     "learning rate, or give coefficients and steps a range",
                     (long long)epoch->epoch + 1, (long long)batch->batch + 1, (long long)batch->windows);
}

/* After a batch, its loss and gradient are looked at, and the parameters that they are of are kept if they
 * are good. Of a gradient that is not on the host the norm is looked at, with the step, unless parameters are
 * kept. */
static neurlp_status look(neurlp_training *t, const neurlp_epoch *epoch, const neurlp_batch *batch) {
  const int64_t e = epoch->epoch + 1, step = batch->batch + 1;
  const void *gradient = NULL, *parameters = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  status = neurlp_training_check_solved(t, batch, epoch);
  if (status != NEURLP_SUCCESS) return status;
  if (!t->machine || batch->batch == 0) NEURLP_TRY(neurlp_training_see_gradient(t, &gradient));
  status = neurlp_watch_check(t->watch, e, step, t->sums[SCALAR_LOSS], gradient);
  if (status != NEURLP_SUCCESS || batch->batch != 0) goto done;
  NEURLP_TRY(neurlp_training_see_parameters(t, &parameters));
  neurlp_watch_keep(t->watch, e, step, parameters);
done:
  return status;
}

/* The norm is not finite: which entry it is, if the gradient was not looked at before; else what was said. */
static neurlp_status name_entry(neurlp_training *t, const neurlp_epoch *epoch, const neurlp_batch *batch) {
  const void *gradient = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (!t->machine) return NEURLP_NOT_FINITE;
  NEURLP_TRY(neurlp_training_see_gradient(t, &gradient));
  status = neurlp_watch_check(t->watch, epoch->epoch + 1, batch->batch + 1, t->sums[SCALAR_LOSS], gradient);
done:
  return status == NEURLP_SUCCESS ? NEURLP_NOT_FINITE : status;
}

static neurlp_status look_and_step(neurlp_training *t, const neurlp_batch *batch, neurlp_epoch *epoch) {
  neurlp_status status = look(t, epoch, batch);
  if (status != NEURLP_SUCCESS) return status;
  status = neurlp_training_step(t, epoch->rate, &epoch->gradient);
  return status == NEURLP_NOT_FINITE ? name_entry(t, epoch, batch) : status;
}

/* Collective. The batches of one epoch from `first` on, each followed by a step, and all but the last by a
 * look at the keeper: a rank that failed alone tells the others there, or in their next batch. */
static neurlp_status run_steps(neurlp_training *t, const double *mask, int64_t first, neurlp_epoch *epoch) {
  const neurlp_sampler *sampler = t->spec->sampler;
  const int64_t shuffle = epoch->cycle * t->spec->options.epochs + epoch->epoch;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t b = first; b < sampler->batches; b++) {
    const neurlp_batch batch = neurlp_batch_training(sampler, shuffle, b);
    const neurlp_training_place place = {epoch->cycle, epoch->epoch, b + 1, false};
    if (t->spec->solving) neurlp_solving_fade(&t->solving, 1 - 1 / (double)sampler->batches);
    if (!t->whole) {
      NEURLP_TRY(run_batch(t, &batch, true, t->spec->solving != NULL));
      neurlp_training_add_epoch(t, &batch, epoch);
    }
    status = t->whole ? neurlp_training_run_whole(t, &batch, epoch) : look_and_step(t, &batch, epoch);
    if (t->machine && t->spec->solving) status = neurlp_training_agree(t, status); /* all solve, or none */
    if (status == NEURLP_SUCCESS && t->spec->solving) status = solve_weights(t, mask, false);
    if (status <= 0 && b + 1 < sampler->batches) status = neurlp_training_keep(t, status, &place, epoch);
    if (status != NEURLP_SUCCESS) break;
  }
done:
  return status;
}

/* ---- minimisers -------------------------------------------------------------------------------------- */

typedef struct evaluation {
  neurlp_training *training;
  const double *mask;
  /* of a minimiser that is `whole`: */
  neurlp_training_place *place;
  neurlp_epoch *epoch;
  neurlp_training_result *result;
} evaluation;

/* Collective: every rank evaluates at the same parameters, with the weights that are best for them. */
static neurlp_status evaluate(void *user, const void *parameters, double *loss, void *gradient) {
  const evaluation *of = user;
  neurlp_training *t = of->training;
  const neurlp_batch batch = neurlp_batch_training(t->spec->sampler, 0, 0);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_training_set_parameters(t, parameters));
  NEURLP_TRY(neurlp_training_solve(t, of->mask, NULL));
  NEURLP_TRY(run_batch(t, &batch, true, false));
  NEURLP_TRY(neurlp_training_clear_fixed(t));
  NEURLP_TRY(neurlp_training_get_gradient(t, gradient));
  /* Windows that fail count nothing: where there are more of them, the loss is less, and no better. */
  *loss = t->failed >= 0 && t->sums[SCALAR_FAILED] > t->failed ? INFINITY : t->sums[SCALAR_LOSS];
  if (t->failed < 0) t->failed = t->sums[SCALAR_FAILED];
done:
  return status;
}

/* What a minimiser says of the iteration that it has made. */
static void take_report(const neurlp_training *t, const neurlp_minimiser_report *report,
                        neurlp_epoch *epoch) {
  epoch->training = report->loss;
  epoch->gradient = report->gradient;
  for (int32_t i = 0; i < NEURLP_NETWORK_LOSSES; i++) epoch->parts[i] = t->sums[i];
  epoch->failed = (int64_t)t->sums[SCALAR_FAILED];
}

/* One iteration; true in *ended where there is none left to make. Each step decreases the loss, so it can
 * only go bad where it begins. */
static neurlp_status run_minimiser(neurlp_training *t, const double *mask, neurlp_epoch *epoch, bool *ended) {
  evaluation of = {.training = t, .mask = mask};
  const neurlp_objective objective = {.evaluate = evaluate, .user = &of};
  neurlp_minimiser_report report;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_training_get_parameters(t, t->room));
  status = t->kind->minimise(t->minimiser, &objective, t->room, &report);
  if (status < 0) return status;
  /* Those of the last evaluation may be others. */
  const neurlp_status put = neurlp_training_set_parameters(t, t->room);
  if (put < 0 || status == NEURLP_NOT_FINITE) return put < 0 ? put : status;
  *ended = report.end != NEURLP_MINIMISER_ITERATIONS;
  take_report(t, &report, epoch);
  status = neurlp_training_solve(t, mask, NULL); /* the last evaluation may have been of other parameters */
done:
  return status;
}

/* ---- cycles ------------------------------------------------------------------------------------------ */

static neurlp_status observe(neurlp_training *t, const neurlp_epoch *epoch, bool *early) {
  const double judged = isnan(epoch->validation) ? epoch->training : epoch->validation;
  const void *parameters = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_schedule_observe(&t->spec->options.schedule, &t->schedule, epoch->epoch, judged);
  if (judged < t->best_loss) {
    t->best_loss = judged;
    t->best_training = epoch->training;
  }
  if (!t->stopping) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_training_see_parameters(t, &parameters));
  *early = neurlp_stopping_observe(t->stopping, judged, parameters);
done:
  return status;
}

/* Collective. Its validation loss, and who hears of it. */
static neurlp_status report_epoch(neurlp_training *t, neurlp_epoch *epoch) {
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(validate(t, &epoch->validation));
  if (t->spec->report) status = neurlp_training_agree(t, t->spec->report(t->spec->user, epoch));
done:
  return status;
}

static neurlp_status run_epoch(neurlp_training *t, const double *mask, int64_t batch, neurlp_epoch *epoch,
                               bool *ended) {
  epoch->rate = neurlp_schedule_rate(&t->spec->options.schedule, &t->schedule, epoch->epoch);
  const neurlp_status status =
      t->kind ? run_minimiser(t, mask, epoch, ended) : run_steps(t, mask, batch, epoch);
  return status == NEURLP_SUCCESS ? report_epoch(t, epoch) : status;
}

/* Collective. Goes on to the next epoch, once all is kept if it is time to. */
static neurlp_status end_epoch(neurlp_training *t, neurlp_training_place *place, neurlp_epoch *epoch,
                               neurlp_training_result *result) {
  bool early = false;
  result->epochs++;
  result->training = epoch->training;
  result->validation = epoch->validation;
  const neurlp_status status = observe(t, epoch, &early);
  if (early) place->ended = result->stopped = true;
  place->epoch++;
  place->batch = 0;
  *epoch = (neurlp_epoch){.cycle = place->cycle, .epoch = place->epoch};
  return neurlp_training_keep(t, status, place, epoch);
}

/* ---- a minimiser that keeps the lead ----------------------------------------------------------------- */

/* Collective. An epoch, from inside of the minimiser; the parameters of its last evaluation may be others. */
static neurlp_status iterated(void *user, const neurlp_minimiser_report *report, const void *parameters,
                              bool *more) {
  const evaluation *of = user;
  neurlp_training *t = of->training;
  neurlp_status status = NEURLP_SUCCESS;
  take_report(t, report, of->epoch);
  NEURLP_TRY(neurlp_training_set_parameters(t, parameters));
  NEURLP_TRY(neurlp_training_solve(t, of->mask, NULL));
  NEURLP_TRY(report_epoch(t, of->epoch));
  NEURLP_TRY(end_epoch(t, of->place, of->epoch, of->result));
  *more = !of->place->ended && of->place->epoch < t->spec->options.epochs;
done:
  return status;
}

/* Collective. All epochs that are left in a cycle. Where there is nothing to minimise, that is one, too. */
static neurlp_status minimise_cycle(neurlp_training *t, const double *mask, neurlp_training_place *place,
                                    neurlp_epoch *epoch, neurlp_training_result *result) {
  evaluation of = {t, mask, place, epoch, result};
  const neurlp_objective objective = {evaluate, iterated, &of};
  const int64_t before = place->epoch;
  neurlp_minimiser_report report;
  neurlp_status status = NEURLP_SUCCESS;
  bool more = true;
  NEURLP_TRY(neurlp_training_get_parameters(t, t->room));
  status = t->kind->minimise(t->minimiser, &objective, t->room, &report);
  if (status < 0) return status;
  const neurlp_status put = neurlp_training_set_parameters(t, t->room);
  if (put < 0 || status == NEURLP_NOT_FINITE) return put < 0 ? put : status;
  NEURLP_TRY(neurlp_training_solve(t, mask, NULL));
  place->ended = true;
  status = place->epoch == before ? iterated(&of, &report, t->room, &more) : NEURLP_SUCCESS;
done:
  return status;
}

/* "; it began in window 3 (...)", or nothing if that cannot be found out. */
static void print_blame(neurlp_training *t, char *text, size_t bytes) {
  const neurlp_windows *w = t->spec->windows;
  neurlp_blame blame;
  text[0] = '\0';
  if (neurlp_training_blame(t, &t->at, &blame) < 0 || blame.window < 0) return;
  const long long first = (long long)w->first[blame.window];
  snprintf(text, bytes, "; it began in window %lld (trajectory %lld, samples %lld to %lld)%s%.200s",
           (long long)blame.window, (long long)w->system[blame.window], first,
           first + (long long)w->spec.window - 1, blame.group ? " with the gradient of " : "",
           blame.group ? blame.group : "");
}

/* Puts the last good parameters back; the message stays that of what went wrong. */
static neurlp_status go_back(neurlp_training *t, int64_t cycle, neurlp_status status) {
  char message[1024], where[512];
  int64_t epoch = 0, step = 0;
  snprintf(message, sizeof message, "%s", neurlp_context_message(t->context));
  print_blame(t, where, sizeof where);
  const neurlp_status fetched = neurlp_training_fetch_kept(t);
  if (fetched < 0) return fetched;
  if (neurlp_watch_restore(t->watch, neurlp_training_room(t), &epoch, &step) < 0)
    return neurlp_fail(t->context, status, "cycle %lld, %s%s; kept are the parameters of its beginning",
                       (long long)cycle + 1, message, where);
  const neurlp_status put = neurlp_training_put_room(t);
  if (put < 0) return put;
  return neurlp_fail(t->context, status,
                     "cycle %lld, %s%s; kept are the parameters before epoch %lld, step %lld",
                     (long long)cycle + 1, message, where, (long long)epoch, (long long)step);
}

/* Where weights are all there is, and they are solved for, that is the whole training. */
static neurlp_status solve_only(neurlp_training *t, int64_t cycle, const double *mask,
                                neurlp_training_result *result) {
  neurlp_epoch epoch = {.cycle = cycle};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_training_solve(t, mask, &epoch));
  NEURLP_TRY(validate(t, &epoch.validation));
  result->training = epoch.training;
  result->validation = epoch.validation;
  if (t->spec->report) status = neurlp_training_agree(t, t->spec->report(t->spec->user, &epoch));
done:
  return status;
}

/* Collective. The epochs of a cycle that are left from a place on; `epoch` is that place's. */
static neurlp_status run_epochs(neurlp_training *t, const double *mask, neurlp_training_place *place,
                                neurlp_epoch *epoch, neurlp_training_result *result) {
  neurlp_status status = NEURLP_SUCCESS;
  while (place->epoch < t->spec->options.epochs && !place->ended) {
    if (t->kind && t->kind->whole) return minimise_cycle(t, mask, place, epoch, result);
    status = run_epoch(t, mask, place->batch, epoch, &place->ended);
    if (status != NEURLP_SUCCESS) goto done;
    NEURLP_TRY(end_epoch(t, place, epoch, result));
  }
done:
  return status;
}

/* Collective. What is left of a cycle from a place on; at its beginning: all of it. */
static neurlp_status run_cycle(neurlp_training *t, neurlp_training_place *place, neurlp_epoch *epoch,
                               bool resumed, const double *mask, neurlp_training_result *result) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!resumed) NEURLP_TRY(neurlp_training_refine(t, mask, true));
  if (t->only_weights) return solve_only(t, place->cycle, mask, result);
  if (!resumed) {
    NEURLP_TRY(neurlp_training_solve(t, mask, NULL));
    t->schedule = neurlp_schedule_start(&t->spec->options.schedule);
  }
  NEURLP_TRY(run_epochs(t, mask, place, epoch, result));
  if (status > 0) return go_back(t, place->cycle, status);
  if (t->stopping) {
    NEURLP_TRY(neurlp_stopping_restore(t->stopping, neurlp_training_room(t)));
    NEURLP_TRY(neurlp_training_put_room(t));
    result->training = t->best_training;
  }
  if (t->spec->solving) {
    neurlp_epoch solved = {0};
    NEURLP_TRY(neurlp_training_solve(t, mask, &solved));
    result->training = solved.training;
  }
  if (t->stopping || t->spec->solving) {
    if (t->spec->sampler->validation > 0) NEURLP_TRY(validate(t, &result->validation));
  }
done:
  return status;
}

/* Collective. A rank whose GPU fails leaves at once, and meets the others here: they are in their next batch,
 * whose losses are agreed on in the same way, or at this end. */
static neurlp_status end_together(neurlp_training *t, neurlp_status status) {
  const bool all_know = !t->machine || (status < 0 && !t->alone);
  return all_know ? status : neurlp_training_agree(t, status);
}

/* Collective. Goes to the place that was kept, if any was; `resumed`: it is inside of a cycle, which then has
 * begun already. */
static neurlp_status restore(neurlp_training *t, const double *mask, neurlp_training_place *place,
                             neurlp_epoch *epoch, bool *resumed) {
  neurlp_status status = NEURLP_SUCCESS;
  bool found = false;
  NEURLP_TRY(neurlp_training_restore(t, place, epoch, &found));
  *resumed = found && (place->epoch > 0 || place->batch > 0);
  if (found && !*resumed) status = neurlp_training_agree(t, neurlp_training_begin_cycle(t, mask));
done:
  return status;
}

neurlp_status neurlp_training_run(const neurlp_training_spec *spec, double *mask,
                                  neurlp_training_result *result) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_training training;
  bool resumed = false;
  *result = (neurlp_training_result){.training = NAN, .validation = NAN};
  status = neurlp_training_open(spec, &training);
  training.mask = mask;
  training.result = result;
  NEURLP_TRY(neurlp_training_agree(&training, status));
  for (int64_t cycle = 0; cycle < spec->options.cycles; cycle++) {
    neurlp_training_place place = {.cycle = cycle};
    neurlp_epoch epoch = {.cycle = cycle};
    int64_t dropped = 0;
    NEURLP_TRY(neurlp_training_agree(&training, neurlp_training_begin_cycle(&training, mask)));
    if (spec->options.epochs == 0) { /* only applied: nothing changes, but what is known of the states */
      NEURLP_TRY(neurlp_training_refine(&training, mask, false));
      NEURLP_TRY(mean_loss(&training, false, &result->training));
      status = validate(&training, &result->validation);
      break;
    }
    if (cycle == 0) NEURLP_TRY(restore(&training, mask, &place, &epoch, &resumed));
    cycle = place.cycle;
    status = run_cycle(&training, &place, &epoch, resumed, mask, result);
    resumed = false;
    if (status != NEURLP_SUCCESS) goto done;
    if (cycle + 1 == spec->options.cycles) break;
    NEURLP_TRY(neurlp_training_agree(&training, neurlp_training_drop(&training, mask, &dropped)));
    result->dropped += dropped;
    if (dropped == 0) break;
    place = (neurlp_training_place){.cycle = cycle + 1};
    epoch = (neurlp_epoch){.cycle = cycle + 1};
    NEURLP_TRY(neurlp_training_keep(&training, NEURLP_SUCCESS, &place, &epoch));
  }
done:
  status = end_together(&training, status);
  neurlp_training_close(&training);
  return status;
}
