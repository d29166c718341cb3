/* Networks on an imitated GPU, as they are trained: the same losses and gradients as on the CPU, step after
 * step, although all but the first step is a recording that is replayed with other samples, another weight
 * and other failures; the same bits whether it is a recording or not. On a real GPU with
 * NEURLP_TEST_BACKEND=cuda. */
#include "core/random.h"
#include "cuda/block/state.h"
#include "cuda/graph/machine.h"
#include "graph/layers.h"
#include "train/clip.h"
#include "train/optimiser.h"

#include "support/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 9, STEPS = 7, GRID = 6, INPUTS = 4, RUNS = STEPS };

static const char *device_backend = "cuda:check";

static void must(neurlp_context *context, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s: %s\n", neurlp_status_name(status), neurlp_context_message(context));
  exit(1);
}

/* ---- a network --------------------------------------------------------------------------------------- */

typedef struct network {
  neurlp_value input, disturbance, target;
} network;

/* u'' + 0.3 u' + 2 u = W phi(states), with states and initial values made by dense layers, and a disturbance
 * that can make a system fail. */
static neurlp_value build_block(neurlp_graph *g, neurlp_value states, neurlp_value disturbance) {
  static const char *const names[] = {"x", "y", "k"};
  static const char *const terms[] = {"1", "x", "y", "x*y", "sin(k*x)"};
  const neurlp_symbols symbols = {.count = 3, .names = names};
  const double left[3] = {2, 0.3, 1}, step = 0.1;
  const neurlp_value k = neurlp_graph_parameter(g, "k", neurlp_shape_of(1, 1), false);
  const neurlp_value phi = neurlp_graph_library(g, states, k, &symbols, 5, terms);
  const neurlp_value weights = neurlp_graph_parameter(g, "W", neurlp_shape_of(2, 1, 5), true);
  const neurlp_value rhs = neurlp_graph_add(g, neurlp_graph_dense_plain(g, phi, weights), disturbance);
  const neurlp_value first = neurlp_graph_slice(g, states, 1, 0, 1, 1); /* [S][1][2] */
  const neurlp_graph_block_spec spec = {.steps = GRID,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 2,
                                        .formulation = neurlp_formulation_default()};
  const neurlp_graph_block_inputs inputs = {
      .coefficients = neurlp_graph_constant(g, neurlp_shape_of(5, 1, 1, 1, 1, 3), left),
      .rhs = rhs,
      .initial_values = neurlp_graph_reshape(g, first, neurlp_shape_of(4, SAMPLES, 1, 1, 2)),
      .final_values = NEURLP_NO_VALUE,
      .steps = neurlp_graph_constant(g, neurlp_shape_of(3, 1, 1, 1), &step)};
  return neurlp_graph_block(g, &spec, &inputs);
}

static network build(neurlp_graph *g) {
  network n = {.input = neurlp_graph_input(g, "input", neurlp_shape_of(2, SAMPLES, INPUTS)),
               .disturbance = neurlp_graph_input(g, "disturbance", neurlp_shape_of(3, SAMPLES, GRID, 1)),
               .target = neurlp_graph_input(g, "target", neurlp_shape_of(3, SAMPLES, GRID, 1))};
  neurlp_value x = neurlp_graph_tanh(g, neurlp_layer_dense(g, "one", n.input, 10));
  x = neurlp_layer_normalise(g, "even", x, 1);
  x = neurlp_layer_dense(g, "two", x, GRID * 2);
  const neurlp_value states = neurlp_graph_reshape(g, x, neurlp_shape_of(3, SAMPLES, GRID, 2));
  const neurlp_value u = build_block(g, states, n.disturbance);
  const neurlp_value flat = neurlp_graph_reshape(g, u, neurlp_shape_of(3, SAMPLES, GRID, 3));
  const neurlp_value values = neurlp_graph_slice(g, flat, 2, 0, 1, 1);
  const neurlp_value loss = neurlp_graph_loss_of(g, NEURLP_LOSS_SQUARE, values, n.target);
  const neurlp_value w = neurlp_graph_find(g, "W");
  const neurlp_value penalty = neurlp_graph_scale(g, neurlp_graph_penalty(g, NEURLP_LOSS_SQUARE, w), 0.01, 0);
  neurlp_graph_loss(g, neurlp_graph_add(g, loss, penalty));
  return n;
}

