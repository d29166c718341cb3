/* What a training works with, and what begins anew in each cycle. */
#include "learn/network/network_train_memory.h"

#include <math.h>
#include <string.h>

static const neurlp_minimiser *choose_minimiser(const neurlp_training_options *options) {
  if (options->minimiser) return options->minimiser;
  return strcmp(options->optimiser.name, "lbfgs") == 0 ? &neurlp_minimiser_lbfgs : NULL;
}

/* A group for each tensor: weight decay where it is meant for, and a rate of their own for the library's
 * weights. */
static neurlp_status make_optimiser(neurlp_training *t) {
  const neurlp_training_options *o = &t->spec->options;
  const int32_t tensors = neurlp_graph_parameter_tensors(t->graph);
  neurlp_optimiser_options options = o->optimiser;
  neurlp_optimiser_group *groups = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  if (t->kind) options.name = "sgd"; /* for its mask only */
  NEURLP_TRY(neurlp_allocate(t->context, tensors, sizeof *groups, &groups));
  for (int32_t i = 0; i < tensors; i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(t->graph, i);
    const bool basis = info.kind == NEURLP_PARAMETER_BASIS;
    if (basis) t->weights = i;
    groups[i] = (neurlp_optimiser_group){.first = info.first,
                                         .count = info.count,
                                         .rate_factor = basis ? o->weights_rate : 1,
                                         .frozen = basis && t->spec->solving,
                                         .weight_decay = info.decayed ? NEURLP_GROUP_DECAY_DEFAULT : 0};
  }
  status = neurlp_optimiser_create(t->context, &options, neurlp_graph_precision(t->graph), t->count, tensors,
                                   groups, &t->optimiser);
  if (status >= 0 && t->machine) status = neurlp_optimiser_move(t->optimiser, t->machine);
done:
  neurlp_release(t->context, &groups);
  return status;
}

static neurlp_status make_minimiser(neurlp_training *t) {
  neurlp_minimiser_options options = neurlp_minimiser_defaults(t->count);
  options.precision = neurlp_graph_precision(t->graph);
  options.iterations = t->kind->whole ? t->spec->options.epochs : 1; /* of each call: one is an epoch */
  options.gradient_tolerance = 1e-12;
  options.loss_tolerance = 1e-14;
  options.mask = t->free;
  t->kind->destroy(&t->minimiser);
  return t->kind->create(t->context, &options, &t->minimiser);
}

static neurlp_status make_watch(neurlp_training *t) {
  const int32_t tensors = neurlp_graph_parameter_tensors(t->graph);
  const neurlp_watch_options options = {.explosion = t->spec->options.explosion};
  neurlp_watch_group *groups = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_watch_destroy(&t->watch);
  t->kept_there = false; /* what is there was the old one's */
  NEURLP_TRY(neurlp_allocate(t->context, tensors, sizeof *groups, &groups));
  for (int32_t i = 0; i < tensors; i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(t->graph, i);
    groups[i] = (neurlp_watch_group){info.name, info.first, info.count};
  }
  status = neurlp_watch_create(t->context, &options, neurlp_graph_precision(t->graph), t->count, tensors,
                               groups, &t->watch);
done:
  neurlp_release(t->context, &groups);
  return status;
}

static neurlp_status make_stopping(neurlp_training *t) {
  const neurlp_stopping_options options = {.patience = t->spec->options.patience};
  neurlp_stopping_destroy(&t->stopping);
  if (options.patience == 0) return NEURLP_SUCCESS;
  return neurlp_stopping_create(t->context, &options, neurlp_graph_precision(t->graph), t->count,
                                &t->stopping);
}

