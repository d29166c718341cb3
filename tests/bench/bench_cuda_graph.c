/* Times steps of training on a GPU: the network of input_decks/lorenz_network.yaml, of Pervez, Locatello and
 * Gavves (ICML 2024), on batches of 512 windows of 50 samples. A network of dense layers estimates the
 * states; a library of 10 terms of these is the right-hand side of a block of order 2 for each of three
 * dimensions; solution and states are compared with the data. A step is that data goes to the device,
 * forward, backward, clipping and AdamW, and that losses, statuses and the norm come back: as one CUDA graph,
 * as trainings do it (learn/step.h), or started piece by piece. Also counts what a step asks of the device:
 * recordings, work that is started piece by piece, and waits.
 *
 *   bench_cuda_graph [FILE.csv]   on the first GPU
 *   bench_cuda_graph --check      small, on an imitated GPU: is it what the CPU does? */
#include "cuda/device/device.h"
#include "graph/layers.h"
#include "learn/step.h"
#include "train/clip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIMENSIONS = 3, TERMS = 10, HIDDEN = 128, CHECK_STEPS = 25 };

static bool check;
static int failures;
static FILE *csv;

static void stop(neurlp_context *context, const char *what) {
  fprintf(stderr, "bench_cuda_graph: %s: %s\n", what, neurlp_context_message(context));
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void expect(const char *what, double measured, double bound) {
  const bool good = measured <= bound;
  printf("%s %s: %.3g <= %.3g\n", good ? "ok  " : "FAIL", what, measured, bound);
  failures += !good;
}

/* ---- the network ------------------------------------------------------------------------------------- */

typedef struct network {
  int64_t samples, window;
  neurlp_value data;
} network;

static const double STEP = 0.01, RATE = 1e-3, CLIP = 1;

/* One system of each dimension of each sample: u' = rhs, from the first state on. */
static neurlp_value add_block(neurlp_graph *g, const network *n, neurlp_value rhs, neurlp_value states) {
  const double left[3] = {0, 1, 0};
  const int64_t S = n->samples * DIMENSIONS;
  const neurlp_graph_block_spec spec = {.steps = (int32_t)n->window,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 1,
                                        .blocks = DIMENSIONS,
                                        .formulation = neurlp_formulation_default()};
  const neurlp_value turned = neurlp_graph_permute(g, rhs, (int32_t[]){0, 2, 1});
  const neurlp_value first = neurlp_graph_slice(g, states, 1, 0, 1, 1);
  const neurlp_graph_block_inputs inputs = {
      .coefficients = neurlp_graph_constant(g, neurlp_shape_of(5, 1, 1, 1, 1, 3), left),
      .rhs = neurlp_graph_reshape(g, turned, neurlp_shape_of(3, S, n->window, 1)),
      .initial_values = neurlp_graph_reshape(g, first, neurlp_shape_of(4, S, 1, 1, 1)),
      .final_values = NEURLP_NO_VALUE,
      .steps = neurlp_graph_constant(g, neurlp_shape_of(3, 1, 1, 1), &STEP)};
  const neurlp_value u = neurlp_graph_slice(g, neurlp_graph_block(g, &spec, &inputs), 3, 0, 1, 1);
  const neurlp_value by_time =
      neurlp_graph_reshape(g, u, neurlp_shape_of(3, n->samples, DIMENSIONS, n->window));
  return neurlp_graph_permute(g, by_time, (int32_t[]){0, 2, 1});
}

static network build(neurlp_graph *g, int64_t window) {
  static const char *const names[] = {"x", "y", "z"};
  static const char *const terms[TERMS] = {"1", "x", "y", "z", "x^2", "x*y", "x*z", "y^2", "y*z", "z^2"};
  const neurlp_symbols symbols = {.count = 3, .names = names};
  network n = {.samples = neurlp_graph_samples(g), .window = window};
  const neurlp_tensor_shape shape = neurlp_shape_of(3, n.samples, window, DIMENSIONS);
  n.data = neurlp_graph_input(g, "data", shape);
  const neurlp_value flat =
      neurlp_graph_reshape(g, n.data, neurlp_shape_of(2, n.samples, window * DIMENSIONS));
  neurlp_value y = neurlp_graph_gelu(g, neurlp_layer_dense(g, "hidden", flat, HIDDEN));
  y = neurlp_graph_add(g, flat, neurlp_layer_dense(g, "states", y, window * DIMENSIONS));
  const neurlp_value states = neurlp_graph_reshape(g, y, shape);
  const neurlp_value phi = neurlp_graph_library(g, states, NEURLP_NO_VALUE, &symbols, TERMS, terms);
  const neurlp_value weights =
      neurlp_graph_parameter(g, "weights", neurlp_shape_of(2, DIMENSIONS, TERMS), true);
  const neurlp_value u = add_block(g, &n, neurlp_graph_dense_plain(g, phi, weights), states);
  const neurlp_value of_solution = neurlp_graph_loss_of(g, NEURLP_LOSS_SQUARE, u, n.data);
  const neurlp_value of_states = neurlp_graph_loss_of(g, NEURLP_LOSS_SQUARE, states, n.data);
  neurlp_graph_loss(g, neurlp_graph_add(g, of_solution, of_states));
  return n;
}

/* ---- data and first parameters ----------------------------------------------------------------------- */

static void slope_of(const double *u, double *slope) {
  slope[0] = 10 * (u[1] - u[0]);
  slope[1] = u[0] * (28 - u[2]) - u[1];
  slope[2] = u[0] * u[1] - 8.0 / 3.0 * u[2];
}

/* One classical Runge-Kutta step of the Lorenz equations. */
static void lorenz_step(double *u) {
  double sum[DIMENSIONS] = {0}, at[DIMENSIONS], slope[DIMENSIONS] = {0};
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < DIMENSIONS; i++)
      at[i] = u[i] + (stage == 0 ? 0 : stage == 3 ? STEP : STEP / 2) * slope[i];
    slope_of(at, slope);
    for (int i = 0; i < DIMENSIONS; i++) sum[i] += (stage == 0 || stage == 3 ? 1 : 2) * slope[i] / 6;
  }
  for (int i = 0; i < DIMENSIONS; i++) u[i] += STEP * sum[i];
}

