#include "graph/operation/block.h"

#include "graph/cpu/real.h"

#include <string.h>

static int64_t systems_of(const neurlp_graph *graph, const neurlp_node *node) {
  return neurlp_graph_present(graph) * ((const neurlp_graph_block_state *)node->object)->blocks;
}

/* Inputs of the first `systems` systems; those in `copies`, unless that is NULL, from there. What the solver
 * has prepared is left out. */
static neurlp_inputs inputs_of(neurlp_graph *graph, const neurlp_node *node, int64_t systems,
                               void *const *copies) {
  const neurlp_graph_block_state *block = node->object;
  const void *data[NEURLP_ARRAY_INPUTS] = {NULL};
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const neurlp_node *input = neurlp_block_array(graph, node, array);
    if (input) data[array] = copies && copies[array] ? copies[array] : input->data;
  }
  return (neurlp_inputs){.systems = systems,
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
  const neurlp_inputs inputs = inputs_of(graph, node, systems, NULL);
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

/* The first system that has not failed, or -1; and whether others have. */
static int64_t find_good(const neurlp_status *statuses, int64_t systems, bool *failed) {
  int64_t good = -1;
  *failed = false;
  for (int64_t s = systems - 1; s >= 0; s--)
    if (statuses[s] == NEURLP_SUCCESS)
      good = s;
    else
      *failed = true;
  return good;
}

static void copy_system(void *array, int64_t numbers, int64_t to, int64_t from) {
  memcpy((real *)array + to * numbers, (const real *)array + from * numbers, (size_t)numbers * sizeof(real));
}

/* In the copies every failed system is the good one again, so that it has finite multipliers, and the loss
 * does not depend on it, so that they are zero: it adds exactly nothing to what systems share. Solved anew,
 * as the solver's factors have to be those of these systems. */
static neurlp_status replace_failed(neurlp_graph *graph, const neurlp_node *node, int64_t systems,
                                    int64_t good, const neurlp_block_scratch *scratch) {
  neurlp_graph_block_state *block = node->object;
  const int64_t each = node->numbers / block->shape.systems;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const int64_t numbers = neurlp_array_extents(&block->shape, array).per_system;
    if (!scratch->copies[array]) continue;
    memcpy(scratch->copies[array], neurlp_block_array(graph, node, array)->data,
           (size_t)(systems * numbers) * sizeof(real));
    for (int64_t s = 0; s < systems; s++)
      if (block->statuses[s] != NEURLP_SUCCESS) copy_system(scratch->copies[array], numbers, s, good);
  }
  memcpy(scratch->grad_output, node->gradient, (size_t)(systems * each) * sizeof(real));
  for (int64_t s = 0; s < systems; s++)
    if (block->statuses[s] != NEURLP_SUCCESS)
      memset((real *)scratch->grad_output + s * each, 0, (size_t)each * sizeof(real));
  const neurlp_inputs inputs = inputs_of(graph, node, systems, scratch->copies);
  return neurlp_solver_solve(block->solver, &inputs, scratch->solution, block->adjoint_statuses);
}

/* Makes the gradients in the scratch. Systems whose gradient is not finite have failed, too, and are replaced
 * in their turn: each round leaves fewer. *good < 0 in the end: there is nothing to add. */
static neurlp_status adjoint(neurlp_graph *graph, neurlp_node *node, int64_t systems,
                             const neurlp_block_scratch *scratch, int64_t *good) {
  neurlp_graph_block_state *block = node->object;
  const neurlp_gradients gradients = {.coefficients = scratch->gradients[NEURLP_ARRAY_COEFFICIENTS],
                                      .rhs = scratch->gradients[NEURLP_ARRAY_RHS],
                                      .initial_values = scratch->gradients[NEURLP_ARRAY_INITIAL_VALUES],
                                      .final_values = scratch->gradients[NEURLP_ARRAY_FINAL_VALUES],
                                      .steps = scratch->gradients[NEURLP_ARRAY_STEPS]};
  for (;;) {
    bool failed = false, fails_now = false;
    *good = find_good(block->statuses, systems, &failed);
    if (*good < 0) return NEURLP_SUCCESS;
    neurlp_status status = NEURLP_SUCCESS;
    if (failed) status = replace_failed(graph, node, systems, *good, scratch);
    if (status < 0) return status;
    const neurlp_inputs inputs = inputs_of(graph, node, systems, failed ? scratch->copies : NULL);
    status = neurlp_solver_adjoint(block->solver, &inputs, failed ? scratch->solution : node->data,
                                   failed ? scratch->grad_output : node->gradient, &gradients,
                                   block->adjoint_statuses);
    if (status < 0) return status;
    for (int64_t s = 0; s < systems; s++) {
      if (block->adjoint_statuses[s] == NEURLP_SUCCESS || block->statuses[s] != NEURLP_SUCCESS) continue;
      block->statuses[s] = block->adjoint_statuses[s];
      fails_now = true;
    }
    if (!fails_now) return NEURLP_SUCCESS;
  }
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node);
  const neurlp_block_scratch scratch = neurlp_block_scratch_at(graph, node, node->scratch);
  int64_t good = -1;
  if (systems == 0) return NEURLP_SUCCESS;
  const neurlp_status status = adjoint(graph, node, systems, &scratch, &good);
  if (status < 0 || good < 0) return status;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    const real *part = scratch.gradients[array];
    if (!part) continue;
    real *sum = neurlp_block_array(graph, node, array)->gradient;
    const int64_t numbers = neurlp_array_numbers(neurlp_array_extents(&block->shape, array), systems);
#pragma omp parallel for num_threads(neurlp_graph_threads(graph))
    for (int64_t i = 0; i < numbers; i++) sum[i] += part[i];
  }
  return NEURLP_SUCCESS;
}

const neurlp_kernel NEURLP_REAL(neurlp_kernel_block) = {forward, backward};
