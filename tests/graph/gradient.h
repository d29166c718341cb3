/* Graphs under test: random parameters, a loss, and its gradient against the loss itself.
 *
 * With g the gradient at p, R(e) = |L(p + e q) - L(p) - e <g, q>| for a random direction q is of order e^2:
 * halving e quarters it. An entry of g that is wrong leaves an R of order e. */
#ifndef TESTS_GRAPH_GRADIENT_H
#define TESTS_GRAPH_GRADIENT_H

#include "graph/operations.h"
#include "support/check.h"

/* What a case builds on: a graph of a few samples in double precision, and a count of what it has drawn. */
typedef struct test_graph {
  neurlp_context *context;
  neurlp_graph *graph;
  uint64_t seed;
  int32_t drawn;
  int64_t blocks; /* of memory that the context has whether there are graphs or not: its device's */
} test_graph;

/* On the backend of NEURLP_TEST_BACKEND, or cpu. Exits if it cannot be made. */
test_graph test_graph_open(int64_t samples, neurlp_precision precision, uint64_t seed);
test_graph test_graph_open_on(const char *backend, int32_t threads, int64_t samples,
                              neurlp_precision precision, uint64_t seed);
void test_graph_close(test_graph *test);

/* Standard normal numbers, the same for the same seed and draw. */
void test_graph_draw(test_graph *test, int64_t count, double *numbers);

/* A parameter of that shape; an input of that shape whose numbers are drawn when it is filled. */
neurlp_value test_graph_parameter(test_graph *test, neurlp_tensor_shape shape);
neurlp_value test_graph_constant(test_graph *test, neurlp_tensor_shape shape);

/* Mean square difference from random numbers, as the loss of `y`, a tensor of any shape: it is made one with
 * as many samples as the graph has by being a row of the first sample where it does not have them. */
void test_graph_square_loss(test_graph *test, neurlp_value y);

/* Finishes the graph and draws all parameters. Exits where that fails. */
void test_graph_start(test_graph *test, double scale);

/* The order of R in e, and <g, q>. */
typedef struct test_graph_remainder {
  double slope, derivative;
} test_graph_remainder;

/* Finishes the graph, draws all parameters, times `scale`, runs it, and measures R. */
test_graph_remainder test_graph_taylor(test_graph *test, double scale);

static inline void test_graph_check_gradient(test_graph *test, const char *name, double scale) {
  const test_graph_remainder r = test_graph_taylor(test, scale);
  char what[128];
  snprintf(what, sizeof what, "%s: slope of the Taylor remainder less 2", name);
  check_below(what, fabs(r.slope - 2), 0.05);
  snprintf(what, sizeof what, "%s: the derivative is not 0", name);
  check_above(what, fabs(r.derivative), 1e-12);
}

#endif
