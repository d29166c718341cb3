#include "graph/cpu/elementary.h"
#include "graph/pointwise.h"

/* Functions of one number with what vectorises: neurlp_unary_value_vector, neurlp_unary_slope_vector. */
#ifdef NEURLP_GRAPH_SINGLE
NEURLP_POINTWISE_FUNCTIONS(real, vector, neurlp_exp, neurlp_expm1, log1pf, neurlp_tanh, neurlp_erf, fabsf)
#else
NEURLP_POINTWISE_FUNCTIONS(real, vector, neurlp_exp, neurlp_expm1, log1p, neurlp_tanh, neurlp_erf, fabs)
#endif

/* Numbers that a thread works on at a time. */
enum { PIECE = 2048 };

/* Functions of a piece for each kind: as the kind is known to the compiler, each has a loop of its own. */
#define DEFINE_KIND(KIND)                                                                                    \
  static void value_##KIND(int64_t count, real p, real q, const real *restrict x, real *restrict y) {        \
    for (int64_t i = 0; i < count; i++) y[i] = neurlp_unary_value_vector(NEURLP_UNARY_##KIND, p, q, x[i]);   \
  }                                                                                                          \
  static void slope_##KIND(int64_t count, real p, real q, const real *restrict x, const real *restrict dy,   \
                           real *restrict dx) {                                                              \
    for (int64_t i = 0; i < count; i++)                                                                      \
      dx[i] += dy[i] * neurlp_unary_slope_vector(NEURLP_UNARY_##KIND, p, q, x[i]);                           \
  }

#define EACH_KIND(X) X(RELU) X(ELU) X(GELU) X(TANH) X(SIGMOID) X(SOFTPLUS) X(SCALE) X(CLIP) X(EXP) X(SQUARE)

EACH_KIND(DEFINE_KIND)

typedef struct piece_functions {
  void (*value)(int64_t count, real p, real q, const real *restrict x, real *restrict y);
  void (*slope)(int64_t count, real p, real q, const real *restrict x, const real *restrict dy,
                real *restrict dx);
} piece_functions;

#define TABLE_ROW(KIND) [NEURLP_UNARY_##KIND] = {value_##KIND, slope_##KIND},
static const piece_functions functions[NEURLP_UNARY_COUNT] = {EACH_KIND(TABLE_ROW)};

static int64_t piece_length(int64_t numbers, int64_t first) {
  return numbers - first < PIECE ? numbers - first : PIECE;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const real *x = neurlp_graph_node(graph, node->inputs[0])->data;
  const real p = (real)node->attributes.numbers[0], q = (real)node->attributes.numbers[1];
  const piece_functions *f = &functions[node->attributes.unary];
  real *y = node->data;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t first = 0; first < node->numbers; first += PIECE)
    f->value(piece_length(node->numbers, first), p, q, x + first, y + first);
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const real *x = input->data, *dy = node->gradient;
  const real p = (real)node->attributes.numbers[0], q = (real)node->attributes.numbers[1];
  const piece_functions *f = &functions[node->attributes.unary];
  real *dx = input->gradient;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t first = 0; first < node->numbers; first += PIECE)
    f->slope(piece_length(node->numbers, first), p, q, x + first, dy + first, dx + first);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_unary) = {forward, backward};
