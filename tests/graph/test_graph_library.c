/* Libraries of terms: values against C, gradients by Taylor remainders, what failed samples get. */
#include "graph/gradient.h"
#include "support/check.h"

#include "expr/library.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Points of a sample: more than one group of lanes, and not a multiple of it. */
enum { SAMPLES = 3, POINTS = 70, TERMS = 6 };

static const char *const names[] = {"x", "y", "a", "b"};
static const neurlp_symbols symbols = {4, names};
static const char *const texts[TERMS] = {"1", "x", "x^2*y", "a*sin(x)", "exp(-b*y)", "2*pi*a"};

static double term(int32_t l, double x, double y, double a, double b) {
  const double values[TERMS] = {1, x, x * x * y, a * sin(x), exp(-b * y), 6.28318530717958647692 * a};
  return values[l];
}

static void must(const test_graph *t, neurlp_status status) {
  if (status >= 0) return;
  printf("FAIL %s\n", neurlp_context_message(t->context));
  exit(1);
}

static void check_values(neurlp_precision precision, double epsilon) {
  enum { COUNT = SAMPLES * POINTS };
  double x[2 * COUNT], p[2] = {0.75, 0.5}, y[COUNT * TERMS], worst = 0;
  test_graph t = test_graph_open(SAMPLES, precision, 5);
  test_graph_draw(&t, 2 * COUNT, x);
  for (int32_t i = 0; i < 2 * COUNT; i++) x[i] = (float)x[i]; /* exact in both precisions */
  const neurlp_value points = neurlp_graph_input(t.graph, "x", neurlp_shape_of(3, SAMPLES, POINTS, 2));
  const neurlp_value parameters = neurlp_graph_input(t.graph, "p", neurlp_shape_of(1, 2));
  const neurlp_value terms = neurlp_graph_library(t.graph, points, parameters, &symbols, TERMS, texts);
  neurlp_graph_keep(t.graph, terms);
  must(&t, neurlp_graph_finish(t.graph, true));
  must(&t, neurlp_graph_write(t.graph, points, x));
  must(&t, neurlp_graph_write(t.graph, parameters, p));
  must(&t, neurlp_graph_begin(t.graph, 2, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_read(t.graph, terms, y));
  for (int32_t i = 0; i < COUNT; i++)
    for (int32_t l = 0; l < TERMS; l++) {
      const double expected = i < 2 * POINTS ? term(l, x[2 * i], x[2 * i + 1], p[0], p[1]) : 0;
      worst = fmax(worst, fabs(y[i * TERMS + l] - expected) / (1 + fabs(expected)));
    }
  check_below(precision == NEURLP_DOUBLE ? "values in double precision" : "values in single precision", worst,
              8 * epsilon);
  test_graph_close(&t);
}

static void check_gradient(bool train_points, bool train_parameters) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 11);
  const neurlp_tensor_shape shape = neurlp_shape_of(3, SAMPLES, POINTS, 2), two = neurlp_shape_of(1, 2);
  const neurlp_value x = train_points ? test_graph_parameter(&t, shape) : test_graph_constant(&t, shape);
  const neurlp_value p = train_parameters ? test_graph_parameter(&t, two) : test_graph_constant(&t, two);
  test_graph_square_loss(&t, neurlp_graph_library(t.graph, x, p, &symbols, TERMS, texts));
  test_graph_check_gradient(&t,
                            train_points ? train_parameters ? "library: points and parameters" : "points"
                                         : "library: parameters",
                            0.5);
  test_graph_close(&t);
}

/* Gradients of what all points share are the same on any number of threads. */
static void check_threads(void) {
  double gradient[2][2];
  for (int32_t i = 0; i < 2; i++) {
    test_graph t = {.seed = 15};
    if (neurlp_context_create(1 + 2 * i, &t.context) < 0) exit(1);
    must(&t, neurlp_graph_create(t.context, NEURLP_DOUBLE, SAMPLES, &t.graph));
    const neurlp_value x = test_graph_constant(&t, neurlp_shape_of(3, SAMPLES, POINTS, 2));
    const neurlp_value p = test_graph_parameter(&t, neurlp_shape_of(1, 2));
    test_graph_square_loss(&t, neurlp_graph_library(t.graph, x, p, &symbols, TERMS, texts));
    test_graph_start(&t, 0.5);
    must(&t, neurlp_graph_forward(t.graph));
    must(&t, neurlp_graph_backward(t.graph));
    must(&t, neurlp_graph_read_gradient(t.graph, p, gradient[i]));
    test_graph_close(&t);
  }
  check_true("three threads: the same gradient of parameters, bit for bit",
             gradient[0][0] == gradient[1][0] && gradient[0][1] == gradient[1][1] && gradient[0][0] != 0);
}