/* ---- training ---------------------------------------------------------------------------------------- */

/* What a training leaves behind. */
typedef struct record {
  int64_t count;
  double losses[RUNS], norms[RUNS];
  double *gradients, *parameters; /* [RUNS][count], [count] */
  int32_t failed[RUNS], recordings, segments;
  neurlp_device_counts counts[RUNS]; /* of forward and backward */
} record;

static double number(int64_t draw, int64_t i) {
  return neurlp_random_normal(8, NEURLP_RANDOM_TEST, draw, i);
}

/* Other data, present samples and failures in each run. */
static int64_t write_run(neurlp_graph *g, const network *n, int32_t r) {
  double input[SAMPLES * INPUTS], disturbance[SAMPLES * GRID], target[SAMPLES * GRID];
  for (int i = 0; i < SAMPLES * INPUTS; i++) input[i] = number(r, i);
  for (int i = 0; i < SAMPLES * GRID; i++) {
    disturbance[i] = 0;
    target[i] = i % 7 == 3 ? NAN : number(r, 1000 + i);
  }
  if (r % 3 == 1) disturbance[2 * GRID + 1] = INFINITY;
  if (r == 4) disturbance[5 * GRID] = NAN;
  must(neurlp_graph_context(g), neurlp_graph_write(g, n->input, input));
  must(neurlp_graph_context(g), neurlp_graph_write(g, n->disturbance, disturbance));
  must(neurlp_graph_context(g), neurlp_graph_write(g, n->target, target));
  return SAMPLES - r % 4;
}

static void draw_parameters(neurlp_graph *g) {
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(g); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(g, i);
    double *numbers = calloc((size_t)info.count, sizeof *numbers);
    for (int64_t j = 0; j < info.count; j++) numbers[j] = 0.3 * number(100 + i, j);
    must(neurlp_graph_context(g), neurlp_graph_write(g, info.value, numbers));
    free(numbers);
  }
}

static void read_vector(neurlp_graph *g, bool gradient, double *numbers) {
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(g); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(g, i);
    must(neurlp_graph_context(g), gradient ? neurlp_graph_read_gradient(g, info.value, numbers + info.first)
                                           : neurlp_graph_read(g, info.value, numbers + info.first));
  }
}

/* Vectors that are copied as a whole are those that are read tensor by tensor; what is set is there. */
static void check_vectors(neurlp_graph *g, const double *gradient) {
  neurlp_context *context = neurlp_graph_context(g);
  const int64_t count = neurlp_graph_parameter_count(g);
  const bool single = neurlp_graph_precision(g) == NEURLP_SINGLE;
  const size_t number = single ? sizeof(float) : sizeof(double);
  unsigned char *numbers = calloc((size_t)count, number), *again = calloc((size_t)count, number);
  int64_t different = 0;
  must(context, neurlp_graph_get_gradients(g, numbers));
  for (int64_t i = 0; i < count; i++) {
    float narrow;
    double wide;
    memcpy(&narrow, numbers + (size_t)i * sizeof narrow, sizeof narrow);
    if (!single) memcpy(&wide, numbers + (size_t)i * sizeof wide, sizeof wide);
    different += (single ? (double)narrow : wide) != gradient[i];
  }
  must(context, neurlp_graph_get_parameters(g, numbers));
  must(context, neurlp_graph_set_parameters(g, numbers));
  must(context, neurlp_graph_get_parameters(g, again));
  if (different > 0 || memcmp(numbers, again, (size_t)count * number) != 0)
    check_true("vectors are copied as a whole", false);
  free(numbers);
  free(again);
}

