#include "train/network_study.h"

#include "comm.h"
#include "learn/network/network_split.h"
#include "study/study_model.h"
#include "train/network_forecast_plan.h"
#include "train/network_load.h"
#include "train/network_scales.h"
#include "train/network_truth.h"

#include <math.h>
#include <string.h>

/* ---- data -------------------------------------------------------------------------------------------- */

/* Packed samples [N][D] -> [S][samples][D], NaN past a trajectory's end. */
static void unpack(const neurlp_study *d, const double *packed, double *states) {
  const int64_t row = d->samples_each * d->dimensions;
  for (int64_t i = 0; i < d->systems * row; i++) states[i] = NAN;
  for (int64_t i = 0; i < d->systems; i++) {
    const int64_t first = d->samples.offsets[i], count = d->samples.offsets[i + 1] - first;
    memcpy(states + i * row, packed + first * d->dimensions,
           (size_t)(count * d->dimensions) * sizeof *states);
  }
}

/* Collective. Every rank has all trajectories: batches take their windows from anywhere. */
static neurlp_status read_all(neurlp_network_study *s) {
  neurlp_study *d = &s->data;
  const int64_t last = d->lengths ? d->lengths[d->systems - 1] : d->samples_each;
  neurlp_status status = NEURLP_SUCCESS;
  d->plan = (neurlp_plan){.end_system = d->systems, .end_sample = last};
  NEURLP_TRY(neurlp_study_read(d));
  const int64_t count = d->systems * d->samples_each * d->dimensions;
  status = neurlp_allocate(s->context, count, sizeof *s->states, &s->states);
  if (status >= 0 && d->samples.clean)
    status = neurlp_allocate(s->context, count, sizeof *s->clean, &s->clean);
  NEURLP_TRY(neurlp_agree(d->comm, s->context, status));
  unpack(d, d->samples.states, s->states);
  if (s->clean) unpack(d, d->samples.clean, s->clean);
done:
  return status;
}

/* Windows are on one grid, so the samples have to be evenly spaced, up to the digits that files of text have
 * for times. */
static neurlp_status find_step(neurlp_network_study *s) {
  const neurlp_samples *x = &s->data.samples;
  s->step = 0;
  for (int64_t i = 0; i < s->data.systems; i++)
    for (int64_t t = x->offsets[i]; t + 1 < x->offsets[i + 1]; t++) {
      const double step = x->times[t + 1] - x->times[t];
      if (s->step == 0) s->step = step;
      if (fabs(step - s->step) <= 1e-4 * s->step) continue;
      return neurlp_fail(
          s->context, NEURLP_ERROR_DATA,
          "trajectory %lld has samples %.17g apart at sample %lld, and the first two are %.17g apart; "
          "task 'train' needs samples that are evenly spaced (missing ones may be NaN)",
          (long long)i, step, (long long)(t - x->offsets[i]), s->step);
    }
  if (s->step > 0) return NEURLP_SUCCESS;
  return neurlp_fail(s->context, NEURLP_ERROR_DATA,
                     "no trajectory has two samples; task 'train' needs windows of two or more");
}

/* Networks over space take states for one quantity at several places, and must not see them differ otherwise.
 */
static bool are_alike(const neurlp_deck *deck) {
  int32_t count = 0;
  const neurlp_network_spec *networks = neurlp_deck_networks_of(deck, &count);
  for (int32_t i = 0; i < count; i++)
    if (networks[i].axis == NEURLP_AXIS_SPACE) return true;
  return false;
}

static neurlp_status cut_windows(neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  const int64_t asked = neurlp_deck_integer(deck, "block.window");
  const int64_t window = asked > 0 ? asked : s->data.samples_each;
  const int64_t stride = neurlp_deck_integer(deck, "train.stride");
  const int64_t kept = neurlp_deck_integer(deck, "forecast.trajectories");
  if (kept >= s->data.systems)
    return neurlp_deck_fail(
        s->context, deck, "forecast.trajectories", -1, 0,
        "%lld trajectories are kept for forecasts, and the data have %lld: none is left to "
        "train with",
        (long long)kept, (long long)s->data.systems);
  const neurlp_window_spec spec = {.systems = s->data.systems - kept,
                                   .samples = s->data.samples_each,
                                   .dimensions = s->data.dimensions,
                                   .lengths = s->data.lengths,
                                   .states = s->states,
                                   .window = window,
                                   .stride = stride > 0 ? stride : window,
                                   .alike = are_alike(deck),
                                   .held_back = neurlp_deck_number(deck, "train.test")};
  return neurlp_windows_create(s->context, &spec, &s->windows);
}

