#include "graph/cpu/real.h"
#include "graph/pointwise.h"

/* The kind is the same for all numbers, so it is chosen outside the loop: the compiler then has one loop for
 * each. */
#define EACH_KIND(BODY)                                                                                      \
  switch (node->attributes.unary) {                                                                          \
    BODY(RELU)                                                                                               \
    BODY(ELU)                                                                                                \
    BODY(GELU) BODY(TANH) BODY(SIGMOID) BODY(SOFTPLUS) BODY(SCALE) BODY(CLIP) BODY(EXP)                      \
        BODY(SQUARE) case NEURLP_UNARY_COUNT : break;                                                        \
  }

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const real *x = neurlp_graph_node(graph, node->inputs[0])->data;
  const real p = (real)node->attributes.numbers[0], q = (real)node->attributes.numbers[1];
  real *y = node->data;
#define VALUE(KIND)                                                                                          \
  case NEURLP_UNARY_##KIND:                                                                                  \
    _Pragma("omp parallel for num_threads(neurlp_graph_threads(graph))") for (int64_t i = 0;                 \
                                                                              i < node->numbers; i++) y[i] = \
        NEURLP_REAL(neurlp_unary_value)(NEURLP_UNARY_##KIND, p, q, x[i]);                                    \
    break;
  EACH_KIND(VALUE)
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const real *x = input->data, *dy = node->gradient;
  const real p = (real)node->attributes.numbers[0], q = (real)node->attributes.numbers[1];
  real *dx = input->gradient;
#define SLOPE(KIND)                                                                                          \
  case NEURLP_UNARY_##KIND:                                                                                  \
    _Pragma("omp parallel for num_threads(neurlp_graph_threads(graph))") for (int64_t i = 0;                 \
                                                                              i < node->numbers; i++)        \
        dx[i] += dy[i] * NEURLP_REAL(neurlp_unary_slope)(NEURLP_UNARY_##KIND, p, q, x[i]);                   \
    break;
  EACH_KIND(SLOPE)
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_unary) = {forward, backward};