neurlp_status neurlp_training_open(const neurlp_training_spec *spec, neurlp_training *t) {
  neurlp_graph *graph = spec->model->graph;
  neurlp_status status = NEURLP_SUCCESS;
  *t = (neurlp_training){.context = neurlp_graph_context(graph),
                         .spec = spec,
                         .graph = graph,
                         .count = neurlp_graph_parameter_count(graph),
                         .number_bytes =
                             neurlp_graph_precision(graph) == NEURLP_SINGLE ? sizeof(float) : sizeof(double),
                         .weights = -1,
                         .kind = choose_minimiser(&spec->options)};
  const int64_t samples = neurlp_graph_samples(graph);
  const int64_t numbers = samples * spec->windows->spec.window * spec->windows->spec.dimensions;
  if (t->count == 0)
    return neurlp_fail(t->context, NEURLP_ERROR_ARGUMENT,
                       "there is nothing to train: no input of the block comes from "
                       "a network or a parameter");
  NEURLP_TRY(neurlp_training_open_memory(t));
  NEURLP_TRY(neurlp_allocate(t->context, t->count, sizeof *t->free, &t->free));
  NEURLP_TRY(neurlp_allocate(t->context, numbers, sizeof *t->data, &t->data));
  NEURLP_TRY(neurlp_allocate(t->context, numbers, sizeof *t->target, &t->target));
  NEURLP_TRY(neurlp_allocate(t->context, samples, sizeof *t->shard, &t->shard));
  NEURLP_TRY(make_optimiser(t));
  NEURLP_TRY(neurlp_training_open_step(t));
  if (!spec->solving) goto done;
  NEURLP_TRY(neurlp_solving_open(&t->solving, spec->solving, spec->model));
  t->only_weights = neurlp_graph_parameter_info(graph, t->weights).count == t->count;
  if (!spec->newton) goto done;
  if (!t->only_weights)
    return neurlp_fail(
        t->context, NEURLP_ERROR_ARGUMENT,
        "refinements by Gauss-Newton find weights of the library, and %lld parameters are trained",
        (long long)t->count);
  NEURLP_TRY(neurlp_newton_create(spec->newton, spec->windows, &t->newton));
done:
  return status;
}

void neurlp_training_close(neurlp_training *t) {
  if (t->kind) t->kind->destroy(&t->minimiser);
  neurlp_solving_close(&t->solving);
  neurlp_step_destroy(&t->step);
  neurlp_newton_destroy(&t->newton);
  neurlp_optimiser_destroy(&t->optimiser);
  neurlp_stopping_destroy(&t->stopping);
  neurlp_watch_destroy(&t->watch);
  neurlp_training_close_memory(t);
  neurlp_release(t->context, &t->free);
  neurlp_release(t->context, &t->data);
  neurlp_release(t->context, &t->target);
  neurlp_release(t->context, &t->shard);
}

/* Which parameters are free as far as the mask says. */
static void free_unmasked(neurlp_training *t, const double *mask) {
  memset(t->free, 1, (size_t)t->count);
  if (t->weights < 0) return;
  const neurlp_parameter_info info = neurlp_graph_parameter_info(t->graph, t->weights);
  for (int64_t i = 0; i < info.count; i++) t->free[info.first + i] = mask[i] != 0;
}

/* Weights that are solved for are nobody else's: their group is frozen, but a minimiser knows of the mask
 * alone. */
static void fix_solved(neurlp_training *t) {
  if (!t->spec->solving) return;
  const neurlp_parameter_info info = neurlp_graph_parameter_info(t->graph, t->weights);
  memset(t->free + info.first, 0, (size_t)info.count);
}

neurlp_status neurlp_training_fix(neurlp_training *t, const double *mask) {
  free_unmasked(t, mask);
  fix_solved(t);
  if (t->spec->model->mask < 0) return NEURLP_SUCCESS;
  return neurlp_graph_write(t->graph, t->spec->model->mask, mask);
}