/* Gradient descent, whose steps are linear in the gradient: differences stay as small as they are. */
static neurlp_optimiser *make_optimiser(neurlp_graph *g, const neurlp_accelerator *machine) {
  neurlp_context *context = neurlp_graph_context(g);
  neurlp_optimiser_options options;
  neurlp_optimiser *optimiser = NULL;
  must(context, neurlp_optimiser_defaults(context, "sgd", &options));
  options.momentum = 0.5;
  must(context, neurlp_optimiser_create(context, &options, neurlp_graph_precision(g),
                                        neurlp_graph_parameter_count(g), 0, NULL, &optimiser));
  if (machine) must(context, neurlp_optimiser_move(optimiser, machine));
  return optimiser;
}

static void step(neurlp_graph *g, const neurlp_accelerator *machine, neurlp_optimiser *optimiser,
                 double *norm) {
  neurlp_context *context = neurlp_graph_context(g);
  const neurlp_precision precision = neurlp_graph_precision(g);
  const int64_t count = neurlp_graph_parameter_count(g);
  void *gradient = neurlp_graph_gradients(g);
  must(context, machine ? machine->clip(machine->object, precision, count, 0.5, gradient, norm)
                        : neurlp_clip_norm(context, precision, count, gradient, 0.5, norm));
  must(context, neurlp_optimiser_step(optimiser, 0.1, neurlp_graph_parameters(g), gradient));
}

static void count_recordings(neurlp_graph *g, record *r) {
  const cuda_graph *own = neurlp_graph_on_cuda(g);
  for (int32_t way = 0; way < 2; way++)
    for (int32_t i = 0; i < own->passes[way].count; i++) {
      r->recordings += own->passes[way].segments[i].recording != NULL;
      r->segments += !own->passes[way].segments[i].waits;
    }
  r->recordings += own->both != NULL;
}

/* Forward and backward, in one piece or in two, and what was asked of the device for it. */
static void run_passes(neurlp_graph *g, const neurlp_accelerator *machine, bool joint, record *r,
                       int32_t run) {
  neurlp_context *context = neurlp_graph_context(g);
  neurlp_device *device = machine ? neurlp_graph_on_cuda(g)->device : NULL;
  const neurlp_device_counts before = device ? device->counts : (neurlp_device_counts){0};
  must(context, joint ? neurlp_graph_forward_backward(g) : neurlp_graph_forward(g));
  if (!joint) must(context, neurlp_graph_backward(g));
  if (device)
    r->counts[run] = (neurlp_device_counts){.started = device->counts.started - before.started,
                                            .replayed = device->counts.replayed - before.replayed,
                                            .waited = device->counts.waited - before.waited};
  must(context, neurlp_graph_read(g, neurlp_graph_loss_value(g), &r->losses[run]));
  for (int64_t s = 0; s < SAMPLES; s++) r->failed[run] += neurlp_graph_statuses(g)[s] != NEURLP_SUCCESS;
}

static record train(const char *backend, neurlp_precision precision, bool joint) {
  record r = {.count = 0};
  neurlp_context *context = NULL;
  neurlp_graph *g = NULL;
  const neurlp_accelerator *machine = NULL;
  if (neurlp_context_create(2, &context) < 0) exit(1);
  must(context, neurlp_context_set_backend(context, backend));
  must(context, neurlp_accelerator_of(context, &machine));
  must(context, neurlp_graph_create(context, precision, SAMPLES, &g));
  const network n = build(g);
  must(context, neurlp_graph_finish(g, true));
  draw_parameters(g);
  r.count = neurlp_graph_parameter_count(g);
  r.gradients = calloc((size_t)(RUNS * r.count), sizeof(double));
  r.parameters = calloc((size_t)r.count, sizeof(double));
  neurlp_optimiser *optimiser = make_optimiser(g, machine);
  for (int32_t run = 0; run < RUNS; run++) {
    const int64_t present = write_run(g, &n, run);
    must(context, neurlp_graph_begin(g, present, 1 / (double)present));
    run_passes(g, machine, joint, &r, run);
    read_vector(g, true, r.gradients + run * r.count);
    check_vectors(g, r.gradients + run * r.count);
    step(g, machine, optimiser, &r.norms[run]);
  }
  read_vector(g, false, r.parameters);
  if (machine) count_recordings(g, &r);
  neurlp_optimiser_destroy(&optimiser);
  neurlp_graph_destroy(&g);
  neurlp_context_destroy(&context);
  return r;
}

