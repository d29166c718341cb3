/* Graphs as a whole: memory, shards, missing numbers, failures while building, threads, precision. */
#include "core/allocations.h"
#include "graph/gradient.h"
#include "support/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 8, WIDTH = 70, OUTPUTS = 3 };

/* Two dense layers on an input. */
typedef struct small_network {
  neurlp_value input, target, output;
} small_network;

static small_network build(neurlp_graph *graph, int64_t samples) {
  small_network n;
  n.input = neurlp_graph_input(graph, "input", neurlp_shape_of(2, samples, 5));
  n.target = neurlp_graph_input(graph, "target", neurlp_shape_of(2, samples, OUTPUTS));
  neurlp_value x = n.input;
  for (int32_t layer = 0; layer < 6; layer++) {
    const int64_t inputs = neurlp_graph_shape(graph, x).extents[1];
    x = neurlp_graph_tanh(
        graph, neurlp_graph_dense(
                   graph, x, neurlp_graph_parameter(graph, "weight", neurlp_shape_of(2, WIDTH, inputs), true),
                   neurlp_graph_parameter(graph, "bias", neurlp_shape_of(1, WIDTH), false)));
  }
  n.output = neurlp_graph_dense_plain(
      graph, x, neurlp_graph_parameter(graph, "last", neurlp_shape_of(2, OUTPUTS, WIDTH), true));
  neurlp_graph_keep(graph, n.output);
  neurlp_graph_loss(graph, neurlp_graph_loss_of(graph, NEURLP_LOSS_SQUARE, n.output, n.target));
  return n;
}

/* Loss and gradient for some of the samples, all of them drawn from the same numbers. */
static double run(int32_t threads, neurlp_precision precision, int64_t first, int64_t count, int64_t room,
                  double missing, double **gradient, int64_t *parameters) {
  test_graph t = {.seed = 3};
  double loss = NAN, inputs[SAMPLES * 5], targets[SAMPLES * OUTPUTS];
  if (neurlp_context_create(threads, &t.context) < 0) exit(1);
  if (neurlp_graph_create(t.context, precision, room, &t.graph) < 0) exit(1);
  const small_network n = build(t.graph, room);
  test_graph_draw(&t, SAMPLES * 5, inputs);
  test_graph_draw(&t, SAMPLES * OUTPUTS, targets);
  targets[0] = missing;
  test_graph_start(&t, 0.2);
  double own_inputs[SAMPLES * 5], own_targets[SAMPLES * OUTPUTS];
  for (int i = 0; i < SAMPLES * 5; i++) own_inputs[i] = 1e3;
  for (int i = 0; i < SAMPLES * OUTPUTS; i++) own_targets[i] = 0;
  memcpy(own_inputs, inputs + 5 * first, (size_t)count * 5 * sizeof *inputs);
  memcpy(own_targets, targets + OUTPUTS * first, (size_t)count * OUTPUTS * sizeof *targets);
  if (neurlp_graph_write(t.graph, n.input, own_inputs) < 0) exit(1);
  if (neurlp_graph_write(t.graph, n.target, own_targets) < 0) exit(1);
  if (neurlp_graph_begin(t.graph, count, 1.0 / SAMPLES) < 0 || neurlp_graph_forward(t.graph) < 0) exit(1);
  if (neurlp_graph_read(t.graph, neurlp_graph_loss_value(t.graph), &loss) < 0) exit(1);
  if (neurlp_graph_backward(t.graph) < 0) exit(1);
  *parameters = neurlp_graph_parameter_count(t.graph);
  *gradient = calloc((size_t)*parameters, sizeof **gradient);
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(t.graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(t.graph, i);
    if (neurlp_graph_read_gradient(t.graph, info.value, *gradient + info.first) < 0) exit(1);
  }
  test_graph_close(&t);
  return loss;
}

static double difference(const double *a, const double *b, int64_t count) {
  double most = 0, unit = 0;
  for (int64_t i = 0; i < count; i++) {
    most = fmax(most, fabs(a[i] - b[i]));
    if (!(fabs(a[i] - b[i]) <= DBL_MAX)) return INFINITY;
    unit = fmax(unit, fabs(b[i]));
  }
  return most / unit;
}

/* The loss and gradient of a batch are the sums of those of its shards; absent samples hold anything finite.
 */
static void check_shards(void) {
  double *whole = NULL, *first = NULL, *second = NULL;
  int64_t count = 0;
  const double loss = run(1, NEURLP_DOUBLE, 0, SAMPLES, SAMPLES, 1, &whole, &count);
  const double a = run(1, NEURLP_DOUBLE, 0, 3, 3, 1, &first, &count);
  const double b = run(1, NEURLP_DOUBLE, 3, 5, 7, 1, &second, &count);
  check_below("loss of shards, one with absent samples", fabs(a + b - loss) / loss, 8 * DBL_EPSILON);
  for (int64_t i = 0; i < count; i++) first[i] += second[i];
  check_below("gradient of shards", difference(first, whole, count), 100 * DBL_EPSILON);
  free(whole);
  free(first);
  free(second);
}

