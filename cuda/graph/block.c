/* Linear blocks: the solver takes the arrays where they are. It waits, and says on the host which systems have
 * failed; so what is before and after it in a pass is recorded apart (backend.c). The algorithm is that of
 * graph/cpu/block.c. */
#include "graph/operation/block.h"

#include "cuda/graph/machine.h"

int64_t neurlp_block_systems_cuda(const neurlp_node *node) {
  if (node->role != NEURLP_ROLE_COMPUTED || node->operation != &neurlp_operation_block) return 0;
  return ((const neurlp_graph_block_state *)node->object)->shape.systems;
}

static int64_t systems_of(const neurlp_graph *graph, const neurlp_node *node) {
  return neurlp_graph_present(graph) * ((const neurlp_graph_block_state *)node->object)->blocks;
}

/* Inputs of the first `systems` systems; those in `copies`, unless that is NULL, from there. */
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

static neurlp_status wait(const neurlp_graph *graph) {
  neurlp_device *device = neurlp_graph_on_cuda(graph)->device;
  return device->operations->wait(device, 0);
}

/* Statuses of the block's systems to the device; the last ones that were sent have been waited for. */
static neurlp_status send_systems(const neurlp_graph *graph, const neurlp_node *node, int64_t systems) {
  const cuda_graph *g = neurlp_graph_on_cuda(graph);
  const neurlp_graph_block_state *block = node->object;
  for (int64_t s = 0; s < systems; s++) g->pinned_systems[s] = (int32_t)block->statuses[s];
  return g->device->operations->copy(g->device, 0, g->systems, g->pinned_systems,
                                     (size_t)systems * sizeof *g->systems);
}

/* to = from, with `good` or nothing where a system has failed or is not among the first `present`; of all. */
static neurlp_status start_select(const neurlp_graph *graph, int64_t all, int64_t present, int64_t numbers,
                                  int64_t good, const void *from, void *to) {
  const neurlp_cuda_select work = {.statuses = neurlp_graph_on_cuda(graph)->systems,
                                   .systems = all,
                                   .present = present,
                                   .numbers = numbers,
                                   .good = good,
                                   .from = from,
                                   .to = to};
  return neurlp_start_cuda(graph, &neurlp_cuda_sample_kernels_of(neurlp_graph_single(graph))->select,
                           all * numbers, &work, sizeof work);
}

/* ---- forward ----------------------------------------------------------------------------------------- */

/* Samples of systems that have failed; whether there are any. */
static bool note_failures(neurlp_graph *graph, const neurlp_node *node, int64_t systems) {
  const neurlp_graph_block_state *block = node->object;
  neurlp_status *samples = neurlp_graph_sample_statuses(graph);
  bool failed = false;
  for (int64_t s = 0; s < systems; s++) {
    if (block->statuses[s] == NEURLP_SUCCESS) continue;
    failed = true;
    if (samples[s / block->blocks] == NEURLP_SUCCESS) samples[s / block->blocks] = block->statuses[s];
  }
  return failed;
}

static neurlp_status forward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node), all = block->shape.systems, each = node->numbers / all;
  const neurlp_inputs inputs = inputs_of(graph, node, systems, NULL);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(wait(graph));
  if (systems > 0) NEURLP_TRY(neurlp_solver_solve(block->solver, &inputs, node->data, block->statuses));
  const bool failed = note_failures(graph, node, systems);
  status = NEURLP_SUCCESS;
  if (!failed && systems == all) return status;
  NEURLP_TRY(send_systems(graph, node, systems));
  NEURLP_TRY(start_select(graph, all, systems, each, -1, node->data, node->data));
  status = neurlp_graph_send_statuses_cuda(graph);
done:
  return status;
}

/* ---- backward ---------------------------------------------------------------------------------------- */

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

/* In the copies every failed system is the good one again, and the loss does not depend on it. Solved anew, as
 * the solver's factors have to be those of these systems. */
static neurlp_status replace_failed(neurlp_graph *graph, const neurlp_node *node, int64_t systems,
                                    int64_t good, const neurlp_block_scratch *scratch) {
  neurlp_graph_block_state *block = node->object;
  const int64_t each = node->numbers / block->shape.systems;
  const neurlp_inputs inputs = inputs_of(graph, node, systems, scratch->copies);
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(send_systems(graph, node, systems));
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++)
    if (scratch->copies[array])
      NEURLP_TRY(start_select(graph, systems, systems, neurlp_array_extents(&block->shape, array).per_system,
                              good, neurlp_block_array(graph, node, array)->data, scratch->copies[array]));
  NEURLP_TRY(start_select(graph, systems, systems, each, -1, node->gradient, scratch->grad_output));
  NEURLP_TRY(wait(graph));
  status = neurlp_solver_solve(block->solver, &inputs, scratch->solution, block->adjoint_statuses);
done:
  return status;
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
  neurlp_status status = NEURLP_SUCCESS;
  for (bool again = true; again;) {
    bool failed = false;
    *good = find_good(block->statuses, systems, &failed);
    if (*good < 0) return NEURLP_SUCCESS;
    if (failed) NEURLP_TRY(replace_failed(graph, node, systems, *good, scratch));
    const neurlp_inputs inputs = inputs_of(graph, node, systems, failed ? scratch->copies : NULL);
    NEURLP_TRY(neurlp_solver_adjoint(block->solver, &inputs, failed ? scratch->solution : node->data,
                                     failed ? scratch->grad_output : node->gradient, &gradients,
                                     block->adjoint_statuses));
    again = false;
    for (int64_t s = 0; s < systems; s++) {
      if (block->adjoint_statuses[s] == NEURLP_SUCCESS || block->statuses[s] != NEURLP_SUCCESS) continue;
      block->statuses[s] = block->adjoint_statuses[s];
      again = true;
    }
  }
done:
  return status < 0 ? status : NEURLP_SUCCESS;
}

static neurlp_status backward(neurlp_graph *graph, neurlp_node *node) {
  neurlp_graph_block_state *block = node->object;
  const int64_t systems = systems_of(graph, node);
  const neurlp_block_scratch scratch = neurlp_block_scratch_at(graph, node, node->scratch);
  neurlp_status status = NEURLP_SUCCESS;
  int64_t good = -1;
  if (systems == 0) return status;
  NEURLP_TRY(wait(graph));
  NEURLP_TRY(adjoint(graph, node, systems, &scratch, &good));
  if (good < 0) return NEURLP_SUCCESS;
  for (neurlp_array array = 0; array < NEURLP_ARRAY_INPUTS; array++) {
    if (!scratch.gradients[array]) continue;
    const int64_t numbers = neurlp_array_numbers(neurlp_array_extents(&block->shape, array), systems);
    NEURLP_TRY(neurlp_graph_add_to_cuda(graph, numbers, 1, neurlp_block_array(graph, node, array)->gradient,
                                        scratch.gradients[array]));
  }
done:
  return status;
}

const neurlp_kernel neurlp_kernel_block_cuda = {forward, backward};