/* ---- the model --------------------------------------------------------------------------------------- */

static neurlp_status check_numbers(const neurlp_network_study *s, const char *path, int32_t found,
                                   int32_t wanted, const char *what) {
  if (found == wanted) return NEURLP_SUCCESS;
  return neurlp_deck_fail(s->context, s->data.job->deck, path, -1, 0, "%d numbers are given, and %s: give %d",
                          found, what, wanted);
}

/* The sources as the deck has them, with what it leaves to the data. */
static neurlp_status read_wiring(neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  neurlp_wiring *w = &s->wiring;
  neurlp_status status = NEURLP_SUCCESS;
  w->networks = (neurlp_network_spec *)(uintptr_t)neurlp_deck_networks_of(deck, &w->network_count);
  w->losses = (neurlp_loss_spec *)(uintptr_t)neurlp_deck_losses_of(deck, &w->loss_count);
  w->states = neurlp_deck_source_of(deck, "inputs.states");
  w->coefficients = neurlp_deck_source_of(deck, "inputs.coefficients");
  w->rhs = neurlp_deck_source_of(deck, "inputs.rhs");
  w->weights = neurlp_deck_source_of(deck, "inputs.weights");
  w->initial_values = neurlp_deck_source_of(deck, "inputs.initial_values");
  w->steps = neurlp_deck_source_of(deck, "inputs.steps");
  const int64_t seen = neurlp_deck_integer(deck, "inputs.seen");
  w->seen = seen > 0 ? seen : s->windows.spec.window;
  w->initial_steps = (int32_t)neurlp_deck_integer(deck, "inputs.initial_steps");
  w->initial_derivatives = (int32_t)neurlp_deck_integer(deck, "inputs.initial_derivatives");
  if (w->initial_values.kind == NEURLP_SOURCE_NONE) w->initial_steps = w->initial_derivatives = 0;
  if (w->steps.kind == NEURLP_SOURCE_DATA) {
    NEURLP_TRY(neurlp_allocate(s->context, 1, sizeof *s->numbers, &s->numbers));
    s->numbers[0] = s->step;
    w->steps = (neurlp_source_spec){.kind = NEURLP_SOURCE_CONSTANT, .number_count = 1, .numbers = s->numbers};
  }
done:
  return status;
}

/* Ranges of coefficients, and that parameters begin inside. */
static neurlp_status check_ranges(const neurlp_network_study *s) {
  const neurlp_source_spec *c = &s->wiring.coefficients;
  const char *path = "inputs.coefficients";
  neurlp_status status = NEURLP_SUCCESS;
  if (c->range_count > 0)
    NEURLP_TRY(
        check_numbers(s, path, c->range_count, s->order + 1, "each coefficient has a range, or none has"));
  for (int32_t j = 0; j < c->number_count && (c->ranged || c->range_count > 0); j++) {
    const double *range = c->range_count > 0 ? c->ranges + 2 * j : (const double[2]){c->lower, c->upper};
    const bool fixed = range[0] == range[1];
    if (fixed ? c->numbers[j] != range[0] : !(c->numbers[j] > range[0] && c->numbers[j] < range[1]))
      return neurlp_deck_fail(s->context, s->data.job->deck, path, -1, 0,
                              "coefficient %d begins at %g, which is not inside its range, %g to %g", j,
                              c->numbers[j], range[0], range[1]);
  }
done:
  return status;
}