/* Windows of a trajectory, one behind the other, in units in which all numbers are of order 1. */
static double *make_data(const network *n) {
  const int64_t count = n->samples * n->window;
  double u[DIMENSIONS] = {1, 2, 20}, *data = malloc((size_t)(count * DIMENSIONS) * sizeof *data);
  if (!data) exit(1);
  for (int64_t i = 0; i < count; i++) {
    for (int k = 0; k < DIMENSIONS; k++) data[i * DIMENSIONS + k] = u[k] / 20;
    lorenz_step(u);
  }
  return data;
}

/* Weights within one over the root of the numbers that they sum, as PyTorch draws them. */
static void write_parameters(neurlp_graph *g) {
  uint64_t state = 1;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(g); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(g, i);
    const double most = 1 / sqrt(info.fan_in > 0 ? (double)info.fan_in : TERMS);
    double *numbers = malloc((size_t)info.count * sizeof *numbers);
    if (!numbers) exit(1);
    for (int64_t j = 0; j < info.count; j++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      numbers[j] = most * ((double)(state >> 11) * 0x1p-52 - 1);
    }
    if (neurlp_graph_write(g, info.value, numbers) < 0) stop(neurlp_graph_context(g), "parameters");
    free(numbers);
  }
}

/* ---- training ---------------------------------------------------------------------------------------- */

typedef struct training {
  neurlp_context *context;
  neurlp_graph *graph;
  const neurlp_accelerator *machine;
  neurlp_optimiser *optimiser;
  neurlp_step *step; /* NULL: piece by piece */
  neurlp_value input;
  double *data;
} training;

