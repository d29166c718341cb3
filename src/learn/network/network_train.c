#include "learn/network/network_train.h"

#include "learn/network/network_train_parts.h"
#include "train/clip.h"
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

/* Writes the windows of a shard; places without one hold zeros. Known windows come first. */
static neurlp_status write_windows(neurlp_training *t, const int64_t *windows) {
  const neurlp_window_spec *z = &t->spec->windows->spec;
  const int64_t each = z->window * z->dimensions, places = neurlp_graph_samples(t->graph);
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < places; i++) {
    double *data = t->data + i * each, *target = t->target + i * each;
    if (windows[i] >= 0)
      neurlp_windows_get(t->spec->windows, windows[i], data, target);
    else
      for (int64_t j = 0; j < each; j++) data[j] = target[j] = 0;
  }
  NEURLP_TRY(neurlp_graph_write(t->graph, t->spec->model->data, t->data));
  status = neurlp_graph_write(t->graph, t->spec->model->target, t->target);
done:
  return status;
}

/* Loss, its parts, failed windows and windows of the shard that has just been run, added to the scalars. */
static neurlp_status add_scalars(neurlp_training *t, int64_t shard, int64_t present) {
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

/* One of this rank's shards, forward and, if a gradient is wanted, backward. */
static neurlp_status run_shard(neurlp_training *t, int64_t shard, const int64_t *windows, int64_t present,
                               double weight, bool want_gradient) {
  const neurlp_reducer *gradients = &t->spec->gradients;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(write_windows(t, windows));
  NEURLP_TRY(neurlp_graph_begin(t->graph, present, weight));
  NEURLP_TRY(neurlp_graph_forward(t->graph));
  NEURLP_TRY(add_scalars(t, shard, present));
  if (!want_gradient) goto done;
  NEURLP_TRY(neurlp_graph_backward(t->graph));
  status = gradients->add(gradients->user, shard, neurlp_graph_gradients(t->graph));
done:
  return status;
}

/* Collective. A batch: all of this rank's shards, then the sums over all ranks: t->sums, and t->gradient if
 * wanted. `list` writes the windows of a shard and returns how many there are. */
static neurlp_status run_batch(neurlp_training *t, const neurlp_batch *batch, bool want_gradient) {
  const neurlp_reducer *gradients = &t->spec->gradients, *scalars = &t->spec->scalars;
  const double weight = 1 / (double)batch->windows;
  neurlp_status status = scalars->begin(scalars->user);
  if (status >= 0 && want_gradient) status = gradients->begin(gradients->user);
  for (int64_t i = 0; status >= 0 && i < scalars->shard_count; i++) {
    const int64_t shard = scalars->first_shard + i;
    const int64_t present = neurlp_batch_shard(t->spec->sampler, batch, shard, t->shard);
    status = run_shard(t, shard, t->shard, present, weight, want_gradient);
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

int64_t neurlp_batch_shard(const neurlp_sampler *sampler, const neurlp_batch *batch, int64_t shard,
                           int64_t *windows) {
  if (!batch->validation) return neurlp_sampler_shard(sampler, batch->epoch, batch->batch, shard, windows);
  int64_t present = 0;
  for (int64_t i = 0; i < sampler->shard; i++) {
    const int64_t place = batch->batch * sampler->options.batch + shard * sampler->shard + i;
    windows[i] = place < sampler->validation ? neurlp_sampler_validation(sampler, place) : -1;
    present += windows[i] >= 0;
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
    NEURLP_TRY(run_batch(t, &batch, false));
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

/* ---- epochs of steps --------------------------------------------------------------------------------- */

/* After a batch, its loss and gradient are looked at, and the parameters that they are of are kept if they
 * are good. */
static neurlp_status look(neurlp_training *t, int64_t epoch, int64_t batch, double loss) {
  const neurlp_status status = neurlp_watch_check(t->watch, epoch, batch, loss, t->gradient);
  if (status == NEURLP_SUCCESS && batch == 0)
    neurlp_watch_keep(t->watch, epoch, batch, neurlp_graph_parameters(t->graph));
  return status;
}

static neurlp_status step(neurlp_training *t, double rate, double *norm) {
  const neurlp_precision precision = neurlp_graph_precision(t->graph);
  neurlp_optimiser_clear_fixed(t->optimiser, t->gradient);
  const double most = t->spec->options.clip > 0 ? t->spec->options.clip : INFINITY;
  const neurlp_status status =
      neurlp_clip_norm(t->context, precision, t->count, t->gradient, isfinite(most) ? most : 1e300, norm);
  if (status != NEURLP_SUCCESS) return status;
  neurlp_optimiser_step(t->optimiser, rate, neurlp_graph_parameters(t->graph), t->gradient);
  return NEURLP_SUCCESS;
}

static void add_to_epoch(neurlp_epoch *epoch, const neurlp_batch *batch, const double *sums, double all) {
  const double part = (double)batch->windows / all;
  epoch->training += part * sums[SCALAR_LOSS];
  for (int32_t i = 0; i < NEURLP_NETWORK_LOSSES; i++) epoch->parts[i] += part * sums[i];
  epoch->failed += (int64_t)sums[SCALAR_FAILED];
}

/* Collective. All batches of one epoch, each followed by a step. */
static neurlp_status run_steps(neurlp_training *t, neurlp_epoch *epoch) {
  const neurlp_sampler *sampler = t->spec->sampler;
  const int64_t shuffle = epoch->cycle * t->spec->options.epochs + epoch->epoch;
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t b = 0; b < sampler->batches; b++) {
    const neurlp_batch batch = neurlp_batch_training(sampler, shuffle, b);
    NEURLP_TRY(run_batch(t, &batch, true));
    add_to_epoch(epoch, &batch, t->sums, (double)sampler->training);
    status = look(t, shuffle, b, t->sums[SCALAR_LOSS]);
    if (status == NEURLP_SUCCESS) status = step(t, epoch->rate, &epoch->gradient);
    if (status != NEURLP_SUCCESS) break;
  }
done:
  return status;
}

/* ---- L-BFGS ------------------------------------------------------------------------------------------ */

/* Collective: every rank evaluates at the same parameters. */
static neurlp_status evaluate(void *user, const void *parameters, double *loss, void *gradient) {
  neurlp_training *t = user;
  const size_t bytes = (size_t)t->count * t->number_bytes;
  const neurlp_batch batch = neurlp_batch_training(t->spec->sampler, 0, 0);
  if (parameters != neurlp_graph_parameters(t->graph))
    memcpy(neurlp_graph_parameters(t->graph), parameters, bytes);
  const neurlp_status status = run_batch(t, &batch, true);
  if (status < 0) return status;
  neurlp_optimiser_clear_fixed(t->optimiser, t->gradient);
  memcpy(gradient, t->gradient, bytes);
  *loss = t->sums[SCALAR_LOSS];
  return NEURLP_SUCCESS;
}

/* One iteration; true in *ended where there is none left to make. */
static neurlp_status run_minimiser(neurlp_training *t, neurlp_epoch *epoch, bool *ended) {
  const neurlp_objective objective = {evaluate, t};
  neurlp_minimiser_report report;
  const size_t bytes = (size_t)t->count * t->number_bytes;
  memcpy(t->best, neurlp_graph_parameters(t->graph), bytes);
  const neurlp_status status = neurlp_minimiser_lbfgs.minimise(t->minimiser, &objective, t->best, &report);
  if (status < 0 || status == NEURLP_NOT_FINITE) return status;
  memcpy(neurlp_graph_parameters(t->graph), t->best, bytes);
  *ended = report.end != NEURLP_MINIMISER_ITERATIONS;
  epoch->training = report.loss;
  epoch->gradient = report.gradient;
  for (int32_t i = 0; i < NEURLP_NETWORK_LOSSES; i++) epoch->parts[i] = t->sums[i];
  epoch->failed = (int64_t)t->sums[SCALAR_FAILED];
  return NEURLP_SUCCESS;
}

/* ---- cycles ------------------------------------------------------------------------------------------ */

static bool observe(neurlp_training *t, const neurlp_epoch *epoch, int64_t total) {
  const double judged = isnan(epoch->validation) ? epoch->training : epoch->validation;
  neurlp_schedule_observe(&t->spec->options.schedule, &t->schedule, epoch->epoch, judged);
  return t->stopping &&
         neurlp_stopping_observe(t->stopping, total, judged, neurlp_graph_parameters(t->graph));
}

static neurlp_status run_epoch(neurlp_training *t, neurlp_epoch *epoch, bool *ended) {
  neurlp_status status = NEURLP_SUCCESS;
  epoch->rate = neurlp_schedule_rate(&t->spec->options.schedule, &t->schedule, epoch->epoch);
  status = t->minimiser ? run_minimiser(t, epoch, ended) : run_steps(t, epoch);
  if (status != NEURLP_SUCCESS) return status;
  NEURLP_TRY(validate(t, &epoch->validation));
  if (t->spec->report) status = t->spec->report(t->spec->user, epoch);
done:
  return status;
}

/* Puts the last good parameters back; the message stays that of what went wrong. */
static neurlp_status go_back(neurlp_training *t, neurlp_status status) {
  char message[1024];
  int64_t epoch = 0, batch = 0;
  snprintf(message, sizeof message, "%s", neurlp_context_message(t->context));
  if (neurlp_watch_restore(t->watch, neurlp_graph_parameters(t->graph), &epoch, &batch) < 0)
    return neurlp_fail(t->context, status, "%s", message);
  return neurlp_fail(t->context, status, "%s; kept are the parameters of epoch %lld, step %lld", message,
                     (long long)epoch, (long long)batch);
}

static neurlp_status run_cycle(neurlp_training *t, int64_t cycle, neurlp_training_result *result) {
  const neurlp_training_options *options = &t->spec->options;
  neurlp_status status = NEURLP_SUCCESS;
  bool ended = false;
  t->schedule = neurlp_schedule_start(&options->schedule);
  for (int64_t e = 0; e < options->epochs && !ended; e++) {
    neurlp_epoch epoch = {.cycle = cycle, .epoch = e};
    status = run_epoch(t, &epoch, &ended);
    if (status > 0) return go_back(t, status);
    NEURLP_TRY(status);
    result->epochs++;
    result->training = epoch.training;
    result->validation = epoch.validation;
    if (observe(t, &epoch, result->epochs - 1)) ended = result->stopped = true;
  }
  if (t->stopping) {
    NEURLP_TRY(neurlp_stopping_restore(t->stopping, neurlp_graph_parameters(t->graph)));
    if (t->spec->sampler->validation > 0) NEURLP_TRY(validate(t, &result->validation));
  }
done:
  return status;
}

neurlp_status neurlp_training_run(const neurlp_training_spec *spec, double *mask,
                                  neurlp_training_result *result) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_training training;
  *result = (neurlp_training_result){.training = NAN, .validation = NAN};
  NEURLP_TRY(neurlp_training_open(spec, &training));
  for (int64_t cycle = 0; cycle < spec->options.cycles; cycle++) {
    int64_t dropped = 0;
    NEURLP_TRY(neurlp_training_begin_cycle(&training, mask));
    if (spec->options.epochs == 0) { /* only applied: nothing changes */
      NEURLP_TRY(mean_loss(&training, false, &result->training));
      status = validate(&training, &result->validation);
      break;
    }
    status = run_cycle(&training, cycle, result);
    if (status != NEURLP_SUCCESS) goto done;
    if (cycle + 1 == spec->options.cycles) break;
    NEURLP_TRY(neurlp_training_drop(&training, mask, &dropped));
    result->dropped += dropped;
    if (dropped == 0) break;
  }
done:
  neurlp_training_close(&training);
  return status;
}