/* What is only seen in part cannot be used over the whole window. */
static neurlp_status check_seen(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  const long long seen = (long long)w->seen, window = (long long)s->windows.spec.window;
  const bool estimated = w->states.kind == NEURLP_SOURCE_NETWORK;
  if (seen > window)
    return neurlp_deck_fail(s->context, deck, "inputs.seen", -1, 0, "a window has %lld samples only", window);
  if (seen == window) return NEURLP_SUCCESS;
  if (w->rhs.kind == NEURLP_SOURCE_LIBRARY && !estimated)
    return neurlp_deck_fail(s->context, deck, "inputs.rhs", -1, 0,
                            "the library is a function of the data at all %lld samples of a window, and "
                            "inputs.seen is %lld; estimate the states by a network, which may go on to the "
                            "window's end",
                            window, seen);
  if (estimated && w->states.residual)
    return neurlp_deck_fail(
        s->context, deck, "inputs.states", -1, 0,
        "'residual' adds the data at all %lld samples of a window, and inputs.seen is %lld; "
        "leave it out",
        window, seen);
  const bool of_data = w->initial_values.kind == NEURLP_SOURCE_DATA ||
                       (w->initial_values.kind == NEURLP_SOURCE_STATES && !estimated);
  if (of_data && w->initial_steps > seen)
    return neurlp_deck_fail(s->context, deck, "inputs.initial_steps", -1, 0,
                            "initial values are those of the data, and inputs.seen is %lld", seen);
  return NEURLP_SUCCESS;
}

/* Losses that something can be done about. */
static neurlp_status check_losses(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  for (int32_t i = 0; i < w->loss_count; i++) {
    const neurlp_loss_spec *loss = &w->losses[i];
    if (loss->end > s->windows.spec.window)
      return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                              "loss %d ends at step %lld, and a window has %lld", i, (long long)loss->end,
                              (long long)s->windows.spec.window);
    if (loss->of == NEURLP_LOSS_OF_STATES && w->states.kind != NEURLP_SOURCE_NETWORK)
      return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                              "loss %d is of the states, and they are the data; leave it out, or estimate "
                              "them: inputs.states: {network: name}",
                              i);
    if (loss->of == NEURLP_LOSS_OF_WEIGHTS &&
        (w->rhs.kind != NEURLP_SOURCE_LIBRARY || w->weights.kind != NEURLP_SOURCE_PARAMETER))
      return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                              "loss %d is of the library's weights, and they are no parameter; leave it out, "
                              "or take inputs.rhs: library and inputs.weights: parameter",
                              i);
  }
  return NEURLP_SUCCESS;
}