/* NULL graph: there is no such machine. */
static training open_training(const char *backend, neurlp_precision precision, int64_t samples,
                              int64_t window) {
  training t = {.context = NULL};
  neurlp_optimiser_options options;
  if (neurlp_context_create(0, &t.context) < 0) exit(1);
  if (neurlp_context_set_backend(t.context, backend) < 0) stop(t.context, "a backend");
  if (neurlp_graph_create(t.context, precision, samples, &t.graph) < 0) return t;
  const network n = build(t.graph, window);
  if (neurlp_graph_finish(t.graph, true) < 0) stop(t.context, "a graph");
  t.input = n.data;
  t.data = make_data(&n);
  write_parameters(t.graph);
  if (neurlp_accelerator_of(t.context, &t.machine) < 0) stop(t.context, "a machine");
  if (neurlp_optimiser_defaults(t.context, "adamw", &options) < 0) stop(t.context, "an optimiser");
  if (neurlp_optimiser_create(t.context, &options, precision, neurlp_graph_parameter_count(t.graph), 0, NULL,
                              &t.optimiser) < 0)
    stop(t.context, "an optimiser");
  if (!t.machine) return t;
  if (neurlp_optimiser_move(t.optimiser, t.machine) < 0) stop(t.context, "moving");
  const neurlp_step_spec spec = {.graph = t.graph,
                                 .optimiser = t.optimiser,
                                 .machine = t.machine,
                                 .gradient = neurlp_graph_gradients(t.graph),
                                 .whole = true};
  if (t.machine->records && neurlp_step_create(&spec, &t.step) < 0) stop(t.context, "a step");
  return t;
}

static void step_plain(const training *t) {
  const int64_t count = neurlp_graph_parameter_count(t->graph);
  const neurlp_precision precision = neurlp_graph_precision(t->graph);
  void *gradient = neurlp_graph_gradients(t->graph);
  double norm = NAN;
  if (neurlp_graph_forward_backward(t->graph) < 0) stop(t->context, "forward and backward");
  const neurlp_status clipped =
      t->machine ? t->machine->clip(t->machine->object, precision, count, CLIP, gradient, &norm)
                 : neurlp_clip_norm(t->context, precision, count, gradient, CLIP, &norm);
  if (clipped != NEURLP_SUCCESS) stop(t->context, "clipping");
  if (neurlp_optimiser_step(t->optimiser, RATE, neurlp_graph_parameters(t->graph), gradient) < 0)
    stop(t->context, "a step");
}

static void step(const training *t) {
  const int64_t samples = neurlp_graph_samples(t->graph);
  const neurlp_descent_orders orders = {.clip = CLIP, .most_loss = INFINITY, .samples = samples};
  neurlp_descent_answer answer = {0};
  if (neurlp_graph_write(t->graph, t->input, t->data) < 0) stop(t->context, "data");
  if (neurlp_graph_begin(t->graph, samples, 1 / (double)samples) < 0) stop(t->context, "a run");
  if (!t->step) {
    step_plain(t);
    return;
  }
  if (neurlp_step_make(t->step, RATE, &orders, &answer) != NEURLP_SUCCESS || !answer.moved)
    stop(t->context, "a step");
}

/* Of the last forward run; waits for all that was started. */
static double loss_of(const training *t) {
  double loss = NAN;
  if (neurlp_graph_read(t->graph, neurlp_graph_loss_value(t->graph), &loss) < 0) stop(t->context, "the loss");
  return loss;
}

static void close_training(training *t) {
  free(t->data);
  neurlp_step_destroy(&t->step);
  neurlp_optimiser_destroy(&t->optimiser);
  neurlp_graph_destroy(&t->graph);
  neurlp_context_destroy(&t->context);
}

/* ---- cases ------------------------------------------------------------------------------------------- */

/* What a step asked of the device, on the average over so many. */
static double pieces_of(const neurlp_device *device, const neurlp_device_counts *before, int64_t steps) {
  const neurlp_device_counts *now = &device->counts;
  const int64_t pieces = now->started - before->started + now->replayed - before->replayed;
  return (double)pieces / (double)steps;
}