static void forget(record *r) {
  free(r->gradients);
  free(r->parameters);
}

/* ---- comparisons ------------------------------------------------------------------------------------- */

/* Largest difference over the largest number. */
static double difference(const double *a, const double *b, int64_t count) {
  double most = 0, size = 0;
  for (int64_t i = 0; i < count; i++) {
    if (!(fabs(a[i] - b[i]) <= DBL_MAX)) return INFINITY;
    most = fmax(most, fabs(a[i] - b[i]));
    size = fmax(size, fabs(b[i]));
  }
  return most / size;
}

/* From the second run on nothing is put into a queue but so many recordings. What is waited for is the run
 * before, and the statuses of samples. */
static void check_counts(const char *what, const record *r, int64_t replayed) {
  int64_t started = 0, replays = 0, waited = 0;
  for (int32_t run = 1; run < RUNS; run++) {
    started += r->counts[run].started;
    replays += r->counts[run].replayed;
    waited += r->counts[run].waited;
  }
  printf("%s: the first run starts %lld pieces of work\n", what, (long long)r->counts[0].started);
  check_above("which are more than", (double)r->counts[0].started, 50);
  check_equal("later runs: pieces of work that are not recorded", started, 0);
  check_equal("later runs: recordings replayed", replays, replayed * (RUNS - 1));
  check_equal("later runs: waits", waited, RUNS - 1);
}

static void check_same_bits(const char *what, const record *a, const record *b) {
  printf("the same bits, %s\n", what);
  check_true("losses", memcmp(a->losses, b->losses, sizeof a->losses) == 0);
  check_true("failed samples", memcmp(a->failed, b->failed, sizeof a->failed) == 0);
  check_true("gradients",
             memcmp(a->gradients, b->gradients, (size_t)(RUNS * a->count) * sizeof(double)) == 0);
  check_true("parameters", memcmp(a->parameters, b->parameters, (size_t)a->count * sizeof(double)) == 0);
}

/* A number goes through fewer than 1000 roundings in a run, and through all runs before it; the block's
 * condition is below 100. */
static void check_training(neurlp_precision precision) {
  const double u = precision == NEURLP_SINGLE ? FLT_EPSILON / 2 : DBL_EPSILON / 2;
  const char *name = precision == NEURLP_SINGLE ? "single" : "double";
  record cpu = train("cpu", precision, false), device = train(device_backend, precision, false);
  char what[128];
  printf("%s precision, %s\n", name, device_backend);
  for (int32_t run = 0; run < RUNS; run++) {
    check_equal("samples that fail", device.failed[run], cpu.failed[run]);
    check_equal("of these expected", cpu.failed[run], (run % 3 == 1) + (run == 4));
    snprintf(what, sizeof what, "run %d, %s: loss, as on the CPU", run, name);
    check_below(what, fabs(device.losses[run] / cpu.losses[run] - 1), 1e5 * u);
    snprintf(what, sizeof what, "run %d, %s: gradient, as on the CPU", run, name);
    check_below(what,
                difference(device.gradients + run * cpu.count, cpu.gradients + run * cpu.count, cpu.count),
                1e5 * u);
    snprintf(what, sizeof what, "run %d, %s: its norm", run, name);
    check_below(what, fabs(device.norms[run] / cpu.norms[run] - 1), 1e5 * u);
  }
  check_below("parameters after all steps", difference(device.parameters, cpu.parameters, cpu.count),
              1e5 * u);
  check_equal("recordings: one of each pass, the block in it", device.recordings, 2);
  check_equal("none is missing", device.recordings, device.segments);
  check_counts("two passes", &device, 2);
  record joint = train(device_backend, precision, true);
  check_equal("recordings of both passes in one", joint.recordings, 1);
  check_counts("both passes in one", &joint, 1);
  check_same_bits("both passes in one", &joint, &device);
  setenv("NEURLP_REPLAY", "off", 1);
  record plain = train(device_backend, precision, true);
  unsetenv("NEURLP_REPLAY");
  check_equal("recordings that are not wanted", plain.recordings, 0);
  check_same_bits("without recordings", &plain, &device);
  forget(&cpu);
  forget(&device);
  forget(&joint);
  forget(&plain);
}

