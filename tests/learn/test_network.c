/* Networks around a block: windows and their split, layers, and the wiring, which is compared with the solver
 * and a network written down anew. */
#include "core/random.h"
#include "learn/network/network_evaluate.h"
#include "learn/network/network_layers.h"
#include "learn/network/network_split.h"
#include "learn/network/network_train.h"
#include "support/check.h"

#include <float.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static neurlp_context *context;

static void must(neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(context));
  exit(1);
}

/* The call fails, with these words. */
static void check_refused(const char *words, neurlp_status status, neurlp_status expected) {
  const char *message = neurlp_context_message(context);
  check_true(words, status == expected && strstr(message, words));
  if (status != expected || !strstr(message, words)) printf("status %d: %s\n", (int)status, message);
}

/* ---- windows ----------------------------------------------------------------------------------------- */

enum { SYSTEMS = 3, SAMPLES = 10, STATES = 2 };

static void fill_states(double states[SYSTEMS][SAMPLES][STATES]) {
  for (int32_t s = 0; s < SYSTEMS; s++)
    for (int32_t t = 0; t < SAMPLES; t++) {
      states[s][t][0] = 10 * s + t;
      states[s][t][1] = 0.1; /* constant, and no multiple of a power of two */
    }
}

static neurlp_window_spec spec_of(double states[SYSTEMS][SAMPLES][STATES]) {
  return (neurlp_window_spec){.systems = SYSTEMS,
                              .samples = SAMPLES,
                              .dimensions = STATES,
                              .states = &states[0][0][0],
                              .window = 4,
                              .stride = 3};
}

static void check_cutting(void) {
  double states[SYSTEMS][SAMPLES][STATES], data[4 * STATES], target[4 * STATES];
  const int64_t lengths[] = {10, 3, 7};
  neurlp_windows w;
  fill_states(states);
  states[0][2][0] = states[0][3][0] = states[2][0][0] = states[2][5][0] = (double)NAN;
  states[1][0][0] = states[1][1][0] = states[1][2][0] =
      (double)NAN; /* too short for a window: may miss all */
  neurlp_window_spec spec = spec_of(states);
  spec.lengths = lengths;
  must(neurlp_windows_create(context, &spec, &w));
  check_equal("windows of 4 every 3 samples of 10, 3 and 7", w.count, 3 + 0 + 2);
  const int64_t system[] = {0, 0, 0, 2, 2}, first[] = {0, 3, 6, 0, 3};
  check_true("where they begin",
             memcmp(w.system, system, sizeof system) == 0 && memcmp(w.first, first, sizeof first) == 0);
  neurlp_windows_get(&w, 0, data, target);
  check_true("gaps are filled on a line, and missing in the target",
             data[4] == 2 && data[6] == 3 && isnan(target[4]) && isnan(target[6]) && target[2] == 1 &&
                 target[5] == 0.1);
  neurlp_windows_get(&w, 3, data, target);
  check_true("a gap at the beginning is what follows", data[0] == 21 && isnan(target[0]));
  check_true("a constant has spread 1", w.spread[1] == 1 && w.center[1] == 0.1);
  check_true("a state that changes has its own", w.spread[0] > 5 && w.spread[0] < 15);
  neurlp_windows_release(&w);
}

static void check_held_back(void) {
  double states[SYSTEMS][SAMPLES][STATES], data[4 * STATES], target[4 * STATES];
  neurlp_windows w;
  fill_states(states);
  neurlp_window_spec spec = spec_of(states);
  spec.held_back = 0.3;
  states[0][6][0] = (double)NAN; /* the last one that is seen; the next one is 7 */
  for (int32_t t = 7; t < SAMPLES; t++) states[1][t][0] = 1e6;
  must(neurlp_windows_create(context, &spec, &w));
  check_equal("windows of 4 every 3 of 7 samples", w.count, 2 * SYSTEMS);
  check_below("nothing of what is held back is in the scale", w.spread[0], 15);
  neurlp_windows_get(&w, 1, data, target);
  check_true("nor in a gap before it", data[6] == 5 && isnan(target[6]));
  neurlp_windows_release(&w);
}