neurlp_status neurlp_training_begin_cycle(neurlp_training *t, const double *mask) {
  neurlp_status status = NEURLP_SUCCESS;
  free_unmasked(t, mask);
  NEURLP_TRY(neurlp_optimiser_set_mask(t->optimiser, t->free, neurlp_graph_parameters(t->graph)));
  NEURLP_TRY(neurlp_optimiser_reset(t->optimiser));
  NEURLP_TRY(neurlp_training_fix(t, mask));
  if (t->kind) NEURLP_TRY(make_minimiser(t));
  t->best_loss = INFINITY;
  t->best_training = NAN;
  t->failed = -1;
  NEURLP_TRY(make_watch(t));
  status = make_stopping(t);
done:
  return status;
}

/* What a threshold is compared with, for weight [k][l]; `sum` is the RMS that all terms of equation k could
 * add up to. */
static double judge(const neurlp_training *t, double weight, int32_t k, int32_t l, double sum) {
  switch (t->spec->options.threshold_by) {
  case NEURLP_THRESHOLD_CONTRIBUTION:
    return sum > 0 ? fabs(weight) * t->spec->term_size[l] / sum : 0;
  case NEURLP_THRESHOLD_Z: /* refused where options are read, unless weights are solved for */
    return fabs(weight) / t->spec->solving->errors[k * t->spec->terms + l];
  case NEURLP_THRESHOLD_SIZE:
    break;
  }
  return fabs(weight);
}

/* Of the parameters as they are now. The graph computes them; its last run may have been of others, or, on a
 * rank without shards, there was none. */
neurlp_status neurlp_training_weights(neurlp_training *t, double *weights) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t i = 0; i < neurlp_graph_samples(t->graph); i++) t->shard[i] = -1;
  NEURLP_TRY(neurlp_training_write(t, t->shard));
  NEURLP_TRY(neurlp_graph_begin(t->graph, 0, 1));
  NEURLP_TRY(neurlp_graph_forward(t->graph));
  status = neurlp_graph_read(t->graph, t->spec->model->weights, weights);
done:
  return status;
}

/* What is compared with the threshold for each weight, in the weights' place; 0 where nothing is known. */
static void judge_all(const neurlp_training *t, double *weights) {
  const int32_t D = t->spec->dimensions, L = t->spec->terms;
  for (int32_t k = 0; k < D; k++) {
    double square = 0, *own = weights + (int64_t)k * L;
    for (int32_t l = 0; t->spec->term_size && l < L; l++)
      square += own[l] * own[l] * t->spec->term_size[l] * t->spec->term_size[l];
    for (int32_t l = 0; l < L; l++) {
      const double judged = judge(t, own[l], k, l, sqrt(square));
      own[l] = isnan(judged) ? 0 : judged;
    }
  }
}

/* The term that is left, below the threshold and least of all; -1: none is. */
static int64_t least_term(const neurlp_training *t, const double *mask, const double *judged) {
  const int64_t all = (int64_t)t->spec->dimensions * t->spec->terms;
  int64_t least = -1;
  for (int64_t i = 0; i < all; i++)
    if (mask[i] != 0 && judged[i] < t->spec->options.threshold && (least < 0 || judged[i] < judged[least]))
      least = i;
  return least;
}

neurlp_status neurlp_training_drop(neurlp_training *t, double *mask, int64_t *dropped) {
  const int64_t all = (int64_t)t->spec->dimensions * t->spec->terms;
  const double share = t->spec->options.drop_share > 0 ? t->spec->options.drop_share : 1;
  neurlp_status status = NEURLP_SUCCESS;
  double *judged = NULL;
  int64_t below = 0;
  *dropped = 0;
  if (t->weights < 0) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(t->context, all, sizeof *judged, &judged));
  NEURLP_TRY(neurlp_training_weights(t, judged));
  judge_all(t, judged);
  for (int64_t i = 0; i < all; i++) below += mask[i] != 0 && judged[i] < t->spec->options.threshold;
  const int64_t part = (int64_t)(share * (double)below), most = part < 1 ? 1 : part;
  for (; *dropped < below && *dropped < most; ++*dropped) mask[least_term(t, mask, judged)] = 0;
done:
  neurlp_release(t->context, &judged);
  return status;
}