/* ---- left-hand sides that all systems share, but learn ------------------------------------------------- */

enum { LEFT_RUNS = 6 };

typedef struct left_record {
  double losses[LEFT_RUNS], gradients[LEFT_RUNS][2];
  int64_t failed[LEFT_RUNS];
} left_record;

/* Whether the device cuts the time of its only block, and whether all its systems have one factor. */
static void check_way(neurlp_graph *g, bool cut, bool one_factor) {
  const cuda_graph *own = neurlp_graph_on_cuda(g);
  for (int32_t i = 0; i < own->value_count; i++) {
    const cuda_state *solver = own->values[i].solver;
    if (!solver) continue;
    check_equal("time is cut", solver->cut.plan.intervals > 0, cut);
    check_equal("one factor", solver->problem->one_factor, one_factor);
  }
}

/* u'' + p u' + 2 u = input, with p and the step that all systems share; a NaN in one run fails all of them.
 */
static void run_left(const char *backend, int64_t samples, int32_t steps, left_record *r) {
  const double left[2] = {2, 1};
  neurlp_context *context = NULL;
  neurlp_graph *g = NULL;
  if (neurlp_context_create(2, &context) < 0) exit(1);
  must(context, neurlp_context_set_backend(context, backend));
  must(context, neurlp_graph_create(context, NEURLP_DOUBLE, samples, &g));
  const neurlp_value p = neurlp_graph_parameter(g, "p", neurlp_shape_of(5, 1, 1, 1, 1, 1), false);
  const neurlp_value h = neurlp_graph_parameter(g, "h", neurlp_shape_of(3, 1, 1, 1), false);
  const neurlp_value low = neurlp_graph_constant(g, neurlp_shape_of(5, 1, 1, 1, 1, 1), &left[0]);
  const neurlp_value top = neurlp_graph_constant(g, neurlp_shape_of(5, 1, 1, 1, 1, 1), &left[1]);
  const neurlp_value input = neurlp_graph_input(g, "input", neurlp_shape_of(3, samples, steps, 1));
  const neurlp_value start = neurlp_graph_input(g, "start", neurlp_shape_of(4, samples, 1, 1, 2));
  const neurlp_graph_block_spec spec = {.steps = steps,
                                        .order = 2,
                                        .initial_steps = 1,
                                        .initial_derivatives = 2,
                                        .formulation = neurlp_formulation_default()};
  const neurlp_graph_block_inputs inputs = {
      .coefficients = neurlp_graph_concatenate(g, 3, (neurlp_value[]){low, p, top}, 4),
      .rhs = input,
      .initial_values = start,
      .final_values = NEURLP_NO_VALUE,
      .steps = h};
  const neurlp_value u =
      neurlp_graph_reshape(g, neurlp_graph_block(g, &spec, &inputs), neurlp_shape_of(2, samples, steps * 3));
  const neurlp_value target = neurlp_graph_input(g, "target", neurlp_shape_of(2, samples, steps * 3));
  neurlp_graph_loss(g, neurlp_graph_loss_of(g, NEURLP_LOSS_SQUARE, u, target));
  must(context, neurlp_graph_finish(g, true));
  if (strcmp(backend, "cpu") != 0) check_way(g, samples == 1, samples > 1);
  double *numbers = calloc((size_t)(samples * steps * 3), sizeof *numbers);
  must(context, neurlp_graph_write(g, target, numbers));
  for (int64_t i = 0; i < samples * steps; i++) numbers[i] = number(50, i);
  must(context, neurlp_graph_write(g, input, numbers));
  must(context, neurlp_graph_write(g, start, numbers));
  for (int32_t run = 0; run < LEFT_RUNS; run++) {
    const double damping = run == 3 ? NAN : 0.3 + 0.1 * run, step = 0.1 + 0.01 * run;
    must(context, neurlp_graph_write(g, p, &damping));
    must(context, neurlp_graph_write(g, h, &step));
    must(context, neurlp_graph_begin(g, samples, 1 / (double)samples));
    must(context, neurlp_graph_forward_backward(g));
    must(context, neurlp_graph_read(g, neurlp_graph_loss_value(g), &r->losses[run]));
    must(context, neurlp_graph_read_gradient(g, p, &r->gradients[run][0]));
    must(context, neurlp_graph_read_gradient(g, h, &r->gradients[run][1]));
    for (int64_t s = 0; s < samples; s++) r->failed[run] += neurlp_graph_statuses(g)[s] != NEURLP_SUCCESS;
  }
  free(numbers);
  neurlp_graph_destroy(&g);
  neurlp_context_destroy(&context);
}

