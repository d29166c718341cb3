#include "graph/operation/block.h"

#include "graph/cpu/real.h"

#include <string.h>

static int64_t systems_of(const neurlp_graph *graph, const neurlp_node *node) {
  return neurlp_graph_present(graph) * ((const neurlp_graph_block_state *)node->object)->blocks;
}

/* Where the numbers of system `first` begin in an array. */
static void *from_system(const neurlp_graph_block_state *block, neurlp_array array, void *data,
                         int64_t first) {
  return (real *)data + first * neurlp_array_extents(&block->shape, array).system_stride;
}

/* Inputs of systems first..first+count-1. What the solver has prepared is left out. */
static neurlp_inputs inputs_of(neurlp_graph *graph, const neurlp_node *node, int64_t first, int64_t count) {
  const neurlp_graph_block_state *block = node->object;
  const void *data[NEURLP_ARRAY_INPUTS] = {NULL};
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const neurlp_node *input = neurlp_block_array(graph, node, array);
    if (input) data[array] = from_system(block, array, input->data, first);
  }
  return (neurlp_inputs){.systems = count,
                         .coefficients = block->prepared ? NULL : data[NEURLP_ARRAY_COEFFICIENTS],
                         .rhs = data[NEURLP_ARRAY_RHS],
                         .initial_values = data[NEURLP_ARRAY_INITIAL_VALUES],
                         .final_values = data[NEURLP_ARRAY_FINAL_VALUES],
                         .steps = block->prepared ? NULL : data[NEURLP_ARRAY_STEPS]};
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node), all = block->shape.systems, each = node->numbers / all;
  neurlp_status *samples = neurlp_graph_sample_statuses(graph);
  real *u = node->data;
  const neurlp_inputs inputs = inputs_of(graph, node, 0, systems);
  if (systems > 0) {
    const neurlp_status status = neurlp_solver_solve(block->solver, &inputs, u, block->statuses);
    if (status < 0) return status;
  }
  for (int64_t s = 0; s < systems; s++) {
    neurlp_status *sample = &samples[s / block->blocks];
    if (block->statuses[s] == NEURLP_SUCCESS) continue;
    if (*sample == NEURLP_SUCCESS) *sample = block->statuses[s];
    memset(u + s * each, 0, (size_t)each * sizeof *u);
  }
  if (systems < all) memset(u + systems * each, 0, (size_t)((all - systems) * each) * sizeof *u);
  return NEURLP_SUCCESS;
}

/* Gradients of systems first..first+count-1, in the scratch. Factors that the solver kept are those of all
 * systems; for some of them they are made again. */
static neurlp_status adjoint(neurlp_graph *graph, neurlp_node *node, int64_t first, int64_t count,
                             const neurlp_block_scratch *scratch) {
  neurlp_graph_block_state *block = node->object;
  const neurlp_gradients gradients = {.coefficients = scratch->gradients[NEURLP_ARRAY_COEFFICIENTS],
                                      .rhs = scratch->gradients[NEURLP_ARRAY_RHS],
                                      .initial_values = scratch->gradients[NEURLP_ARRAY_INITIAL_VALUES],
                                      .final_values = scratch->gradients[NEURLP_ARRAY_FINAL_VALUES],
                                      .steps = scratch->gradients[NEURLP_ARRAY_STEPS]};
  const neurlp_inputs inputs = inputs_of(graph, node, first, count);
  const void *solution = from_system(block, NEURLP_ARRAY_SOLUTION, node->data, first);
  if (block->shape.keep_factors && count < systems_of(graph, node)) {
    const neurlp_status status =
        neurlp_solver_solve(block->solver, &inputs, scratch->solution, block->adjoint_statuses);
    if (status < 0) return status;
    solution = scratch->solution;
  }
  return neurlp_solver_adjoint(block->solver, &inputs, solution,
                               from_system(block, NEURLP_ARRAY_SOLUTION, node->gradient, first), &gradients,
                               block->adjoint_statuses);
}

static void add_gradients(neurlp_graph *graph, const neurlp_node *node, int64_t first, int64_t count,
                          const neurlp_block_scratch *scratch) {
  const neurlp_graph_block_state *block = node->object;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const real *part = scratch->gradients[array];
    if (!part) continue;
    real *sum = from_system(block, array, neurlp_block_array(graph, node, array)->gradient, first);
    const int64_t numbers = neurlp_array_numbers(neurlp_array_extents(&block->shape, array), count);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t i = 0; i < numbers; i++) sum[i] += part[i];
  }
}

/* A failed system makes the gradient of what systems share NaN (math.md, section 3), so the adjoint is taken
 * of the runs of systems between failed ones: one call for all, as a rule. A system whose gradient is not
 * finite has failed, too, and its run is done again without it. */
static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node);
  const neurlp_block_scratch scratch = neurlp_block_scratch_at(graph, node, node->scratch);
  for (int64_t first = 0; first < systems;) {
    int64_t end = first;
    bool failed = false;
    while (end < systems && block->statuses[end] == NEURLP_SUCCESS) end++;
    if (end > first) {
      const neurlp_status status = adjoint(graph, node, first, end - first, &scratch);
      if (status < 0) return status;
    }
    for (int64_t s = first; s < end; s++) {
      failed = failed || block->adjoint_statuses[s - first] != NEURLP_SUCCESS;
      block->statuses[s] = block->adjoint_statuses[s - first];
    }
    if (failed) continue;
    if (end > first) add_gradients(graph, node, first, end - first, &scratch);
    first = end + 1;
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_block) = {forward, backward};