static void check_windows_refused(void) {
  double states[SYSTEMS][SAMPLES][STATES];
  neurlp_windows w;
  fill_states(states);
  neurlp_window_spec spec = spec_of(states);
  spec.window = 11;
  check_refused("no window of 11 samples fits: the longest trajectory has 10",
                neurlp_windows_create(context, &spec, &w), NEURLP_ERROR_DATA);
  neurlp_windows_release(&w);
  spec.window = SAMPLES;
  must(neurlp_windows_create(context, &spec, &w));
  check_equal("windows as long as trajectories", w.count, SYSTEMS);
  neurlp_windows_release(&w);
  spec = spec_of(states);
  for (int32_t t = 0; t < SAMPLES; t++) states[1][t][1] = (double)NAN;
  check_refused("state 1 of trajectory 1 is missing at all 10 samples",
                neurlp_windows_create(context, &spec, &w), NEURLP_ERROR_DATA);
  neurlp_windows_release(&w);
  fill_states(states);
  states[2][4][0] = 1e200;
  check_refused("state 0 of trajectory 2 is 1e+200 at sample 4", neurlp_windows_create(context, &spec, &w),
                NEURLP_ERROR_DATA);
  neurlp_windows_release(&w);
}

/* Validation has whole trajectories, and every window is in one of the parts, once. */
static void check_split(void) {
  double states[SYSTEMS][SAMPLES][STATES];
  neurlp_windows w;
  int64_t order[32], validation = 0, seen[32] = {0};
  fill_states(states);
  neurlp_window_spec spec = spec_of(states);
  must(neurlp_windows_create(context, &spec, &w));
  for (uint64_t seed = 0; seed < 20; seed++) {
    memset(seen, 0, sizeof seen);
    must(neurlp_windows_split(&w, 0.34, seed, order, &validation));
    bool disjoint = validation == w.count / SYSTEMS;
    for (int64_t i = 0; i < w.count; i++) seen[order[i]]++;
    for (int64_t i = 0; i < w.count; i++) disjoint = disjoint && seen[i] == 1;
    for (int64_t i = 0; i < w.count - validation; i++)
      disjoint = disjoint && w.system[order[i]] != w.system[order[w.count - 1]];
    if (!disjoint || seed == 0) check_true("trajectories are for training or for validation", disjoint);
  }
  must(neurlp_windows_split(&w, 0, 1, order, &validation));
  check_equal("nothing for validation", validation, 0);
  check_refused("3 of 3 trajectories are for validation",
                neurlp_windows_split(&w, 0.9, 1, order, &validation), NEURLP_ERROR_DATA);
  neurlp_windows_release(&w);
  spec.systems = 1;
  must(neurlp_windows_create(context, &spec, &w));
  must(neurlp_windows_split(&w, 0.3, 1, order, &validation));
  check_equal("of one trajectory, a window", validation, 1);
  neurlp_windows_release(&w);
}

/* ---- layers ------------------------------------------------------------------------------------------ */

#define DENSE(n)                                                                                             \
  { .kind = NEURLP_LAYER_DENSE, .width = (n) }
#define CONVOLUTION(n, k, s)                                                                                 \
  { .kind = NEURLP_LAYER_CONVOLUTION, .width = (n), .kernel = (k), .stride = (s), .dilation = 1 }
