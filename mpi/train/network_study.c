#include "train/network_study.h"

#include "comm.h"
#include "learn/network/network_split.h"
#include "log_view.h"
#include "study/study_model.h"
#include "train/network_forecast_plan.h"
#include "train/network_load.h"
#include "train/network_options.h"
#include "train/network_scales.h"
#include "train/network_tao.h"
#include "train/network_truth.h"
#include "train/network_wiring.h"

#include <math.h>
#include <string.h>

/* ---- data -------------------------------------------------------------------------------------------- */

/* This rank's systems. */
static int64_t first_system(const neurlp_network_study *s) {
  return s->data.plan.first_system;
}

static int64_t system_count(const neurlp_network_study *s) {
  return s->data.plan.end_system - s->data.plan.first_system;
}

/* Collective. Places in the node's memory. */
static neurlp_status open_memory(neurlp_network_study *s) {
  const neurlp_study *d = &s->data;
  const int64_t samples = d->systems * d->samples_each * d->dimensions;
  const int64_t others = d->systems * (1 + d->true_parameter_count);
  const bool clean = d->generated ? d->generated->clean : d->file->clean;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_node_memory_open(
      d->comm, s->context, ((clean ? 3 : 2) * samples + others) * (int64_t)sizeof *s->states, &s->node));
  s->states = (double *)(void *)s->node.memory;
  s->filled = s->states + samples;
  s->starts = s->filled + samples;
  s->true_parameters = s->starts + d->systems;
  if (clean) s->clean = s->true_parameters + d->systems * d->true_parameter_count;
done:
  return status;
}

/* Packed samples [N][D] of this rank's systems -> [S][samples][D], NaN past a trajectory's end. */
static void unpack(const neurlp_network_study *s, const double *packed, double *states) {
  const neurlp_study *d = &s->data;
  const int64_t row = d->samples_each * d->dimensions;
  states += first_system(s) * row;
  for (int64_t i = 0; i < system_count(s) * row; i++) states[i] = NAN;
  for (int64_t i = 0; i < system_count(s); i++) {
    const int64_t first = d->samples.offsets[i], count = d->samples.offsets[i + 1] - first;
    memcpy(states + i * row, packed + first * d->dimensions,
           (size_t)(count * d->dimensions) * sizeof *states);
  }
}

/* Collective. Batches take their windows from anywhere, so every node has all trajectories; each of its ranks
 * reads a part of them. */
static neurlp_status read_all(neurlp_network_study *s) {
  neurlp_study *d = &s->data;
  int64_t first = 0, count = 0;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(open_memory(s));
  neurlp_partition(d->systems, s->node.rank, s->node.size, &first, &count);
  d->repeats = !s->node.first;
  d->plan = (neurlp_plan){.first_system = first, .end_system = first + count};
  if (count == 0) d->plan.first_system = d->plan.end_system = 0;
  if (count > 0) d->plan.end_sample = d->lengths ? d->lengths[first + count - 1] : d->samples_each;
  NEURLP_TRY(neurlp_study_read(d));
  unpack(s, d->samples.states, s->states);
  if (s->clean) unpack(s, d->samples.clean, s->clean);
  for (int64_t i = 0; i < count; i++) {
    const int64_t at = d->samples.offsets[i];
    s->starts[first + i] = d->samples.offsets[i + 1] > at ? d->samples.times[at] : NAN;
  }
  if (count > 0)
    memcpy(s->true_parameters + first * d->true_parameter_count, d->true_parameters,
           (size_t)(count * d->true_parameter_count) * sizeof(double));
  neurlp_node_memory_settle(&s->node);
done:
  return status;
}

/* Collective over a node. The first two samples of the first trajectory that has two; 0: there is none. */
static double first_step(const neurlp_network_study *s) {
  const neurlp_samples *x = &s->data.samples;
  double mine = 0, step = 0;
  for (int64_t i = 0; i < system_count(s) && mine == 0; i++)
    if (x->offsets[i + 1] - x->offsets[i] > 1) mine = x->times[x->offsets[i] + 1] - x->times[x->offsets[i]];
  if (!s->node.shared) return mine;
  int from = mine != 0 ? s->node.rank : s->node.size - 1;
  MPI_Allreduce(MPI_IN_PLACE, &from, 1, MPI_INT, MPI_MIN, s->node.comm);
  step = mine;
  MPI_Bcast(&step, 1, MPI_DOUBLE, from, s->node.comm);
  return step;
}