/* Sums of the block's gradients over a few hundred steps, each with an error of its condition, below 1e4. */
static void check_left(int64_t samples, int32_t steps) {
  left_record cpu = {0}, device = {0};
  printf("a left-hand side that is learned, %lld systems of %d steps\n", (long long)samples, steps);
  run_left("cpu", samples, steps, &cpu);
  run_left(device_backend, samples, steps, &device);
  for (int32_t run = 0; run < LEFT_RUNS; run++) {
    check_equal("systems that fail", device.failed[run], run == 3 ? samples : 0);
    check_equal("as on the CPU", cpu.failed[run], device.failed[run]);
    if (run == 3) {
      check_true("no loss and no gradient",
                 device.losses[run] == 0 && device.gradients[run][0] == 0 && device.gradients[run][1] == 0);
      continue;
    }
    check_below("loss, as on the CPU", fabs(device.losses[run] / cpu.losses[run] - 1), 1e7 * DBL_EPSILON);
    check_below("gradients", difference(device.gradients[run], cpu.gradients[run], 2), 1e7 * DBL_EPSILON);
  }
}

/* ---- a convolution that is too large for one product -------------------------------------------------- */

/* Loss and gradient of the mean square of a circular convolution, whose rows are 41 MB in double precision.
 */
static double *convolve(const char *backend, neurlp_precision precision, int64_t *count, double *loss) {
  enum { MANY = 16, CHANNELS = 16, LENGTH = 2000, KERNEL = 9 };
  const neurlp_convolution walk = {.stride = 1, .dilation = 1, .padding = 4, .circular = true};
  neurlp_context *context = NULL;
  neurlp_graph *g = NULL;
  if (neurlp_context_create(2, &context) < 0) exit(1);
  must(context, neurlp_context_set_backend(context, backend));
  must(context, neurlp_graph_create(context, precision, MANY, &g));
  const neurlp_value x = neurlp_graph_parameter(g, "x", neurlp_shape_of(3, MANY, CHANNELS, LENGTH), false);
  const neurlp_value y = neurlp_layer_convolution(g, "c", x, CHANNELS, KERNEL, walk);
  const neurlp_value target = neurlp_graph_input(g, "target", neurlp_graph_shape(g, y));
  neurlp_graph_loss(g, neurlp_graph_loss_of(g, NEURLP_LOSS_SQUARE, y, target));
  must(context, neurlp_graph_finish(g, true));
  draw_parameters(g);
  double *zeros = calloc((size_t)MANY * CHANNELS * LENGTH, sizeof *zeros);
  must(context, neurlp_graph_write(g, target, zeros));
  must(context, neurlp_graph_begin(g, MANY, 1));
  must(context, neurlp_graph_forward(g));
  must(context, neurlp_graph_read(g, neurlp_graph_loss_value(g), loss));
  must(context, neurlp_graph_backward(g));
  *count = neurlp_graph_parameter_count(g);
  double *gradient = calloc((size_t)*count, sizeof *gradient);
  read_vector(g, true, gradient);
  free(zeros);
  neurlp_graph_destroy(&g);
  neurlp_context_destroy(&context);
  return gradient;
}