#define PLAIN(name)                                                                                          \
  { .kind = NEURLP_LAYER_##name }

typedef struct layer_case {
  const char *name;
  int64_t needed, parameters; /* parameters < 0: refused */
  const char *words;
  int32_t count;
  neurlp_layer_spec layers[4];
} layer_case;

/* Of windows of 6 points of 2 states. */
static void check_layers(void) {
  static neurlp_layer_spec inner[] = {DENSE(2), PLAIN(ACTIVATION)}, wider[] = {DENSE(5)}, open[] = {DENSE(0)};
  static const layer_case cases[] = {
      {"dense, open", 12, 2 * 2 + 2, NULL, 1, {DENSE(0)}},
      {"flatten, dense, open", 7, 7 * 12 + 7, NULL, 2, {PLAIN(FLATTEN), DENSE(0)}},
      {"convolution, open", 18, 3 * 2 * 3 + 3, NULL, 1, {CONVOLUTION(0, 3, 1)}},
      {"convolution with a stride, open", 9, 3 * 2 * 3 + 3, NULL, 1, {CONVOLUTION(0, 3, 2)}},
      {"convolution with a stride that leaves a rest, open",
       4,
       2 * 2 * 5 + 2,
       NULL,
       1,
       {CONVOLUTION(0, 5, 4)}},
      {"dense, open, then a mean", 5, 5 * 2 + 5, NULL, 2, {DENSE(0), PLAIN(MEAN)}},
      {"mean, dense, open", 5, 5 * 2 + 5, NULL, 2, {PLAIN(MEAN), DENSE(0)}},
      {"normalise, residual",
       12,
       4 + 6,
       NULL,
       2,
       {PLAIN(NORMALISE), {.kind = NEURLP_LAYER_RESIDUAL, .child_count = 2, .children = inner}}},
      {"residual that widens",
       30,
       2 * (5 * 2 + 5),
       NULL,
       1,
       {{.kind = NEURLP_LAYER_RESIDUAL, .child_count = 1, .children = wider}}},
      {"no layer with parameters", 12, 0, NULL, 1, {PLAIN(ACTIVATION)}},
      {"another width", 12, -1, "gives 18 numbers for each sample, and its use needs 12", 1, {DENSE(3)}},
      {"not a multiple", 13, -1, "its width cannot follow", 1, {DENSE(0)}},
      {"open, and not the last", 12, -1, "its width cannot follow", 2, {DENSE(0), DENSE(2)}},
      {"open inside of a residual",
       12,
       -1,
       "its width cannot follow",
       1,
       {{.kind = NEURLP_LAYER_RESIDUAL, .child_count = 1, .children = open}}},
      {"a convolution of what is flat",
       4,
       -1,
       "a convolution needs places",
       2,
       {PLAIN(FLATTEN), CONVOLUTION(4, 3, 1)}},
      {"a mean of what is flat", 12, -1, "a mean over places needs places", 2, {PLAIN(FLATTEN), PLAIN(MEAN)}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const layer_case *c = &cases[i];
    const neurlp_network_spec network = {
        .name = "net", .layer_count = c->count, .layers = (neurlp_layer_spec *)(uintptr_t)c->layers};
    neurlp_graph *graph = NULL;
    must(neurlp_graph_create(context, NEURLP_DOUBLE, 3, &graph));
    const neurlp_value x = neurlp_graph_input(graph, "x", neurlp_shape_of(3, 3, 6, 2));
    const neurlp_value y = neurlp_network_layers(graph, &network, x, c->needed);
    if (c->parameters >= 0) {
      const neurlp_tensor_shape shape = neurlp_graph_shape(graph, y);
      check_true(c->name,
                 y >= 0 && shape.rank == 2 && shape.extents[0] == 3 && shape.extents[1] == c->needed);
      if (y < 0) printf("%s\n", neurlp_context_message(context));
      check_equal("parameters", neurlp_graph_parameter_count(graph), c->parameters);
    } else {
      check_true(c->name, y < 0);
      check_refused(c->words, neurlp_graph_building_status(graph), NEURLP_ERROR_DECK);
    }
    neurlp_graph_destroy(&graph);
  }
}

/* ---- wiring ------------------------------------------------------------------------------------------ */

enum { T = 7, B = 3, HIDDEN = 4, MOST_STATES = 2, TERMS = 3, ORDER = 2, MOST = 256, MOST_NETWORKS = 5 };

/* A wiring, and how it is built. Networks are taken in the order of use, each flatten, dense, tanh, dense. */
typedef struct wiring_case {
  const char *name;
  int32_t states; /* D; 0: 2 */
  neurlp_wiring wiring;
  int32_t formulation; /* 0: default, 1: smnn, 2: mnn; 3: default with soft values */
  bool single;
  bool space; /* networks are given states by time */
} wiring_case;

#define NUMBERS(...)                                                                                         \
  .number_count = sizeof((double[]){__VA_ARGS__}) / sizeof(double), .numbers = (double[]) {                  \
    __VA_ARGS__                                                                                              \
  }
#define FIXED(...)                                                                                           \
  { .kind = NEURLP_SOURCE_CONSTANT, NUMBERS(__VA_ARGS__) }
#define FREE(...)                                                                                            \
  { .kind = NEURLP_SOURCE_PARAMETER, NUMBERS(__VA_ARGS__) }
#define NET(i)                                                                                               \
  { .kind = NEURLP_SOURCE_NETWORK, .network = (i) }
#define RANGED(i, a, b)                                                                                      \
  { .kind = NEURLP_SOURCE_NETWORK, .network = (i), .ranged = true, .lower = (a), .upper = (b) }
#define WORD(name)                                                                                           \
  { .kind = NEURLP_SOURCE_##name }

/* What a case computes anew: the numbers of one sample. */
typedef struct oracle {
  const wiring_case *c;
  neurlp_graph *graph;
  int32_t D;
  const double *data; /* [T][D] */
  const double *mask, *scale;
  double states[T * MOST_STATES], weights[MOST_STATES * TERMS], coefficients[T * MOST_STATES * (ORDER + 1)];
  double rhs[T * MOST_STATES], values[T * MOST_STATES * (ORDER + 1)], steps[T - 1], solution[T * MOST_STATES];
} oracle;

static const double center[] = {0.4, -1}, spread[] = {2, 0.5};
static const char *const network_names[] = {"n0", "n1", "n2", "n3", "n4"};

static void read_parameter(neurlp_graph *graph, const char *name, double *numbers) {
  must(neurlp_graph_read(graph, neurlp_graph_find(graph, name), numbers));
}

static double limit(const neurlp_source_spec *source, int32_t j, double x) {
  const double *each = source->range_count > 0 ? source->ranges + 2 * (j % source->range_count) : NULL;
  const double lower = each ? each[0] : source->lower, upper = each ? each[1] : source->upper;
  return each || source->ranged ? lower + (upper - lower) / (1 + exp(-x)) : x;
}

/* Where number j of a network over space goes that gives [D][X][Y]: to [X][D][Y]. */
static int32_t place_in_time(int32_t j, int32_t D, int32_t X, int32_t Y) {
  const int32_t k = j / (X * Y), x = j / Y % X;
  return (x * D + k) * Y + j % Y;
}

/* What network i makes of the data: X D Y numbers, those of each time and state, or X if Y is 0. */
static void run_network(const oracle *o, const neurlp_source_spec *source, int32_t X, int32_t Y, double *y) {
  double weight[MOST * HIDDEN], bias[MOST], hidden[HIDDEN], seen[T * MOST_STATES];
  const int32_t count = Y > 0 ? X * o->D * Y : X;
  char name[64];
  const char *net = network_names[source->network];
  const int32_t inputs = T * o->D;
  for (int32_t i = 0; i < inputs; i++)
    seen[o->c->space ? i % o->D * T + i / o->D : i] = (o->data[i] - center[i % o->D]) / spread[i % o->D];
  snprintf(name, sizeof name, "%s.1.weight", net);
  read_parameter(o->graph, name, weight);
  snprintf(name, sizeof name, "%s.1.bias", net);
  read_parameter(o->graph, name, bias);
  for (int32_t h = 0; h < HIDDEN; h++) {
    hidden[h] = bias[h];
    for (int32_t i = 0; i < inputs; i++) hidden[h] += weight[h * inputs + i] * seen[i];
    hidden[h] = tanh(hidden[h]);
  }
  snprintf(name, sizeof name, "%s.3.weight", net);
  read_parameter(o->graph, name, weight);
  snprintf(name, sizeof name, "%s.3.bias", net);
  read_parameter(o->graph, name, bias);
  for (int32_t j = 0; j < count; j++) {
    double sum = bias[j];
    for (int32_t h = 0; h < HIDDEN; h++) sum += weight[j * HIDDEN + h] * hidden[h];
    y[o->c->space && Y > 0 ? place_in_time(j, o->D, X, Y) : j] = limit(source, j, sum);
  }
}

static void find_states(oracle *o) {
  const neurlp_source_spec *s = &o->c->wiring.states;
  if (s->kind != NEURLP_SOURCE_NETWORK) {
    memcpy(o->states, o->data, (size_t)(T * o->D) * sizeof(double));
    return;
  }
  run_network(o, s, T, 1, o->states);
  for (int32_t i = 0; i < T * o->D && !s->ranged; i++) {
    const int32_t k = i % o->D;
    o->states[i] = o->states[i] * spread[k] + center[k] + (s->residual ? o->data[i] - center[k] : 0);
  }
}

/* The library of the cases is 1, x, x^2. */
static void find_rhs(oracle *o) {
  const neurlp_source_spec *r = &o->c->wiring.rhs, *w = &o->c->wiring.weights;
  if (r->kind == NEURLP_SOURCE_NETWORK) run_network(o, r, T, 1, o->rhs);
  for (int32_t i = 0; i < T * o->D && r->kind != NEURLP_SOURCE_NETWORK; i++)
    o->rhs[i] = r->kind == NEURLP_SOURCE_CONSTANT ? r->numbers[i % o->D] : 0;
  if (r->kind != NEURLP_SOURCE_LIBRARY) return;
  if (w->kind == NEURLP_SOURCE_NETWORK)
    run_network(o, w, o->D * TERMS, 0, o->weights);
  else
    read_parameter(o->graph, "weights", o->weights);
  for (int32_t i = 0; i < o->D * TERMS; i++) o->weights[i] *= o->mask[i] * (w->ranged ? 1 : o->scale[i]);
  for (int32_t t = 0; t < T; t++)
    for (int32_t k = 0; k < o->D; k++) {
      const double x = o->states[t * o->D], *row = o->weights + k * TERMS;
      o->rhs[t * o->D + k] = row[0] + row[1] * x + row[2] * x * x;
    }
}

static void find_coefficients(oracle *o) {
  const neurlp_source_spec *c = &o->c->wiring.coefficients;
  const int32_t each = o->D * (ORDER + 1);
  double free[MOST_STATES * (ORDER + 1)] = {0};
  if (c->kind == NEURLP_SOURCE_NETWORK) {
    run_network(o, c, c->steady ? 1 : T, ORDER + 1, o->coefficients);
    for (int32_t i = each; i < T * each && c->steady; i++) o->coefficients[i] = o->coefficients[i - each];
    return;
  }
  if (c->kind == NEURLP_SOURCE_PARAMETER) read_parameter(o->graph, "coefficients", free);
  for (int32_t i = 0; i < T * each; i++) {
    const double start = c->numbers[i % (ORDER + 1)], x = free[i % each];
    const double *each_range = c->range_count > 0 ? c->ranges + 2 * (i % (ORDER + 1)) : NULL;
    const double lower = each_range ? each_range[0] : c->lower, upper = each_range ? each_range[1] : c->upper;
    if (each_range && lower == upper) {
      o->coefficients[i] = lower;
    } else if (each_range || c->ranged) {
      const double odds = (start - lower) / (upper - start) * exp(x);
      o->coefficients[i] = lower + (upper - lower) * odds / (1 + odds);
    } else {
      o->coefficients[i] = start + x;
    }
  }
}

static void find_values_and_steps(oracle *o) {
  const neurlp_wiring *w = &o->c->wiring;
  const int32_t K = w->initial_steps, J = w->initial_derivatives;
  double logarithm = 0;
  if (w->initial_values.kind == NEURLP_SOURCE_NETWORK)
    run_network(o, &w->initial_values, K, J, o->values);
  else
    memcpy(o->values, w->initial_values.kind == NEURLP_SOURCE_STATES ? o->states : o->data,
           (size_t)(K * o->D) * sizeof(double));
  if (w->steps.kind == NEURLP_SOURCE_NETWORK) {
    run_network(o, &w->steps, T - 1, 0, o->steps);
    return;
  }
  if (w->steps.kind == NEURLP_SOURCE_PARAMETER) read_parameter(o->graph, "step", &logarithm);
  for (int32_t t = 0; t < T - 1; t++) o->steps[t] = w->steps.numbers[0] * exp(logarithm);
}

static neurlp_formulation formulation_of(const wiring_case *c) {
  neurlp_formulation f = c->formulation == 1   ? neurlp_formulation_smnn()
                         : c->formulation == 2 ? neurlp_formulation_mnn()
                                               : neurlp_formulation_default();
  if (c->formulation == 3) f.initial = NEURLP_INITIAL_SOFT;
  return f;
}

/* Each state's block by itself, nothing shared. */
static void solve_blocks(oracle *o) {
  const neurlp_wiring *w = &o->c->wiring;
  const int32_t K = w->initial_steps, J = w->initial_derivatives;
  const neurlp_shape shape = {.systems = 1,
                              .steps = T,
                              .dimensions = 1,
                              .order = ORDER,
                              .equations = 1,
                              .initial_steps = K,
                              .initial_derivatives = J,
                              .columns = 1,
                              .precision = NEURLP_DOUBLE};
  const neurlp_formulation formulation = formulation_of(o->c);
  neurlp_problem *problem = NULL;
  neurlp_solver *solver = NULL;
  must(neurlp_problem_create(context, &shape, &formulation, &problem));
  must(neurlp_solver_create(context, problem, &solver));
  for (int32_t k = 0; k < o->D; k++) {
    double c[T * (ORDER + 1)], b[T], v[T * (ORDER + 1)], u[T * (ORDER + 1)];
    neurlp_status status = NEURLP_SUCCESS;
    for (int32_t t = 0; t < T; t++) {
      b[t] = o->rhs[t * o->D + k];
      memcpy(c + t * (ORDER + 1), o->coefficients + (t * o->D + k) * (ORDER + 1), (ORDER + 1) * sizeof *c);
    }
    for (int32_t t = 0; t < K; t++)
      for (int32_t j = 0; j < J; j++) v[t * J + j] = o->values[(t * o->D + k) * J + j];
    const neurlp_inputs inputs = {
        .systems = 1, .coefficients = c, .rhs = b, .initial_values = K > 0 ? v : NULL, .steps = o->steps};
    must(neurlp_solver_solve(solver, &inputs, u, &status));
    check_equal("the solver solves it", status, NEURLP_SUCCESS);
    for (int32_t t = 0; t < T; t++) o->solution[t * o->D + k] = u[t * (ORDER + 1)];
  }
  neurlp_solver_destroy(&solver);
  neurlp_problem_destroy(&problem);
}

/* Largest difference over the largest size. */
static double distance(const double *a, const double *b, int64_t count) {
  double worst = 0, size = DBL_MIN;
  for (int64_t i = 0; i < count; i++) {
    worst = fmax(worst, fabs(a[i] - b[i]));
    size = fmax(size, fabs(b[i]));
    if (isnan(a[i]) || isnan(b[i])) return (double)NAN;
  }
  return worst / size;
}

static void draw_parameters(neurlp_graph *graph) {
  double numbers[2048];
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(graph, i);
    for (int64_t j = 0; j < info.count; j++)
      numbers[j] = 0.3 * neurlp_random_normal(5, NEURLP_RANDOM_TEST, i, j);
    must(neurlp_graph_write(graph, info.value, numbers));
  }
}

/* The mean over samples of the mean square of solution less data, in spreads; windows have no gaps. */
static double loss_of(const oracle *all, int32_t D) {
  double sum = 0;
  for (int32_t s = 0; s < B; s++)
    for (int32_t i = 0; i < T * D; i++) {
      const double e = (all[s].solution[i] - all[s].data[i]) / spread[i % D];
      sum += e * e / (T * D) / B;
    }
  return sum;
}

/* What the model's values should be, of every sample. */
static void find_all(const wiring_case *c, neurlp_graph *graph, int32_t D, const double *data,
                     const double *mask, const double *scale, oracle all[B]) {
  for (int32_t s = 0; s < B; s++) {
    oracle *o = &all[s];
    *o = (oracle){.c = c, .graph = graph, .D = D, .data = data + s * T * D, .mask = mask, .scale = scale};
    find_states(o);
    find_rhs(o);
    find_coefficients(o);
    find_values_and_steps(o);
    solve_blocks(o);
  }
}

/* Compares the model's values with them. */
static void compare(const neurlp_network_model *model, const oracle all[B], double tolerance) {
  double found[B * T * MOST_STATES * (ORDER + 1)];
  const struct {
    const char *name;
    neurlp_value value;
    size_t offset;
  } kept[] = {{"states", model->states, offsetof(oracle, states)},
              {"weights", model->weights, offsetof(oracle, weights)},
              {"coefficients", model->coefficients, offsetof(oracle, coefficients)},
              {"steps", model->steps, offsetof(oracle, steps)},
              {"solution", model->solution, offsetof(oracle, solution)}};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (kept[i].value < 0) continue;
    const neurlp_tensor_shape shape = neurlp_graph_shape(model->graph, kept[i].value);
    const bool shared = shape.extents[0] != B;
    const int64_t each = neurlp_shape_numbers(&shape) / (shared ? 1 : B);
    double worst = 0;
    must(neurlp_graph_read(model->graph, kept[i].value, found));
    for (int32_t s = 0; s < B; s++) {
      const double *expected = (const double *)(const void *)((const char *)&all[s] + kept[i].offset);
      const double d = distance(found + (shared ? 0 : s * each), expected, each);
      worst = isnan(d) || isnan(worst) ? (double)NAN : fmax(worst, d);
    }
    check_below(kept[i].name, worst, tolerance);
  }
}

static void check_case(const wiring_case *c, const neurlp_network_spec *networks) {
  static const char *const names[] = {"x", "y"}, *const terms[] = {"1", "x", "x^2"};
  static const double scale[] = {1, 2, 0.5, 3, 1, 0.25};
  const int32_t D = c->states > 0 ? c->states : 2;
  double mask[] = {1, 1, 0, 1, 0, 1}, data[B * T * MOST_STATES], loss_found;
  neurlp_loss_spec loss = {.of = NEURLP_LOSS_OF_SOLUTION, .weight = 3};
  neurlp_wiring wiring = c->wiring;
  const double tolerance = c->single ? 2e-4 : 1e-10;
  oracle all[B];
  wiring.network_count = MOST_NETWORKS;
  neurlp_network_spec own[MOST_NETWORKS];
  memcpy(own, networks, sizeof own);
  for (int32_t i = 0; i < MOST_NETWORKS; i++) own[i].axis = c->space ? NEURLP_AXIS_SPACE : NEURLP_AXIS_TIME;
  wiring.networks = own;
  wiring.loss_count = 1;
  wiring.losses = &loss;
  const neurlp_network_model_spec spec = {.wiring = &wiring,
                                          .precision = c->single ? NEURLP_SINGLE : NEURLP_DOUBLE,
                                          .samples = B,
                                          .steps = T,
                                          .dimensions = D,
                                          .order = ORDER,
                                          .formulation = formulation_of(c),
                                          .states = {D, names},
                                          .terms = wiring.rhs.kind == NEURLP_SOURCE_LIBRARY ? TERMS : 0,
                                          .texts = terms,
                                          .center = center,
                                          .spread = spread,
                                          .weight_scale = scale};
  neurlp_network_model model;
  printf("%s\n", c->name);
  must(neurlp_network_model_create(context, &spec, &model));
  must(neurlp_graph_finish(model.graph, true));
  draw_parameters(model.graph);
  for (int32_t i = 0; i < B * T * D; i++)
    data[i] = center[i % D] + spread[i % D] * neurlp_random_normal(6, NEURLP_RANDOM_TEST, 0, i);
  must(neurlp_graph_write(model.graph, model.data, data));
  must(neurlp_graph_write(model.graph, model.target, data));
  if (model.mask >= 0) must(neurlp_graph_write(model.graph, model.mask, mask));
  must(neurlp_graph_begin(model.graph, B, 1.0 / B));
  must(neurlp_graph_forward(model.graph));
  find_all(c, model.graph, D, data, mask, scale, all);
  compare(&model, all, tolerance);
  must(neurlp_graph_read(model.graph, neurlp_graph_loss_value(model.graph), &loss_found));
  check_below("loss, relative", fabs(loss_found / (3 * loss_of(all, D)) - 1), 10 * tolerance);
  must(neurlp_graph_backward(model.graph));
  neurlp_network_model_destroy(&model);
}

/* Sources with more to them than the macros above have. */
static double ranges[] = {-1, 2, 0.5, 3, 0.25, 0.25};
#define RESIDUAL                                                                                             \
  { .kind = NEURLP_SOURCE_NETWORK, .residual = true }
#define BOUNDED                                                                                              \
  { .kind = NEURLP_SOURCE_PARAMETER, .ranged = true, .lower = -1, .upper = 2, NUMBERS(0.5, 1, -0.25) }
#define VARIED                                                                                               \
  { .kind = NEURLP_SOURCE_NETWORK, .network = 1, .range_count = 3, .ranges = ranges }
#define STEADY                                                                                               \
  { .kind = NEURLP_SOURCE_NETWORK, .network = 1, .range_count = 3, .ranges = ranges, .steady = true }
#define OF_EACH                                                                                              \
  { .kind = NEURLP_SOURCE_PARAMETER, .range_count = 3, .ranges = ranges, NUMBERS(0.5, 1, 0.25) }

static const wiring_case cases[] = {
    {.name = "all from the data",
     .wiring = {.states = WORD(DATA),
                .coefficients = FREE(0.1, 1, 0),
                .rhs = WORD(NONE),
                .initial_values = WORD(DATA),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "discovery: states from a network, a library, weights that are shared",
     .wiring = {.states = RESIDUAL,
                .coefficients = FIXED(0, 1, 0),
                .rhs = WORD(LIBRARY),
                .weights = WORD(PARAMETER),
                .initial_values = WORD(STATES),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "states in a range, constants, one state",
     .states = 1,
     .wiring = {.states = RANGED(0, -1, 3),
                .coefficients = FREE(0.3, 1, 0.1),
                .rhs = FIXED(0.7),
                .initial_values = WORD(STATES),
                .steps = FREE(0.3),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "constants of two states, several initial steps",
     .formulation = 3,
     .wiring = {.states = NET(0),
                .coefficients = BOUNDED,
                .rhs = FIXED(0.7, -1),
                .initial_values = WORD(DATA),
                .steps = FREE(0.3),
                .initial_steps = 3,
                .initial_derivatives = 1}},
    {.name = "everything from networks",
     .formulation = 3,
     .wiring = {.states = NET(0),
                .coefficients = RANGED(1, 0.5, 1.5),
                .rhs = NET(2),
                .initial_values = NET(3),
                .steps = RANGED(4, 0.05, 0.3),
                .initial_steps = 2,
                .initial_derivatives = 2}},
    {.name = "amortised: weights from a network",
     .wiring = {.states = WORD(DATA),
                .coefficients = FIXED(0, 1, 0),
                .rhs = WORD(LIBRARY),
                .weights = NET(1),
                .initial_values = WORD(DATA),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "the same with a range, in the data's units, of one state",
     .states = 1,
     .wiring = {.states = WORD(DATA),
                .coefficients = FIXED(0, 1, 0),
                .rhs = WORD(LIBRARY),
                .weights = RANGED(1, 0.5, 2),
                .initial_values = WORD(DATA),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "everything from networks over space",
     .formulation = 3,
     .space = true,
     .wiring = {.states = NET(0),
                .coefficients = VARIED,
                .rhs = NET(2),
                .initial_values = NET(3),
                .steps = RANGED(4, 0.05, 0.3),
                .initial_steps = 2,
                .initial_derivatives = 2}},
    {.name = "the same, steady",
     .formulation = 3,
     .space = true,
     .wiring = {.states = WORD(DATA),
                .coefficients = STEADY,
                .rhs = WORD(LIBRARY),
                .weights = NET(2),
                .initial_values = NET(3),
                .steps = FIXED(0.2),
                .initial_steps = 2,
                .initial_derivatives = 2}},
    {.name = "a parameter with a range for each derivative",
     .wiring = {.states = WORD(DATA),
                .coefficients = OF_EACH,
                .rhs = FIXED(0.7, -1),
                .initial_values = WORD(DATA),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "smnn",
     .formulation = 1,
     .wiring = {.states = RESIDUAL,
                .coefficients = RANGED(1, 0.5, 1.5),
                .rhs = WORD(LIBRARY),
                .weights = WORD(PARAMETER),
                .initial_values = WORD(STATES),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "mnn",
     .formulation = 2,
     .wiring = {.states = WORD(DATA),
                .coefficients = RANGED(1, 0.5, 1.5),
                .rhs = NET(2),
                .initial_values = WORD(DATA),
                .steps = FIXED(0.2),
                .initial_steps = 1,
                .initial_derivatives = 1}},
    {.name = "single precision",
     .single = true,
     .wiring = {.states = RESIDUAL,
                .coefficients = FIXED(0, 1, 0),
                .rhs = WORD(LIBRARY),
                .weights = WORD(PARAMETER),
                .initial_values = WORD(STATES),
                .steps = RANGED(4, 0.1, 0.3),
                .initial_steps = 1,
                .initial_derivatives = 1}},
};

static void check_wiring(void) {
  neurlp_layer_spec layers[] = {{.kind = NEURLP_LAYER_FLATTEN},
                                {.kind = NEURLP_LAYER_DENSE, .width = HIDDEN},
                                {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_TANH},
                                {.kind = NEURLP_LAYER_DENSE}};
  neurlp_network_spec networks[MOST_NETWORKS];
  for (int32_t i = 0; i < MOST_NETWORKS; i++)
    networks[i] = (neurlp_network_spec){.name = network_names[i], .layer_count = 4, .layers = layers};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i], networks);
}

int main(void) {
  must(neurlp_context_create(1, &context));
  check_cutting();
  check_held_back();
  check_windows_refused();
  check_split();
  check_layers();
  check_wiring();
  check_equal("memory that is left", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