/* Windows are on one grid, so the samples have to be evenly spaced, up to the digits that files of text have
 * for times. */
static neurlp_status check_steps(const neurlp_network_study *s) {
  const neurlp_samples *x = &s->data.samples;
  for (int64_t i = 0; i < system_count(s); i++)
    for (int64_t t = x->offsets[i]; t + 1 < x->offsets[i + 1]; t++) {
      const double step = x->times[t + 1] - x->times[t];
      if (fabs(step - s->step) <= 1e-4 * s->step) continue;
      return neurlp_fail(
          s->context, NEURLP_ERROR_DATA,
          "trajectory %lld has samples %.17g apart at sample %lld, and the first two are %.17g apart; "
          "task 'train' needs samples that are evenly spaced (missing ones may be NaN)",
          (long long)(first_system(s) + i), step, (long long)(t - x->offsets[i]), s->step);
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

/* What windows are cut from, and how. */
static neurlp_status describe_windows(const neurlp_network_study *s, neurlp_window_spec *spec) {
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
  *spec = (neurlp_window_spec){.systems = s->data.systems - kept,
                               .samples = s->data.samples_each,
                               .dimensions = s->data.dimensions,
                               .lengths = s->data.lengths,
                               .states = s->states,
                               .filled = s->filled,
                               .window = window,
                               .stride = stride > 0 ? stride : window,
                               .alike = are_alike(deck),
                               .held_back = neurlp_deck_number(deck, "train.test")};
  return NEURLP_SUCCESS;
}

/* Fills the gaps of this rank's trajectories, as far as these are trained with. */
static neurlp_status fill_gaps(const neurlp_network_study *s, const neurlp_window_spec *spec) {
  const int64_t first = first_system(s);
  const int64_t end = first + system_count(s) < spec->systems ? first + system_count(s) : spec->systems;
  return first < end ? neurlp_windows_fill(s->context, spec, first, end - first) : NEURLP_SUCCESS;
}

/* Collective. */
static neurlp_status cut_windows(neurlp_network_study *s) {
  neurlp_window_spec spec;
  neurlp_status status = NEURLP_SUCCESS;
  s->step = first_step(s);
  status = check_steps(s);
  if (status >= 0) status = describe_windows(s, &spec);
  if (status >= 0) status = fill_gaps(s, &spec);
  NEURLP_TRY(neurlp_agree(s->data.comm, s->context, status));
  neurlp_node_memory_settle(&s->node);
  status = neurlp_agree(s->data.comm, s->context, neurlp_windows_create(s->context, &spec, &s->windows));
done:
  return status;
}

/* ---- the model --------------------------------------------------------------------------------------- */

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
  const char *optimizer = neurlp_deck_text(deck, "train.optimizer");
  const bool whole = !strcmp(optimizer, "lbfgs") || !strcmp(optimizer, "tao");
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

/* Linearised blocks are made of the library and of nothing else, and are compared with the data. */
static neurlp_status check_newton(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  const neurlp_deck *deck = s->data.job->deck;
  const int64_t weights = (int64_t)s->data.dimensions * s->terms;
  const char *why = NULL;
  if (neurlp_graph_parameter_count(s->model.graph) != weights || w->states.kind != NEURLP_SOURCE_DATA)
    why = "finds weights of the library, and more is trained; leave networks and other parameters out";
  else if (w->loss_count != 1 || w->losses[0].against_states || w->losses[0].first != 0 ||
           (w->losses[0].end != 0 && w->losses[0].end != s->windows.spec.window))
    why = "compares solutions with all samples of a window: loss: [{of: solution}]";
  else if (s->leading < 1)
    why = "needs a differential equation, and inputs.coefficients has no derivative";
  else if (s->formulation.smoothness != NEURLP_SMOOTHNESS_HERMITE)
    why = "is there for block.formulation: hermite";
  if (!why) return NEURLP_SUCCESS;
  return neurlp_deck_fail(s->context, deck, "train.refine_by", -1, 0, "'newton' %s", why);
}

static neurlp_status make_newton(neurlp_network_study *s) {
  neurlp_status status = NEURLP_SUCCESS;
  if (s->training.options.refinements == 0 ||
      strcmp(neurlp_deck_text(s->data.job->deck, "train.refine_by"), "newton") != 0)
    return NEURLP_SUCCESS;
  NEURLP_TRY(check_newton(s));
  s->newton = (neurlp_newton_spec){.library = s->data.model,
                                   .order = s->order,
                                   .leading = s->leading,
                                   .coefficients = s->wiring.coefficients.numbers,
                                   .step = s->wiring.steps.numbers[0],
                                   .weight_top = s->formulation.weight_top,
                                   .training = s->sampler.training,
                                   .chosen = s->order_of_windows,
                                   .exchange = s->solving.exchange,
                                   .shards = s->solving.shards,
                                   .first_shard = s->solving.first_shard,
                                   .shard_count = s->solving.shard_count,
                                   .overlap = s->solving.overlap};
  s->training.newton = &s->newton;
done:
  return status;
}

/* Solutions can stand for data where all of them are seen, and the weights are those that fit best. */
static neurlp_status check_refining(const neurlp_network_study *s) {
  const neurlp_wiring *w = &s->wiring;
  if (w->weights.solved && w->seen == s->windows.spec.window) return NEURLP_SUCCESS;
  return neurlp_deck_fail(
      s->context, s->data.job->deck, "train.refinements", -1, 0,
      w->weights.solved
          ? "solutions can stand for the data where the whole window is seen; leave inputs.seen out"
          : "solutions stand for the data once weights are solved for from these: "
            "inputs.weights: {parameter: shared, solve: true}");
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
  NEURLP_TRY(neurlp_network_options(s, &s->training.options));
  if (s->training.options.refinements > 0) {
    NEURLP_TRY(check_refining(s));
    NEURLP_TRY(neurlp_windows_refine(&s->windows));
  }
  if (s->training.options.threshold_by == NEURLP_THRESHOLD_Z && !s->wiring.weights.solved)
    return neurlp_deck_fail(s->context, s->data.job->deck, "train.threshold_by", -1, 0,
                            "only weights that are solved for have standard errors: "
                            "inputs.weights: {parameter: shared, solve: true}");
  NEURLP_TRY(make_solving(s));
  status = make_newton(s);
done:
  return status;
}

/* ---- all together ------------------------------------------------------------------------------------ */

/* What needs no other rank, after the data are there. */
static neurlp_status prepare(neurlp_network_study *s, bool allocate) {
  const int64_t asked = neurlp_deck_integer(s->data.job->deck, "block.order");
  neurlp_status status = NEURLP_SUCCESS;
  s->order = asked > 0 ? (int32_t)asked : 2;
  NEURLP_TRY(neurlp_network_read_wiring(s));
  NEURLP_TRY(neurlp_network_check_wiring(s));
  status = neurlp_network_plan_forecast(s);
  if (status != NEURLP_SUCCESS) goto done;
  s->leading = neurlp_network_leading_derivative(s);
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
  neurlp_log_view_stage("read");
  const double begin = MPI_Wtime();
  neurlp_status status = NEURLP_SUCCESS;
  *s = (neurlp_network_study){.context = job->context};
  NEURLP_TRY(neurlp_study_open_data(comm, job, &s->data));
  s->data.sketch = !allocate;
  NEURLP_TRY(read_all(s));
  s->seconds_reading = MPI_Wtime() - begin;
  neurlp_log_view_stage("prepare");
  NEURLP_TRY(cut_windows(s));
  NEURLP_TRY(neurlp_agree(comm, s->context, prepare(s, allocate)));
  NEURLP_TRY(make_reducers(s));
  NEURLP_TRY(neurlp_agree(comm, s->context, make_training(s)));
  NEURLP_TRY(neurlp_network_use_tao(s, &s->training.options));
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
  neurlp_node_memory_release(&s->node);
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