/* A value is a sum of 145 products; a weight's gradient one of 32000, with random signs. */
static void check_convolution(void) {
  int64_t count = 0;
  double cpu_loss = NAN, loss = NAN;
  double *cpu = convolve("cpu", NEURLP_DOUBLE, &count, &cpu_loss);
  double *device = convolve(device_backend, NEURLP_DOUBLE, &count, &loss);
  check_below("a large convolution: loss, as on the CPU", fabs(loss / cpu_loss - 1), 1e4 * DBL_EPSILON);
  check_below("gradient, as on the CPU", difference(device, cpu, count), 32000 * DBL_EPSILON);
  const int64_t last = count - 16 * 16 * 9 - 16; /* x is by far the most, but its gradient is small */
  check_below("gradient of x", difference(device, cpu, last), 1e4 * DBL_EPSILON);
  free(cpu);
  free(device);
}

/* ---- recordings -------------------------------------------------------------------------------------- */

/* What a GPU would refuse, or silently do wrong, is refused. */
static void check_rules(void) {
  neurlp_context *context = NULL;
  neurlp_device *device = NULL;
  void *memory = NULL, *other = NULL, *recording = NULL;
  unsigned char *pinned = NULL;
  if (neurlp_context_create(1, &context) < 0) exit(1);
  must(context, neurlp_device_of_host(context, &device));
  const neurlp_device_operations *o = device->operations;
  must(context, o->allocate(device, 16, &memory));
  must(context, o->allocate_pinned(device, 16, &other));
  pinned = other;
  must(context, o->record(device, 0));
  must(context, o->set(device, 0, memory, 3, 16));
  check_equal("waiting while a queue is recorded", o->wait(device, 0), NEURLP_ERROR_INTERNAL);
  check_equal("allocating meanwhile", o->allocate(device, 16, &other), NEURLP_ERROR_INTERNAL);
  check_equal("recording twice", o->record(device, 1), NEURLP_ERROR_INTERNAL);
  must(context, o->end_record(device, 0, &recording));
  for (int times = 0; times < 2; times++) {
    must(context, o->set(device, 0, memory, 5, 16));
    must(context, o->copy(device, 0, pinned, memory, 16));
    must(context, o->wait(device, 0));
    check_equal("a recording is not done before it is replayed", pinned[7], 5);
    must(context, o->replay(device, 0, recording));
    must(context, o->copy(device, 0, pinned, memory, 16));
    must(context, o->wait(device, 0));
    check_equal("and is when it is, each time", pinned[7], 3);
  }
  o->forget(device, &recording);
  must(context, o->record(device, 0));
  must(context, o->set(device, 0, memory, 9, 16));
  must(context, o->end_record(device, 0, NULL));
  must(context, o->wait(device, 0));
  check_equal("what was recorded and forgotten is not done", ((unsigned char *)memory)[0], 3);
  neurlp_context_destroy(&context);
}

int main(void) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  if (backend) device_backend = backend;
  check_rules();
  check_convolution();
  check_left(5, 6);
  check_left(1, 300);
  check_training(NEURLP_DOUBLE);
  check_training(NEURLP_SINGLE);
  return check_verdict();
}
