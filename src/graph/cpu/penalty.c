#include "graph/cpu/real.h"

#include <math.h>

/* The part of the batch that this shard is. */
static double share(const neurlp_graph *graph) {
  return neurlp_graph_weight(graph) * (double)neurlp_graph_present(graph);
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const bool absolute = node->attributes.loss == NEURLP_LOSS_ABSOLUTE;
  const real *x = input->data;
  double sum = 0;
  for (int64_t i = 0; i < input->numbers; i++)
    sum += absolute ? fabs((double)x[i]) : (double)x[i] * (double)x[i];
  *(real *)node->data = (real)(share(graph) * sum);
  return NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *input = neurlp_graph_node(graph, node->inputs[0]);
  const real factor = (real)((double)*(const real *)node->gradient * share(graph)), twice = 2 * factor;
  const bool absolute = node->attributes.loss == NEURLP_LOSS_ABSOLUTE;
  const real *x = input->data;
  real *dx = input->gradient;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t i = 0; i < input->numbers; i++)
    dx[i] += absolute ? factor * (real)((x[i] > 0) - (x[i] < 0)) : twice * x[i];
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_penalty) = {forward, backward};