static neurlp_status check_wiring(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  neurlp_status status = NEURLP_SUCCESS;
  if (w->coefficients.kind != NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(check_numbers(s, "inputs.coefficients", w->coefficients.number_count, s->order + 1,
                             "a block of this order has one more coefficient"));
  NEURLP_TRY(check_ranges(s));
  if (w->rhs.kind == NEURLP_SOURCE_CONSTANT)
    NEURLP_TRY(check_numbers(s, "inputs.rhs", w->rhs.number_count, s->data.dimensions,
                             "there is one for each state"));
  if (w->steps.kind != NEURLP_SOURCE_NETWORK)
    NEURLP_TRY(check_numbers(s, "inputs.steps", w->steps.number_count, 1, "there is one step"));
  if (w->rhs.kind != NEURLP_SOURCE_LIBRARY && w->weights.kind == NEURLP_SOURCE_NETWORK)
    return neurlp_deck_fail(s->context, deck, "inputs.weights", -1, 0,
                            "weights are those of a library; take inputs.rhs: library, or leave them out");
  if (w->steps.kind == NEURLP_SOURCE_NETWORK && !(w->steps.ranged && w->steps.lower > 0))
    return neurlp_deck_fail(
        s->context, deck, "inputs.steps", -1, 0,
        "step sizes from a network need a range above 0: {network: name, range: [0.001, 0.1]}");
  if (w->steps.kind != NEURLP_SOURCE_NETWORK && !(w->steps.numbers[0] > 0))
    return neurlp_deck_fail(s->context, deck, "inputs.steps", -1, 0, "the step has to be more than 0");
  if (w->initial_derivatives > 1 && w->initial_values.kind != NEURLP_SOURCE_NETWORK)
    return neurlp_deck_fail(
        s->context, deck, "inputs.initial_derivatives", -1, 0,
        "data and state estimates have no derivatives; take initial values from a network");
  if (w->initial_steps > s->windows.spec.window)
    return neurlp_deck_fail(s->context, deck, "inputs.initial_steps", -1, 0, "a window has %lld steps only",
                            (long long)s->windows.spec.window);
  if (w->initial_derivatives > s->order + 1)
    return neurlp_deck_fail(s->context, deck, "inputs.initial_derivatives", -1, 0,
                            "a block of order %d has u and its derivatives, %d functions in all", s->order,
                            s->order + 1);
  status = check_losses(s);
done:
  return status;
}

/* The highest derivative that has a coefficient from the beginning; the block's order where networks choose.
 */
static int32_t leading_derivative(const neurlp_network_study *s) {
  const neurlp_source_spec *c = &s->wiring.coefficients;
  int32_t leading = c->kind == NEURLP_SOURCE_NETWORK ? s->order : 0;
  for (int32_t j = 0; j < c->number_count; j++)
    if (c->numbers[j] != 0) leading = j;
  return leading;
}

static void choose_formulation(neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  const char *name = neurlp_deck_text(deck, "block.formulation"),
             *initial = neurlp_deck_text(deck, "block.initial");
  neurlp_formulation f = !strcmp(name, "mnn")    ? neurlp_formulation_mnn()
                         : !strcmp(name, "smnn") ? neurlp_formulation_smnn()
                                                 : neurlp_formulation_default();
  if (!strcmp(name, "hermite")) {
    f.nominal_step = s->wiring.steps.kind == NEURLP_SOURCE_NETWORK
                         ? (s->wiring.steps.lower + s->wiring.steps.upper) / 2
                         : s->wiring.steps.numbers[0];
    f.leading_derivative = s->leading;
    f.weight_top = neurlp_deck_number(deck, "block.weight_top");
    f.initial = s->wiring.initial_steps > 1 ? NEURLP_INITIAL_SOFT : NEURLP_INITIAL_HARD;
  }
  if (!strcmp(initial, "hard")) f.initial = NEURLP_INITIAL_HARD;
  if (!strcmp(initial, "soft")) f.initial = NEURLP_INITIAL_SOFT;
  f.weight_initial = neurlp_deck_number(deck, "block.weight_initial");
  s->formulation = f;
}

static neurlp_status make_library(neurlp_network_study *s) {
  neurlp_status status = NEURLP_SUCCESS;
  if (s->wiring.rhs.kind != NEURLP_SOURCE_LIBRARY) return NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_study_make_model(&s->data));
  s->terms = s->data.model->terms;
  NEURLP_TRY(neurlp_network_scales(s));
  const int64_t count = (int64_t)s->data.dimensions * s->terms;
  NEURLP_TRY(neurlp_allocate(s->context, count, sizeof *s->mask, &s->mask));
  for (int64_t i = 0; i < count; i++) s->mask[i] = 1;
done:
  return status;
}

/* Batches as the deck has them, but no larger than what there is to train with, in equal shards. */
static neurlp_status make_sampler(neurlp_network_study *s) {
  const neurlp_deck *deck = s->data.job->deck;
  const bool whole = !strcmp(neurlp_deck_text(deck, "train.optimizer"), "lbfgs");
  const uint64_t seed = (uint64_t)neurlp_deck_integer(deck, "run.seed");
  int64_t shards = neurlp_deck_integer(deck, "train.shards"),
          batch = neurlp_deck_integer(deck, "train.batch"), validation = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(
      neurlp_allocate(s->context, s->windows.count, sizeof *s->order_of_windows, &s->order_of_windows));
  NEURLP_TRY(neurlp_windows_split(&s->windows, neurlp_deck_number(deck, "train.validation"), seed,
                                  s->order_of_windows, &validation));
  const int64_t training = s->windows.count - validation;
  if (whole || batch > training) batch = training;
  if (shards > batch) shards = batch;
  const neurlp_sampler_options options = {.samples = s->windows.count,
                                          .batch = (batch + shards - 1) / shards * shards,
                                          .shards = shards,
                                          .validation_count = validation,
                                          .split = NEURLP_SPLIT_LAST,
                                          .shuffle = !whole,
                                          .seed = seed};
  NEURLP_TRY(neurlp_sampler_make(s->context, &options, &s->sampler));
  NEURLP_TRY(neurlp_allocate(s->context, s->windows.count, sizeof *s->validation, &s->validation));
  for (int64_t i = 0; i < s->sampler.validation; i++)
    s->validation[s->order_of_windows[neurlp_sampler_validation(&s->sampler, i)]] = 1;
done:
  return status;
}