static void check_threads_and_precision(void) {
  double *one = NULL, *three = NULL, *single = NULL;
  int64_t count = 0;
  const double loss = run(1, NEURLP_DOUBLE, 0, SAMPLES, SAMPLES, 1, &one, &count);
  check_true("three threads: the same loss",
             run(3, NEURLP_DOUBLE, 0, SAMPLES, SAMPLES, 1, &three, &count) == loss);
  check_true("three threads: the same gradient, bit for bit",
             memcmp(one, three, (size_t)count * sizeof *one) == 0);
  const double narrow = run(1, NEURLP_SINGLE, 0, SAMPLES, SAMPLES, 1, &single, &count);
  /* sums of at most 70 products through seven layers */
  check_below("single precision: loss", fabs(narrow - loss) / loss, 7 * 70 * FLT_EPSILON);
  check_below("single precision: gradient", difference(single, one, count), 7 * 70 * FLT_EPSILON);
  free(one);
  free(three);
  free(single);
}

/* A target that is missing counts as one that is met. */
static void check_missing(void) {
  double *with = NULL;
  int64_t count = 0, wild = 0;
  const double loss = run(1, NEURLP_DOUBLE, 0, SAMPLES, SAMPLES, NAN, &with, &count);
  check_true("a missing target: the loss is finite", isfinite(loss));
  check_above("a missing target: the others count", loss, DBL_MIN);
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(with[i])) wild++;
  check_above("a missing target: numbers of the gradient", (double)count, 1);
  check_equal("a missing target: those that are not finite", wild, 0);
  free(with);
}

/* Tensors that are not needed at the same time lie in the same place. */
static void check_memory(void) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  build(t.graph, SAMPLES);
  if (neurlp_graph_finish(t.graph, false) < 0) exit(1);
  const size_t foretold = neurlp_graph_bytes(t.graph),
               before = neurlp_context_memory(t.context).current_bytes;
  check_below("nothing is allocated yet", (double)before, 300e3);
  test_graph_close(&t);
  t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  build(t.graph, SAMPLES);
  const size_t small = neurlp_context_memory(t.context).current_bytes;
  if (neurlp_graph_finish(t.graph, true) < 0) exit(1);
  check_below("bytes foretold less bytes held",
              fabs((double)(neurlp_context_memory(t.context).current_bytes - small) - (double)foretold),
              64e3);
  check_equal("the same as foretold", (long long)neurlp_graph_bytes(t.graph), (long long)foretold);
  const int64_t held = neurlp_context_allocations(t.context);
  if (neurlp_graph_begin(t.graph, SAMPLES, 1) < 0 || neurlp_graph_forward(t.graph) < 0) exit(1);
  if (neurlp_graph_backward(t.graph) < 0) exit(1);
  check_equal("nothing is allocated in a run", neurlp_context_allocations(t.context), held);
  test_graph_close(&t);
}

/* The first failure of building is what finish returns. */
/* All parameters at once, which a graph that is not finished has not. */
static void check_vectors(void) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_SINGLE, 3);
  const float numbers[6] = {1, -2, 3, -4, 5, -6};
  float copy[6] = {0};
  double read[4];
  neurlp_graph_parameter(t.graph, "two", neurlp_shape_of(1, 2), true);
  const neurlp_value four = neurlp_graph_parameter(t.graph, "four", neurlp_shape_of(2, 2, 2), true);
  check_equal("parameters before there are any", neurlp_graph_set_parameters(t.graph, numbers),
              NEURLP_ERROR_ARGUMENT);
  if (neurlp_graph_finish(t.graph, true) < 0 || neurlp_graph_set_parameters(t.graph, numbers) < 0 ||
      neurlp_graph_get_parameters(t.graph, copy) < 0 || neurlp_graph_read(t.graph, four, read) < 0)
    exit(1);
  check_true("parameters that were set are got", memcmp(numbers, copy, sizeof numbers) == 0);
  check_true("and are where they belong", read[0] == 3 && read[3] == -6);
  if (neurlp_graph_get_gradients(t.graph, copy) < 0) exit(1);
  check_true("gradients begin as zeros", copy[0] == 0 && copy[5] == 0);
  test_graph_close(&t);
}

static void check_failures_of_building(void) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 1);
  const neurlp_value x = neurlp_graph_input(t.graph, "x", neurlp_shape_of(2, SAMPLES, 5));
  const neurlp_value w = neurlp_graph_parameter(t.graph, "w", neurlp_shape_of(2, 4, 6), true);
  const neurlp_value y = neurlp_graph_dense_plain(t.graph, x, w);
  check_equal("a weight that does not fit", y, NEURLP_NO_VALUE);
  check_equal("what follows from it", neurlp_graph_tanh(t.graph, y), NEURLP_NO_VALUE);
  check_equal("finish says so", neurlp_graph_finish(t.graph, true), NEURLP_ERROR_ARGUMENT);
  check_true(neurlp_context_message(t.context),
             strstr(neurlp_context_message(t.context), "dense") != NULL &&
                 strstr(neurlp_context_message(t.context), "[4][6]") != NULL);
  test_graph_close(&t);
}

int main(void) {
  check_shards();
  check_threads_and_precision();
  check_missing();
  check_memory();
  check_vectors();
  check_failures_of_building();
  return check_verdict();
}
