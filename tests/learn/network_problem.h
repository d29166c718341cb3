/* A small training with everything that one needs, for tests: trajectories of x' = 1 - x/2, y' = x - y with
 * some deterministic noise, windows, a model, a sampler, the reducers of a single process. */
#ifndef TESTS_LEARN_NETWORK_PROBLEM_H
#define TESTS_LEARN_NETWORK_PROBLEM_H

#include "core/random.h"
#include "learn/network/network_split.h"
#include "learn/network/network_train.h"
#include "learn/shard_sum.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { PROBLEM_SYSTEMS = 5, PROBLEM_SAMPLES = 24, PROBLEM_STATES = 2, PROBLEM_TERMS = 3, PROBLEM_WINDOW = 8 };

typedef struct problem_options {
  const char *optimiser; /* NULL: adam */
  double rate, momentum, validation, noise, explosion;
  int64_t epochs, cycles, batch, shards, patience;
  double threshold, drop_share;
  bool network; /* the state estimate is one: else all that is trained are the weights of the library */
  bool single;
  double huge; /* not 0: x at sample 13 of trajectory 2; the library's last term is then exp(x) */
} problem_options;

typedef struct network_problem {
  neurlp_context *context;
  double states[PROBLEM_SYSTEMS * PROBLEM_SAMPLES * PROBLEM_STATES];
  double mask[PROBLEM_STATES * PROBLEM_TERMS], term_size[PROBLEM_TERMS];
  neurlp_windows windows;
  int64_t *order;
  neurlp_layer_spec layers[4];
  neurlp_network_spec network;
  neurlp_loss_spec losses[2];
  double coefficients[3], step;
  neurlp_wiring wiring;
  neurlp_network_model model;
  neurlp_sampler sampler;
  neurlp_shard_sum gradients, scalars;
  neurlp_training_spec training;
} network_problem;