static neurlp_status make_model(neurlp_network_study *s, bool allocate) {
  const neurlp_deck *deck = s->data.job->deck;
  const bool single = !strcmp(neurlp_deck_text(deck, "block.precision"), "single");
  const neurlp_network_model_spec spec = {
      .wiring = &s->wiring,
      .precision = single ? NEURLP_SINGLE : NEURLP_DOUBLE,
      .samples = s->sampler.shard,
      .steps = (int32_t)s->windows.spec.window,
      .dimensions = s->data.dimensions,
      .order = s->order,
      .formulation = s->formulation,
      .states = {s->data.dimensions,
                 (const char *const *)(s->data.model ? s->data.model->states : s->data.names)},
      .terms = s->terms,
      .texts = s->terms > 0 ? (const char *const *)s->data.model->library->texts : NULL,
      .center = s->windows.center,
      .spread = s->windows.spread,
      .weight_scale = s->weight_scale};
  neurlp_status status = neurlp_network_model_create(s->context, &spec, &s->model);
  if (status >= 0) status = neurlp_graph_finish(s->model.graph, allocate);
  s->allocated = allocate && status >= 0;
  if (status >= 0 && allocate)
    status = neurlp_training_initialise(&s->model, (uint64_t)neurlp_deck_integer(deck, "run.seed"));
  return status;
}

/* ---- training ---------------------------------------------------------------------------------------- */

static neurlp_status make_reducers(neurlp_network_study *s) {
  const bool fast = !strcmp(neurlp_deck_text(s->data.job->deck, "run.reductions"), "fast");
  const neurlp_vectors host = neurlp_vectors_host(s->context);
  neurlp_reduce_spec spec = {.shards = s->sampler.options.shards,
                             .count = neurlp_graph_parameter_count(s->model.graph),
                             .single = neurlp_graph_precision(s->model.graph) == NEURLP_SINGLE,
                             .fast = fast,
                             .transport = s->data.transport};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_reduce_create(s->data.comm, s->context, &s->data.vectors, &spec, &s->gradients));
  spec.transport = NEURLP_TRANSPORT_DIRECT;
  spec.count = NEURLP_TRAINING_SCALARS;
  spec.single = false;
  status = neurlp_reduce_create(s->data.comm, s->context, &host, &spec, &s->scalars);
done:
  return status;
}

static neurlp_status read_schedule(const neurlp_network_study *s, neurlp_schedule *schedule) {
  const neurlp_deck *deck = s->data.job->deck;
  const double rate = neurlp_deck_number(deck, "train.learning_rate");
  neurlp_schedule_kind kind;
  neurlp_status status = neurlp_schedule_find(s->context, neurlp_deck_text(deck, "train.schedule"), &kind);
  if (status < 0) return status;
  *schedule = neurlp_schedule_defaults(kind, rate);
  schedule->warm_up = neurlp_deck_integer(deck, "train.warmup");
  schedule->every = schedule->patience = neurlp_deck_integer(deck, "train.schedule_every");
  schedule->gamma = schedule->factor = neurlp_deck_number(deck, "train.schedule_factor");
  schedule->floor = rate * neurlp_deck_number(deck, "train.schedule_floor");
  const int64_t rest = neurlp_deck_integer(deck, "train.epochs") - schedule->warm_up;
  schedule->length = rest > 0 ? rest : 1;
  if (kind == NEURLP_SCHEDULE_PLATEAU && schedule->factor >= 1)
    return neurlp_deck_fail(s->context, deck, "train.schedule_factor", -1, 0,
                            "a plateau's factor is below 1");
  return neurlp_schedule_check(s->context, schedule);
}

