#include "graph/operation/library.h"

#include "graph/cpu/real.h"

#include <omp.h>

/* Points [count][D], and how many of them a sample has: 0 if they belong to no sample. */
typedef struct points {
  const real *x;
  int64_t count, per_sample, groups;
} points;

static points points_of(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const int64_t samples = neurlp_graph_samples(graph), count = x->numbers / terms->variables;
  const bool own = x->shape.rank > 1 && x->shape.extents[0] % samples == 0;
  return (points){.x = x->data,
                  .count = count,
                  .per_sample = own ? count / samples : 0,
                  .groups = (count + NEURLP_PROGRAM_LANES - 1) / NEURLP_PROGRAM_LANES};
}

/* A term may be infinite where a sample has failed or is absent, so nothing is made of these. */
static bool counts(neurlp_graph *graph, const points *p, int64_t point) {
  return p->per_sample == 0 || neurlp_graph_sample_counts(graph, point / p->per_sample);
}

static neurlp_library_lanes lanes_of_thread(neurlp_graph *graph, const neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const size_t thread = (size_t)omp_get_thread_num();
  neurlp_library_lanes lanes = neurlp_library_lanes_at(terms, (unsigned char *)node->scratch +
                                                                  thread * neurlp_library_lanes_bytes(terms));
  for (int32_t k = 0; k < terms->variables; k++) {
    lanes.inputs[k] = lanes.points + k;
    lanes.strides[k] = terms->variables;
  }
  for (int32_t i = 0; i < terms->parameters; i++) {
    lanes.parameters[i] = ((const real *)neurlp_graph_node(graph, node->inputs[1])->data)[i];
    lanes.inputs[terms->variables + i] = lanes.parameters + i;
    lanes.strides[terms->variables + i] = 0;
  }
  return lanes;
}

/* Runs a program at the points of a group; returns how many they are. Output i of point q is then at
 * lanes->outputs[i * that + q]. */
static int64_t run(const neurlp_graph_library_terms *terms, const neurlp_program *program, const points *p,
                   int64_t group, const neurlp_library_lanes *lanes) {
  const int64_t first = group * NEURLP_PROGRAM_LANES, left = p->count - first;
  const int64_t count = left < NEURLP_PROGRAM_LANES ? left : NEURLP_PROGRAM_LANES;
  const real *x = p->x + first * terms->variables;
  for (int64_t i = 0; i < count * terms->variables; i++) lanes->points[i] = x[i];
  neurlp_program_run(program, count, lanes->inputs, lanes->strides, lanes->outputs, lanes->workspace);
  return count;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const points p = points_of(graph, node);
  const int64_t L = terms->terms;
#pragma omp parallel num_threads(neurlp_graph_threads(graph))
  {
    const neurlp_library_lanes lanes = lanes_of_thread(graph, node);
#pragma omp for
    for (int64_t group = 0; group < p.groups; group++) {
      const int64_t count = run(terms, terms->values, &p, group, &lanes);
      const int64_t first = group * NEURLP_PROGRAM_LANES;
      for (int64_t q = 0; q < count; q++) {
        real *y = (real *)node->data + (first + q) * L;
        const bool good = counts(graph, &p, first + q);
        for (int64_t l = 0; l < L; l++) y[l] = good ? (real)lanes.outputs[l * count + q] : 0;
      }
    }
  }
  return NEURLP_SUCCESS;
}

/* Adds what a group's slopes make of dy to dx, and to the group's part of the gradients of parameters. */
static void add_group(neurlp_graph *graph, const neurlp_graph_library_terms *terms, const points *p,
                      int64_t first, int64_t count, const double *slopes, const real *dy, real *dx,
                      double *parts) {
  const int64_t L = terms->terms, D = terms->variables;
  for (int64_t q = 0; q < count; q++) {
    if (!counts(graph, p, first + q)) continue;
    const real *from = dy + (first + q) * L;
    real *to = dx ? dx + (first + q) * D : NULL;
    for (int32_t i = 0; i < terms->slope_count; i++) {
      const int32_t symbol = terms->slope_symbol[i];
      const double d = (double)from[terms->slope_term[i]];
      const double part = d == 0 ? 0 : d * slopes[i * count + q]; /* also where the slope is infinite */
      if (symbol >= D)
        parts[symbol - D] += part;
      else if (to)
        to[symbol] += (real)part;
    }
  }
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  const neurlp_graph_library_terms *terms = node->object;
  const neurlp_node *x = neurlp_graph_node(graph, node->inputs[0]);
  const neurlp_node *parameters = node->input_count == 2 ? neurlp_graph_node(graph, node->inputs[1]) : NULL;
  const points p = points_of(graph, node);
  const int64_t P = terms->parameters;
  double *parts = (double *)(void *)((unsigned char *)node->scratch +
                                     (size_t)neurlp_graph_threads(graph) * neurlp_library_lanes_bytes(terms));
  if (!terms->slopes) return NEURLP_SUCCESS;
#pragma omp parallel num_threads(neurlp_graph_threads(graph))
  {
    const neurlp_library_lanes lanes = lanes_of_thread(graph, node);
#pragma omp for
    for (int64_t group = 0; group < p.groups; group++) {
      const int64_t count = run(terms, terms->slopes, &p, group, &lanes);
      for (int64_t i = 0; i < P; i++) parts[group * P + i] = 0;
      add_group(graph, terms, &p, group * NEURLP_PROGRAM_LANES, count, lanes.outputs, node->gradient,
                x->trained ? x->gradient : NULL, parts + group * P);
    }
  }
  for (int64_t i = 0; parameters && parameters->trained && i < P; i++) {
    double sum = 0;
    for (int64_t group = 0; group < p.groups; group++) sum += parts[group * P + i];
    ((real *)parameters->gradient)[i] += (real)sum;
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_library) = {forward, backward};
