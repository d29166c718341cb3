#include "graph/cpu/real.h"

#include <math.h>

static bool counts(const neurlp_graph *graph, const neurlp_status *statuses, int64_t s) {
  return s < neurlp_graph_present(graph) && statuses[s] == NEURLP_SUCCESS;
}

/* What relative errors are divided by: the mean square of the known targets, or 1 where there is none. */
static double mean_square(const real *target, int64_t count) {
  double sum = 0;
  int64_t known = 0;
  for (int64_t i = 0; i < count; i++)
    if (!isnan(target[i])) {
      sum += (double)target[i] * (double)target[i];
      known++;
    }
  return sum > 0 ? sum / (double)known : 1;
}

static double sample_loss(neurlp_loss_kind kind, const real *x, const real *target, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    const double error = (double)x[i] - (double)target[i];
    if (isnan(target[i])) continue;
    sum += kind == NEURLP_LOSS_ABSOLUTE ? fabs(error) : error * error;
  }
  return sum / (double)count / (kind == NEURLP_LOSS_RELATIVE ? mean_square(target, count) : 1);
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const real *target = neurlp_graph_node(graph, node->inputs[1])->data;
  const neurlp_status *statuses = neurlp_graph_sample_statuses(graph);
  const int64_t samples = neurlp_graph_samples(graph), each = x->numbers / samples;
  double *parts = node->saved, sum = 0;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t s = 0; s < samples; s++)
    parts[s] =
        counts(graph, statuses, s)
            ? sample_loss(node->attributes.loss, (const real *)x->data + s * each, target + s * each, each)
            : 0;
  for (int64_t s = 0; s < samples; s++) sum += parts[s];
  *(real *)node->data = (real)(neurlp_graph_weight(graph) * sum);
  return NEURLP_SUCCESS;
}

/* Adds factor times the derivative of a sample's sum of terms. */
static void add_gradient(neurlp_loss_kind kind, const real *x, const real *target, int64_t count,
                         double factor, real *dx) {
  for (int64_t i = 0; i < count; i++) {
    const double error = (double)x[i] - (double)target[i];
    if (isnan(target[i])) continue;
    const double slope = kind == NEURLP_LOSS_ABSOLUTE ? (double)((error > 0) - (error < 0)) : 2 * error;
    dx[i] += (real)(factor * slope);
  }
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const real *target = neurlp_graph_node(graph, node->inputs[1])->data;
  const neurlp_status *statuses = neurlp_graph_sample_statuses(graph);
  const neurlp_loss_kind kind = node->attributes.loss;
  const int64_t samples = neurlp_graph_samples(graph), each = x->numbers / samples;
  const double seed = (double)*(const real *)node->gradient * neurlp_graph_weight(graph) / (double)each;
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
  for (int64_t s = 0; s < samples; s++) {
    if (!counts(graph, statuses, s)) continue;
    const real *t = target + s * each;
    const double unit = kind == NEURLP_LOSS_RELATIVE ? mean_square(t, each) : 1;
    add_gradient(kind, (const real *)x->data + s * each, t, each, seed / unit,
                 (real *)x->gradient + s * each);
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_loss) = {forward, backward};
