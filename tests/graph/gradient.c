#include "graph/gradient.h"

#include "core/random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void must(test_graph *test, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s: %s\n", neurlp_status_name(status), neurlp_context_message(test->context));
  exit(1);
}

test_graph test_graph_open(int64_t samples, neurlp_precision precision, uint64_t seed) {
  const char *backend = getenv("NEURLP_TEST_BACKEND");
  return test_graph_open_on(backend ? backend : "cpu", 2, samples, precision, seed);
}

test_graph test_graph_open_on(const char *backend, int32_t threads, int64_t samples,
                              neurlp_precision precision, uint64_t seed) {
  test_graph test = {.seed = seed};
  if (neurlp_context_create(threads, &test.context) < 0) exit(1);
  must(&test, neurlp_context_set_backend(test.context, backend));
  must(&test, neurlp_graph_create(test.context, precision, samples, &test.graph));
  neurlp_graph_destroy(&test.graph);
  test.blocks = neurlp_context_memory(test.context).blocks;
  must(&test, neurlp_graph_create(test.context, precision, samples, &test.graph));
  return test;
}

void test_graph_close(test_graph *test) {
  neurlp_graph_destroy(&test->graph);
  const int64_t leak = neurlp_context_memory(test->context).blocks - test->blocks;
  if (leak != 0) {
    printf("FAIL %lld blocks of memory leak\n", (long long)leak);
    exit(1);
  }
  neurlp_context_destroy(&test->context);
}

void test_graph_draw(test_graph *test, int64_t count, double *numbers) {
  const int32_t draw = test->drawn++;
  for (int64_t i = 0; i < count; i++)
    numbers[i] = neurlp_random_normal(test->seed, NEURLP_RANDOM_TEST, draw, i);
}

neurlp_value test_graph_parameter(test_graph *test, neurlp_tensor_shape shape) {
  char name[32];
  snprintf(name, sizeof name, "p%d", test->drawn);
  return neurlp_graph_parameter(test->graph, name, shape, true);
}

neurlp_value test_graph_constant(test_graph *test, neurlp_tensor_shape shape) {
  double *numbers = calloc((size_t)neurlp_shape_numbers(&shape), sizeof *numbers);
  test_graph_draw(test, neurlp_shape_numbers(&shape), numbers);
  const neurlp_value value = neurlp_graph_constant(test->graph, shape, numbers);
  free(numbers);
  return value;
}

void test_graph_square_loss(test_graph *test, neurlp_value y) {
  neurlp_graph *graph = test->graph;
  const neurlp_tensor_shape shape = neurlp_graph_shape(graph, y);
  const int64_t samples = neurlp_graph_samples(graph), numbers = neurlp_shape_numbers(&shape);
  neurlp_tensor_shape rows = neurlp_shape_of(2, samples, numbers / samples);
  neurlp_value x = y;
  if (shape.rank < 1 || shape.extents[0] != samples) { /* all numbers once for each sample */
    rows = neurlp_shape_of(2, samples, numbers);
    const neurlp_tensor_shape ones_shape = neurlp_shape_of(2, samples, 1);
    double *ones = calloc((size_t)samples, sizeof *ones);
    for (int64_t s = 0; s < samples; s++) ones[s] = 1;
    x = neurlp_graph_multiply(graph, neurlp_graph_reshape(graph, y, neurlp_shape_of(2, 1, numbers)),
                              neurlp_graph_constant(graph, ones_shape, ones));
    free(ones);
  } else {
    x = neurlp_graph_reshape(graph, y, rows);
  }
  neurlp_graph_loss(graph,
                    neurlp_graph_loss_of(graph, NEURLP_LOSS_SQUARE, x, test_graph_constant(test, rows)));
}

void test_graph_start(test_graph *test, double scale) {
  must(test, neurlp_graph_finish(test->graph, true));
  must(test, neurlp_graph_begin(test->graph, neurlp_graph_samples(test->graph), 0.5));
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(test->graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(test->graph, i);
    double *numbers = calloc((size_t)info.count, sizeof *numbers);
    test_graph_draw(test, info.count, numbers);
    for (int64_t j = 0; j < info.count; j++) numbers[j] *= scale;
    must(test, neurlp_graph_write(test->graph, info.value, numbers));
    free(numbers);
  }
}

/* Moves all parameters by e times a direction, which is drawn again and again from `first_draw` on; returns
 * <g, q> if gradients are wanted. */
static double move(test_graph *test, int32_t first_draw, double e, bool want_dot) {
  double dot = 0;
  test->drawn = first_draw;
  for (int32_t i = 0; i < neurlp_graph_parameter_tensors(test->graph); i++) {
    const neurlp_parameter_info info = neurlp_graph_parameter_info(test->graph, i);
    double *numbers = calloc(2 * (size_t)info.count, sizeof *numbers), *direction = numbers + info.count;
    test_graph_draw(test, info.count, direction);
    if (want_dot) {
      must(test, neurlp_graph_read_gradient(test->graph, info.value, numbers));
      for (int64_t j = 0; j < info.count; j++) dot += numbers[j] * direction[j];
    } else {
      must(test, neurlp_graph_read(test->graph, info.value, numbers));
      for (int64_t j = 0; j < info.count; j++) numbers[j] += e * direction[j];
      must(test, neurlp_graph_write(test->graph, info.value, numbers));
    }
    free(numbers);
  }
  return dot;
}

static double loss_at(test_graph *test) {
  double loss = 0;
  must(test, neurlp_graph_forward(test->graph));
  must(test, neurlp_graph_read(test->graph, neurlp_graph_find(test->graph, "loss"), &loss));
  return loss;
}

test_graph_remainder test_graph_taylor(test_graph *test, double scale) {
  const double e = 1e-3;
  neurlp_graph_name(test->graph, neurlp_graph_loss_value(test->graph), "loss");
  test_graph_start(test, scale);
  const int32_t first_draw = test->drawn;
  const double at = loss_at(test);
  must(test, neurlp_graph_backward(test->graph));
  const double dot = move(test, first_draw, 0, true);
  move(test, first_draw, e / 2, false);
  const double half = fabs(loss_at(test) - at - e / 2 * dot);
  move(test, first_draw, e / 2, false);
  const double whole = fabs(loss_at(test) - at - e * dot);
  return (test_graph_remainder){.slope = log2(whole / half), .derivative = dot};
}
