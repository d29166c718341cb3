/* Weights of a library that are solved for while a network is trained: where the data are the states, those
 * of a least-squares problem in closed form; with a network, none that would lower the loss; shards; dropped
 * terms; the loss of the rest falls. */
#include "learn/network/network_train.h"
#include "learn/shard_sum.h"
#include "support/check.h"

#include "core/random.h"
#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOWS = 24, STEPS = 9, TERMS = 2, DIMENSIONS = 2, SHARD = 3 };

static const double H = 0.125;
static neurlp_context *context;

static void must(neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

static double draw(int32_t stream, int64_t i) {
  return neurlp_random_normal(23, NEURLP_RANDOM_TEST, stream, i);
}

/* x = a + b t with noise, y = something; the library is 1, x. `noise` of x makes a network worth its while.
 */
static void make_data(double noise, double *states) {
  for (int64_t s = 0; s < WINDOWS; s++)
    for (int64_t t = 0; t < STEPS; t++) {
      const double time = (double)t * H, a = draw(0, s), b = draw(1, s);
      const int64_t i = s * STEPS + t;
      states[i * DIMENSIONS] = a + b * time + noise * draw(2, i);
      states[i * DIMENSIONS + 1] = 0.5 * time - 2 * (a * time + b * time * time / 2) + 0.1 * draw(3, i);
    }
}

/* ---- a training -------------------------------------------------------------------------------------- */

typedef struct trial {
  double states[WINDOWS * STEPS * DIMENSIONS];
  neurlp_windows windows;
  neurlp_sampler sampler;
  neurlp_network_model model;
  neurlp_shard_sum gradients, scalars;
  neurlp_solving_spec solving;
  int64_t shards;
  double scale[DIMENSIONS * TERMS], errors[DIMENSIONS * TERMS], mask[DIMENSIONS * TERMS];
  double weights[DIMENSIONS * TERMS], first, last; /* losses of the first and the last epoch */
  neurlp_training_result result;
} trial;

static const double coefficients[] = {0, 1, 0};
static neurlp_layer_spec layers[] = {
    {.kind = NEURLP_LAYER_FLATTEN}, {.kind = NEURLP_LAYER_DENSE, .width = 6}, {.kind = NEURLP_LAYER_DENSE}};
static neurlp_network_spec network = {.name = "denoise", .layer_count = 3, .layers = layers};
static neurlp_loss_spec losses[] = {
    {.of = NEURLP_LOSS_OF_SOLUTION, .weight = 1},
    {.of = NEURLP_LOSS_OF_SOLUTION, .weight = 0.5, .first = 2, .against_states = true}};

static neurlp_wiring wiring_of(bool with_network) {
  return (neurlp_wiring){
      .network_count = 1,
      .networks = &network,
      .states = {.kind = with_network ? NEURLP_SOURCE_NETWORK : NEURLP_SOURCE_DATA, .residual = with_network},
      .coefficients = {.kind = NEURLP_SOURCE_CONSTANT,
                       .number_count = 3,
                       .numbers = (double *)(uintptr_t)coefficients},
      .rhs = {.kind = NEURLP_SOURCE_LIBRARY},
      .weights = {.kind = NEURLP_SOURCE_PARAMETER, .solved = true},
      .initial_values = {.kind = NEURLP_SOURCE_STATES},
      .steps = {.kind = NEURLP_SOURCE_CONSTANT, .number_count = 1, .numbers = (double *)(uintptr_t)&H},
      .initial_steps = 1,
      .initial_derivatives = 1,
      .loss_count = with_network ? 2 : 1,
      .losses = losses};
}

static void make_model(trial *z, const neurlp_wiring *wiring) {
  static const char *const names[] = {"x", "y"}, *const texts[] = {"1", "x"};
  const neurlp_network_model_spec spec = {.wiring = wiring,
                                          .precision = NEURLP_DOUBLE,
                                          .samples = z->sampler.shard,
                                          .steps = STEPS,
                                          .dimensions = DIMENSIONS,
                                          .order = 2,
                                          .formulation = neurlp_formulation_default(),
                                          .states = {DIMENSIONS, names},
                                          .terms = TERMS,
                                          .texts = texts,
                                          .center = z->windows.center,
                                          .spread = z->windows.spread,
                                          .weight_scale = z->scale};
  must(neurlp_network_model_create(context, &spec, &z->model));
  must(neurlp_graph_finish(z->model.graph, true));
  must(neurlp_training_initialise(&z->model, 5));
}

static void make_solving(trial *z, const neurlp_wiring *wiring) {
  z->solving = (neurlp_solving_spec){.block = {.steps = STEPS,
                                               .dimensions = DIMENSIONS,
                                               .terms = TERMS,
                                               .order = 2,
                                               .initial_steps = 1,
                                               .initial_derivatives = 1,
                                               .formulation = neurlp_formulation_default(),
                                               .coefficients = coefficients,
                                               .step_sizes = &H,
                                               .constant_coefficients = true,
                                               .constant_steps = true},
                                     .exchange = neurlp_exchange_alone(&z->shards),
                                     .shards = z->shards,
                                     .shard_count = z->shards,
                                     .scale = z->scale,
                                     .loss_count = wiring->loss_count,
                                     .losses = wiring->losses,
                                     .overlap = 1,
                                     .errors = z->errors};
}

static void make_sums(trial *z) {
  const neurlp_vectors host = neurlp_vectors_host(context);
  neurlp_shard_sum_spec spec = {
      .shards = z->shards, .shard_count = z->shards, .count = NEURLP_TRAINING_SCALARS};
  must(neurlp_shard_sum_create(context, &host, &spec, &z->scalars));
  spec.count = neurlp_graph_parameter_count(z->model.graph);
  must(neurlp_shard_sum_create(context, &host, &spec, &z->gradients));
}

static void open_trial(trial *z, bool with_network, int64_t shards, int64_t batch) {
  const neurlp_wiring wiring = wiring_of(with_network);
  memset(z, 0, sizeof *z);
  make_data(with_network ? 0.2 : 0, z->states);
  const neurlp_window_spec spec = {.systems = WINDOWS,
                                   .samples = STEPS,
                                   .dimensions = DIMENSIONS,
                                   .states = z->states,
                                   .window = STEPS,
                                   .stride = STEPS};
  const neurlp_sampler_options options = {
      .samples = WINDOWS, .batch = batch, .shards = shards, .shuffle = true, .seed = 3};
  z->shards = shards;
  for (int64_t i = 0; i < DIMENSIONS * TERMS; i++) {
    z->scale[i] = 0.5 + (double)i;
    z->mask[i] = 1;
  }
  must(neurlp_windows_create(context, &spec, &z->windows));
  must(neurlp_sampler_make(context, &options, &z->sampler));
  make_model(z, &wiring);
  make_solving(z, &wiring);
  make_sums(z);
}

static void close_trial(trial *z) {
  neurlp_shard_sum_release(&z->gradients);
  neurlp_shard_sum_release(&z->scalars);
  neurlp_network_model_destroy(&z->model);
  neurlp_windows_release(&z->windows);
}

static neurlp_status remember(void *user, const neurlp_epoch *epoch) {
  trial *z = user;
  if (epoch->cycle == 0 && epoch->epoch == 0) z->first = epoch->training;
  z->last = epoch->training;
  return NEURLP_SUCCESS;
}

static void train(trial *z, int64_t epochs, int64_t cycles) {
  neurlp_training_spec spec = {.model = &z->model,
                               .windows = &z->windows,
                               .sampler = &z->sampler,
                               .gradients = neurlp_reducer_alone(&z->gradients),
                               .scalars = neurlp_reducer_alone(&z->scalars),
                               .solving = &z->solving,
                               .options = {.weights_rate = 1,
                                           .epochs = epochs,
                                           .cycles = cycles,
                                           .threshold = 20,
                                           .threshold_by = NEURLP_THRESHOLD_Z,
                                           .explosion = 1e6},
                               .terms = TERMS,
                               .dimensions = DIMENSIONS,
                               .report = remember,
                               .user = z};
  must(neurlp_optimiser_defaults(context, "adam", &spec.options.optimiser));
  spec.options.schedule = neurlp_schedule_defaults(NEURLP_SCHEDULE_CONSTANT, 3e-3);
  must(neurlp_training_run(&spec, z->mask, &z->result));
  must(neurlp_graph_read(z->model.graph, z->model.weights, z->weights));
}

/* ---- checks ------------------------------------------------------------------------------------------ */

/* Row (s, t) of dimension k: columns t and a t + b t^2 / 2, and what they are to give. */
static void row_of(const double *states, int64_t k, int64_t s, int64_t t, double row[3]) {
  const double time = (double)t * H, *first = states + s * STEPS * DIMENSIONS;
  row[0] = time;
  row[1] = draw(0, s) * time + draw(1, s) * time * time / 2;
  row[2] = first[t * DIMENSIONS + k] - first[k];
}

/* Least squares by the normal equations of two unknowns; returns the sum of squares that is left. */
static double expected(const double *states, int64_t k, double w[TERMS], double errors[TERMS]) {
  double g[3] = {0}, r[2] = {0}, row[3], left = 0;
  for (int64_t i = 0; i < WINDOWS * STEPS; i++) {
    row_of(states, k, i / STEPS, i % STEPS, row);
    g[0] += row[0] * row[0];
    g[1] += row[0] * row[1];
    g[2] += row[1] * row[1];
    r[0] += row[0] * row[2];
    r[1] += row[1] * row[2];
  }
  const double determinant = g[0] * g[2] - g[1] * g[1];
  w[0] = (g[2] * r[0] - g[1] * r[1]) / determinant;
  w[1] = (g[0] * r[1] - g[1] * r[0]) / determinant;
  for (int64_t i = 0; i < WINDOWS * STEPS; i++) {
    row_of(states, k, i / STEPS, i % STEPS, row);
    left += pow(row[2] - w[0] * row[0] - w[1] * row[1], 2);
  }
  errors[0] = sqrt(left / (WINDOWS * STEPS - TERMS) * g[2] / determinant);
  errors[1] = sqrt(left / (WINDOWS * STEPS - TERMS) * g[0] / determinant);
  return left;
}

/* The columns' condition is below 100, its square multiplies the rounding of the normal equations. */
static void check_alone(void) {
  const double bound = 1e4 * WINDOWS * STEPS * DBL_EPSILON;
  double w[TERMS], errors[TERMS], worst = 0, worst_error = 0, loss = 0;
  trial z;
  open_trial(&z, false, 4, 4 * SHARD);
  train(&z, 50, 1);
  for (int64_t k = 0; k < DIMENSIONS; k++) {
    loss += expected(z.states, k, w, errors) / (WINDOWS * STEPS * DIMENSIONS) / pow(z.windows.spread[k], 2);
    for (int64_t l = 0; l < TERMS; l++) {
      worst = fmax(worst, fabs(z.weights[k * TERMS + l] - w[l]) / hypot(w[0], w[1]));
      worst_error = fmax(worst_error, fabs(z.errors[k * TERMS + l] / errors[l] - 1));
    }
  }
  check_below("data as states: weights against least squares", worst, bound);
  check_below("data as states: standard errors, relative", worst_error, bound);
  check_below("data as states: loss, relative", fabs(z.result.training / loss - 1), bound);
  check_equal("data as states: epochs that it took", z.result.epochs, 0);
  close_trial(&z);
}

/* Terms that are insignificant are dropped: x' does not need x, nor does y' = 0.5 - 2 x lose any. */
static void check_drop(void) {
  trial z;
  open_trial(&z, false, 2, 6 * SHARD);
  train(&z, 1, 3);
  check_true("thresholds by standard errors: y' keeps both terms", z.mask[2] == 1 && z.mask[3] == 1);
  check_true("thresholds by standard errors: x' loses both", z.mask[0] == 0 && z.mask[1] == 0);
  check_true("dropped terms have weight 0 exactly", z.weights[0] == 0 && z.weights[1] == 0);
  close_trial(&z);
}

/* The loss's derivative with respect to the weights, over all windows, in units of the sum of what it adds
 * up: each window's is below the root of its loss times its columns, 10 at most. */
static void check_with_network(int64_t shards, int64_t batch, double *weights) {
  double sum[DIMENSIONS * TERMS] = {0}, part[DIMENSIONS * TERMS], worst = 0;
  trial z;
  open_trial(&z, true, shards, batch);
  train(&z, 40, 1);
  const int64_t each = STEPS * DIMENSIONS, samples = z.sampler.shard;
  double *data = calloc((size_t)(samples * each), sizeof *data);
  for (int64_t first = 0; data && first < WINDOWS; first += samples) {
    for (int64_t i = 0; i < samples; i++)
      memcpy(data + i * each, z.states + (first + i) * each, (size_t)each * sizeof *data);
    must(neurlp_graph_write(z.model.graph, z.model.data, data));
    must(neurlp_graph_write(z.model.graph, z.model.target, data));
    must(neurlp_graph_begin(z.model.graph, samples, 1.0 / WINDOWS));
    must(neurlp_graph_forward(z.model.graph));
    must(neurlp_graph_backward(z.model.graph));
    must(neurlp_graph_read_gradient(z.model.graph, neurlp_graph_find(z.model.graph, "weights"), part));
    for (int64_t i = 0; i < DIMENSIONS * TERMS; i++) sum[i] += part[i];
  }
  free(data);
  for (int64_t i = 0; i < DIMENSIONS * TERMS; i++) worst = fmax(worst, fabs(sum[i]));
  check_below("a network: the loss has no slope in the weights", worst,
              1e5 * DBL_EPSILON * sqrt(z.result.training));
  check_below("a network: loss of the last epoch over that of the first", z.last / z.first, 0.8);
  check_equal("a network: epochs", z.result.epochs, 40);
  memcpy(weights, z.weights, sizeof z.weights);
  close_trial(&z);
}

int main(void) {
  double one[DIMENSIONS * TERMS], four[DIMENSIONS * TERMS], worst = 0;
  must(neurlp_context_create(1, &context));
  check_alone();
  check_drop();
  check_with_network(1, WINDOWS, one);
  check_with_network(4, WINDOWS, four);
  /* sums in another order, and 40 steps that make more of the difference */
  for (int64_t i = 0; i < DIMENSIONS * TERMS; i++) worst = fmax(worst, fabs(one[i] - four[i]));
  check_below("a network: weights from 1 and 4 shards", worst, 1e-8);
  check_with_network(2, 8, one);
  neurlp_context_destroy(&context);
  return check_verdict();
}