static neurlp_status read_options(const neurlp_network_study *s, neurlp_training_options *o) {
  const neurlp_deck *deck = s->data.job->deck;
  const char *name = neurlp_deck_text(deck, "train.optimizer"),
             *by = neurlp_deck_text(deck, "train.threshold_by");
  neurlp_status status = NEURLP_SUCCESS;
  *o = (neurlp_training_options){.weights_rate = neurlp_deck_number(deck, "train.weights_rate"),
                                 .clip = neurlp_deck_number(deck, "train.clip"),
                                 .epochs = neurlp_deck_integer(deck, "train.epochs"),
                                 .cycles = neurlp_deck_integer(deck, "train.cycles"),
                                 .patience = neurlp_deck_integer(deck, "train.patience"),
                                 .threshold = neurlp_deck_number(deck, "train.threshold"),
                                 .explosion = neurlp_deck_number(deck, "train.explosion"),
                                 .seed = (uint64_t)neurlp_deck_integer(deck, "run.seed")};
  o->threshold_by = !strcmp(by, "contribution") ? NEURLP_THRESHOLD_CONTRIBUTION
                    : !strcmp(by, "z")          ? NEURLP_THRESHOLD_Z
                                                : NEURLP_THRESHOLD_SIZE;
  NEURLP_TRY(neurlp_optimiser_defaults(s->context, strcmp(name, "lbfgs") ? name : "sgd", &o->optimiser));
  o->optimiser.name = name;
  o->optimiser.rate = neurlp_deck_number(deck, "train.learning_rate");
  o->optimiser.momentum =
      strcmp(name, "sgd") ? o->optimiser.momentum : neurlp_deck_number(deck, "train.momentum");
  o->optimiser.weight_decay = neurlp_deck_number(deck, "train.weight_decay");
  status = read_schedule(s, &o->schedule);
done:
  return status;
}

/* Weights in closed form need one left-hand side for all windows and states (graph/projection.h), and squares
 * to minimise. */
static neurlp_status check_solving(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  int32_t squares = 0;
  if (w->rhs.kind != NEURLP_SOURCE_LIBRARY || w->coefficients.kind != NEURLP_SOURCE_CONSTANT ||
      w->steps.kind != NEURLP_SOURCE_CONSTANT)
    return neurlp_deck_fail(s->context, deck, "inputs.weights", -1, 0,
                            "weights can be solved for where the right-hand side is the library, and "
                            "coefficients and steps are constant; leave 'solve' out, or change these");
  for (int32_t i = 0; i < w->loss_count; i++) {
    const neurlp_loss_spec *loss = &w->losses[i];
    if (loss->of == NEURLP_LOSS_OF_WEIGHTS ||
        (loss->of == NEURLP_LOSS_OF_SOLUTION && loss->measure != NEURLP_MEASURE_SQUARE))
      return neurlp_deck_fail(
          s->context, deck, "loss", -1, 0,
          "weights are solved for by least squares, and loss %d is of another kind; leave "
          "it out, or 'solve' of inputs.weights",
          i);
    squares += loss->of == NEURLP_LOSS_OF_SOLUTION;
  }
  if (squares > 0) return NEURLP_SUCCESS;
  return neurlp_deck_fail(s->context, deck, "loss", -1, 0,
                          "weights are solved for from a loss of the solution, and there is none");
}

static neurlp_status make_solving(neurlp_network_study *s) {
  const neurlp_window_spec *z = &s->windows.spec;
  const neurlp_wiring *w = &s->wiring;
  neurlp_status status = NEURLP_SUCCESS;
  if (!w->weights.solved) return NEURLP_SUCCESS;
  NEURLP_TRY(check_solving(s));
  NEURLP_TRY(neurlp_allocate(s->context, (int64_t)z->dimensions * s->terms, sizeof *s->errors, &s->errors));
  for (int64_t i = 0; i < (int64_t)z->dimensions * s->terms; i++) s->errors[i] = NAN; /* not estimated yet */
  s->shards = (neurlp_mpi_exchange){.comm = s->data.comm, .bins = s->sampler.options.shards};
  neurlp_partition(s->shards.bins, s->data.rank, s->data.size, &s->shards.first_bin, &s->shards.bin_count);
  s->solving = (neurlp_solving_spec){.block = {.steps = (int32_t)z->window,
                                               .dimensions = z->dimensions,
                                               .terms = s->terms,
                                               .order = s->order,
                                               .initial_steps = w->initial_steps,
                                               .initial_derivatives = w->initial_derivatives,
                                               .formulation = s->formulation,
                                               .coefficients = w->coefficients.numbers,
                                               .step_sizes = w->steps.numbers,
                                               .constant_coefficients = true,
                                               .constant_steps = true},
                                     .exchange = neurlp_exchange_mpi(&s->shards),
                                     .shards = s->shards.bins,
                                     .first_shard = s->shards.first_bin,
                                     .shard_count = s->shards.bin_count,
                                     .scale = s->weight_scale,
                                     .loss_count = w->loss_count,
                                     .losses = w->losses,
                                     .overlap = fmax(1, (double)z->window / (double)z->stride),
                                     .errors = s->errors};
  s->training.solving = &s->solving;
  status = neurlp_solving_bytes(s->context, &s->solving, s->sampler.shard, &s->solving_bytes);
done:
  return status;
}