static int time_steps(const char *what, neurlp_precision precision, bool recorded, double *time) {
  enum { WARM = 20, TIMED = 500, REPEATS = 5 };
  setenv("NEURLP_REPLAY", recorded ? "on" : "off", 1);
  training t = open_training("cuda", precision, 512, 50);
  double best = INFINITY;
  *time = NAN;
  if (!t.graph) {
    printf("not measured: %s\n", neurlp_context_message(t.context));
    close_training(&t);
    return 77;
  }
  neurlp_device *device = NULL;
  if (neurlp_device_of_cuda(t.context, &device) < 0) stop(t.context, "a GPU");
  for (int i = 0; i < WARM; i++) step(&t);
  const double before = loss_of(&t);
  const neurlp_device_counts counts = device->counts;
  for (int repeat = 0; repeat < REPEATS; repeat++) {
    const double start = seconds();
    for (int i = 0; i < TIMED; i++) step(&t);
    (void)loss_of(&t);
    best = fmin(best, (seconds() - start) / TIMED);
  }
  const double pieces = pieces_of(device, &counts, (int64_t)TIMED * REPEATS);
  const double waits = (double)(device->counts.waited - counts.waited) / ((double)TIMED * REPEATS);
  printf("%-32s %10.4g ms a step, %.1f pieces of work, %.1f waits;  %10.4g windows/s, %zu bytes\n", what,
         1e3 * best, pieces, waits, 512 / best, neurlp_graph_bytes(t.graph));
  if (csv)
    fprintf(csv, "\"%s\",%.6g,%.1f,%.1f,%.6g,%zu\n", what, best, pieces, waits, 512 / best,
            neurlp_graph_bytes(t.graph));
  if (recorded) expect("pieces of work of a step", pieces, 1);
  expect("the loss over that before", loss_of(&t) / before, 0.5);
  *time = best;
  close_training(&t);
  return 0;
}

/* With and without a CUDA graph. What is aimed at is 2 ms on an H100, in single precision. */
static int time_precision(const char *name, neurlp_precision precision) {
  char what[80];
  double graph, pieces;
  snprintf(what, sizeof what, "%s, one CUDA graph", name);
  int verdict = time_steps(what, precision, true, &graph);
  snprintf(what, sizeof what, "%s, piece by piece", name);
  if (verdict == 0) verdict = time_steps(what, precision, false, &pieces);
  if (verdict == 0)
    printf(
        "%s: a step is %.4g ms as one CUDA graph (aim: 2 on an H100), %.4g ms piece by piece, %.3g times as "
        "long\n",
        name, 1e3 * graph, 1e3 * pieces, pieces / graph);
  return verdict;
}

/* A few steps on the CPU and on an imitated GPU. The first loss is a sum of products that are rounded fewer
 * than 1e3 times; later ones are of parameters that AdamW moves by the signs of gradients, whatever their
 * size, so that roundings may turn round what is nearly 0. */
static void check_steps(void) {
  neurlp_device *imitated = NULL;
  training cpu = open_training("cpu", NEURLP_DOUBLE, 6, 20);
  training device = open_training("cuda:check", NEURLP_DOUBLE, 6, 20);
  double first = NAN;
  if (neurlp_device_of_host(device.context, &imitated) < 0) stop(device.context, "an imitated GPU");
  neurlp_device_counts counts = imitated->counts;
  for (int i = 0; i < CHECK_STEPS; i++) {
    step(&cpu);
    step(&device);
    if (i == 1) counts = imitated->counts;
    if (i == 0) first = loss_of(&cpu);
    if (i == 0) expect("first loss against the CPU's", fabs(loss_of(&device) / first - 1), 1e-12);
  }
  const neurlp_device_counts *now = &imitated->counts;
  const double steps = CHECK_STEPS - 2;
  expect("recordings of a step", (double)(now->replayed - counts.replayed) / steps, 1);
  expect("work of a step beside", (double)(now->started - counts.started) / steps, 0);
  expect("waits of a step", (double)(now->waited - counts.waited) / steps, 1);
  expect("recordings that are made after two steps", (double)(now->recorded - counts.recorded), 0);
  expect("last loss against the CPU's", fabs(loss_of(&device) / loss_of(&cpu) - 1), 1e-4);
  expect("last loss over the first", loss_of(&device) / first, 0.9);
  close_training(&cpu);
  close_training(&device);
}

int main(int count, char **arguments) {
  check = count > 1 && strcmp(arguments[1], "--check") == 0;
  if (check) {
    check_steps();
    return failures > 0;
  }
  csv = count > 1 ? fopen(arguments[1], "w") : NULL;
  if (csv)
    fprintf(csv, "# %s\ncase,seconds of a step,pieces of work,waits,windows/s,bytes\n", neurlp_version());
  int verdict = time_precision("single", NEURLP_SINGLE);
  if (verdict == 0) verdict = time_precision("double", NEURLP_DOUBLE);
  if (csv) fclose(csv);
  return verdict != 0 ? verdict : failures > 0;
}
