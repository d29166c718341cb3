/* Every operation: its gradient by Taylor remainders. Values are checked in test_graph_values.c. */
#include "graph/gradient.h"
#include "graph/layers.h"
#include "support/check.h"

/* A case adds a value made of parameters to the graph. */
typedef struct operation_case {
  const char *name;
  neurlp_value (*build)(test_graph *test);
} operation_case;

enum { SAMPLES = 3 };

static neurlp_value matrix(test_graph *t) {
  return test_graph_parameter(t, neurlp_shape_of(2, SAMPLES, 5));
}

#define UNARY_CASE(kind)                                                                                     \
  static neurlp_value build_##kind(test_graph *t) {                                                          \
    return neurlp_graph_##kind(t->graph, matrix(t));                                                         \
  }
UNARY_CASE(relu)
UNARY_CASE(elu)
UNARY_CASE(gelu)
UNARY_CASE(tanh)
UNARY_CASE(sigmoid)
UNARY_CASE(softplus)
UNARY_CASE(exp)
UNARY_CASE(square)

static neurlp_value build_scale(test_graph *t) {
  return neurlp_graph_scale(t->graph, matrix(t), -1.5, 0.25);
}

static neurlp_value build_clip(test_graph *t) {
  return neurlp_graph_clip(t->graph, matrix(t), -0.5, 0.7);
}

static neurlp_value build_add(test_graph *t) {
  return neurlp_graph_add(t->graph, matrix(t), test_graph_parameter(t, neurlp_shape_of(2, SAMPLES, 5)));
}

static neurlp_value build_add_row(test_graph *t) {
  return neurlp_graph_add(t->graph, matrix(t), test_graph_parameter(t, neurlp_shape_of(1, 5)));
}

static neurlp_value build_multiply_column(test_graph *t) {
  return neurlp_graph_multiply(t->graph, test_graph_parameter(t, neurlp_shape_of(2, SAMPLES, 1)), matrix(t));
}

/* Both sides broadcast, and one value is used twice. */
static neurlp_value build_multiply_outer(test_graph *t) {
  const neurlp_value a = test_graph_parameter(t, neurlp_shape_of(3, SAMPLES, 1, 4));
  const neurlp_value b = test_graph_parameter(t, neurlp_shape_of(3, 1, 2, 4));
  const neurlp_value ab = neurlp_graph_multiply(t->graph, a, b);
  return neurlp_graph_add(t->graph, neurlp_graph_multiply(t->graph, ab, a), ab);
}

static neurlp_value build_dense(test_graph *t) {
  const neurlp_value x = test_graph_parameter(t, neurlp_shape_of(3, SAMPLES, 2, 4));
  return neurlp_graph_dense(t->graph, x, test_graph_parameter(t, neurlp_shape_of(2, 6, 4)),
                            test_graph_parameter(t, neurlp_shape_of(1, 6)));
}

static neurlp_value build_dense_plain(test_graph *t) {
  return neurlp_graph_dense_plain(t->graph, matrix(t), test_graph_parameter(t, neurlp_shape_of(2, 200, 5)));
}

static neurlp_value build_reduce(test_graph *t) {
  return neurlp_graph_reduce(t->graph, test_graph_parameter(t, neurlp_shape_of(4, SAMPLES, 2, 4, 3)),
                             1u << 1 | 1u << 3, true);
}

static neurlp_value build_reduce_all(test_graph *t) {
  return neurlp_graph_reduce(t->graph, matrix(t), 3, false);
}

static neurlp_value build_reshape(test_graph *t) {
  const neurlp_value x = matrix(t);
  const neurlp_value y = neurlp_graph_reshape(t->graph, x, neurlp_shape_of(3, SAMPLES, 5, 1));
  return neurlp_graph_multiply(
      t->graph, y,
      neurlp_graph_reshape(t->graph, neurlp_graph_tanh(t->graph, x), neurlp_shape_of(3, SAMPLES, 1, 5)));
}

static neurlp_value convolve(test_graph *t, int64_t batch, neurlp_convolution walk) {
  const neurlp_value x = test_graph_parameter(t, neurlp_shape_of(3, batch, 2, 7));
  const neurlp_value weight = test_graph_parameter(t, neurlp_shape_of(3, 4, 2, 3));
  return neurlp_graph_convolution(t->graph, x, weight, test_graph_parameter(t, neurlp_shape_of(1, 4)), walk);
}

static neurlp_value build_convolution(test_graph *t) {
  return convolve(t, SAMPLES, (neurlp_convolution){.stride = 2, .dilation = 2, .padding = 1});
}

static neurlp_value build_convolution_circular(test_graph *t) {
  return convolve(t, 20, (neurlp_convolution){.stride = 1, .dilation = 1, .padding = 2, .circular = true});
}