static neurlp_status make_training(neurlp_network_study *s) {
  neurlp_status status = NEURLP_SUCCESS;
  s->training = (neurlp_training_spec){.model = &s->model,
                                       .windows = &s->windows,
                                       .sampler = &s->sampler,
                                       .order = s->order_of_windows,
                                       .gradients = neurlp_reduce_table(s->gradients),
                                       .scalars = neurlp_reduce_table(s->scalars),
                                       .terms = s->terms,
                                       .dimensions = s->data.dimensions,
                                       .term_size = s->term_size};
  NEURLP_TRY(read_options(s, &s->training.options));
  if (s->training.options.threshold_by == NEURLP_THRESHOLD_Z && !s->wiring.weights.solved)
    return neurlp_deck_fail(s->context, s->data.job->deck, "train.threshold_by", -1, 0,
                            "only weights that are solved for have standard errors: "
                            "inputs.weights: {parameter: shared, solve: true}");
  status = make_solving(s);
done:
  return status;
}

/* ---- all together ------------------------------------------------------------------------------------ */

/* What needs no other rank, after the data are there. */
static neurlp_status prepare(neurlp_network_study *s, bool allocate) {
  const int64_t asked = neurlp_deck_integer(s->data.job->deck, "block.order");
  neurlp_status status = NEURLP_SUCCESS;
  s->order = asked > 0 ? (int32_t)asked : 2;
  NEURLP_TRY(find_step(s));
  NEURLP_TRY(cut_windows(s));
  NEURLP_TRY(read_wiring(s));
  NEURLP_TRY(check_wiring(s));
  NEURLP_TRY(check_seen(s));
  status = neurlp_network_plan_forecast(s);
  if (status != NEURLP_SUCCESS) goto done;
  s->leading = leading_derivative(s);
  choose_formulation(s);
  NEURLP_TRY(make_library(s));
  NEURLP_TRY(neurlp_network_load_scales(s));
  NEURLP_TRY(neurlp_network_truth_prepare(s));
  NEURLP_TRY(make_sampler(s));
  NEURLP_TRY(make_model(s, allocate));
  if (neurlp_graph_parameter_count(s->model.graph) == 0)
    return neurlp_deck_fail(s->context, s->data.job->deck, "inputs.coefficients", -1, 0,
                            "there is nothing to train: no input of the block comes from a network or a "
                            "parameter");
  status = neurlp_network_load_parameters(s, allocate);
done:
  return status;
}

neurlp_status neurlp_network_study_open(MPI_Comm comm, neurlp_job *job, bool allocate,
                                        neurlp_network_study *s) {
  const double begin = MPI_Wtime();
  neurlp_status status = NEURLP_SUCCESS;
  *s = (neurlp_network_study){.context = job->context};
  NEURLP_TRY(neurlp_study_open_data(comm, job, &s->data));
  NEURLP_TRY(read_all(s));
  s->seconds_reading = MPI_Wtime() - begin;
  NEURLP_TRY(neurlp_agree(comm, s->context, prepare(s, allocate)));
  NEURLP_TRY(make_reducers(s));
  NEURLP_TRY(neurlp_agree(comm, s->context, make_training(s)));
  s->seconds_preparing = MPI_Wtime() - begin - s->seconds_reading;
done:
  return status;
}

void neurlp_network_study_close(neurlp_network_study *s) {
  if (!s->context) return;
  neurlp_reduce_destroy(&s->gradients);
  neurlp_reduce_destroy(&s->scalars);
  neurlp_network_model_destroy(&s->model);
  neurlp_windows_release(&s->windows);
  neurlp_release(s->context, &s->states);
  neurlp_release(s->context, &s->clean);
  neurlp_release(s->context, &s->validation);
  neurlp_release(s->context, &s->true_weights);
  neurlp_release(s->context, &s->model_path);
  neurlp_release(s->context, &s->numbers);
  neurlp_release(s->context, &s->forecast.first);
  neurlp_release(s->context, &s->weight_scale);
  neurlp_release(s->context, &s->term_size);
  neurlp_release(s->context, &s->mask);
  neurlp_release(s->context, &s->order_of_windows);
  neurlp_release(s->context, &s->errors);
  neurlp_study_close(&s->data);
}