static inline void problem_must(neurlp_context *context, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

/* On the backend of NEURLP_TEST_BACKEND, or cpu. */
static inline neurlp_context *problem_context(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  neurlp_context *context = NULL;
  problem_must(NULL, neurlp_context_create(1, &context));
  if (backend) problem_must(context, neurlp_context_set_backend(context, backend));
  return context;
}

/* What a device holds is freed with the context; the rest is to be free before. */
static inline void problem_close_context(neurlp_context **context) {
  if (strncmp(neurlp_context_backend(*context), "cpu", 3) == 0)
    check_equal("memory that is left", neurlp_context_memory(*context).blocks, 0);
  neurlp_context_destroy(context);
}

static inline void problem_fill(network_problem *p, const problem_options *o) {
  for (int64_t s = 0; s < PROBLEM_SYSTEMS; s++)
    for (int64_t t = 0; t < PROBLEM_SAMPLES; t++) {
      const double time = 0.1 * (double)t, begin = 0.2 + 0.3 * (double)s, decay = exp(-time / 2);
      const double x = 2 + (begin - 2) * decay;
      double *state = p->states + (s * PROBLEM_SAMPLES + t) * PROBLEM_STATES;
      state[0] = x + o->noise * neurlp_random_normal(1, NEURLP_RANDOM_TEST, s, 2 * t);
      state[1] = 2 + 2 * (begin - 2) * decay + (1 - 2 * begin + 2) * exp(-time) +
                 o->noise * neurlp_random_normal(1, NEURLP_RANDOM_TEST, s, 2 * t + 1);
    }
  if (o->huge != 0) p->states[(2 * PROBLEM_SAMPLES + 13) * PROBLEM_STATES] = o->huge;
}

static inline void problem_wire(network_problem *p, const problem_options *o) {
  p->coefficients[1] = 1;
  p->step = 0.1;
  p->layers[0] = (neurlp_layer_spec){.kind = NEURLP_LAYER_FLATTEN};
  p->layers[1] = (neurlp_layer_spec){.kind = NEURLP_LAYER_DENSE, .width = 6};
  p->layers[2] = (neurlp_layer_spec){.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_TANH};
  p->layers[3] = (neurlp_layer_spec){.kind = NEURLP_LAYER_DENSE};
  p->network = (neurlp_network_spec){.name = "denoise", .layer_count = 4, .layers = p->layers};
  p->losses[0] = (neurlp_loss_spec){.of = NEURLP_LOSS_OF_SOLUTION, .weight = 1};
  p->losses[1] = (neurlp_loss_spec){.of = NEURLP_LOSS_OF_STATES, .weight = 1};
  p->wiring = (neurlp_wiring){
      .network_count = 1,
      .networks = &p->network,
      .states = {.kind = o->network ? NEURLP_SOURCE_NETWORK : NEURLP_SOURCE_DATA, .residual = o->network},
      .coefficients = {.kind = NEURLP_SOURCE_CONSTANT, .number_count = 3, .numbers = p->coefficients},
      .rhs = {.kind = NEURLP_SOURCE_LIBRARY},
      .weights = {.kind = NEURLP_SOURCE_PARAMETER},
      .initial_values = {.kind = NEURLP_SOURCE_STATES},
      .steps = {.kind = NEURLP_SOURCE_CONSTANT, .number_count = 1, .numbers = &p->step},
      .initial_steps = 1,
      .initial_derivatives = 1,
      .loss_count = o->network ? 2 : 1,
      .losses = p->losses};
}

static inline void problem_model(network_problem *p, const problem_options *o) {
  static const char *const names[] = {"x", "y"}, *const terms[] = {"1", "x", "y"};
  static const char *const wild[] = {"1", "x", "exp(x)"};
  const neurlp_network_model_spec spec = {.wiring = &p->wiring,
                                          .precision = o->single ? NEURLP_SINGLE : NEURLP_DOUBLE,
                                          .samples = p->sampler.shard,
                                          .steps = PROBLEM_WINDOW,
                                          .dimensions = PROBLEM_STATES,
                                          .order = 2,
                                          .formulation = neurlp_formulation_default(),
                                          .states = {PROBLEM_STATES, names},
                                          .terms = PROBLEM_TERMS,
                                          .texts = o->huge != 0 ? wild : terms,
                                          .center = p->windows.center,
                                          .spread = p->windows.spread};
  problem_must(p->context, neurlp_network_model_create(p->context, &spec, &p->model));
  problem_must(p->context, neurlp_graph_finish(p->model.graph, true));
  problem_must(p->context, neurlp_training_initialise(&p->model, 7));
}

static inline void problem_reducers(network_problem *p) {
  const neurlp_vectors host = neurlp_vectors_host(p->context);
  neurlp_vectors vectors;
  neurlp_shard_sum_spec spec = {.shards = p->sampler.options.shards,
                                .shard_count = p->sampler.options.shards,
                                .count = neurlp_graph_parameter_count(p->model.graph),
                                .single = neurlp_graph_precision(p->model.graph) == NEURLP_SINGLE};
  problem_must(p->context, neurlp_vectors_of(p->context, &vectors));
  problem_must(p->context, neurlp_shard_sum_create(p->context, &vectors, &spec, &p->gradients));
  spec.count = NEURLP_TRAINING_SCALARS;
  spec.single = false;
  problem_must(p->context, neurlp_shard_sum_create(p->context, &host, &spec, &p->scalars));
}

static inline void problem_train_spec(network_problem *p, const problem_options *o) {
  const char *name = o->optimiser ? o->optimiser : "adam";
  p->training = (neurlp_training_spec){.model = &p->model,
                                       .windows = &p->windows,
                                       .sampler = &p->sampler,
                                       .order = p->order,
                                       .gradients = neurlp_reducer_alone(&p->gradients),
                                       .scalars = neurlp_reducer_alone(&p->scalars),
                                       .terms = PROBLEM_TERMS,
                                       .dimensions = PROBLEM_STATES,
                                       .term_size = p->term_size};
  neurlp_training_options *t = &p->training.options;
  *t = (neurlp_training_options){.schedule = neurlp_schedule_defaults(NEURLP_SCHEDULE_CONSTANT, o->rate),
                                 .weights_rate = 1,
                                 .epochs = o->epochs,
                                 .cycles = o->cycles > 0 ? o->cycles : 1,
                                 .patience = o->patience,
                                 .threshold = o->threshold,
                                 .drop_share = o->drop_share,
                                 .explosion = o->explosion > 0 ? o->explosion : 1e6};
  t->schedule.length = o->epochs;
  problem_must(p->context,
               neurlp_optimiser_defaults(p->context, strcmp(name, "lbfgs") ? name : "sgd", &t->optimiser));
  t->optimiser.name = name;
  t->optimiser.rate = o->rate;
  if (strcmp(name, "sgd") == 0) t->optimiser.momentum = o->momentum;
}

/* Ends the program where it fails. Close it with problem_close. */
static inline network_problem *problem_open(neurlp_context *context, const problem_options *o) {
  network_problem *p = calloc(1, sizeof *p);
  int64_t validation = 0;
  if (!p) exit(1);
  p->context = context;
  problem_fill(p, o);
  for (int32_t i = 0; i < PROBLEM_STATES * PROBLEM_TERMS; i++) p->mask[i] = 1;
  for (int32_t l = 0; l < PROBLEM_TERMS; l++) p->term_size[l] = 1;
  const neurlp_window_spec windows = {.systems = PROBLEM_SYSTEMS,
                                      .samples = PROBLEM_SAMPLES,
                                      .dimensions = PROBLEM_STATES,
                                      .states = p->states,
                                      .window = PROBLEM_WINDOW,
                                      .stride = PROBLEM_WINDOW};
  problem_must(context, neurlp_windows_create(context, &windows, &p->windows));
  problem_must(context, neurlp_allocate(context, p->windows.count, sizeof *p->order, &p->order));
  problem_must(context, neurlp_windows_split(&p->windows, o->validation, 3, p->order, &validation));
  const neurlp_sampler_options sampler = {.samples = p->windows.count,
                                          .batch = o->batch,
                                          .shards = o->shards > 0 ? o->shards : 1,
                                          .validation_count = validation,
                                          .split = NEURLP_SPLIT_LAST,
                                          .shuffle = o->batch < p->windows.count,
                                          .seed = 3};
  problem_must(context, neurlp_sampler_make(context, &sampler, &p->sampler));
  problem_wire(p, o);
  problem_model(p, o);
  problem_reducers(p);
  problem_train_spec(p, o);
  return p;
}

static inline void problem_close(network_problem *p) {
  neurlp_shard_sum_release(&p->gradients);
  neurlp_shard_sum_release(&p->scalars);
  neurlp_network_model_destroy(&p->model);
  neurlp_windows_release(&p->windows);
  neurlp_release(p->context, &p->order);
  free(p);
}

#endif