/* The basis library, at points that belong to no sample. */
static void check_basis(void) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 12);
  const neurlp_symbols two = {2, names};
  const neurlp_library_spec spec = {.variables = 2, .polynomial = 3, .trigonometric = 1};
  neurlp_library *library = NULL;
  must(&t, neurlp_library_create(t.context, &spec, &two, &library));
  check_equal("terms of the basis library", library->count, 14);
  const neurlp_value x = test_graph_parameter(&t, neurlp_shape_of(2, 1, 2));
  test_graph_square_loss(&t, neurlp_graph_library(t.graph, x, NEURLP_NO_VALUE, &two, library->count,
                                                  (const char *const *)library->texts));
  neurlp_library_destroy(&library);
  test_graph_check_gradient(&t, "basis library of points that all share", 0.5);
  test_graph_close(&t);
}

/* log(x) at x = 0 of a sample that is absent: no infinity gets into the gradient of what samples share. */
static void check_absent(void) {
  const char *const logarithm[] = {"a*log(x) + b*y"};
  double x[SAMPLES * 2] = {1.5, 1, 2.5, 1, 0, 0}, p[2] = {1, 1}, gradient[2] = {0};
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 13);
  const neurlp_value points = neurlp_graph_input(t.graph, "x", neurlp_shape_of(2, SAMPLES, 2));
  const neurlp_value parameters = test_graph_parameter(&t, neurlp_shape_of(1, 2));
  const neurlp_value y = neurlp_graph_library(t.graph, points, parameters, &symbols, 1, logarithm);
  test_graph_square_loss(&t, y);
  must(&t, neurlp_graph_finish(t.graph, true));
  must(&t, neurlp_graph_write(t.graph, points, x));
  must(&t, neurlp_graph_write(t.graph, parameters, p));
  must(&t, neurlp_graph_begin(t.graph, 2, 1));
  must(&t, neurlp_graph_forward(t.graph));
  must(&t, neurlp_graph_backward(t.graph));
  must(&t, neurlp_graph_read_gradient(t.graph, parameters, gradient));
  check_true("an absent sample at a singularity: a finite gradient",
             isfinite(gradient[0]) && isfinite(gradient[1]) && gradient[0] != 0);
  test_graph_close(&t);
}

static void check_refusals(void) {
  const char *const wrong[] = {"x*z"};
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 14);
  const neurlp_value x = neurlp_graph_input(t.graph, "x", neurlp_shape_of(2, SAMPLES, 2));
  check_equal("parameters of another shape", neurlp_graph_library(t.graph, x, x, &symbols, 1, wrong),
              NEURLP_NO_VALUE);
  check_equal("finish says so", neurlp_graph_finish(t.graph, true), NEURLP_ERROR_ARGUMENT);
  test_graph_close(&t);
  t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 14);
  const neurlp_symbols two = {2, names};
  const neurlp_value y = neurlp_graph_input(t.graph, "x", neurlp_shape_of(2, SAMPLES, 2));
  check_equal("an unknown symbol", neurlp_graph_library(t.graph, y, NEURLP_NO_VALUE, &two, 1, wrong),
              NEURLP_NO_VALUE);
  check_equal("finish says so", neurlp_graph_finish(t.graph, true), NEURLP_ERROR_SYNTAX);
  test_graph_close(&t);
}

int main(void) {
  check_values(NEURLP_DOUBLE, DBL_EPSILON);
  check_values(NEURLP_SINGLE, FLT_EPSILON);
  check_gradient(true, true);
  check_gradient(true, false);
  check_gradient(false, true);
  check_basis();
  check_threads();
  check_absent();
  check_refusals();
  return check_verdict();
}
