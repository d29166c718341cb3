#include "graph/cpu/column_sum.h"

#include <math.h>

/* Mean of a row, and one over the root of its mean square deviation plus epsilon. */
static void measure(const real *x, int64_t count, double epsilon, double *saved) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)x[i];
  const double mean = sum / (double)count;
  for (int64_t i = 0; i < count; i++) {
    const double deviation = (double)x[i] - mean;
    squares += deviation * deviation;
  }
  saved[0] = mean;
  saved[1] = 1 / sqrt(squares / (double)count + epsilon);
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const bool affine = node->input_count == 3;
  const real *gain = affine ? neurlp_graph_node(graph, node->inputs[1])->data : NULL;
  const real *shift = affine ? neurlp_graph_node(graph, node->inputs[2])->data : NULL;
  const int64_t count = node->attributes.count, rows = node->numbers / count;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t row = 0; row < rows; row++) {
    const real *x = (const real *)input->data + row * count;
    real *y = (real *)node->data + row * count;
    double *saved = (double *)node->saved + 2 * row;
    measure(x, count, node->attributes.numbers[0], saved);
    for (int64_t i = 0; i < count; i++) y[i] = (real)(((double)x[i] - saved[0]) * saved[1]);
    for (int64_t i = 0; affine && i < count; i++) y[i] = y[i] * gain[i] + shift[i];
  }
  return NEURLP_SUCCESS;
}

/* With z = (x - mean) r and g = gain dy: dx += r (g - mean of g - z times the mean of g z). */
static void row_backward(const real *x, const real *gain, const real *dy, int64_t count, const double *saved,
                         real *dx) {
  const double mean = saved[0], r = saved[1];
  double sum = 0, product = 0;
  for (int64_t i = 0; i < count; i++) {
    const double g = (double)dy[i] * (gain ? (double)gain[i] : 1);
    sum += g;
    product += g * (((double)x[i] - mean) * r);
  }
  sum /= (double)count;
  product /= (double)count;
  for (int64_t i = 0; i < count; i++) {
    const double g = (double)dy[i] * (gain ? (double)gain[i] : 1);
    dx[i] += (real)(r * (g - sum - ((double)x[i] - mean) * r * product));
  }
}

/* dgain[i] += sum over rows of dy z. */
static void gain_backward(const neurlp_graph *graph, const neurlp_node *node, const real *x, real *dgain) {
  const int64_t columns = node->attributes.count, rows = node->numbers / columns;
  const real *dy = node->gradient;
  const double *saved = node->saved;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph)) schedule(static)
  for (int64_t first = 0; first < columns; first += NEURLP_SUM_COLUMNS) {
    const int64_t rest = columns - first, count = rest < NEURLP_SUM_COLUMNS ? rest : NEURLP_SUM_COLUMNS;
    double sum[NEURLP_SUM_COLUMNS] = {0};
    for (int64_t row = 0; row < rows; row++)
      for (int64_t i = 0; i < count; i++) {
        const int64_t at = row * columns + first + i;
        sum[i] += (double)dy[at] * (((double)x[at] - saved[2 * row]) * saved[2 * row + 1]);
      }
    for (int64_t i = 0; i < count; i++) dgain[first + i] += (real)sum[i];
  }
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *gain = node->input_count == 3 ? neurlp_graph_node(graph, node->inputs[1]) : NULL;
  const neurlp_node *shift = node->input_count == 3 ? neurlp_graph_node(graph, node->inputs[2]) : NULL;
  const int64_t count = node->attributes.count, rows = node->numbers / count;
  if (x->trained) {
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t row = 0; row < rows; row++)
      row_backward((const real *)x->data + row * count, gain ? gain->data : NULL,
                   (const real *)node->gradient + row * count, count, (const double *)node->saved + 2 * row,
                   (real *)x->gradient + row * count);
  }
  if (gain && gain->trained) gain_backward(graph, node, x->data, gain->gradient);
  if (shift && shift->trained) neurlp_column_sum(graph, rows, count, node->gradient, shift->gradient);
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_normalise) = {forward, backward};