static neurlp_value build_normalise(test_graph *t) {
  const neurlp_value x = test_graph_parameter(t, neurlp_shape_of(3, SAMPLES, 2, 5));
  const neurlp_value gain = test_graph_parameter(t, neurlp_shape_of(2, 2, 5));
  return neurlp_graph_normalise(t->graph, x, 2, gain, test_graph_parameter(t, neurlp_shape_of(2, 2, 5)),
                                1e-5);
}

static neurlp_value build_concatenate(test_graph *t) {
  const neurlp_value x = matrix(t);
  return neurlp_graph_concatenate(t->graph, 3, (neurlp_value[]){x, neurlp_graph_tanh(t->graph, x), x}, 1);
}

static neurlp_value build_slice(test_graph *t) {
  return neurlp_graph_slice(t->graph, neurlp_graph_tanh(t->graph, matrix(t)), 1, 1, 2, 3);
}

static neurlp_value build_permute(test_graph *t) {
  const neurlp_value x = test_graph_parameter(t, neurlp_shape_of(3, SAMPLES, 2, 4));
  return neurlp_graph_permute(t->graph, neurlp_graph_tanh(t->graph, x), (int32_t[]){0, 2, 1});
}

static neurlp_value build_broadcast(test_graph *t) {
  const neurlp_value x = test_graph_parameter(t, neurlp_shape_of(2, 4, 1));
  return neurlp_graph_broadcast(t->graph, neurlp_graph_tanh(t->graph, x), neurlp_shape_of(3, SAMPLES, 4, 2));
}

static neurlp_value build_penalty_square(test_graph *t) {
  return neurlp_graph_penalty(t->graph, NEURLP_LOSS_SQUARE, matrix(t));
}

static neurlp_value build_penalty_absolute(test_graph *t) {
  return neurlp_graph_penalty(t->graph, NEURLP_LOSS_ABSOLUTE, matrix(t));
}

/* Layers, with a residual whose projection is a convolution and one whose projection is dense. */
static neurlp_value build_layers(test_graph *t) {
  const neurlp_convolution walk = {.stride = 1, .dilation = 1, .padding = 1};
  const neurlp_value x = test_graph_parameter(t, neurlp_shape_of(3, SAMPLES, 2, 6));
  neurlp_value y = neurlp_layer_convolution(t->graph, "first", x, 3, 3, walk);
  y = neurlp_layer_residual(t->graph, "skip", x, neurlp_graph_gelu(t->graph, y));
  y = neurlp_layer_normalise(t->graph, "even", y, 2);
  return neurlp_layer_residual(t->graph, "last", y, neurlp_layer_dense(t->graph, "head", y, 4));
}

static const operation_case cases[] = {
    {"relu", build_relu},
    {"elu", build_elu},
    {"gelu", build_gelu},
    {"tanh", build_tanh},
    {"sigmoid", build_sigmoid},
    {"softplus", build_softplus},
    {"exp", build_exp},
    {"square", build_square},
    {"scale", build_scale},
    {"clip", build_clip},
    {"add", build_add},
    {"add a row", build_add_row},
    {"multiply by a column", build_multiply_column},
    {"multiply, both broadcast, used twice", build_multiply_outer},
    {"dense", build_dense},
    {"dense without bias", build_dense_plain},
    {"reduce", build_reduce},
    {"reduce to one number", build_reduce_all},
    {"reshape", build_reshape},
    {"convolution", build_convolution},
    {"convolution, circular, many samples", build_convolution_circular},
    {"normalise", build_normalise},
    {"concatenate", build_concatenate},
    {"slice", build_slice},
    {"permute", build_permute},
    {"broadcast", build_broadcast},
    {"square penalty", build_penalty_square},
    {"absolute penalty", build_penalty_absolute},
    {"layers", build_layers},
};

/* The other losses; the square one is under every other case. */
static void check_loss(neurlp_loss_kind kind, const char *name) {
  test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 7);
  const neurlp_value target = test_graph_constant(&t, neurlp_shape_of(2, SAMPLES, 5));
  /* a square, as absolute values have no curvature */
  const neurlp_value x = neurlp_graph_square(t.graph, matrix(&t));
  neurlp_graph_loss(t.graph, neurlp_graph_loss_of(t.graph, kind, x, target));
  test_graph_check_gradient(&t, name, 1);
  test_graph_close(&t);
}

int main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_graph t = test_graph_open(SAMPLES, NEURLP_DOUBLE, 100 + i);
    test_graph_square_loss(&t, cases[i].build(&t));
    test_graph_check_gradient(&t, cases[i].name, 1);
    test_graph_close(&t);
  }
  check_loss(NEURLP_LOSS_ABSOLUTE, "absolute loss");
  check_loss(NEURLP_LOSS_RELATIVE, "relative loss");
  return check_verdict();
}
